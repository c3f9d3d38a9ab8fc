"""Facts to verdicts: keep, review or reject, each with a reason and the number that decided.

A rule is a function from what is known about one photo to a `Judgement` or None. Rules reject only
on proof; what is merely odd is `review`, which trains unless a person says no. Add a rule to RULES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dataset.picture import Facts

BLANK_CONTRAST = 6  # of 255: the picture is one colour, JPEG noise apart
PLACEHOLDER_EDGES = (
    0.004  # share of canvas pixels at an edge; the plainest real shoe has 5 times it
)
BLURRED = 0.18  # steepness; the softest of 1,128 good photos has 0.25
PRINT_LETTERS = 12  # that stand in words
PRINT_SOLID = (
    0.05  # share of the canvas that is solid; photos with so many letter-like marks have 0.06
)
FLAT = 0.58  # in one colour: seven logos have 0.67 and more, the flattest of 967 real photos 0.40
COLLAGE_PARTS = 3  # a pair has two
SHARED_BY = 3  # products that show one picture: a stock picture or a logo, not one product's photo


@dataclass(frozen=True)
class Judgement:
    """What a rule decided."""

    verdict: str
    reason: str
    score: float | None  # what the rule measured


@dataclass(frozen=True)
class Evidence:
    """All that rules may look at for one photo."""

    facts: Facts
    products: int  # products of the whole catalogue that show these very bytes
    min_side_px: int
    decided: str | None = None  # keep | reject: a person's word


def judge(evidence: Evidence) -> Judgement | None:
    """The first rule's judgement that applies; None keeps the photo."""
    if evidence.decided == "keep" and not evidence.facts.fault:
        return None
    return next((found for rule in RULES if (found := rule(evidence)) is not None), None)


def _fault(evidence: Evidence) -> Judgement | None:
    fault = evidence.facts.fault
    return Judgement("reject", fault, None) if fault else None


def _too_small(evidence: Evidence) -> Judgement | None:
    side = min(evidence.facts.width_px or 0, evidence.facts.height_px or 0)
    if side >= evidence.min_side_px:
        return None
    return Judgement("reject", f"too small: shorter side under {evidence.min_side_px} px", side)


def _blank(evidence: Evidence) -> Judgement | None:
    contrast = evidence.facts.contrast or 0.0
    if contrast > BLANK_CONTRAST:
        return None
    return Judgement("reject", "blank: one colour", contrast)


def _shared(evidence: Evidence) -> Judgement | None:
    if evidence.products < SHARED_BY:
        return None
    return Judgement("reject", "placeholder: one picture under several products", evidence.products)


def _blurred(evidence: Evidence) -> Judgement | None:
    steepness = evidence.facts.steepness
    if steepness is None or steepness >= BLURRED:
        return None
    return Judgement("review", "blurred", steepness)


def _print(evidence: Evidence) -> Judgement | None:
    letters, solid = evidence.facts.letters or 0, evidence.facts.solid
    if letters < PRINT_LETTERS or solid is None or solid >= PRINT_SOLID:
        return None
    return Judgement("review", "mostly text: a size chart or a notice", letters)


def _collage(evidence: Evidence) -> Judgement | None:
    parts = evidence.facts.parts or 0
    if parts < COLLAGE_PARTS:
        return None
    return Judgement("review", "collage: several things of one size", parts)


def _plain(evidence: Evidence) -> Judgement | None:
    edges = evidence.facts.edges or 0.0
    if edges >= PLACEHOLDER_EDGES:
        return None
    return Judgement("review", "almost no detail", edges)


def _flat(evidence: Evidence) -> Judgement | None:
    flat = evidence.facts.flat or 0.0
    if flat < FLAT:
        return None
    return Judgement("review", "placeholder: one flat colour, a logo or a drawing", flat)


def _decided(evidence: Evidence) -> Judgement | None:
    if evidence.decided != "reject":
        return None
    return Judgement("reject", "overrides.csv: rejected by a person", None)


RULES: tuple[Callable[[Evidence], Judgement | None], ...] = (
    _fault,
    _decided,
    _too_small,
    _blank,
    _shared,
    _print,
    _blurred,
    _plain,
    _flat,
    _collage,
)
