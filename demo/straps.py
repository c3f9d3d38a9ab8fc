"""A sandal's upper: which samples are strap, and how straps look.

In: samples of an upper with straps. Out: what stays of it, the rest being air, and its `Look`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demo import last
from demo.color import linear
from demo.design import Shoe
from demo.last import Floats
from demo.materials import MATERIALS, Look, Spot, grained, stitch_edge
from demo.panels import paint_emblem, show_lining


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


def keep_straps(shoe: Shoe, place: Floats, marks: Floats) -> NDArray[np.bool_]:
    """Which samples of a sandal's upper are strap; the rest is air."""
    return np.asarray(strap_distance(shoe, place, marks) < 0)


def straps(shoe: Shoe, spot: Spot) -> Look:
    """A sandal's straps with hemmed edges; the emblem on the broadest."""
    color = np.broadcast_to(linear(shoe.colors.upper), (len(spot.place), 3)).copy()
    color = grained(color, shoe.upper.material, spot.place)
    distance = strap_distance(shoe, spot.place, spot.marks)
    x = spot.place[:, 0]
    y = spot.place[:, 1] - last.center(shoe, x)
    if shoe.upper.emblem != "none":
        paint_emblem(shoe, color, x, y, spot.marks[:, 0])
    color *= (1.0 - 0.45 * np.exp(-((distance / 0.005) ** 2)))[:, None].astype(np.float32)
    stitch_edge(color, distance, x + 2 * np.abs(y), shoe.colors.accent)
    show_lining(shoe, spot, color)
    shine, gloss = MATERIALS[shoe.upper.material][:2]
    return Look(color, shine, gloss)
