"""Proof that nothing leaks between splits: reads the files as written and the pictures themselves.

Shares no code with `dataset.split` or `dataset.dedup`; how pictures are compared is in
`dataset.audit_looks`. In memory are columns of numbers, not records: the manifests are read again for
the few rows that are told of.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from catalogue.errors import CatalogueError, LeakageError
from catalogue.manifest import read_manifest
from catalogue.schema import Sample
from dataset.audit_looks import Ints, Pair, compare, read_looks

Row = tuple[Path, str, Sample]  # manifest, side, what its line says


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
        split_folder: data/split or the folder about to become it; 1 KB a photo is needed in it.
        root: what the manifests' canvas paths are relative to.
        allowed: pairs of photo ids whose link the dedup stage dropped and reported.

    Raises:
        LeakageError: a cluster, a photo or a picture is in two splits, or a picture looks like one
            in another split.
        CatalogueError: a canvas is missing or not a picture; a known product has no train photo.

    Cost: one decode per photo; hashes are compared where they are equal in part, and all those of a
    brand without a pair within `CLOSE_BITS` (bench/results/dataset.json: audit).
    """
    side, brand = _check_names(split_folder)
    _check_products(split_folder)
    with TemporaryFile(dir=split_folder) as scratch:
        paths = (root / sample.path for _, _, sample in _rows(split_folder))
        looks = read_looks(paths, scratch)
        nearest, same = compare(looks, side, brand)
    _check_pictures(split_folder, same, set(allowed))
    return Audited(len(side), _told(split_folder, nearest.values()))


def _rows(split_folder: Path) -> Iterator[Row]:
    for manifest in sorted(split_folder.glob("*.jsonl")):
        is_unknown = manifest.stem == "_unknown"
        for sample in read_manifest(manifest, Sample):
            yield manifest, f"unknown {sample.split}" if is_unknown else sample.split, sample


def _some_rows(split_folder: Path, wanted: Collection[int]) -> dict[int, Row]:
    return {number: row for number, row in enumerate(_rows(split_folder)) if number in wanted}


def _check_names(split_folder: Path) -> tuple[Ints, Ints]:
    """No cluster, no photo and no canvas on two sides; the side and the brand of each row, as numbers."""
    sides: dict[str, int] = {}
    brands: dict[str, int] = {}
    side, brand = array("q"), array("q")
    digests = (bytearray(), bytearray(), bytearray())  # 16 bytes a name: a tenth of the names
    for _, told, sample in _rows(split_folder):
        side.append(sides.setdefault(told, len(sides)))
        brand.append(brands.setdefault(sample.brand, len(brands)))
        names = (sample.cluster_id, sample.photo_id, sample.path)
        for digest, name in zip(digests, names, strict=True):
            digest += hashlib.blake2b(name.encode(), digest_size=16).digest()
    codes = np.array(side, np.int64)
    pairs = [pair for digest in digests if (pair := _on_two_sides(digest, codes))]
    if pairs:
        first, second = min(pairs, key=lambda pair: pair[1])
        rows = _some_rows(split_folder, {first, second})
        manifest, there, sample = rows[second]
        raise LeakageError(manifest, sample.cluster_id, (rows[first][1], there))
    return codes, np.array(brand, np.int64)


def _on_two_sides(digest: bytearray, side: Ints) -> tuple[int, int] | None:
    """Two rows with one name and different sides, of which the second comes earliest."""
    names = np.frombuffer(digest, np.uint64).reshape(-1, 2)
    order = np.lexsort((names[:, 1], names[:, 0]))
    one, two = order[:-1], order[1:]
    found = np.flatnonzero((names[one] == names[two]).all(axis=1) & (side[one] != side[two]))
    if not found.size:
        return None
    least = found[two[found].argmin()]
    return int(one[least]), int(two[least])


def _check_products(split_folder: Path) -> None:
    """Every known product has a train photo; no unknown product is known."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, side, sample in _rows(split_folder):
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
    split_folder: Path, same: Collection[tuple[int, int]], allowed: Collection[frozenset[str]]
) -> None:
    """No picture on two sides, but those that were reported."""
    rows = _some_rows(split_folder, {row for pair in same for row in pair}) if same else {}
    for one, two in sorted(same):
        (_, side, first), (manifest, other, second) = rows[one], rows[two]
        if frozenset((first.photo_id, second.photo_id)) not in allowed:
            raise LeakageError(
                manifest,
                f"{first.cluster_id} and {second.cluster_id} (alike pictures {first.path} and "
                f"{second.path})",
                (side, other),
            )


def _told(split_folder: Path, nearest: Collection[Pair]) -> dict[str, Nearest]:
    """The nearest pairs with their names, by brand."""
    rows = _some_rows(split_folder, {row for pair in nearest for row in pair[2:]})
    found = {}
    for bits, unlike, one, two in nearest:
        (_, side, first), (_, other, second) = rows[one], rows[two]
        found[first.brand] = Nearest(
            bits,
            round(unlike, 4),
            (first.photo_id, second.photo_id),
            (first.path, second.path),
            (first.product, second.product),
            (side, other),
        )
    return dict(sorted(found.items()))
