"""What each part is made of at each sample: colour, dents and shine; panels, seams and treads.

In: samples of one part with place, normal and marks. Out: a `Look` in linear light, without lighting.
Panels are signed distances over the upper: a panel paints its inside, darkens a thin line round
itself as a cut edge does, and carries a row of stitches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from demo import last, mesh
from demo.design import Color, Shoe
from demo.emblem import emblem_distance
from demo.last import Floats, smoothstep

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


def linear(color: Color) -> Floats:
    """sRGB to linear light, 0..1 (IEC 61966-2-1)."""
    share = np.asarray(color, np.float64) / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


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


def _grained(color: Floats, name: str, place: Floats) -> Floats:
    strength, kind = MATERIALS[name][2:]
    if not strength:
        return color
    return color * (1.0 + np.float32(strength) * _grain(kind, place))[:, None]


def _paint(color: Floats, distance: Floats, paint: Color, edge: float = 0.35) -> None:
    """Lay a panel over ``color`` (changed in place), with a dark line just outside its edge."""
    inside = np.clip(0.5 - distance * 500.0, 0.0, 1.0)[:, None]
    shade = 1.0 - edge * np.exp(-((np.clip(distance, 0, 1) / 0.0045) ** 2))
    color *= shade[:, None].astype(np.float32)
    color += inside.astype(np.float32) * (linear(paint) - color)


def _stitch(color: Floats, distance: Floats, along: Floats, paint: Color) -> None:
    """A dashed line just inside a panel's edge."""
    line = np.exp(-(((distance + 0.009) / 0.0016) ** 2)) * (np.sin(along * 520) > -0.3)
    color += (0.55 * line)[:, None].astype(np.float32) * (linear(paint) - color)


def lightened(color: Color, share: float) -> Color:
    """``color`` moved towards white (or, below zero, black)."""
    goal = 255 if share > 0 else 0
    red, green, blue = (round(value + (goal - value) * abs(share)) for value in color)
    return red, green, blue


def upper(shoe: Shoe, spot: Spot) -> Look:
    """Panels from the base outwards: mudguard, toe, counter, eyelets, emblem, throat, tab."""
    make, colors = shoe.upper, shoe.colors
    x, height = spot.place[:, 0], spot.marks[:, 0]
    y = spot.place[:, 1] - last.center(shoe, x)
    flat = np.abs(y)
    color = np.broadcast_to(linear(colors.upper), (len(x), 3)).copy()
    color = _grained(color, make.material, spot.place)
    for distance, paint in _panels(shoe, x, flat, height):
        _paint(color, distance, paint)
        _stitch(color, distance, x + height, lightened(paint, 0.35 if sum(paint) < 380 else -0.3))
    if make.emblem != "none":
        _emblem(shoe, color, x, y, height)
    if make.closure == "laces":
        _throat(shoe, color, x, flat, height)
    if make.closure == "gore":
        _gore(shoe, color, x, height)
    if make.has_tab and not make.straps:
        tab = np.maximum(flat - 0.022, 0.72 * shoe.last.collar_height - height)
        _paint(color, np.maximum(tab, x - 0.12), colors.accent)
    if not make.straps:
        crease = 0.05 * np.sin((x * 0.8 + flat * 0.35) * 190) * _between(x, 0.56, 0.72)
        color *= (1.0 + crease * _between(height, 0.03, 0.2))[:, None].astype(np.float32)
    _lining(shoe, spot, color)
    shine, gloss = MATERIALS[make.material][:2]
    return Look(color, shine * (1.0 - spot.is_inside), gloss)


def _between(value: Floats, low: float, high: float) -> Floats:
    soft = (high - low) * 0.25
    return smoothstep(low, low + soft, value) * (1.0 - smoothstep(high - soft, high, value))


def _panels(shoe: Shoe, x: Floats, flat: Floats, height: Floats) -> list[tuple[Floats, Color]]:
    make, colors, form = shoe.upper, shoe.colors, shoe.last
    found: list[tuple[Floats, Color]] = []
    if make.straps:
        return found
    if make.mudguard:
        swell = make.mudguard * (
            0.75 + 0.55 * np.cos((x - 0.03) * 7.0) + 0.5 * smoothstep(0.75, 0.95, x)
        )
        found.append((height - np.maximum(swell, 0.012), colors.overlay))
    if make.counter:
        found.append((x + 0.25 * height - make.counter - 0.5 * (height - 0.1) ** 2, colors.counter))
    if make.toe in ("cap", "shell"):
        bow = make.toe_x + (1.6 if make.toe == "cap" else -1.9) * flat**2
        found.append((bow - x, colors.toe))
    if make.toe == "mudguard":
        found.append((np.maximum(height - 0.062, make.toe_x - 0.08 - x), colors.toe))
    if make.toe == "wing":
        point = make.toe_x - 0.06 + 0.45 * flat - 0.8 * np.maximum(flat - 0.09, 0)
        found.append((point - x, colors.toe))
    if make.has_stay and make.closure == "laces":
        begin = form.vamp_x - 0.0
        stay = np.maximum(
            flat - make.slit - 0.032 - 0.09 * np.clip(begin - 0.1 - x, 0, 0.3), x - begin - 0.03
        )
        found.append((np.maximum(stay, form.throat_x - 0.09 - x), colors.overlay))
    return found


