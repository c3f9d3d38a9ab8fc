"""Choices that look random and never change: each follows from a text alone, by SHA-256.

Markup, language and faults of a page hang on its product's own name, so that a shop that grows
leaves its old pages as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def number(key: str, question: str, below: int) -> int:
    """A number in ``0..below-1`` that ``key`` and ``question`` alone decide."""
    digest = hashlib.sha256(f"{question}\n{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % below


def pick(key: str, question: str, shares: Sequence[tuple[str, int]]) -> str:
    """One of the names in ``shares``, each as often as its weight says."""
    left = number(key, question, sum(weight for _, weight in shares))
    for name, weight in shares:
        left -= weight
        if left < 0:
            return name
    raise ValueError("shares must hold at least one positive weight")
