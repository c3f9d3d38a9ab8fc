"""Whether a run found about as much as the feed has: a shop that changed its pages gives little, quietly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from crawler.journal import Journal, complete_items, digest, lines


def fallen_coverage(
    feed: Path, journal: Journal, sites: Collection[str], least: float
) -> dict[str, str]:
    """The ``sites`` that gave less than ``least`` of what the feed has of them, and what is missing.

    Counted are products of the feed that the run saw again, and pictures on disk per product of
    the items that it read again, of the same products.
    """
    known, again, read = Counter[str](), Counter[str](), dict[bytes, int]()
    for _, _, item in complete_items(journal.path) if journal.path.exists() else ():
        if item["site"] in sites:
            key = digest(item["site"], item["url"])
            read[key] = read.get(key, 0) + _pictures(item)
    before, now = Counter[str](), Counter[str]()
    counted: set[bytes] = set()
    for _, _, item in lines(feed):
        site = str(item.get("site"))
        if site not in sites:
            continue
        key = digest(site, str(item.get("url")))
        known[site] += 1
        again[site] += key in journal.urls
        if key in read:
            before[site] += _pictures(item)
            now[site] += 0 if key in counted else read[key]
            counted.add(key)
    fallen = {}
    for site in sorted(sites):
        if again[site] < least * known[site]:
            fallen[site] = f"{again[site]} of its {known[site]} known products were seen"
        elif now[site] < least * before[site]:
            fallen[site] = f"{now[site]} pictures of products that had {before[site]}"
    return fallen


def _pictures(item: dict[str, Any]) -> int:
    return sum(bool(image.get("sha256")) for image in item.get("images") or ())
