"""The soft mask of the shoe on a plain background, and the square a net sees together with it.

A mask may take in too much (a hard shadow, the gap in a pair) but must not cut the shoe: a white sole
on white differs from the ground by less than a shadow does. So whatever differs a little *and* has
detail counts, holes and bays of the outline are filled, and a mask that needed much filling is not
trusted: it is 255 everywhere, as on a busy background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from dataset.canvas import WHITE, Pixels, choose_box, cut_square, shrunk
from dataset.foreground import PADDING, Box, Foreground, find_foreground, ground_and_shoe

BACKGROUNDS = ("keep", "neutral")
# White, not grey: an untrusted picture keeps its ground, which is white in most shops; on grey the
# cut-out ones would stand apart from those. A feathered edge leaves no halo on white either.
NEUTRAL = WHITE
DETAIL = 3.0  # grey levels between a pixel and its surroundings; plain ground has under 2
SURROUNDINGS = 2.0  # px, sigma: wide against an outline, narrow against a soft shadow
GAP = 4  # px at half scale: openings of the outline up to twice this are closed
BAY = 0.12  # of the longer side of a part: bays up to twice as wide are filled
DUST = 0.02  # of the largest part's area: smaller ones are not the shoe
LARGE = 0.2  # of the largest part's area: parts whose bays are looked at
WHOLE = 0.85  # of a part's area with its bays filled: below, pieces of the shoe are missing
LEAST_SHARE = 0.01  # of the canvas
LEAST_OF_BOX = 0.3  # a shoe fills more of its box; frames, legs and scattered pieces do not
MOST_PARTS = 8  # a pair in a box has three
FAINT = 1.0  # grey levels between a pixel and its nearest: too little for the mask ...
NEAREST = 1.0  # px, sigma
MOST_FAINT = 0.02  # ... but, on so much ground (of the mask's area), pieces of a pale shoe left out
EDGE = 3  # px at half scale: along the picture's edge on the canvas
NEARBY = 4  # px at half scale: round the mask, where the outline itself makes detail
FEATHER = 0.8  # px at half scale, sigma

Mask = NDArray[np.uint8]  # 0 background .. 255 shoe
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """What a net sees; pixels and mask cover the same square."""

    pixels: Pixels  # (S, S, 3), RGB
    mask: Mask  # (S, S); 255 everywhere unless ``is_plain``
    is_plain: bool  # whether the background is plain and the mask is trusted


def prepare_with_mask(
    canvas: Image.Image, size: int, crop: bool, background: str = "keep"
) -> Prepared:
    """What a net sees of ``canvas``, uint8 RGB (size, size, 3), with its mask.

    With ``crop`` the shoe's box plus 6 % on each side where the background is plain, elsewhere the
    canvas without its padding; without ``crop`` the whole canvas. Padded to a square with the border
    colour; with ``background`` neutral, what is outside a trusted mask is white, padding too.
    """
    if background not in BACKGROUNDS:
        raise ValueError(
            f"background is {background!r}; it must be one of {', '.join(BACKGROUNDS)}"
        )
    canvas = canvas.convert("RGB")
    found = find_foreground(canvas)
    box, color = choose_box(canvas, found, crop)
    mask = soft_mask(canvas, found)
    if mask is None:
        pixels = shrunk(cut_square(canvas, box, color), size)
        return Prepared(pixels, np.full((size, size), 255, np.uint8), is_plain=False)
    layer = Image.fromarray(mask)
    if background == "neutral":
        color = NEUTRAL
        canvas = Image.composite(canvas, Image.new("RGB", canvas.size, color), layer)
    pixels = shrunk(cut_square(canvas, box, color), size)
    return Prepared(pixels, shrunk(cut_square(layer, box, 0), size), is_plain=True)


def soft_mask(canvas: Image.Image, found: Foreground) -> Mask | None:
    """The shoe's mask on the canvas, (H, W), feathered; None where it could not be trusted.

    Args:
        canvas: RGB, 500x600.
        found: what `find_foreground` says of it.
    """
    if not found.is_plain:
        return None
    half = np.asarray(canvas.reduce(2)).astype(np.int16)
    away, clear, inside = ground_and_shoe(half, found.border_color)
    is_detail = _detail(half, inside, SURROUNDINGS) > DETAIL
    parts = _parts(_closed(clear | (is_detail & (away > PADDING // 2)), GAP))
    whole = _without_bays(parts)
    is_faint = _detail(half, inside, NEAREST) > FAINT
    if whole is None or not _is_credible(whole, len(parts), is_faint):
        return None
    feathered = ndimage.gaussian_filter(whole.astype(np.float32), FEATHER)
    layer = Image.fromarray(np.rint(feathered * 255).astype(np.uint8))
    return np.array(layer.resize(canvas.size, Image.Resampling.BILINEAR))


def _detail(half: NDArray[np.int16], inside: Box, sigma: float) -> NDArray[np.float32]:
    """How much each pixel differs from its surroundings; in a soft shadow it does not. (H, W)"""
    grey = half.sum(axis=2, dtype=np.float32) / 3
    detail = np.abs(grey - ndimage.gaussian_filter(grey, sigma))
    detail[: inside.top + EDGE] = detail[inside.bottom - EDGE :] = 0
    detail[:, : inside.left + EDGE] = detail[:, inside.right - EDGE :] = 0
    return np.asarray(detail)


def _closed(mask: Bools, radius: float) -> Bools:
    """``mask`` without its holes and bays, also where a gap up to twice ``radius`` px wide opens them.

    Grown, filled, shrunk; by distances, so that any radius costs the same.
    """
    margin = int(radius) + 2
    ground = np.pad(~mask, margin, constant_values=True)
    grown = ndimage.distance_transform_edt(ground) <= radius
    closed = ndimage.distance_transform_edt(ndimage.binary_fill_holes(grown)) > radius
    return np.asarray(closed[margin:-margin, margin:-margin] | mask)


def _parts(mask: Bools) -> list[Bools]:
    """The parts of ``mask`` that are not dust, each as a mask, the largest first."""
    names, count = ndimage.label(mask)
    if not count:
        return []
    areas = np.bincount(names.ravel())[1:]
    order = np.argsort(-areas, kind="stable")
    return [names == part + 1 for part in order if areas[part] >= DUST * areas[order[0]]]


def _without_bays(parts: list[Bools]) -> Bools | None:
    """All parts in one mask, bays of the large ones filled; None where those are too large."""
    if not parts:
        return None
    joined = np.zeros(parts[0].shape, bool)
    for part in parts:
        filled = _without_bay(part) if part.sum() >= LARGE * parts[0].sum() else part
        if part.sum() < WHOLE * filled.sum():
            return None
        joined |= filled
    return joined


def _without_bay(part: Bools) -> Bools:
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return _closed(part, BAY * longer)


def _is_credible(mask: Bools, parts: int, is_faint: Bools) -> bool:
    """Whether ``mask`` is the size and shape of a shoe, and leaves no piece of one on the ground."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    area = mask.sum()
    ground = ndimage.distance_transform_edt(~mask) > NEARBY
    return bool(
        parts <= MOST_PARTS
        and area >= LEAST_SHARE * mask.size
        and area >= LEAST_OF_BOX * box
        and (ground & is_faint).sum() <= MOST_FAINT * area
    )
