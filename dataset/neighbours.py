"""Range search over perceptual hashes: every pair within a Hamming radius, exactly."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from dataset.phash import BITS, Hashes

_BLOCK = 4096  # queries per range search: bounds the memory of one answer

Pairs = NDArray[np.int64]  # (P, 2), row indices


def pairs_within(hashes: Hashes, max_distance: int) -> Pairs:
    """Every pair of rows whose hashes differ in at most ``max_distance`` bits, sorted.

    Exact. Cost: quadratic with a small constant (about 1 s for 30,000 hashes on one core).
    """
    return _search(hashes, hashes, max_distance, keep_lower=False)


def pairs_between(queries: Hashes, hashes: Hashes, max_distance: int) -> Pairs:
    """Every (query row, hash row) with query row <= hash row within ``max_distance`` bits."""
    return _search(queries, hashes, max_distance, keep_lower=True)


def _search(queries: Hashes, hashes: Hashes, max_distance: int, keep_lower: bool) -> Pairs:
    if not 0 <= max_distance <= BITS:
        raise ValueError(f"max_distance is {max_distance}; it must be within 0..{BITS} bits")
    if not len(hashes):
        return np.empty((0, 2), np.int64)
    index = faiss.IndexBinaryFlat(BITS)
    index.add(_bytes(hashes))
    found = []
    for start in range(0, len(queries), _BLOCK):
        # faiss returns distances strictly below its radius.
        limits, _, neighbours = index.range_search(
            _bytes(queries[start : start + _BLOCK]), max_distance + 1
        )
        counts = np.asarray(limits, dtype=np.int64)
        steps = counts[1:] - counts[:-1]
        rows = start + np.repeat(np.arange(len(steps)), steps)
        is_kept = rows <= neighbours if keep_lower else rows < neighbours
        found.append(np.stack([rows[is_kept], neighbours[is_kept]], axis=1))
    pairs = np.concatenate(found).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _bytes(hashes: Hashes) -> NDArray[np.uint8]:
    return np.ascontiguousarray(hashes, dtype=np.uint64).view(np.uint8).reshape(-1, BITS // 8)