def _emblem(shoe: Shoe, color: Floats, x: Floats, y: Floats, height: Floats) -> None:
    make = shoe.upper
    size = make.emblem_size * np.where(y > 0, 1.0, 0.8)
    unit = np.float32(make.emblem_size)
    distance = emblem_distance(
        make.emblem,
        ((x - make.emblem_x) / size * unit).astype(np.float32),
        ((height - make.emblem_height) / size * unit).astype(np.float32),
        make.emblem_size,
    )
    away = np.maximum(distance, 0.03 - np.abs(y))
    _paint(color, away.astype(np.float32), shoe.colors.accent, 0.25)


def _throat(shoe: Shoe, color: Floats, x: Floats, flat: Floats, height: Floats) -> None:
    """The gap that shows the tongue, and the eyelets beside it."""
    make, form = shoe.upper, shoe.last
    begin = form.vamp_x - 0.015
    gap = np.hypot(np.maximum(x - begin + make.slit, 0), flat) - make.slit
    gap = np.where(x > begin - make.slit, gap, flat - make.slit)
    gap = np.maximum(gap, form.throat_x - 0.16 - x).astype(np.float32)
    _paint(color, gap, shoe.colors.tongue, 0.6)
    hollow = np.clip(1.0 + gap / 0.02, 0.0, 1.0) * (gap < 0)
    color *= (1.0 - 0.5 * hollow)[:, None].astype(np.float32)
    edge = make.slit + 0.014
    beside = np.flatnonzero(np.abs(flat - edge) < 0.02)
    eyes = mesh.across_vamp(shoe, *mesh.lace_rows(shoe), edge)
    apart = np.hypot(x[beside, None] - eyes[0], height[beside, None] - eyes[1]).min(axis=1)
    hole = np.hypot(apart, flat[beside] - edge) - 0.0065
    part = color[beside]
    _paint(part, hole.astype(np.float32), (40, 40, 42), 0.3)
    color[beside] = part


def _gore(shoe: Shoe, color: Floats, x: Floats, height: Floats) -> None:
    """An elastic wedge on each side below the collar."""
    wedge = (
        np.abs(x - shoe.last.throat_x + 0.13 - 0.2 * (height - 0.2))
        - 0.028
        - 0.22 * (height - 0.12)
    )
    wedge = np.maximum(wedge, 0.085 - height)
    _paint(color, wedge.astype(np.float32), shoe.colors.accent, 0.4)
    ribs = (wedge < 0) * np.sin(x * 700) * 0.25
    color *= (1.0 + ribs)[:, None].astype(np.float32)


def _lining(shoe: Shoe, spot: Spot, color: Floats) -> None:
    """The inside: lining, darker the deeper one looks."""
    inside = spot.is_inside > 0
    if not inside.any():
        return
    depth = np.clip(1.0 - spot.marks[inside, 1], 0.0, 1.0)
    dark = 0.75 if shoe.upper.straps else 0.62 * np.exp(-depth / 0.2) + 0.1
    color[inside] = linear(shoe.colors.lining) * np.broadcast_to(dark, depth.shape)[:, None]


