"""The split stage from files to files: reads, assigns, has it audited, writes a whole folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalogue.manifest import read_manifest, write_json, write_manifest
from catalogue.params import check_brands
from catalogue.schema import Sample
from dataset.audit import audit
from dataset.files import replaced
from dataset.ledger import fingerprint, read_ledger, write_ledger
from dataset.records import DroppedLink, Kept, Removed
from dataset.split import Assigned, Shares, assign_splits


def run_split(
    dedup: Path, out: Path, ledger_file: Path, root: Path, listed: Collection[str], shares: Shares
) -> dict[str, Any]:
    """data/dedup to data/split and the ledger, audited before anything is written; the summary.

    Raises:
        CatalogueError: a file cannot be read, the audit fails, or an unknown brand is no slug.
    """
    kept = list(read_manifest(dedup / "kept.jsonl", Kept))
    photos = Counter(photo.brand for photo in kept)
    check_brands(shares.unknown_brands, photos, "params.yaml: split.unknown-brands")
    removed = read_manifest(dedup / "removed.jsonl", Removed)
    dropped = read_manifest(dedup / "dropped_links.jsonl", DroppedLink)
    params = fingerprint(shares.val, shares.test, shares.unknown_products, shares.seed)
    result = assign_splits(
        kept,
        {one.photo_id: one.keeper for one in removed},
        listed,
        shares,
        read_ledger(ledger_file, params),
    )
    summary = _split_summary(result, listed) | {"photos": dict(photos)}
    with replaced(out) as partial:
        _write_split(
            partial,
            result,
            photos.keys() - set(shares.unknown_brands) | set(listed),
        )
        found = audit(partial, root, {frozenset((one.first, one.second)) for one in dropped})
        summary["audited"] = found.photos
        summary["nearest"] = {brand: asdict(pair) for brand, pair in found.nearest.items()}
        write_json(partial / "summary.json", summary)
        write_ledger(ledger_file, result.ledger, params)
    return summary


def _write_split(folder: Path, result: Assigned, brands: Iterable[str]) -> None:
    by_brand: Mapping[str, list[Sample]] = defaultdict(list)
    for sample in result.known:
        by_brand[sample.brand].append(sample)
    for brand in sorted(brands):
        write_manifest(folder / f"{brand}.jsonl", by_brand[brand])
    write_manifest(folder / "_unknown.jsonl", result.unknown)


def _split_summary(result: Assigned, listed: Collection[str]) -> dict[str, Any]:
    present = {sample.photo_id[:16] for sample in result.known}
    return {
        "known": dict(Counter(sample.split for sample in result.known)),
        "listed": dict(Counter(one.split for one in result.known if one.brand in listed)),
        "unlisted": dict(Counter(one.brand for one in result.known if one.brand not in listed)),
        "unknown": dict(Counter(sample.split for sample in result.unknown)),
        "brands": {
            brand: _brand_summary([one for one in result.known if one.brand == brand])
            for brand in sorted({sample.brand for sample in result.known})
        },
        "few_photos": _few_photos(result.known),
        "unknown_products": sorted({f"{one.brand}/{one.product}" for one in result.unknown}),
        "exceptions": {
            photo: why for photo, why in result.ledger.exceptions.items() if photo in present
        },
        "dropped_unknown": sorted(result.dropped),
    }


def _few_photos(known: Iterable[Sample]) -> dict[str, dict[str, int]]:
    """Known products with one photo and with two, and how many of them a metric measures."""
    splits: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in known:
        splits[(one.brand, one.product)].append(one.split)
    return {
        name: {
            "products": sum(len(found) == count for found in splits.values()),
            "with_val_photo": sum(len(f) == count and "val" in f for f in splits.values()),
            "with_test_photo": sum(len(f) == count and "test" in f for f in splits.values()),
        }
        for name, count in (("one", 1), ("two", 2))
    }


def _brand_summary(samples: Sequence[Sample]) -> dict[str, int]:
    by_split = Counter(sample.split for sample in samples)
    products = {sample.product for sample in samples}
    tested = {sample.product for sample in samples if sample.split == "test"}
    return {
        "products": len(products),
        "products_without_test": len(products - tested),
        **{split: by_split[split] for split in ("train", "val", "test")},
    }
