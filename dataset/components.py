"""Connected marks of a mask: how large each is and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

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

    In the order of their first pixel, row by row.
    """
    names, count = ndimage.label(mask, np.ones((3, 3), np.int8))
    boxes = [
        (rows.start, rows.stop, columns.start, columns.stop)
        for rows, columns in ndimage.find_objects(names)
    ]
    sides = np.array(boxes, np.int64).reshape(-1, 4).T
    return Marks(np.bincount(names.ravel(), minlength=count + 1)[1:], *sides)
