"""What a canvas looks like in numbers: contrast, edges, blur, words and parts; no judgement here.

The limits that turn them into verdicts are in `dataset.judge`. All together cost a tenth of the decode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataset.components import Marks, find_marks
from dataset.foreground import DARK, NEAR, Box, border_color, distance, shoe_mask

_EDGE = 24  # grey levels between neighbours
_OFF_GROUND = (
    24  # grey levels from the border colour: what is printed or photographed, not JPEG noise
)
_SAME = 3  # grey levels: one flat colour
_SPECKS = 0.001  # of what is not background
_FAINT = 2  # less between neighbours is ground
_STEEPEST = 300  # pixels, 0.1 % of the canvas: the outline of even a small shoe has more
_LETTER_PX = (6, 60)  # height on the canvas
_MOST_LETTERS = 400  # looked at; a page of print has no need of more
_SOLID_PX = 20  # a shoe has a square of this side somewhere; strokes and lines have not
_LEAST_PART = 0.015  # of the canvas: a smaller box is a mark, not a shoe in a collage
_DUST = 0.0005  # of the picture
_MOST_DUST = 60  # marks that can belong to parts, largest first


@dataclass(frozen=True)
class Measures:
    """All numbers of one canvas."""

    contrast: float  # largest channel difference from the border colour, 0..255
    edges: float  # share of canvas pixels that differ from their neighbours
    steepness: float | None  # the steepest steps between neighbours / contrast; None: no steps
    letters: int  # marks of a letter's size that stand in words of three and more
    solid: float  # share of the canvas in squares of 20 px that are not background
    parts: int  # separate things of about the largest one's size
    flat: float  # share of what is not background in one colour: logos and drawings have much of it


def measure(canvas: Image.Image) -> Measures:
    """The numbers of a decoded canvas file."""
    color = np.asarray(border_color(np.asarray(canvas)), np.int16)
    half = np.asarray(canvas.reduce(2)).astype(np.int16)
    away = distance(half, color)
    quarter = np.asarray(canvas.reduce(4)).astype(np.int16)
    contrast = float(away.max())
    steps = _steps(np.asarray(canvas.convert("L")).astype(np.int16))
    return Measures(
        contrast=round(contrast, 1),
        edges=round(float((steps > _EDGE).mean()), 6),
        steepness=_steepness(steps, contrast),
        letters=_in_words(find_marks(away > DARK)),
        solid=round(float(_eroded(distance(quarter, color) > NEAR, _SOLID_PX // 4 // 2).mean()), 4),
        parts=_parts(quarter, color),
        flat=round(flat_share(half, away), 4),
    )


def flat_share(picture: NDArray[np.int16], away: NDArray[np.int16]) -> float:
    """The share of what is not background that is of one colour; 0 where anything else is more than an edge.

    A logo is one colour and its edges; a shoe on the white page of a screenshot is not.

    Args:
        picture: half a canvas, (H, W, 3), 0..255.
        away: (H, W), the largest channel difference from the border colour.
    """
    is_thing = away > _OFF_GROUND
    colors = picture[is_thing]
    if not len(colors):
        return 0.0
    coarse = colors >> 4
    bins = (coarse[:, 0] << 8) | (coarse[:, 1] << 4) | coarse[:, 2]
    commonest = colors[bins == np.bincount(bins).argmax()]
    is_same = distance(picture, np.median(commonest, axis=0).astype(np.int16)) <= _SAME
    if _eroded(is_thing & ~is_same, times=2).sum() > _SPECKS * len(colors):
        return 0.0
    return float((is_thing & is_same).sum()) / len(colors)


def _steps(grey: NDArray[np.int16]) -> NDArray[np.int16]:
    across, down = np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1]
    return np.asarray(across + down)


def _steepness(steps: NDArray[np.int16], contrast: float) -> float | None:
    """How steep the steepest edges are; a step smeared over n px has about 1 / n.

    Gaussian blur of 2.5 px leaves 0.16 at most; the softest of 1,128 good photos has 0.25.
    """
    seen = steps[steps > _FAINT]
    if seen.size < _STEEPEST or not contrast:
        return None
    return round(float(np.partition(seen, -_STEEPEST)[-_STEEPEST]) / contrast, 4)


def _in_words(marks: Marks) -> int:
    """Marks of a letter's size with another close by on the left and one on the right, or beside such."""
    low, high = _LETTER_PX[0] // 2, _LETTER_PX[1] // 2
    tall = marks.height
    found = (tall >= low) & (tall <= high) & (marks.width <= 2.5 * tall) & (marks.area >= 4)
    letters = marks.only(np.flatnonzero(found)[:_MOST_LETTERS])
    tall = letters.height
    larger, smaller = np.maximum.outer(tall, tall), np.minimum.outer(tall, tall)
    ends = np.minimum.outer(letters.bottom, letters.bottom)
    common = ends - np.maximum.outer(letters.top, letters.top)
    gap = letters.left[None, :] - letters.right[:, None]
    follows = (gap >= -1) & (gap <= 0.8 * larger)
    follows &= (common >= 0.6 * smaller) & (larger <= 2.2 * smaller)
    np.fill_diagonal(follows, False)
    middle = np.asarray(follows.any(axis=0) & follows.any(axis=1))
    beside = (follows & middle[None, :]).any(axis=1) | (follows & middle[:, None]).any(axis=0)
    return int((middle | beside).sum())


def _eroded(mask: NDArray[np.bool_], times: int) -> NDArray[np.bool_]:
    """The middles of squares of 2 ``times`` + 1 px that ``mask`` fills."""
    for _ in range(times):
        mask = mask[:-2] & mask[1:-1] & mask[2:]
        mask = mask[:, :-2] & mask[:, 1:-1] & mask[:, 2:]
    return mask


def _parts(quarter: NDArray[np.int16], color: NDArray[np.int16]) -> int:
    """How many things stand apart on plain ground, each with at least 0.3 of the largest one's area.

    A pale shoe's fragments are one thing, since their boxes overlap.
    """
    mask = shoe_mask(quarter, color)
    if mask is None:
        return 0
    marks = find_marks(mask)
    large = np.argsort(-marks.area, kind="stable")[:_MOST_DUST]
    things = _merged(marks.only(large[marks.area[large] >= _DUST * mask.size]).boxes())
    largest = max(things, key=lambda box: box.area, default=None)
    least = _LEAST_PART * quarter.shape[0] * quarter.shape[1]
    return sum(
        box.height >= 0.4 * largest.height
        and box.width >= 0.4 * largest.width
        and box.area >= max(0.3 * largest.area, least)
        for box in things
        if largest is not None
    )


def _merged(boxes: Iterable[Box]) -> list[Box]:
    """Boxes that overlap become the box of both, until none overlap."""
    apart: list[Box] = []
    for box in boxes:
        while hit := next((one for one in apart if one.overlaps(box)), None):
            apart.remove(hit)
            box = box.joined(hit)
        apart.append(box)
    return apart
