"""What a part is made of at each sample: grain, panels laid over it, stitches along their edges.

In: samples of one part with place, normal and marks. Out: colours in linear light, without lighting.
A panel is a signed distance: it paints its inside, darkens a thin line round itself as a cut edge
does, and carries a row of stitches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from demo.color import linear
from demo.design import Color
from demo.last import Floats

# material -> (shine 0..1, how narrow, grain strength, grain kind)
MATERIALS = {
    "leather": (0.2, 28.0, 0.05, "hide"),
    "patent": (0.75, 70.0, 0.0, "hide"),
    "suede": (0.02, 6.0, 0.16, "nap"),
    "canvas": (0.03, 8.0, 0.13, "weave"),
    "mesh": (0.06, 12.0, 0.2, "holes"),
    "knit": (0.05, 10.0, 0.2, "knit"),
    "rubber": (0.12, 18.0, 0.0, "hide"),
}


@dataclass
class Spot:
    """Samples of one part."""

    place: Floats  # (N, 3)
    normal: Floats  # (N, 3) outwards, whichever side is seen
    marks: Floats  # (N, 2)
    is_inside: Floats  # (N,) 1 where the surface's back is seen


@dataclass
class Look:
    """What light falls on."""

    color: Floats  # (N, 3) linear, 0..1
    shine: Floats | float
    gloss: float


@lru_cache(maxsize=1)
def _noise() -> Floats:
    """A tile of smooth noise, (256, 256), mean 0, about -1..1."""
    dice = np.random.default_rng(20240229)
    total = np.zeros((256, 256))
    for cells, weight in ((16, 0.5), (64, 0.9), (128, 0.7)):
        grid = dice.standard_normal((cells, cells))
        at = np.arange(256) * cells / 256
        low, share = at.astype(int), at % 1
        high = (low + 1) % cells
        rows = grid[low] * (1 - share)[:, None] + grid[high] * share[:, None]
        total += weight * (rows[:, low] * (1 - share) + rows[:, high] * share)
    return np.clip(total / 1.6, -1, 1).astype(np.float32)


def noise(x: Floats, z: Floats, scale: float) -> Floats:
    """Smooth noise at (x, z), ``scale`` tiles to a shoe length."""
    step = np.float32(scale * 256)
    tile = _noise()
    found = tile[(z * step).astype(np.int32) & 255, (x * step).astype(np.int32) & 255]
    return np.asarray(found, np.float32)


def _grain(kind: str, place: Floats) -> Floats:
    """Brightness of a material's texture, about -1..1."""
    x = place[:, 0]
    z = np.asarray(place[:, 2] + np.abs(place[:, 1]) * np.float32(0.7), np.float32)
    if kind == "nap":
        return noise(x, z, 2.2)
    if kind == "weave":
        return np.asarray(np.sin(x * 620) * np.sin(z * 620), np.float32)
    if kind == "holes":
        return np.asarray(
            np.minimum(np.sin(x * 330 + z * 170) + np.sin(z * 340 - x * 170), 0.3) * 0.8, np.float32
        )
    if kind == "knit":
        return np.asarray(np.sin(z * 420 + 2.2 * np.abs(np.sin(x * 210))), np.float32)
    return noise(x, z, 4.0)


def grained(color: Floats, name: str, place: Floats) -> Floats:
    """``color`` with the grain of the material ``name``."""
    strength, kind = MATERIALS[name][2:]
    if not strength:
        return color
    return color * (1.0 + np.float32(strength) * _grain(kind, place))[:, None]


def paint_panel(color: Floats, distance: Floats, paint: Color, edge: float = 0.35) -> None:
    """Lay a panel over ``color`` (changed in place), with a dark line just outside its edge."""
    inside = np.clip(0.5 - distance * 500.0, 0.0, 1.0)[:, None]
    shade = 1.0 - edge * np.exp(-((np.clip(distance, 0, 1) / 0.0045) ** 2))
    color *= shade[:, None].astype(np.float32)
    color += inside.astype(np.float32) * (linear(paint) - color)


def stitch_edge(color: Floats, distance: Floats, along: Floats, paint: Color) -> None:
    """A dashed line just inside a panel's edge."""
    line = np.exp(-(((distance + 0.009) / 0.0016) ** 2)) * (np.sin(along * 520) > -0.3)
    color += (0.55 * line)[:, None].astype(np.float32) * (linear(paint) - color)
