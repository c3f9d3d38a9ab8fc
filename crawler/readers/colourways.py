"""Variants of a product to colourways: what differs only in size is one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crawler.items import Claim
from crawler.words import without_size

_COLOR = re.compile(r"colou?r|farbe|couleur|색상|컬러|칼라|カラー|颜色", re.IGNORECASE)


def colourways(variants: Iterable[Claim]) -> list[Claim]:
    """One claim per colourway: variants that differ only in size become one.

    Variants without a colour are told apart by their name without a size; the first of each is
    kept, with the pictures of all.
    """
    held: dict[str, list[Claim]] = {}
    for variant in variants:
        key = (variant.color or without_size(variant.name or "")).casefold()
        held.setdefault(key, []).append(variant)
    return [_one(same) for same in held.values()]


def _one(same: list[Claim]) -> Claim:
    first = same[0]
    if len({variant.name for variant in same}) > 1:
        stems = {without_size(variant.name or "") for variant in same}
        first.name = stems.pop() or None if len(stems) == 1 else None
    for name in ("sku", "gtin"):
        if len({getattr(variant, name) for variant in same}) > 1:
            setattr(first, name, None)
    for variant in same[1:]:
        first.pictures += [entry for entry in variant.pictures if entry not in first.pictures]
    return first


def is_color_name(option: str) -> bool:
    """Whether an option or attribute of this name holds colours.

    >>> is_color_name("Colour"), is_color_name("pa_color"), is_color_name("색상"), is_color_name("Size")
    (True, True, True, False)
    """
    return bool(_COLOR.search(option))
