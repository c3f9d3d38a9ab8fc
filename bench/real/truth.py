"""What a catalogue.csv says, and how much of it came through the crawl and the dataset stages."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue.brands import brand_slug
from catalogue.manifest import read_lines, read_manifest
from catalogue.schema import CleanPhoto, Listing
from catalogue.slugs import slug


@dataclass(frozen=True)
class Row:
    """One picture of a catalogue."""

    site: str
    photo_id: str  # SHA-256 of the file
    brand: str
    product: str  # unique within the brand
    name: str
    is_dirty: bool  # use=0: not a picture to train on
    note: str


def read_rows(folder: Path) -> list[Row]:
    """The rows whose picture is there."""
    found = []
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            picture = folder / line["image"]
            if not picture.is_file():
                continue
            found.append(
                Row(
                    site=folder.name,
                    photo_id=hashlib.sha256(picture.read_bytes()).hexdigest(),
                    brand=brand_slug(line["brand"]),
                    product=line.get("product_key") or line["product"],
                    name=line["product"],
                    is_dirty=line.get("use") == "0",
                    note=(line.get("note") or "").split(":")[0].split(";")[0][:40],
                )
            )
    return found


def compare(rows: Sequence[Row], data: Path) -> dict[str, Any]:
    """Counts per site of what was found, and what became of clean and of dirty rows."""
    listings = _listings(data / "crawl" / "items.jsonl")
    return {
        "crawl": {
            site: _crawl([row for row in rows if row.site == site], listings.get(site, []))
            for site in sorted({row.site for row in rows})
        },
        "dataset": _fates(rows, data),
    }


def _listings(feed: Path) -> dict[str, list[Listing]]:
    found: dict[str, list[Listing]] = {}
    for listing in read_manifest(feed, Listing):
        found.setdefault(listing.site, []).append(listing)
    return found


def _crawl(rows: Sequence[Row], listings: Iterable[Listing]) -> dict[str, Any]:
    """Products are matched by their pictures; then brand and name must agree."""
    owner = {row.photo_id: row for row in rows}
    products = {(row.brand, row.product) for row in rows}
    found, named, pictures = set(), set(), set()
    extra = 0
    for listing in listings:
        own = Counter[tuple[str, str]]()
        for image in listing.images:
            if image.sha256 in owner:
                pictures.add(image.sha256)
                own[(owner[image.sha256].brand, owner[image.sha256].product)] += 1
            elif image.sha256:
                extra += 1
        for key, _ in own.most_common(1):
            found.add(key)
            names = {row.name for row in rows if (row.brand, row.product) == key}
            if brand_slug(listing.brand_text) == key[0] and any(
                slug(name) in slug(listing.name or "") for name in names
            ):
                named.add(key)
    return {
        "products": len(products),
        "products_found": len(found),
        "brand_and_name_right": len(named),
        "pictures": len(owner),
        "pictures_found": len(pictures),
        "pictures_not_of_the_catalogue": extra,
    }


def _fates(rows: Sequence[Row], data: Path) -> dict[str, dict[str, int]]:
    """How each row ended, clean and dirty apart: kept, or the stage and reason that took it out."""
    fates: dict[str, str] = {}
    for photo in read_manifest(data / "clean" / "verdicts.jsonl", CleanPhoto):
        if photo.verdict == "reject":
            fates[photo.photo_id] = f"rejected: {(photo.reason or '').split(':')[0]}"
    for _, removed in read_lines(data / "dedup" / "removed.jsonl"):
        fates.setdefault(removed["photo_id"], f"duplicate: {removed['kind']}")
    for _, kept in read_lines(data / "dedup" / "kept.jsonl"):
        fates.setdefault(kept["photo_id"], "kept")
    for _, conflict in read_lines(data / "dedup" / "conflicts.jsonl"):
        fates.setdefault(conflict["photo_id"], f"conflict: {conflict['resolution']}")
    table: dict[str, Counter[str]] = {"clean rows": Counter()}
    for row in rows:
        kind = f"dirty rows, {row.note or 'no note'}" if row.is_dirty else "clean rows"
        table.setdefault(kind, Counter())[fates.get(row.photo_id, "not crawled")] += 1
    return {kind: dict(counts.most_common()) for kind, counts in table.items()}
