"""Connected marks of a mask: how large each is and where, from its runs, without a pixel loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.foreground import Box

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Marks:
    """One number per mark in each array; bottom and right are not included."""

    area: Ints
    top: Ints
    bottom: Ints
    left: Ints
    right: Ints

    @property
    def height(self) -> Ints:
        return self.bottom - self.top

    @property
    def width(self) -> Ints:
        return self.right - self.left

    def only(self, chosen: NDArray[np.bool_] | Ints) -> Marks:
        """The marks that a mask or indices name."""
        parts = (self.area, self.top, self.bottom, self.left, self.right)
        return Marks(*(part[chosen] for part in parts))

    def boxes(self) -> list[Box]:
        """The box of each."""
        sides = (self.left, self.top, self.right, self.bottom)
        return [Box(*map(int, one)) for one in zip(*sides, strict=True)]


def find_marks(mask: NDArray[np.bool_]) -> Marks:
    """The marks of ``mask`` (height, width): pixels that touch, corners included, are one.

    In the order of their first pixel, row by row. Cost: linear in pixels, plus sorting the runs.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1).ravel()
    stride = width + 1
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)  # row * stride + column
    names = _joined(len(starts), *_touching(starts, ends, stride))
    count = int(names.max()) + 1 if names.size else 0
    row, left, right = starts // stride, starts % stride, ends % stride
    marks = Marks(
        np.bincount(names, right - left, count).astype(np.int64),
        np.full(count, height),
        np.zeros(count, np.int64),
        np.full(count, width),
        np.zeros(count, np.int64),
    )
    np.minimum.at(marks.top, names, row)
    np.maximum.at(marks.bottom, names, row + 1)
    np.minimum.at(marks.left, names, left)
    np.maximum.at(marks.right, names, right)
    return marks


def _touching(starts: Ints, ends: Ints, stride: int) -> tuple[Ints, Ints]:
    """Pairs of runs in neighbouring rows that touch; both arrays are sorted."""
    first = np.searchsorted(ends, starts + stride, "left")
    after = np.searchsorted(starts, ends + stride, "right")
    counts = np.maximum(after - first, 0)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    below = np.arange(counts.sum()) - before + np.repeat(first, counts)
    return np.repeat(np.arange(len(starts)), counts), below


def _joined(count: int, one: Ints, two: Ints) -> Ints:
    """0.. per run: runs that pairs connect have one name (the smallest goes round until all agree)."""
    names = np.arange(count)
    while True:
        least = np.minimum(names[one], names[two])
        new = names.copy()
        np.minimum.at(new, names[one], least)
        np.minimum.at(new, names[two], least)
        while not np.array_equal(new, new[new]):
            new = new[new]
        if np.array_equal(new, names):
            return np.unique(names, return_inverse=True)[1]
        names = new
