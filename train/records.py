"""The records of metrics/, beside those of `catalogue.schema`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What the chosen arm said of one test photo: a line of metrics/answers.jsonl."""

    photo_id: str
    truth: str  # brand/product
    is_known: bool  # whether any net was trained on the product
    answer: str  # brand/product
    confidence: float
    right: tuple[str, ...] = ()  # arms that name the product, the chosen one or not
    right_within: tuple[str, ...] = ()  # arms that do when the brand is given
