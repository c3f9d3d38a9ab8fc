"""Proof that nothing leaks between splits: reads the files as written and the pictures themselves.

Shares no code with `dataset.split` or `dataset.dedup`: hashes come from imagehash, distances from a
plain loop, likeness from a correlation of small colour pictures. Stricter links than the dedup
stage's, so that what it lets pass as different pictures is never called a leak.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.errors import CatalogueError, LeakageError
from catalogue.manifest import read_manifest
from catalogue.schema import Sample

CLOSE_BITS = 2
SMALL = 16  # px
UNLIKE = 0.002  # 1 - correlation of the small pictures: less is the same picture again
APART = 12  # largest difference of one small pixel's channel, 0..255


Look = tuple[int, NDArray[np.float64]]  # pHash, small colour picture


@dataclass(frozen=True)
class Nearest:
    """The two photos of one brand on different sides that look most alike."""

    distance: int  # bits between their pHashes
    unlikeness: float  # 1 - correlation of the small colour pictures, 0..2; decides among equals
    photos: tuple[str, str]  # photo ids
    paths: tuple[str, str]  # canvas files
    products: tuple[str, str]
    sides: tuple[str, str]  # train | val | test, or unknown val | unknown test


@dataclass(frozen=True)
class Audited:
    """What the audit saw where it found no leak."""

    photos: int
    nearest: dict[str, Nearest]  # by brand; brands that are on one side alone are not in it


def audit(split_folder: Path, root: Path, allowed: Iterable[frozenset[str]] = ()) -> Audited:
    """Check every manifest in ``split_folder``; how many photos, and how near each brand came to a leak.

    Args:
        split_folder: data/split or the folder about to become it.
        root: what the manifests' canvas paths are relative to.
        allowed: pairs of photo ids whose link the dedup stage dropped and reported.

    Raises:
        LeakageError: a cluster, a photo or a picture is in two splits, or a picture looks like one
            in another split.
        CatalogueError: a canvas is missing or not a picture; a known product has no train photo.

    Cost: one decode per photo, and quadratic comparison of hashes (0.1 s at 10,000 photos).
    """
    sides: list[tuple[Path, str, Sample]] = []
    for manifest in sorted(split_folder.glob("*.jsonl")):
        is_unknown = manifest.stem == "_unknown"
        for sample in read_manifest(manifest, Sample):
            side = f"unknown {sample.split}" if is_unknown else sample.split
            sides.append((manifest, side, sample))
    _check_names(sides)
    _check_products(sides)
    looks = [_look(root / sample.path) for _, _, sample in sides]
    _check_pictures(sides, looks, set(allowed))
    return Audited(len(sides), _nearest_pairs(sides, looks))


def _check_names(sides: Sequence[tuple[Path, str, Sample]]) -> None:
    """No cluster, no photo and no canvas on two sides."""
    seen: dict[str, tuple[str, str]] = {}
    for manifest, side, sample in sides:
        for name in (f"cluster {sample.cluster_id}", sample.photo_id, sample.path):
            first_side, _ = seen.setdefault(name, (side, sample.cluster_id))
            if first_side != side:
                raise LeakageError(manifest, sample.cluster_id, (first_side, side))


def _check_products(sides: Sequence[tuple[Path, str, Sample]]) -> None:
    """Every known product has a train photo; no unknown product is known."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, side, sample in sides:
        found[(sample.brand, sample.product)].add(side)
    for (brand, product), splits in sorted(found.items()):
        kinds = {split.startswith("unknown") for split in splits}
        if kinds == {True, False} or (kinds == {False} and "train" not in splits):
            raise CatalogueError(
                f"split: {brand}/{product} is in {', '.join(sorted(splits))}; a known product needs "
                "a train photo and an unknown one has none. Rerun the split stage; if this stays, "
                "delete data/split-ledger.jsonl."
            )


def _check_pictures(
    sides: Sequence[tuple[Path, str, Sample]], looks: Sequence[Look], allowed: set[frozenset[str]]
) -> None:
    hashes = np.array([value for value, _ in looks], dtype=np.uint64)
    names = sorted({side for _, side, _ in sides})
    codes = np.array([names.index(side) for _, side, _ in sides])
    for one in range(len(sides) - 1):
        bits = np.bitwise_count(hashes[one + 1 :] ^ hashes[one])
        suspects = np.flatnonzero((bits <= CLOSE_BITS) & (codes[one + 1 :] != codes[one]))
        for other in (one + 1 + suspects).tolist():
            ids = frozenset((sides[one][2].photo_id, sides[other][2].photo_id))
            if ids not in allowed and _is_same(looks[one][1], looks[other][1]):
                raise LeakageError(
                    sides[other][0],
                    f"{sides[one][2].cluster_id} and {sides[other][2].cluster_id} (alike pictures "
                    f"{sides[one][2].path} and {sides[other][2].path})",
                    (sides[one][1], sides[other][1]),
                )


def _nearest_pairs(
    sides: Sequence[tuple[Path, str, Sample]], looks: Sequence[Look]
) -> dict[str, Nearest]:
    """Per brand the pair across sides with the fewest bits between them; among equals the most alike."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, (_, _, sample) in enumerate(sides):
        rows[sample.brand].append(row)
    found = {brand: _nearest(rows[brand], sides, looks) for brand in sorted(rows)}
    return {brand: pair for brand, pair in found.items() if pair is not None}


def _nearest(
    rows: Sequence[int], sides: Sequence[tuple[Path, str, Sample]], looks: Sequence[Look]
) -> Nearest | None:
    hashes = np.array([looks[row][0] for row in rows], dtype=np.uint64)
    on_side = np.array([sides[row][1] for row in rows])
    fewest = 65  # more than two hashes can differ by
    pairs: list[tuple[int, int]] = []
    for one in range(len(rows) - 1):
        bits = np.bitwise_count(hashes[one + 1 :] ^ hashes[one]).astype(np.int64)
        bits[on_side[one + 1 :] == on_side[one]] = 65
        if (least := int(bits.min())) < fewest:
            fewest, pairs = least, []
        if least == fewest < 65:
            pairs += [(rows[one], rows[one + 1 + int(k)]) for k in np.flatnonzero(bits == least)]
    if not pairs:
        return None
    alike = [(_unlikeness(looks[one][1], looks[two][1]), one, two) for one, two in pairs]
    unlikeness, one, two = min(alike)
    (_, first_side, first), (_, second_side, second) = sides[one], sides[two]
    return Nearest(
        fewest,
        round(unlikeness, 4),
        (first.photo_id, second.photo_id),
        (first.path, second.path),
        (first.product, second.product),
        (first_side, second_side),
    )


def _look(path: Path) -> Look:
    """imagehash's pHash of a canvas and its small colour picture."""
    try:
        with Image.open(path) as canvas:
            value = int(str(imagehash.phash(canvas)), 16)
            small = canvas.resize((SMALL, SMALL), Image.Resampling.BOX)
            return value, np.asarray(small, dtype=np.float64)
    except OSError as error:
        raise CatalogueError(
            f"{path}: not a readable canvas ({error}). Rerun the clean stage."
        ) from error


def _is_same(one: NDArray[np.float64], two: NDArray[np.float64]) -> bool:
    return bool(np.abs(one - two).max() <= APART) and _unlikeness(one, two) <= UNLIKE


def _unlikeness(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """1 - correlation; 1 where one of the two is of one colour."""
    first, second = one - one.mean(), two - two.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return 1.0 - float((first * second).sum()) / scale if scale > 0 else 1.0
