"""The dedup and split stages from files to files: reads, calls the pure functions, writes a whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_json, write_manifest
from catalogue.schema import CleanPhoto, Sample
from dataset.audit import audit
from dataset.dedup import Deduplicated, deduplicate
from dataset.files import replaced
from dataset.ledger import fingerprint, read_ledger, write_ledger
from dataset.links import find_links
from dataset.records import DroppedLink, Kept, Removed
from dataset.signature import Signature
from dataset.split import Assigned, Shares, assign_splits


def run_dedup(clean: Path, out: Path, narrow: int, wide: int, max_group: int) -> dict[str, Any]:
    """data/clean to data/dedup; the summary."""
    photos = list(read_manifest(clean / "verdicts.jsonl", CleanPhoto))
    signatures = list(read_manifest(clean / "signatures.jsonl", Signature))
    thumbs = _thumbs(clean / "thumbs.npy", len(signatures))
    links = find_links(signatures, thumbs, narrow, wide)
    found = deduplicate(photos, signatures, links, max_group)
    if not found.kept:
        reasons = Counter(photo.reason or "label conflict" for photo in photos).most_common(3)
        told = ", ".join(f"{reason} ({count})" for reason, count in reasons)
        raise CatalogueError(
            f"{clean}: none of {len(photos)} photos is left ({told or 'there were none'}); at least "
            "one is needed. Crawl more, or relax the clean section of params.yaml."
        )
    summary = _dedup_summary(photos, found)
    with replaced(out) as partial:
        write_manifest(partial / "kept.jsonl", found.kept)
        write_manifest(partial / "removed.jsonl", found.removed)
        write_manifest(partial / "conflicts.jsonl", found.conflicts)
        write_manifest(partial / "dropped_links.jsonl", found.dropped_links)
        write_json(partial / "summary.json", summary)
    return summary


def _thumbs(path: Path, count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        thumbs = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CatalogueError(f"{path}: not readable ({error}). Rerun the clean stage.") from error
    if len(thumbs) != count:
        raise CatalogueError(
            f"{path}: {len(thumbs)} rows, but signatures.jsonl beside it has {count} lines. "
            "Rerun the clean stage."
        )
    return np.asarray(thumbs)


def _dedup_summary(photos: Sequence[CleanPhoto], found: Deduplicated) -> dict[str, Any]:
    clusters = Counter(photo.cluster_id for photo in found.kept)
    before = {(photo.brand, photo.product) for photo in photos}
    after = {(photo.brand, photo.product) for photo in found.kept}
    return {
        "photos": len(photos),
        "rejected": dict(
            Counter(
                (photo.reason or "").split(":")[0] for photo in photos if photo.verdict == "reject"
            )
        ),
        "kept": len(found.kept),
        "removed": dict(Counter(one.kind for one in found.removed)),
        "conflicts": dict(Counter(one.resolution for one in found.conflicts)),
        "leakage_groups": sum(count > 1 for count in clusters.values()),
        "largest_group": max(clusters.values(), default=0),
        "dropped_links": len(found.dropped_links),
        "products_without_photos": sorted("/".join(product) for product in before - after),
    }


def run_split(
    dedup: Path, out: Path, ledger_file: Path, root: Path, listed: Collection[str], shares: Shares
) -> dict[str, Any]:
    """data/dedup to data/split and the ledger, audited before anything is written; the summary."""
    kept = list(read_manifest(dedup / "kept.jsonl", Kept))
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
    summary = _split_summary(result)
    with replaced(out) as partial:
        _write_split(
            partial,
            result,
            {photo.brand for photo in kept} - set(shares.unknown_brands) | set(listed),
        )
        summary["audited"] = audit(
            partial, root, {frozenset((one.first, one.second)) for one in dropped}
        )
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


def _split_summary(result: Assigned) -> dict[str, Any]:
    present = {sample.photo_id[:16] for sample in result.known}
    return {
        "known": dict(Counter(sample.split for sample in result.known)),
        "unknown": dict(Counter(sample.split for sample in result.unknown)),
        "brands": {
            brand: _brand_summary([one for one in result.known if one.brand == brand])
            for brand in sorted({sample.brand for sample in result.known})
        },
        "unknown_products": sorted({f"{one.brand}/{one.product}" for one in result.unknown}),
        "exceptions": {
            photo: why for photo, why in result.ledger.exceptions.items() if photo in present
        },
        "dropped_unknown": sorted(result.dropped),
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
