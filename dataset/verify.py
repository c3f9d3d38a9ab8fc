"""Whether two pictures whose hashes are near show the same thing: pixels and colour, at small size.

pHash sees grey shapes at 32 px, so shoes in one pose, and colourways of one shoe, have near hashes
although they differ. Measured on 1,078 real photos (bench/dataset/duplicates.py): of the pairs
within 4 bits, over nine tenths are different products; after this check, two outsoles remain that
the eye cannot tell apart either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.signature import THUMB, Thumbs

_CELLS = 8  # the thumb in 8 x 8 cells of 4 x 4 px: a changed heel tab changes a cell, not the mean
_FLOOR = 16.0 * THUMB * THUMB * 3  # energy of noise of 4 grey levels: keeps blank pictures finite


@dataclass(frozen=True)
class Limits:
    """The most that two pictures may differ and still count as one."""

    residual: float  # energy of the difference / energy of the pictures against their background
    worst_cell: float  # largest difference of a cell's mean colour, 0..255
    fourth_cell: float  # the fourth largest: one cell may be an edge that moved, four may not


# SAME decides between products, where a sibling colourway's outsole may differ by a tint alone: of
# 150 real photos saved again, at half the size or with another margin, nine in ten keep to it.
SAME = Limits(residual=0.01, worst_cell=10, fourth_cell=6)
NEAR = Limits(residual=0.02, worst_cell=20, fourth_cell=12)
WIDE = Limits(residual=0.03, worst_cell=32, fourth_cell=20)

# The same picture on other ground or lit otherwise: all of it a little lighter, or the ground alone. Where a shoe is
# as light as its ground, that is more than `WIDE` allows; the audit (`dataset.audit_looks`) calls it a leak.
TONED_BITS = 2
TONED_CELL = 14
TONED_UNLIKE = 0.003  # 1 - correlation of the two thumbs

_SIDE = THUMB // _CELLS  # px of a cell
_BLOCK = 4096  # pairs, or pictures, at a time: 100 MB

Differences = NDArray[np.float32]  # (P, 3): residual, worst cell, fourth cell


class Pictures:
    """Thumbs (N, 32, 32, 3), which may lie on disk, with their cells' summed colours (N, 8, 8, 3)."""

    def __init__(self, thumbs: Thumbs, cells: NDArray[np.uint16] | None = None) -> None:
        self.thumbs = thumbs
        self.cells = _summed(thumbs) if cells is None else cells

    def mirrored(self) -> Pictures:
        """The same pictures flipped left to right; nothing is copied."""
        return Pictures(self.thumbs[:, :, ::-1], self.cells[:, :, ::-1])


def differences(pairs: NDArray[np.int64], first: Pictures, second: Pictures) -> Differences:
    """How much pairs (P, 2) of row numbers differ, in the three measures of `Limits`.

    The residual is infinite where a cell alone is outside `WIDE`: most candidates differ so much
    that looking at their pixels would be wasted.
    """
    found = np.full((len(pairs), 3), np.inf, np.float32)
    for start in range(0, len(pairs), _BLOCK):
        block = pairs[start : start + _BLOCK]
        one, two = first.cells[block[:, 0]], second.cells[block[:, 1]]
        gaps = (np.maximum(one, two) - np.minimum(one, two)).max(axis=3)
        ranked = np.partition(gaps.reshape(len(block), _CELLS * _CELLS), [-4, -1], axis=1)
        cells = ranked[:, [-1, -4]].astype(np.float32) / _SIDE**2
        near = np.flatnonzero((cells <= (WIDE.worst_cell, WIDE.fourth_cell)).all(axis=1))
        found[start : start + len(block), 1:] = cells
        found[start + near, 0] = _residuals(
            first.thumbs[block[near, 0]], second.thumbs[block[near, 1]]
        )
    return found


def _summed(thumbs: Thumbs) -> NDArray[np.uint16]:
    """Each cell's colours summed: exact, and a quarter of the memory of their mean."""
    found = np.empty((len(thumbs), _CELLS, _CELLS, 3), np.uint16)
    for start in range(0, len(thumbs), _BLOCK):
        block = np.asarray(thumbs[start : start + _BLOCK])
        cells = block.reshape(len(block), _CELLS, _SIDE, _CELLS, _SIDE, 3)
        found[start : start + _BLOCK] = cells.sum(axis=(2, 4), dtype=np.uint16)
    return found


def within(found: Differences, limits: Limits) -> NDArray[np.bool_]:
    """Which rows of ``found`` keep to all three limits."""
    most = (limits.residual, limits.worst_cell, limits.fourth_cell)
    return np.asarray((found <= most).all(axis=1))


def toned(pairs: NDArray[np.int64], pictures: Pictures) -> NDArray[np.bool_]:
    """Which pairs (P, 2) of rows are one picture in another tone: small differences everywhere, and alike."""
    found = np.zeros(len(pairs), np.bool_)
    for start in range(0, len(pairs), _BLOCK):
        one, two = (pictures.cells[rows] for rows in pairs[start : start + _BLOCK].T)
        gaps = (np.maximum(one, two) - np.minimum(one, two)).max(axis=(1, 2, 3))
        rows = start + np.flatnonzero(gaps <= TONED_CELL * _SIDE**2)
        first, second = (_centred(pictures.thumbs[pairs[rows, end]]) for end in (0, 1))
        energy = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
        found[rows] = (first * second).sum(axis=1) >= (1 - TONED_UNLIKE) * energy
        found[rows] &= energy > 0
    return found


def _centred(thumbs: Thumbs) -> NDArray[np.float32]:
    flat = thumbs.reshape(len(thumbs), THUMB * THUMB * 3).astype(np.float32)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True))


def _residuals(first: Thumbs, second: Thumbs) -> NDArray[np.float32]:
    """Energy of the difference over the mean energy of the two, per pair of thumbs."""
    one, two = first.astype(np.float32), second.astype(np.float32)
    energy = 0.5 * (_energy(one) + _energy(two)) + _FLOOR
    return np.asarray(((one - two) ** 2).sum(axis=(1, 2, 3)) / energy, np.float32)


def _energy(thumbs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared differences from the corner's colour, which is background, summed per picture."""
    return np.asarray(((thumbs - thumbs[:, :1, :1]) ** 2).sum(axis=(1, 2, 3)))
