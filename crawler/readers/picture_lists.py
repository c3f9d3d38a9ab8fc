"""Lists of pictures in a page's scripts that name one of the product's: they name its other angles too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crawler import pictures
from crawler.items import Page, PictureClaim
from crawler.readers import picture_values, scripts

_PRODUCT_KEY = re.compile(r"price|sku|brand|href|permalink|product_?id", re.IGNORECASE)
_MOST = 60  # a longer list is a catalogue


def read(page: Page, anchors: list[str]) -> list[PictureClaim]:
    """Pictures of the lists that hold one of ``anchors``; of the only list there is, without any."""
    lists = list(_lists(page))
    if not anchors:
        return lists[0] if len(lists) == 1 else []
    keys = {pictures.picture_key(url) for url in anchors}
    stems = {stem for stem in map(pictures.file_stem, anchors) if len(stem) >= 10}
    return [claim for found in lists if _holds(found, keys, stems) for claim in found]


def _holds(found: list[PictureClaim], keys: set[str], stems: set[str]) -> bool:
    urls = [url for claim in found for url in claim.urls]
    return any(
        pictures.picture_key(url) in keys or pictures.file_stem(url) in stems for url in urls
    )


def _lists(page: Page) -> Iterator[list[PictureClaim]]:
    stack: list[tuple[Any, int]] = [(value, 0) for value in reversed(scripts.values(page))]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, list) and 2 <= len(value) <= _MOST and not _are_products(value):
            found = picture_values.claims(value, page.url)
            if len(found) >= 2:
                yield found
                continue
        if depth < 12 and isinstance(value, dict | list):
            inner = list(value.values()) if isinstance(value, dict) else value
            stack += [(entry, depth + 1) for entry in inner if isinstance(entry, dict | list)]


def _are_products(value: list[Any]) -> bool:
    return any(_PRODUCT_KEY.search(key) for e in value if isinstance(e, dict) for key in e)
