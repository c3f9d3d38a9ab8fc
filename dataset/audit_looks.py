"""What the audit sees of pictures and how it compares them: pHash, Hamming distance, small colour pictures.

Code of its own, like all of `dataset.audit`: hashes come from imagehash, likeness from a correlation of
small pictures. Links are stricter than the dedup stage's, so that what that one lets pass as
different pictures is never called a leak. Pairs come in blocks: there may be more than memory holds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.errors import CatalogueError

CLOSE_BITS = 2
SMALL = 16  # px
UNLIKE = 0.002  # 1 - correlation of the small pictures: less is the same picture again
APART = 12  # largest difference of one small pixel's channel, 0..255
# Two hashes within CLOSE_BITS are equal in one of these parts: each third bit, as neighbouring ones go together.
_PARTS = tuple(sum(1 << bit for bit in range(first, 64, 3)) for first in range(CLOSE_BITS + 1))
_BLOCK = 1 << 20  # pairs of hashes at a time: 20 MB
_FEW = 1 << 12  # pairs of small pictures at a time: 100 MB
_NO_PAIR = 65  # more bits than two hashes can differ by

Hashes = NDArray[np.uint64]
Smalls = NDArray[np.uint8]  # (N, SMALL * SMALL * 3)
Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints]  # rows, the first one of each pair the smaller
Pair = tuple[int, float, int, int]  # bits, unlikeness, the two rows


@dataclass(frozen=True)
class Looks:
    """What is compared of every picture, row by row."""

    hashes: Hashes
    smalls: Smalls  # on disk: a million are 0.8 GB


@dataclass(frozen=True)
class _Compared:
    """Some pairs, and how far apart the two of each are."""

    one: Ints
    two: Ints
    bits: Ints
    unlikeness: NDArray[np.float64]  # 1 - correlation, 0..2
    is_same: NDArray[np.bool_]  # the same picture again


def read_looks(paths: Iterable[Path], scratch: BinaryIO) -> Looks:
    """imagehash's pHash of each canvas, and its small colour picture, which goes into ``scratch``.

    Raises:
        CatalogueError: a canvas is missing or not a picture.
    """
    values = array("Q")
    for path in paths:
        value, small = _look(path)
        values.append(value)
        scratch.write(small.tobytes())
    scratch.flush()
    shape = (len(values), SMALL * SMALL * 3)
    smalls = np.memmap(scratch, np.uint8, "r", shape=shape) if values else np.empty(shape, np.uint8)
    return Looks(np.array(values, np.uint64), smalls)


def _look(path: Path) -> tuple[int, NDArray[np.uint8]]:
    """The hash of one canvas and its small picture (SMALL, SMALL, 3)."""
    try:
        with Image.open(path) as canvas:
            value = int(str(imagehash.phash(canvas)), 16)
            return value, np.asarray(canvas.resize((SMALL, SMALL), Image.Resampling.BOX))
    except OSError as error:
        raise CatalogueError(
            f"{path}: not a readable canvas ({error}). Rerun the clean stage."
        ) from error


def compare(looks: Looks, side: Ints, brand: Ints) -> tuple[dict[int, Pair], set[tuple[int, int]]]:
    """Each brand's pair across sides with the fewest bits, and all pairs across sides that show one picture.

    Among pairs of as few bits the most alike is told of, then the first. ``side`` and ``brand`` are codes, row by
    row. A brand on one side alone has no pair.
    """
    nearest: dict[int, Pair] = {}
    same: set[tuple[int, int]] = set()
    for found in _compared(looks, _close_pairs(looks.hashes, side)):
        _take_nearest(nearest, found, brand)
        rows = np.flatnonzero(found.is_same)
        same.update(zip(found.one[rows].tolist(), found.two[rows].tolist(), strict=True))
    for code in np.unique(brand).tolist():
        if code not in nearest:
            own = np.flatnonzero(brand == code)
            pairs = _nearest_hashes(looks.hashes[own], side[own])
            for found in _compared(looks, ((own[one], own[two]) for one, two in pairs)):
                _take_nearest(nearest, found, brand)
    return nearest, same


def _close_pairs(hashes: Hashes, sides: Ints) -> Iterator[Pairs]:
    """Every pair of rows on different sides within `CLOSE_BITS`, at least once.

    Cost: by the pairs whose hashes are equal in a part, a block per step of sorted rows.
    """
    for bits in _PARTS:
        part = hashes & np.uint64(bits)
        order = np.argsort(part, kind="stable")
        ends = np.searchsorted(part[order], part[order], side="right")
        rows = np.arange(len(hashes))
        for step in range(1, len(hashes)):
            rows = rows[rows + step < ends[rows]]
            if not rows.size:
                break
            one, two = order[rows], order[rows + step]
            near = np.bitwise_count(hashes[one] ^ hashes[two]) <= CLOSE_BITS
            near &= sides[one] != sides[two]
            if near.any():
                yield np.minimum(one, two)[near], np.maximum(one, two)[near]


def _nearest_hashes(hashes: Hashes, sides: Ints) -> Iterator[Pairs]:
    """Pairs of rows on different sides, the nearest ones among them: a block has those as near as any before.

    Cost: every pair of rows is looked at, 1.5 billion a second.
    """
    fewest = _NO_PAIR
    at_once = max(1, _BLOCK // max(1, len(hashes)))
    for start in range(0, len(hashes), at_once):
        block = slice(start, start + at_once)
        bits = np.bitwise_count(hashes[block, None] ^ hashes[None, start:])
        bits[sides[block, None] == sides[None, start:]] = _NO_PAIR
        least = int(bits.min())
        if least <= fewest and least < _NO_PAIR:
            fewest = least
            one, two = np.nonzero(bits == least)
            yield start + one[one < two], start + two[one < two]


def _compared(looks: Looks, pairs: Iterable[Pairs]) -> Iterator[_Compared]:
    """``pairs`` with their distances, a few thousand at a time."""
    for first, second in pairs:
        for start in range(0, len(first), _FEW):
            one, two = first[start : start + _FEW], second[start : start + _FEW]
            smalls = [looks.smalls[rows].astype(np.int64) for rows in (one, two)]
            bits = np.bitwise_count(looks.hashes[one] ^ looks.hashes[two]).astype(np.int64)
            unlike = _unlikeness(*smalls)
            is_same = (np.abs(smalls[0] - smalls[1]).max(axis=1) <= APART) & (unlike <= UNLIKE)
            yield _Compared(one, two, bits, unlike, is_same & (bits <= CLOSE_BITS))


def _unlikeness(one: Ints, two: Ints) -> NDArray[np.float64]:
    """1 - correlation of the rows of two arrays; 1 where one of the two is of one colour.

    Sums are of integers, so exact: the same pair gets the same number in any block.
    """

    def spread(first: Ints, second: Ints) -> NDArray[np.float64]:
        products = first.shape[1] * (first * second).sum(axis=1)
        return np.asarray(products - first.sum(axis=1) * second.sum(axis=1), np.float64)

    scale = np.sqrt(spread(one, one) * spread(two, two))
    correlation = np.divide(spread(one, two), scale, out=np.zeros(len(one)), where=scale > 0)
    return np.asarray(1.0 - correlation)


def _take_nearest(nearest: dict[int, Pair], found: _Compared, brand: Ints) -> None:
    own = np.flatnonzero(brand[found.one] == brand[found.two])
    columns = (found.bits, found.unlikeness, found.one, found.two)
    bits, unlike, one, two = (column[own] for column in columns)
    order = np.lexsort((two, one, unlike, bits, brand[one]))
    codes, firsts = np.unique(brand[one][order], return_index=True)
    for code, row in zip(codes.tolist(), order[firsts].tolist(), strict=True):
        pair = int(bits[row]), float(unlike[row]), int(one[row]), int(two[row])
        nearest[code] = min(pair, nearest.get(code, pair))