def keep_straps(
    shoe: Shoe, place: Floats, marks: Floats
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which samples of a sandal's upper are strap; the rest is air."""
    return np.asarray(strap_distance(shoe, place, marks) < 0)


def strap_distance(shoe: Shoe, place: Floats, marks: Floats) -> Floats:
    """Distance to the nearest strap of a sandal."""
    x, height = place[:, 0], marks[:, 0]
    y = place[:, 1] - last.center(shoe, x)
    found = np.full_like(x, 9.0)
    for at, width in shoe.upper.straps:
        lean = 0.22 * (at - 0.5) * (1.0 - np.abs(y) / 0.17) + 0.35 * (height - 0.05) * (0.62 - at)
        found = np.minimum(found, np.abs(x - at + lean) - width * (0.8 + 1.2 * np.abs(y)))
    if not shoe.upper.is_open_back:
        band = np.abs(height - 0.15 - 0.1 * (x - 0.1)) - 0.022
        found = np.minimum(found, np.maximum(band, x - 0.34))
        foot = np.maximum(np.abs(x - 0.3 + 0.4 * (height - 0.1)) - 0.022, height - 0.18)
        found = np.minimum(found, foot)
    return np.asarray(found, np.float32)


def straps(shoe: Shoe, spot: Spot) -> Look:
    """A sandal's straps with hemmed edges; the emblem on the broadest."""
    color = np.broadcast_to(linear(shoe.colors.upper), (len(spot.place), 3)).copy()
    color = _grained(color, shoe.upper.material, spot.place)
    distance = strap_distance(shoe, spot.place, spot.marks)
    x = spot.place[:, 0]
    y = spot.place[:, 1] - last.center(shoe, x)
    if shoe.upper.emblem != "none":
        _emblem(shoe, color, x, y, spot.marks[:, 0])
    color *= (1.0 - 0.45 * np.exp(-((distance / 0.005) ** 2)))[:, None].astype(np.float32)
    _stitch(color, distance, x + 2 * np.abs(y), shoe.colors.accent)
    _lining(shoe, spot, color)
    shine, gloss = MATERIALS[shoe.upper.material][:2]
    return Look(color, shine, gloss)


def rim(shoe: Shoe, spot: Spot) -> Look:
    color = np.broadcast_to(linear(shoe.colors.lining), (len(spot.place), 3)).copy()
    color *= (0.55 + 0.45 * smoothstep(1.0, 0.4, spot.marks[:, 1]))[:, None]
    return Look(_grained(color, "knit", spot.place), 0.03, 8.0)


def tongue(shoe: Shoe, spot: Spot) -> Look:
    t, side = spot.marks[:, 0], spot.marks[:, 1]
    color = np.broadcast_to(linear(shoe.colors.tongue), (len(t), 3)).copy()
    color = _grained(color, shoe.upper.material, spot.place)
    label = np.maximum(np.abs(side) - 0.5, np.abs(t - 0.78) - 0.13) * 0.04
    _paint(color, label.astype(np.float32), shoe.colors.accent, 0.2)
    edge = np.maximum(np.abs(side) - 0.93, t - 0.95)
    color *= (1.0 - 0.3 * (edge > 0))[:, None].astype(np.float32)
    inside = spot.is_inside > 0
    color[inside] = linear(shoe.colors.lining) * np.float32(0.6)
    return Look(color, 0.05, 10.0)


def lace(shoe: Shoe, spot: Spot) -> Look:
    color = np.broadcast_to(linear(shoe.colors.lace), (len(spot.place), 3)).copy()
    weave = 0.82 + 0.18 * (1.0 - np.abs(spot.marks[:, 0])) + 0.06 * np.sin(spot.marks[:, 1] * 60)
    return Look(color * weave[:, None].astype(np.float32), 0.04, 10.0)


def insole(shoe: Shoe, spot: Spot) -> Look:
    paint = shoe.colors.stripe if shoe.upper.straps else shoe.colors.lining
    color = np.broadcast_to(linear(paint), (len(spot.place), 3)).copy()
    if shoe.upper.straps:
        x, side = spot.place[:, 0], np.abs(spot.marks[:, 1])
        color *= (1.0 - 0.3 * smoothstep(0.86, 1.0, side))[:, None]
        color *= (1.0 + 0.1 * noise(x, spot.place[:, 1], 2.0))[:, None]
    else:
        color *= np.float32(0.34)
    return Look(color, 0.02, 8.0)


def midsole(shoe: Shoe, spot: Spot) -> Look:
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
        color *= (1.0 - 0.28 * (np.sin(x * 260) > 0.2) * _between(v, 0.15, 0.85))[:, None]
    elif kind == "speckle":
        spots = noise(x, spot.place[:, 2] + spot.place[:, 1], 3.0) > 0.62
        color[spots] = linear(colors.stripe)
    elif kind == "pods":
        place = (x * 7.0) % 1.0 - 0.5
        pod = np.hypot(place * 1.1, (v - 0.42) * 0.9) - 0.34
        _paint(color, (pod * 0.08).astype(np.float32), colors.stripe, 0.3)
        color[(x < 0.03) | (x > 0.62)] = linear(colors.midsole)
    crease = 0.22 * np.exp(-(((v - 0.02) / 0.05) ** 2)) + 0.12 * np.exp(-(((v - 0.99) / 0.03) ** 2))
    color *= (1.0 - crease)[:, None].astype(np.float32)
    return Look(color, 0.07, 14.0)


def _band(color: Floats, v: Floats, low: float, high: float, paint: Color) -> None:
    color[(v > low) & (v < high)] = linear(paint)


def outsole(shoe: Shoe, spot: Spot) -> Look:
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
    waist = _between(x, 0.36, 0.56) * (flat < 0.62)
    window = np.maximum(np.abs(x - 0.46) - 0.07, np.abs(y) - 0.045)
    color *= (0.42 + 0.58 * np.where((flat > 0.88) | (waist > 0.5), 1.0, lift))[:, None]
    _paint(color, window.astype(np.float32), shoe.colors.stripe, 0.4)
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


LOOKS = {
    mesh.OUTSOLE: outsole,
    mesh.MIDSOLE: midsole,
    mesh.BOTTOM: bottom,
    mesh.UPPER: upper,
    mesh.RIM: rim,
    mesh.INSOLE: insole,
    mesh.TONGUE: tongue,
    mesh.LACE: lace,
}
