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

Differences = NDArray[np.float64]  # (P, 3): residual, worst cell, fourth cell


def differences(first: Thumbs, second: Thumbs) -> Differences:
    """How much pairs of thumbs (P, 32, 32, 3) differ, in the three measures of `Limits`."""
    one, two = first.astype(np.float64), second.astype(np.float64)
    gap = one - two
    energy = 0.5 * (_energy(one) + _energy(two)) + _FLOOR
    side = THUMB // _CELLS
    cells = gap.reshape(-1, _CELLS, side, _CELLS, side, 3).mean(axis=(2, 4))  # (P, 8, 8, 3)
    ranked = np.sort(np.abs(cells).max(axis=3).reshape(len(cells), -1), axis=1)
    return np.stack([(gap**2).sum(axis=(1, 2, 3)) / energy, ranked[:, -1], ranked[:, -4]], axis=1)


def within(found: Differences, limits: Limits) -> NDArray[np.bool_]:
    """Which rows of ``found`` keep to all three limits."""
    most = np.array([limits.residual, limits.worst_cell, limits.fourth_cell])
    return np.asarray((found <= most).all(axis=1))


def _energy(thumbs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared differences from the corner's colour, which is background, summed per picture."""
    return np.asarray(((thumbs - thumbs[:, :1, :1]) ** 2).sum(axis=(1, 2, 3)))
