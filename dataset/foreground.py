"""Where the shoe is on a plain background: the border's colour, and the box of what differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STUDIO_WHITE = 250  # a border this bright is white: JPEG noise keeps it from being 255 everywhere
PLAIN_SHARE = 0.6  # of the border's pixels that must be near its colour to call it plain
NEAR = 14  # largest channel difference from the border colour that is still background
SHADOW_SLOPE = 10  # a soft shadow changes by less than this from pixel to pixel (half scale)
DARK = 60  # differs so much from the background that it is no soft shadow
PADDING = 4  # largest channel difference from the border colour in canvas padding (JPEG noise)
LEAST_SHARE = 0.01  # of the canvas: a smaller box is dust, not a shoe

Pixels = NDArray[np.uint8]
Number = TypeVar("Number", np.uint8, np.int16)


@dataclass(frozen=True)
class Box:
    """A rectangle in px, left and top included, right and bottom not; may reach past the canvas."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def sides(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom

    def moved(self, right: int, down: int) -> Box:
        """The box shifted by so many px."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def grown(self, share: float) -> Box:
        """The box with ``share`` of its longer side added on each side."""
        by = round(max(self.width, self.height) * share)
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def overlaps(self, other: Box) -> bool:
        """Whether the two share a pixel."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def joined(self, other: Box) -> Box:
        """The box round both."""
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        return Box(min(self.left, other.left), min(self.top, other.top), right, bottom)


@dataclass(frozen=True)
class Foreground:
    """What `find_foreground` saw; the shoe's mask is made from it in `dataset.mask`."""

    box: Box
    border_color: tuple[int, int, int]
    is_plain: bool  # whether most of the picture's border is of one colour


def border_color(pixels: Pixels) -> tuple[int, int, int]:
    """The median colour of the outermost pixels; studio white (250 and brighter) becomes 255."""
    median = np.median(_border(pixels), axis=0)
    if median.min() >= STUDIO_WHITE:
        return (255, 255, 255)
    red, green, blue = (int(value) for value in median)
    return red, green, blue


def distance(pixels: NDArray[np.int16], color: NDArray[np.int16]) -> NDArray[np.int16]:
    """The largest channel difference from ``color``, (H, W); channel by channel, which takes a third of the time."""
    red, green, blue = (np.abs(pixels[:, :, channel] - color[channel]) for channel in range(3))
    return np.asarray(np.maximum(np.maximum(red, green), blue))


def find_foreground(canvas: Image.Image) -> Foreground:
    """The box of the shoe on a plain background; elsewhere, of all that is not canvas padding.

    Works at half scale, which takes off JPEG noise. Soft shadows (near grey, without edges) do not
    count as shoe.
    """
    color = border_color(np.asarray(canvas))
    half = np.asarray(canvas.reduce(2)).astype(np.int16)
    away = distance(half, np.asarray(color, np.int16))
    inside = _extent(away > PADDING)
    if inside is None or min(inside.width, inside.height) < 8:
        return Foreground(Box(0, 0, canvas.width, canvas.height), color, is_plain=True)
    shoe = _shoe_on_plain(half, away, inside)
    is_plain, found = shoe is not None, None if shoe is None else _extent(shoe)
    if found is None or found.area < LEAST_SHARE * away.size:
        return Foreground(_doubled(inside, canvas.size), color, is_plain)
    return Foreground(_doubled(found.moved(inside.left, inside.top), canvas.size), color, is_plain)


def ground_and_shoe(
    half: NDArray[np.int16], color: tuple[int, int, int]
) -> tuple[NDArray[np.int16], NDArray[np.bool_], Box]:
    """Of a canvas with plain ground, at half scale: distance from ``color`` and shoe, (H, W), and the picture's box."""
    away = distance(half, np.asarray(color, np.int16))
    inside = _extent(away > PADDING) or Box(0, 0, away.shape[1], away.shape[0])
    shoe = np.zeros(away.shape, bool)
    part = slice(inside.top, inside.bottom), slice(inside.left, inside.right)
    shoe[part] = _shoe_mask(half[part], away[part])
    return away, shoe, inside


def shoe_mask(pixels: NDArray[np.int16], color: NDArray[np.int16]) -> NDArray[np.bool_] | None:
    """What is no background and no soft shadow, without the canvas's padding; None: not on plain ground.

    Args:
        pixels: (H, W, 3), a canvas at half or quarter scale.
        color: of its border.
    """
    away = distance(pixels, color)
    inside = _extent(away > PADDING)
    if inside is None or min(inside.width, inside.height) < 8:
        return None
    return _shoe_on_plain(pixels, away, inside)


def _shoe_on_plain(
    pixels: NDArray[np.int16], away: NDArray[np.int16], inside: Box
) -> NDArray[np.bool_] | None:
    part = slice(inside.top, inside.bottom), slice(inside.left, inside.right)
    if (_border(away[part]) <= NEAR).mean() < PLAIN_SHARE:
        return None
    return _shoe_mask(pixels[part], away[part])


def _doubled(half: Box, size: tuple[int, int]) -> Box:
    right, bottom = min(half.right * 2, size[0]), min(half.bottom * 2, size[1])
    return Box(half.left * 2, half.top * 2, right, bottom)


def _border(pixels: NDArray[Number]) -> NDArray[Number]:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _shoe_mask(half: NDArray[np.int16], away: NDArray[np.int16]) -> NDArray[np.bool_]:
    """What differs from the background by more than a soft shadow does; both at half scale."""
    slope = np.zeros(away.shape, np.int16)
    grey = half.sum(axis=2) // 3
    slope[:, 1:] = np.abs(np.diff(grey, axis=1))
    slope[1:] = np.maximum(slope[1:], np.abs(np.diff(grey, axis=0)))
    red, green, blue = half[:, :, 0], half[:, :, 1], half[:, :, 2]
    largest = np.maximum(np.maximum(red, green), blue)
    chroma = largest - np.minimum(np.minimum(red, green), blue)
    is_shadow = (away < DARK) & (slope < SHADOW_SLOPE) & (chroma < 2 * NEAR)
    return np.asarray((away > NEAR) & ~is_shadow)


def _extent(mask: NDArray[np.bool_]) -> Box | None:
    """The box of the rows and columns with at least two marked pixels."""
    rows = np.flatnonzero(mask.sum(axis=1) >= 2)
    columns = np.flatnonzero(mask.sum(axis=0) >= 2)
    if not rows.size or not columns.size:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
