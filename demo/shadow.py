"""The soft shadow on the studio floor: the sole's outline, blurred near and far.

In: a `Shoe` and the view of it. Out: how bright the floor is at each pixel. The shadow is made once per
shoe as a map of the floor; each pixel looks up where its line of sight meets the floor.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.camera import DISTANCE, View
from demo.design import Shoe
from demo.last import Floats
from demo.loft import outline
from demo.mesh import PAIR_GAP, PAIR_LAG

PER_LENGTH = 100  # px of the floor map per shoe length
LEFT, NEAR = -0.6, -1.1  # the map's corner on the floor
MAP_SIZE = (220, 200)


@lru_cache(maxsize=8)
def _floor_map(shoe: Shoe, is_pair: bool) -> Floats:
    """Brightness of the floor seen from above, 0..1; rows are y."""
    x, middle, half = outline(shoe, 0.0)
    ring = np.concatenate([np.stack([x, middle + half], 1), np.stack([x, middle - half], 1)[::-1]])
    rings = [ring]
    if is_pair:
        rings.append(ring * [1, -1] - [PAIR_LAG, PAIR_GAP])
    image = Image.new("L", MAP_SIZE, 0)
    for line in rings:
        points = (line - [LEFT, NEAR]) * PER_LENGTH
        ImageDraw.Draw(image).polygon([(float(a), float(b)) for a, b in points], fill=255)
    contact = np.asarray(image.filter(ImageFilter.GaussianBlur(1.6)), np.float32) / 255
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(6.0)), np.float32) / 255
    wide = np.asarray(image.filter(ImageFilter.GaussianBlur(15.0)), np.float32) / 255
    shade = (1.0 - 0.45 * contact) * (1.0 - 0.38 * soft) * (1.0 - 0.16 * wide)
    shade[0] = shade[-1] = 1.0
    shade[:, 0] = shade[:, -1] = 1.0
    return np.asarray(shade, np.float32)


def ground_shade(shoe: Shoe, view: View, size_px: tuple[int, int], is_pair: bool) -> Floats:
    """(H, W) brightness of the floor at each pixel; 1 where the line of sight misses it."""
    # Every second pixel is enough for what is this soft.
    wide, high = (size_px[0] + 1) // 2, (size_px[1] + 1) // 2
    columns = (2 * np.arange(wide, dtype=np.float32) + 1 - view.offset[0]) / view.scale
    rows = -(2 * np.arange(high, dtype=np.float32) + 1 - view.offset[1]) / view.scale
    right, up, toward = view.axes
    # A line of sight: eye + t * (right * column + up * row - toward * DISTANCE).
    eye = toward * DISTANCE + np.asarray([0.5, 0.0, 0.1], np.float32)
    fall = right[2] * columns[None, :] + up[2] * rows[:, None] - toward[2] * DISTANCE
    reach = np.where(fall < -1e-4, -eye[2] / np.minimum(fall, -1e-4), 0.0)
    x = eye[0] + reach * (
        right[0] * columns[None, :] + up[0] * rows[:, None] - toward[0] * DISTANCE
    )
    y = eye[1] + reach * (
        right[1] * columns[None, :] + up[1] * rows[:, None] - toward[1] * DISTANCE
    )
    shade = _bilinear(_floor_map(shoe, is_pair), (y - NEAR) * PER_LENGTH, (x - LEFT) * PER_LENGTH)
    shade = np.where(reach > 0, shade, np.float32(1.0)).astype(np.float32)
    grown = Image.fromarray(shade).resize((wide * 2, high * 2), Image.Resampling.BILINEAR)
    return np.asarray(grown, np.float32)[: size_px[1], : size_px[0]]


def _bilinear(table: Floats, row: Floats, column: Floats) -> Floats:
    row = np.clip(row, 0, table.shape[0] - 1.001).astype(np.float32)
    column = np.clip(column, 0, table.shape[1] - 1.001).astype(np.float32)
    low, left = row.astype(np.int32), column.astype(np.int32)
    down, across = row - low, column - left
    flat = table.ravel()
    at = low * table.shape[1] + left
    above = flat[at] * (1 - across) + flat[at + 1] * across
    at += table.shape[1]
    below = flat[at] * (1 - across) + flat[at + 1] * across
    return np.asarray(above * (1 - down) + below * down, np.float32)
