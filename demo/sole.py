"""How the sole looks: the midsole's sidewall, the outsole's edge, the tread underneath.

In: samples of these parts. Out: their `Look`; the tread also bends the normals it is given.
"""

from __future__ import annotations

import numpy as np

from demo import last
from demo.color import linear
from demo.design import Color, Shoe
from demo.last import Floats, between, smoothstep
from demo.materials import Look, Spot, noise, paint_panel


def midsole(shoe: Shoe, spot: Spot) -> Look:
    """The sidewall's pattern, dark where it meets the outsole and the upper."""
    colors, kind = shoe.colors, shoe.sole.sidewall
    x, v = spot.place[:, 0], spot.marks[:, 1]
    color = np.broadcast_to(linear(colors.midsole), (len(x), 3)).copy()
    if kind == "stripe":
        _band(color, v, 0.42, 0.58, colors.stripe)
    elif kind == "foxing":
        _band(color, v, 0.78, 0.9, colors.stripe)
        _band(color, v, 0.06, 0.13, colors.stripe)
    elif kind == "layers":
        split = 0.5 + 0.18 * np.sin(x * 6.0 + 0.6)
        _band(color, v - split, 0.0, 1.0, colors.stripe)
    elif kind == "ribs":
        color *= (1.0 - 0.28 * (np.sin(x * 260) > 0.2) * between(v, 0.15, 0.85))[:, None]
    elif kind == "speckle":
        spots = noise(x, spot.place[:, 2] + spot.place[:, 1], 3.0) > 0.62
        color[spots] = linear(colors.stripe)
    elif kind == "pods":
        place = (x * 7.0) % 1.0 - 0.5
        pod = np.hypot(place * 1.1, (v - 0.42) * 0.9) - 0.34
        paint_panel(color, (pod * 0.08).astype(np.float32), colors.stripe, 0.3)
        color[(x < 0.03) | (x > 0.62)] = linear(colors.midsole)
    crease = 0.22 * np.exp(-(((v - 0.02) / 0.05) ** 2)) + 0.12 * np.exp(-(((v - 0.99) / 0.03) ** 2))
    color *= (1.0 - crease)[:, None].astype(np.float32)
    return Look(color, 0.07, 14.0)


def _band(color: Floats, v: Floats, low: float, high: float, paint: Color) -> None:
    color[(v > low) & (v < high)] = linear(paint)


def outsole(shoe: Shoe, spot: Spot) -> Look:
    """The edge of the rubber, with the tread's gaps."""
    color = np.broadcast_to(linear(shoe.colors.outsole), (len(spot.place), 3)).copy()
    teeth = {"lugs": (95.0, 0.62), "blocks": (70.0, 0.5), "waves": (150.0, 0.3)}
    if shoe.sole.tread in teeth:
        pace, depth = teeth[shoe.sole.tread]
        along = spot.place[:, 0] + 0.6 * np.abs(spot.place[:, 1]) * (spot.place[:, 0] > 0.8)
        gap = (np.sin(along * pace) > 0.35) & (spot.marks[:, 1] < 0.8)
        color *= (1.0 - depth * gap)[:, None].astype(np.float32)
    return Look(color, 0.05, 12.0)


def bottom(shoe: Shoe, spot: Spot) -> Look:
    """The tread: a height over (x, y) whose slope bends the normal and whose floor is darker."""
    x, y = spot.place[:, 0], spot.place[:, 1] - last.center(shoe, spot.place[:, 0])
    lift = tread_height(shoe.sole.tread, x, y)
    half = last.half_width(shoe, x)
    flat = np.abs(y) / half
    color = np.broadcast_to(linear(shoe.colors.outsole), (len(x), 3)).copy()
    waist = between(x, 0.36, 0.56) * (flat < 0.62)
    window = np.maximum(np.abs(x - 0.46) - 0.07, np.abs(y) - 0.045)
    color *= (0.42 + 0.58 * np.where((flat > 0.88) | (waist > 0.5), 1.0, lift))[:, None]
    paint_panel(color, window.astype(np.float32), shoe.colors.stripe, 0.4)
    step = np.float32(0.002)
    slope_x = (tread_height(shoe.sole.tread, x + step, y) - lift) * 0.35
    spot.normal[:, 0] += slope_x
    return Look(color, 0.06, 12.0)


def tread_height(kind: str, x: Floats, y: Floats) -> Floats:
    """Height of the tread at (x, y), 0 (groove) to 1."""
    if kind == "herringbone":
        value = np.sin((x + np.abs((y * 9.0) % 1.0 - 0.5) * 0.09) * 210)
    elif kind == "lugs":
        value = np.minimum(np.sin((x + 0.35 * np.abs(y)) * 82), np.cos(np.abs(y) * 62) + 0.35)
    elif kind == "waves":
        value = np.sin((x + 0.016 * np.sin(y * 70)) * 165)
    elif kind == "dots":
        value = np.sin(x * 120) * np.sin(y * 120) * 1.6
    elif kind == "blocks":
        value = np.minimum(np.sin(x * 70) + 0.45, np.sin(y * 85 + 0.8) + 0.45)
    else:
        value = np.full_like(x, 1.0)
    return np.asarray(smoothstep(-0.15, 0.35, value.astype(np.float32)), np.float32)
