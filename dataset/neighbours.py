"""Range search over perceptual hashes: every pair within a Hamming radius, exactly, block by block.

Pigeonhole: of three parts of two hashes that differ in at most 8 bits, one differs in at most 2. So hashes
are grouped by each part's value, and groups whose values differ in at most 2 bits are compared. Shoes
on white have near hashes, and a million of them more pairs than memory: pairs come in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dataset.phash import BITS, Hashes

_FLIPS = 2  # bits by which a part may differ: more parts rather than more flips
_LEAST_PARTS = 3  # 22 bits and fewer: each value's group is looked up in a table
_BLOCK = 1 << 20  # pairs compared at a time: 50 MB
_FEW = 1500  # hashes of which all pairs are compared sooner than parts are made

Pairs = NDArray[np.int64]  # (P, 2), row indices
Ints = NDArray[np.int64]


def pairs_within(hashes: Hashes, max_distance: int) -> Iterator[Pairs]:
    """Every pair of rows whose hashes differ in at most ``max_distance`` bits, once, the smaller first.

    Exact. The order follows from ``hashes``. Cost: by the pairs that agree in a part; see
    bench/results/dataset.json for the curve.

    Raises:
        ValueError: ``max_distance`` is outside 0..64.
    """
    parts = _parts(max_distance, len(hashes))
    most = max_distance // len(parts)
    for number, part in enumerate(parts):
        groups = _Groups.of(hashes, part)
        for flip in _flips(len(part), most):
            # Each two groups once: from the smaller value.
            ours, theirs = groups.matching(groups, flip)
            once = groups.values[ours] <= groups.values[theirs]
            for one, two in _products(groups, ours[once], groups, theirs[once]):
                if not flip:
                    one, two = one[one < two], two[one < two]
                differing = hashes[one] ^ hashes[two]
                found = _near(differing, max_distance) & _is_first(differing, parts[:number], most)
                yield np.sort(np.column_stack([one[found], two[found]]), axis=1)


def pairs_between(queries: Hashes, hashes: Hashes, max_distance: int) -> Iterator[Pairs]:
    """Every (query row, hash row) with query row <= hash row within ``max_distance`` bits, as above."""
    parts = _parts(max_distance, len(hashes))
    most = max_distance // len(parts)
    for number, part in enumerate(parts):
        asking, held = _Groups.of(queries, part), _Groups.of(hashes, part)
        for flip in _flips(len(part), most):
            ours, theirs = asking.matching(held, flip)
            for one, two in _products(asking, ours, held, theirs):
                one, two = one[one <= two], two[one <= two]
                differing = queries[one] ^ hashes[two]
                found = _near(differing, max_distance) & _is_first(differing, parts[:number], most)
                yield np.column_stack([one[found], two[found]])


def _parts(max_distance: int, hashes: int) -> list[range]:
    """The bits of each part: every third one, since neighbouring bits of a pHash go together."""
    if not 0 <= max_distance <= BITS:
        raise ValueError(f"max_distance is {max_distance}; it must be within 0..{BITS} bits")
    if hashes <= _FEW:
        return [range(0)]  # one part of no bits: all hashes are one group
    count = max(_LEAST_PARTS, max_distance // (_FLIPS + 1) + 1)
    return [range(first, BITS, count) for first in range(count)]


def _flips(bits: int, most: int) -> list[int]:
    """All values of ``bits`` bits with at most ``most`` set."""
    return [
        sum(1 << bit for bit in chosen)
        for count in range(most + 1)
        for chosen in combinations(range(bits), count)
    ]


@dataclass(frozen=True)
class _Groups:
    """Rows of hashes by the value of one part."""

    values: Ints  # of the groups, ascending
    starts: Ints  # of each group in `rows`
    sizes: Ints
    rows: Ints
    table: NDArray[np.int32]  # value -> group, -1 for none

    @classmethod
    def of(cls, hashes: Hashes, part: range) -> _Groups:
        value = np.zeros(len(hashes), np.int64)
        for place, bit in enumerate(part):
            value |= ((hashes >> np.uint64(bit)) & np.uint64(1)).astype(np.int64) << place
        rows = np.argsort(value, kind="stable")
        values, starts, sizes = np.unique(value[rows], return_index=True, return_counts=True)
        table = np.full(1 << len(part), -1, np.int32)
        table[values] = np.arange(len(values))
        return cls(values, starts, sizes, rows, table)

    def matching(self, other: _Groups, flip: int) -> tuple[Ints, Ints]:
        """Our groups and the other's whose values differ in exactly the bits of ``flip``."""
        found = other.table[self.values ^ flip]
        ours = np.flatnonzero(found >= 0)
        return ours, found[ours].astype(np.int64)


def _products(
    first: _Groups, ours: Ints, second: _Groups, theirs: Ints
) -> Iterator[tuple[Ints, Ints]]:
    """All pairs of rows of group ``ours``[n] with group ``theirs``[n], about `_BLOCK` at a time."""
    # A row of `first` and a whole group of `second`, so that no block grows with a group's square.
    sizes = first.sizes[ours]
    one = first.rows[_ranges(first.starts[ours], sizes)]
    begins, lengths = (np.repeat(many[theirs], sizes) for many in (second.starts, second.sizes))
    block = np.cumsum(lengths) // _BLOCK
    for part in np.split(np.arange(len(one)), np.flatnonzero(np.diff(block)) + 1):
        two = second.rows[_ranges(begins[part], lengths[part])]
        yield np.repeat(one[part], lengths[part]), two


def _ranges(begins: Ints, lengths: Ints) -> Ints:
    """The numbers from each begin on, as many as its length, in order."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(begins - before, lengths) + np.arange(lengths.sum())


def _near(differing: Hashes, max_distance: int) -> NDArray[np.bool_]:
    return np.asarray(np.bitwise_count(differing) <= max_distance)


def _is_first(differing: Hashes, earlier: list[range], most: int) -> NDArray[np.bool_]:
    """Which pairs no earlier part has found."""
    found = np.ones(len(differing), np.bool_)
    for part in earlier:
        bits = np.uint64(sum(1 << bit for bit in part))
        found &= np.bitwise_count(differing & bits) > most
    return found
