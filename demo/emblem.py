"""The marks on a shoe's side as signed distances: negative inside, in shoe lengths.

In: places on the side, measured from the emblem's middle (x to the toe, z up) in units of its size.
One function per kind in `demo.design.EMBLEMS`; all are of our own invention.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo.last import Floats

Mark = Callable[[Floats, Floats], Floats]


def _segment(x: Floats, z: Floats, ends: tuple[float, float, float, float]) -> Floats:
    x_0, z_0, x_1, z_1 = ends
    run, rise = x_1 - x_0, z_1 - z_0
    share = np.clip(((x - x_0) * run + (z - z_0) * rise) / (run * run + rise * rise), 0.0, 1.0)
    return np.asarray(np.hypot(x - x_0 - share * run, z - z_0 - share * rise), np.float32)


def _chevrons(x: Floats, z: Floats) -> Floats:
    bend = x + np.abs(z) * 0.8
    strokes = np.abs((bend + 0.2) % 0.62 - 0.31) - 0.16
    return np.asarray(
        np.maximum(strokes, np.maximum(np.abs(bend - 0.1) - 0.95, np.abs(z) - 0.85)), np.float32
    )


def _wave(x: Floats, z: Floats) -> Floats:
    swell = np.abs(z - 0.42 * np.sin(x * 2.4)) - 0.17 * (1.15 - 0.28 * x)
    second = np.abs(z + 0.62 - 0.3 * np.sin(x * 2.4 + 0.5)) - 0.08
    return np.asarray(np.maximum(np.minimum(swell, second), np.abs(x) - 2.3), np.float32)


def _ring(x: Floats, z: Floats) -> Floats:
    turned, lifted = x * 0.94 + z * 0.34, z * 0.94 - x * 0.34
    orbit = np.abs(np.hypot(turned, lifted * 1.9) - 1.05) - 0.1
    return np.asarray(
        np.minimum(orbit, np.minimum(np.hypot(x, z) - 0.34, np.hypot(x - 0.98, z - 0.32) - 0.22)),
        np.float32,
    )


def _crescent(x: Floats, z: Floats) -> Floats:
    return np.asarray(
        np.maximum(np.hypot(x, z) - 0.95, 0.78 - np.hypot(x - 0.42, z - 0.22)), np.float32
    )


def _paths(x: Floats, z: Floats) -> Floats:
    rise = 0.75 * np.tanh(x * 1.1)
    first, second = np.abs(z - rise) - 0.13, np.abs(z - rise + 0.42) - 0.07
    return np.asarray(np.maximum(np.minimum(first, second), np.abs(x) - 2.6), np.float32)


def _peak(x: Floats, z: Floats) -> Floats:
    large = np.maximum(np.abs(x + 0.25) * 0.85 + z * 0.62 - 0.55, -z - 0.7)
    inner = np.maximum(np.abs(x + 0.25) * 0.85 + z * 0.62 - 0.24, -z - 0.3)
    small = np.maximum(np.abs(x - 0.85) * 0.85 + z * 0.62 - 0.15, -z - 0.7)
    return np.asarray(np.minimum(np.maximum(large, -inner), small), np.float32)


def _bolt(x: Floats, z: Floats) -> Floats:
    first = _segment(x, z, (-1.2, -0.75, 0.15, 0.05))
    second = _segment(x, z, (0.15, 0.05, -0.3, 0.2))
    third = _segment(x, z, (-0.3, 0.2, 1.1, 0.85))
    return np.asarray(np.minimum(np.minimum(first - 0.15, second - 0.1), third - 0.15), np.float32)


def _dots(x: Floats, z: Floats) -> Floats:
    found = np.hypot(x + 1.35, z) - 0.4
    for place, radius in ((-0.5, 0.32), (0.2, 0.25), (0.75, 0.19), (1.2, 0.13)):
        found = np.minimum(found, np.hypot(x - place, z - 0.12 * (place + 1.35)) - radius)
    return np.asarray(found, np.float32)


def _leaf(x: Floats, z: Floats) -> Floats:
    turned, lifted = x * 0.83 + z * 0.55, z * 0.83 - x * 0.55
    blade = np.maximum(np.hypot(turned, lifted - 0.75), np.hypot(turned, lifted + 0.75)) - 1.2
    return np.asarray(np.maximum(blade, 0.06 - np.abs(lifted)), np.float32)


def _bars(x: Floats, z: Floats) -> Floats:
    found = np.full_like(x, 9.0)
    for level, reach in ((0.6, 0.7), (0.2, 1.15), (-0.2, 1.6), (-0.6, 2.05)):
        bar = np.maximum(np.abs(z - level) - 0.1, np.abs(x + 1.9 - reach) - reach)
        found = np.minimum(found, bar)
    return found


def _diamond(x: Floats, z: Floats) -> Floats:
    found = np.full_like(x, 9.0)
    for place, size in ((-0.95, 0.62), (0.15, 0.62), (1.25, 0.62)):
        shape = np.abs(x - place) * 0.75 + np.abs(z) * 0.66 - size * 0.8
        found = np.minimum(found, np.maximum(shape, -0.24 - shape))
    return found


def _checks(x: Floats, z: Floats) -> Floats:
    cell = np.sin((x + 0.22) * 7.0) * np.sin((z + 0.22) * 7.0) * 0.14
    return np.asarray(np.maximum(-cell, np.maximum(np.abs(z) - 0.66, np.abs(x) - 2.45)), np.float32)


MARKS: dict[str, Mark] = {
    "chevrons": _chevrons,
    "wave": _wave,
    "ring": _ring,
    "crescent": _crescent,
    "paths": _paths,
    "peak": _peak,
    "bolt": _bolt,
    "dots": _dots,
    "leaf": _leaf,
    "bars": _bars,
    "diamond": _diamond,
    "checks": _checks,
}


def emblem_distance(kind: str, x: Floats, z: Floats, size: float) -> Floats:
    """Distance to the mark ``kind`` whose half height is about ``size``; x and z from its middle.

    Raises:
        KeyError: no such mark (``none`` has no distance).
    """
    return np.asarray(MARKS[kind](x / np.float32(size), z / np.float32(size)) * size, np.float32)
