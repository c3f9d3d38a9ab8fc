"""A z-buffer in numpy: triangles to the samples they own, all triangles at once.

In: projected corners and depths. Out: for each pixel the surfaces seen in its samples, and how much of
it each fills. Work is proportional to covered samples: triangles become rows, rows become samples,
and one `np.minimum.at` keeps the nearest. Samples of a pixel that see the same kind of surface are
shaded once (as graphics cards do), which is a quarter of the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.last import Floats

Ints = NDArray[np.int64]
SAMPLES = 2  # per pixel and side
_FACE_BITS = 13
_EMPTY = np.uint32(0xFFFFFFFF)
_DEPTH_STEPS = (1 << (32 - _FACE_BITS)) - 1


@dataclass(frozen=True)
class Fragments:
    """What is seen: one entry for each pixel and kind of surface in it."""

    pixel: Ints  # (N,) row * width + column
    face: Ints  # (N,)
    weights: Floats  # (N, 2) of the second and third corner; the first has the rest
    share: Floats  # (N,) of the pixel


Keep = Callable[[Ints, Floats], NDArray[np.bool_]]  # (face, weights) of candidates -> what stays


def rasterise(
    corners: Floats,
    depths: Floats,
    size: tuple[int, int],
    kinds: NDArray[np.int32],
    cut: NDArray[np.bool_],
    keep: Keep,
) -> Fragments:
    """Find what is seen at each pixel, by SAMPLES x SAMPLES samples.

    Args:
        corners: (F, 3, 2) x to the right and y down, in px.
        depths: (F, 3) smaller is nearer.
        size: width and height of the picture in px.
        kinds: (F,) faces of one kind are shaded once per pixel.
        cut: (F,) faces of which ``keep`` may drop samples: holes in a surface.
        keep: which candidates of such faces stay.

    Raises:
        ValueError: more than 8,192 faces, which the buffer's keys cannot number.
    """
    count = len(corners)
    if count > 1 << _FACE_BITS:
        raise ValueError(f"{count} faces; at most {1 << _FACE_BITS} can be drawn at once")
    corners = corners * np.float32(SAMPLES) - np.float32(0.5)
    width, height = size[0] * SAMPLES, size[1] * SAMPLES
    face, column, row = _covered(corners, width, height)
    inverse = _Inverse(corners)
    if cut.any():
        asked = np.flatnonzero(cut[face])
        stays = np.ones(len(face), bool)
        stays[asked] = keep(face[asked], inverse.weights(face[asked], column[asked], row[asked]))
        face, column, row = face[stays], column[stays], row[stays]
    plane = inverse.plane(_steps(depths))
    depth = plane[:, 0][face] + plane[:, 1][face] * column + plane[:, 2][face] * row
    key = np.clip(depth, 0, _DEPTH_STEPS - 1).astype(np.uint32)
    key = (key << np.uint32(_FACE_BITS)) | face.astype(np.uint32)
    buffer = np.full(width * height, _EMPTY)
    np.minimum.at(buffer, row * width + column, key)
    return _fragments(buffer.reshape(height, width), kinds, inverse)


def _fragments(
    buffer: NDArray[np.uint32], kinds: NDArray[np.int32], inverse: _Inverse
) -> Fragments:
    """The samples of each pixel joined by kind; the first of a kind stands for all."""
    width = buffer.shape[1]
    owner = np.where(buffer == _EMPTY, len(kinds), buffer & np.uint32((1 << _FACE_BITS) - 1))
    kind = np.append(kinds, -1)[owner]
    corners = [(down, across) for down in range(SAMPLES) for across in range(SAMPLES)]
    of_sample = [kind[down::SAMPLES, across::SAMPLES].ravel() for down, across in corners]
    found = []
    for place, (down, across) in enumerate(corners):
        own = of_sample[place]
        is_first = own >= 0
        for earlier in of_sample[:place]:
            is_first &= earlier != own
        pixel = np.flatnonzero(is_first)
        share = sum((other[pixel] == own[pixel]).astype(np.float32) for other in of_sample)
        face = owner[down::SAMPLES, across::SAMPLES].ravel()[pixel].astype(np.int64)
        row, column = np.divmod(pixel, width // SAMPLES)
        weights = inverse.weights(face, column * SAMPLES + across, row * SAMPLES + down)
        found.append((pixel, face, weights, share / np.float32(SAMPLES**2)))
    return Fragments(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


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
        stacked = np.clip(np.stack([second, third], axis=1), 0.0, 1.0)
        return np.asarray(stacked, np.float32)

    def plane(self, values: Floats) -> Floats:
        """(F, 3) constant, per column and per row, of a value given at the corners."""
        by_first, by_second = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
        across = by_first * self._rows[:, 0] + by_second * self._rows[:, 2]
        down = by_first * self._rows[:, 1] + by_second * self._rows[:, 3]
        start = values[:, 0] - across * self._origin[:, 0] - down * self._origin[:, 1]
        return np.stack([start, across, down], axis=1).astype(np.float32)
