"""The saved pages of tests/fixtures/sites: fields right, reader by reader and merged.

The pages were made beside the readers, so this shows what each reader can do and what broke since;
it is no estimate for shops that nobody has looked at.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from crawler import links
from crawler.items import Claim, Page
from crawler.judge import refusal
from crawler.listing import to_records
from crawler.readers import LADDER, read_product

FIELDS = ("name", "brand_text", "sku", "color", "pictures")
Told = dict[str, Any]


def measure(folder: Path) -> Told:
    """Counts by reader and field: ``right`` of ``told``, out of ``wanted``."""
    counts: dict[str, Counter[str]] = {}
    whole = 0
    cases = sorted(path for path in folder.iterdir() if path.is_dir())
    for case in cases:
        expected = json.loads((case / "expected.json").read_text("utf-8"))
        text = (case / "page.html").read_text("utf-8")
        wanted: list[Told] = expected["items"]
        found = _merged(links.page_of(expected["url"], text))
        whole += found == [_picked(item, item) for item in wanted] or _agree(found, wanted)
        _count(counts.setdefault("merged", Counter()), found, wanted)
        for _, read in LADDER:
            name = read.__module__.rsplit(".", 1)[-1]  # two readers share the source embedded-json
            page = links.page_of(expected["url"], text)
            told = [item for claim in read(page)[:1] for item in _items(claim)]
            _count(counts.setdefault(name, Counter()), told, wanted)
    return {
        "cases": len(cases),
        "cases_all_right": whole,
        "readers": {name: _shares(count) for name, count in counts.items()},
    }


def _merged(page: Page) -> list[Told]:
    claim, crumbs, is_told = read_product(page)
    if claim is None or refusal(page, claim, crumbs, is_told) is not None:
        return []
    records = to_records(claim, crumbs, page)
    return [{**fields, "pictures": [p.urls[0] for p in shown]} for fields, shown in records]


def _items(claim: Claim) -> list[Told]:
    entries = claim.variants if len(claim.variants) > 1 else [claim]
    return [
        {
            "name": entry.name or claim.name,
            "brand_text": entry.brand_text or claim.brand_text,
            "sku": entry.sku,
            "color": entry.color,
            "pictures": [picture.urls[0] for picture in entry.pictures],
        }
        for entry in entries
    ]


def _picked(item: Told, by: Told) -> Told:
    return {key: item.get(key) for key in by}


def _agree(found: list[Told], wanted: list[Told]) -> bool:
    if len(found) != len(wanted):
        return False
    return all(_picked(one, other) == other for one, other in zip(found, wanted, strict=True))


def _count(count: Counter[str], found: list[Told], wanted: list[Told]) -> None:
    for place, item in enumerate(wanted):
        told = found[place] if place < len(found) else {}
        for field in FIELDS:
            if item.get(field):
                count[f"{field} wanted"] += 1
                count[f"{field} told"] += bool(told.get(field))
                count[f"{field} right"] += told.get(field) == item[field]


def _shares(count: Counter[str]) -> Told:
    kinds = ("right", "told", "wanted")
    return {field: {kind: count[f"{field} {kind}"] for kind in kinds} for field in FIELDS}
