"""A z-buffer in numpy: triangles to the samples they own, all triangles at once.

In: projected corners and depths. Out: for each covered sample its face and its place in it. Work is
proportional to covered samples: triangles become rows, rows become samples, and one
`np.minimum.at` keeps the nearest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.last import Floats

Ints = NDArray[np.int64]
_FACE_BITS = 13
_DEPTH_STEPS = (1 << (32 - _FACE_BITS)) - 1


@dataclass(frozen=True)
class Samples:
    """The samples that the mesh covers, in raster order."""

    index: Ints  # (N,) row * width + column
    face: Ints  # (N,)
    weights: Floats  # (N, 2) of the second and third corner; the first has the rest


Keep = Callable[[Ints, Floats], NDArray[np.bool_]]  # (face, weights) of candidates -> what stays


def rasterise(
    corners: Floats, depths: Floats, size: tuple[int, int], cut: NDArray[np.bool_], keep: Keep
) -> Samples:
    """Find the nearest face at each sample.

    Args:
        corners: (F, 3, 2) x to the right and y down, in samples; sample k lies at k + 0.5.
        depths: (F, 3) smaller is nearer.
        size: width and height of the buffer in samples.
        cut: (F,) faces of which ``keep`` may drop samples: holes in a surface.
        keep: which candidates of such faces stay.

    Raises:
        ValueError: more than 8,192 faces, which the buffer's keys cannot number.
    """
    count = len(corners)
    if count > 1 << _FACE_BITS:
        raise ValueError(f"{count} faces; at most {1 << _FACE_BITS} can be drawn at once")
    width, height = size
    face, column, row = _covered(corners - np.float32(0.5), width, height)
    inverse = _Inverse(corners - np.float32(0.5))
    if cut.any():
        asked = np.flatnonzero(cut[face])
        stays = np.ones(len(face), bool)
        stays[asked] = keep(face[asked], inverse.weights(face[asked], column[asked], row[asked]))
        face, column, row = face[stays], column[stays], row[stays]
    plane = inverse.plane(_steps(depths))
    depth = plane[face, 0] + plane[face, 1] * column + plane[face, 2] * row
    key = np.clip(depth, 0, _DEPTH_STEPS - 1).astype(np.uint32)
    key = (key << np.uint32(_FACE_BITS)) | face.astype(np.uint32)
    empty = np.uint32(0xFFFFFFFF)
    buffer = np.full(width * height, empty)
    np.minimum.at(buffer, row * width + column, key)
    index = np.flatnonzero(buffer != empty)
    owner = (buffer[index] & np.uint32((1 << _FACE_BITS) - 1)).astype(np.int64)
    return Samples(index, owner, inverse.weights(owner, index % width, index // width))


def _steps(depths: Floats) -> Floats:
    low, high = float(depths.min()), float(depths.max())
    return np.asarray((depths - low) / max(high - low, 1e-6) * (_DEPTH_STEPS - 2), np.float64)


def _covered(corners: Floats, width: int, height: int) -> tuple[Ints, Ints, Ints]:
    """(face, column, row) of every sample inside every triangle."""
    x, y = corners[..., 0].astype(np.float64), corners[..., 1].astype(np.float64)
    top = np.clip(np.ceil(y.min(axis=1)), 0, height).astype(np.int64)
    end = np.clip(np.ceil(y.max(axis=1)), 0, height).astype(np.int64)
    face, row = _spread(np.arange(len(x)), top, end)
    left, right = np.full(len(face), np.inf), np.full(len(face), -np.inf)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        y_a, y_b = y[face, a], y[face, b]
        crosses = (np.minimum(y_a, y_b) <= row) & (row <= np.maximum(y_a, y_b)) & (y_a != y_b)
        run = np.where(y_a != y_b, y_b - y_a, 1.0)
        at = x[face, a] + (row - y_a) * (x[face, b] - x[face, a]) / run
        left = np.where(crosses, np.minimum(left, at), left)
        right = np.where(crosses, np.maximum(right, at), right)
    found = right >= left
    face, row, left, right = face[found], row[found], left[found], right[found]
    begin = np.clip(np.ceil(left), 0, width).astype(np.int64)
    stop = np.clip(np.ceil(right), 0, width).astype(np.int64)
    line, column = _spread(np.arange(len(face)), begin, stop)
    return face[line], column, row[line]


def _spread(name: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Each name repeated for each whole number of its range, and that number."""
    lengths = np.maximum(end - begin, 0)
    starts = np.cumsum(lengths) - lengths
    numbers = np.arange(int(lengths.sum())) + np.repeat(begin - starts, lengths)
    return np.repeat(name, lengths), numbers


class _Inverse:
    """Sample to weights of the corners, for each face."""

    def __init__(self, corners: Floats) -> None:
        origin, first, second = (corners[:, k].astype(np.float64) for k in range(3))
        u, w = first - origin, second - origin
        area = u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]
        area = np.where(np.abs(area) < 1e-9, 1e-9, area)
        self._origin = origin
        self._rows = np.stack([w[:, 1], -w[:, 0], -u[:, 1], u[:, 0]], axis=1) / area[:, None]

    def weights(self, face: Ints, column: Ints, row: Ints) -> Floats:
        """(N, 2) weights of the second and third corner, kept inside the triangle."""
        origin, rows = self._origin.astype(np.float32)[face], self._rows.astype(np.float32)[face]
        across, down = column - origin[:, 0], row - origin[:, 1]
        second = rows[:, 0] * across + rows[:, 1] * down
        third = rows[:, 2] * across + rows[:, 3] * down
        return np.clip(np.stack([second, third], axis=1), 0.0, 1.0).astype(np.float32)

    def plane(self, values: Floats) -> Floats:
        """(F, 3) constant, per column and per row, of a value given at the corners."""
        by_first, by_second = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
        across = by_first * self._rows[:, 0] + by_second * self._rows[:, 2]
        down = by_first * self._rows[:, 1] + by_second * self._rows[:, 3]
        start = values[:, 0] - across * self._origin[:, 0] - down * self._origin[:, 1]
        return np.stack([start, across, down], axis=1).astype(np.float32)
