"""How each part looks: collar, tongue, laces and insole here, the larger parts in files of their own.

In: samples of one part. Out: `LOOKS`, which names the function that makes the `Look` of each part.
"""

from __future__ import annotations

import numpy as np

from demo import mesh
from demo.color import linear
from demo.design import Shoe
from demo.last import smoothstep
from demo.materials import Look, Spot, grained, noise, paint_panel
from demo.panels import upper
from demo.sole import bottom, midsole, outsole


def rim(shoe: Shoe, spot: Spot) -> Look:
    color = np.broadcast_to(linear(shoe.colors.lining), (len(spot.place), 3)).copy()
    color *= (0.55 + 0.45 * smoothstep(1.0, 0.4, spot.marks[:, 1]))[:, None]
    return Look(grained(color, "knit", spot.place), 0.03, 8.0)


def tongue(shoe: Shoe, spot: Spot) -> Look:
    t, side = spot.marks[:, 0], spot.marks[:, 1]
    color = np.broadcast_to(linear(shoe.colors.tongue), (len(t), 3)).copy()
    color = grained(color, shoe.upper.material, spot.place)
    label = np.maximum(np.abs(side) - 0.5, np.abs(t - 0.78) - 0.13) * 0.04
    paint_panel(color, label.astype(np.float32), shoe.colors.accent, 0.2)
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
