"""The dedup stage from files to files: reads, calls the pure functions, writes a whole folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_json, write_manifest
from catalogue.schema import CleanPhoto
from dataset.decisions import Decisions
from dataset.dedup import Deduplicated, deduplicate
from dataset.files import replaced
from dataset.links import find_links
from dataset.signature import Signature, Signatures


def run_dedup(
    clean: Path, out: Path, narrow: int, wide: int, max_group: int, decisions: Decisions
) -> dict[str, Any]:
    """data/clean to data/dedup; the summary."""
    signatures = Signatures.of(read_manifest(clean / "signatures.jsonl", Signature))
    thumbs = _thumbs(clean / "thumbs.npy", len(signatures.canvases))
    links = find_links(signatures, thumbs, narrow, wide)
    photos = list(read_manifest(clean / "verdicts.jsonl", CleanPhoto))
    decided = decisions.of_photos(photo.photo_id for photo in photos)
    found = deduplicate(photos, signatures, links, max_group, decided)
    if not found.kept:
        reasons = Counter(photo.reason or "label conflict" for photo in photos).most_common(3)
        told = ", ".join(f"{reason} ({count})" for reason, count in reasons)
        raise CatalogueError(
            f"{clean}: none of {len(photos)} photos is left ({told or 'there were none'}); at least "
            "one is needed. Crawl more, or relax the clean section of params.yaml."
        )
    summary = _dedup_summary(photos, found)
    in_conflict = {one.photo_id: one.products for one in found.conflicts}
    summary["decisions_without_effect"] = sorted(
        f"{photo_id[:16]} belongs-to {'/'.join(product)}"
        for photo_id, product in decided.owners.items()
        if "/".join(product) not in in_conflict.get(photo_id, ())
    )
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
    return np.asarray(thumbs)  # still on disk: read where a pair is looked at


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
