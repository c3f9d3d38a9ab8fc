"""The upper's panels, emblem, throat and lining.

In: samples of the upper. Out: their `Look`. Panels are signed distances over x and the height over
the sole, laid from the base outwards.
"""

from __future__ import annotations

import numpy as np

from demo import lacing, last
from demo.color import lightened, linear
from demo.design import Color, Shoe
from demo.emblem import emblem_distance
from demo.last import Floats, between, smoothstep
from demo.materials import MATERIALS, Look, Spot, grained, paint_panel, stitch_edge


def upper(shoe: Shoe, spot: Spot) -> Look:
    """Panels from the base outwards: mudguard, toe, counter, eyelets, emblem, throat, tab."""
    make, colors = shoe.upper, shoe.colors
    x, height = spot.place[:, 0], spot.marks[:, 0]
    y = spot.place[:, 1] - last.center(shoe, x)
    flat = np.abs(y)
    color = np.broadcast_to(linear(colors.upper), (len(x), 3)).copy()
    color = grained(color, make.material, spot.place)
    for distance, paint in _panels(shoe, x, flat, height):
        paint_panel(color, distance, paint)
        stitch_edge(
            color, distance, x + height, lightened(paint, 0.35 if sum(paint) < 380 else -0.3)
        )
    if make.emblem != "none":
        paint_emblem(shoe, color, x, y, height)
    if make.closure == "laces":
        _throat(shoe, color, x, flat, height)
    if make.closure == "gore":
        _gore(shoe, color, x, height)
    if make.has_tab and not make.straps:
        tab = np.maximum(flat - 0.022, 0.72 * shoe.last.collar_height - height)
        paint_panel(color, np.maximum(tab, x - 0.12), colors.accent)
    if not make.straps:
        crease = 0.05 * np.sin((x * 0.8 + flat * 0.35) * 190) * between(x, 0.56, 0.72)
        color *= (1.0 + crease * between(height, 0.03, 0.2))[:, None].astype(np.float32)
    show_lining(shoe, spot, color)
    shine, gloss = MATERIALS[make.material][:2]
    return Look(color, shine * (1.0 - spot.is_inside), gloss)


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
        begin = form.vamp_x
        stay = np.maximum(
            flat - make.slit - 0.032 - 0.09 * np.clip(begin - 0.1 - x, 0, 0.3), x - begin - 0.03
        )
        found.append((np.maximum(stay, form.throat_x - 0.09 - x), colors.overlay))
    return found


def paint_emblem(shoe: Shoe, color: Floats, x: Floats, y: Floats, height: Floats) -> None:
    """Lay the emblem over ``color`` (changed in place), on both sides, smaller on the medial one."""
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
    paint_panel(color, away.astype(np.float32), shoe.colors.accent, 0.25)


def _throat(shoe: Shoe, color: Floats, x: Floats, flat: Floats, height: Floats) -> None:
    """The gap that shows the tongue, and the eyelets beside it."""
    make, form = shoe.upper, shoe.last
    begin = form.vamp_x - 0.015
    gap = np.hypot(np.maximum(x - begin + make.slit, 0), flat) - make.slit
    gap = np.where(x > begin - make.slit, gap, flat - make.slit)
    gap = np.maximum(gap, form.throat_x - 0.16 - x).astype(np.float32)
    paint_panel(color, gap, shoe.colors.tongue, 0.6)
    hollow = np.clip(1.0 + gap / 0.02, 0.0, 1.0) * (gap < 0)
    color *= (1.0 - 0.5 * hollow)[:, None].astype(np.float32)
    edge = make.slit + 0.014
    beside = np.flatnonzero(np.abs(flat - edge) < 0.02)
    eyes = lacing.across_vamp(shoe, *lacing.lace_rows(shoe), edge)
    apart = np.hypot(x[beside, None] - eyes[0], height[beside, None] - eyes[1]).min(axis=1)
    hole = np.hypot(apart, flat[beside] - edge) - 0.0065
    part = color[beside]
    paint_panel(part, hole.astype(np.float32), (40, 40, 42), 0.3)
    color[beside] = part


def _gore(shoe: Shoe, color: Floats, x: Floats, height: Floats) -> None:
    """An elastic wedge on each side below the collar."""
    wedge = (
        np.abs(x - shoe.last.throat_x + 0.13 - 0.2 * (height - 0.2))
        - 0.028
        - 0.22 * (height - 0.12)
    )
    wedge = np.maximum(wedge, 0.085 - height)
    paint_panel(color, wedge.astype(np.float32), shoe.colors.accent, 0.4)
    ribs = (wedge < 0) * np.sin(x * 700) * 0.25
    color *= (1.0 + ribs)[:, None].astype(np.float32)


def show_lining(shoe: Shoe, spot: Spot, color: Floats) -> None:
    """The inside: lining, darker the deeper one looks."""
    inside = spot.is_inside > 0
    if not inside.any():
        return
    depth = np.clip(1.0 - spot.marks[inside, 1], 0.0, 1.0)
    dark = 0.75 if shoe.upper.straps else 0.62 * np.exp(-depth / 0.2) + 0.1
    color[inside] = linear(shoe.colors.lining) * np.broadcast_to(dark, depth.shape)[:, None]
