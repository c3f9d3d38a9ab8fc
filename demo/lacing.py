"""What closes the upper: the tongue and the laces over it.

In: a `Shoe`. Out: `Piece`s of a mesh, and the rows where eyelets belong too.
"""

from __future__ import annotations

import numpy as np

from demo import last
from demo.design import Shoe
from demo.last import SHAFT, Floats, smoothstep
from demo.mesh import LACE, TONGUE, Piece


def across_vamp(shoe: Shoe, x: Floats, height: Floats, y: Floats | float) -> tuple[Floats, Floats]:
    """(x, height) of the upper's surface ``y`` beside its middle line's point (x, height).

    On the vamp straight to the side and down the dome; on a shaft level, round its front.
    """
    ankle = (1.0 - smoothstep(0.4, 0.72, x)) * smoothstep(0.03, 0.21, height)
    width = (last.half_width(shoe, x) - 0.004) * (1.0 - shoe.last.taper * ankle)
    inner = np.maximum(1.0 - (y / width) ** 2, 0.0)
    full = 2.5 - 0.75 * smoothstep(0.9, 0.62, x)
    shaft = smoothstep(*SHAFT, height)
    back = 0.16 * (1.0 - np.sqrt(inner)) * shaft
    level = height * (shaft + (1.0 - shaft) * inner ** (1.0 / full))
    return np.asarray(x - back, np.float32), np.asarray(level, np.float32)


def lace_rows(shoe: Shoe) -> tuple[Floats, Floats]:
    """(x, height over the sole) of each row of laces in the middle; evenly spaced up the vamp."""
    x, height = last.vamp_line(shoe, 200)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(height)))])
    begin = np.interp(-(shoe.last.vamp_x - 0.03), -x, length)
    places = np.linspace(begin, length[-1] - 0.022, shoe.upper.lace_rows)
    return (
        np.interp(places, length, x).astype(np.float32),
        np.interp(places, length, height).astype(np.float32),
    )


def tongue(shoe: Shoe) -> Piece:
    """A sheet that lies under the slit and stands out of the collar; marks are up and across."""
    form = shoe.last
    long, wide = 7, 7
    half = min(shoe.upper.slit + 0.02, 0.062)
    out = shoe.upper.tongue
    t = np.linspace(0, 1, long, dtype=np.float32)
    line_x, line_height = last.vamp_line(shoe, 60)
    start = (
        len(line_x) - 1 - max(3, round(0.045 / float(np.hypot(*_last_step(line_x, line_height)))))
    )
    start_x, start_height = float(line_x[start]), float(line_height[start])
    lean = 0.8 if form.throat_height < 0.32 else 0.3
    reach = start_x - form.throat_x + 0.004
    x = start_x - t * (reach + out * lean)
    height = start_height - 0.01 + t * (form.throat_height - start_height + out * 0.9 + 0.01)
    side = np.linspace(1, -1, wide, dtype=np.float32)
    y = side[None, :] * half * (1.0 - 0.28 * smoothstep(0.75, 1.0, t))[:, None]
    at, level = across_vamp(shoe, x[:, None], height[:, None], y)
    points = np.stack(
        [at - 0.012 * side**4, y + last.center(shoe, at), level + last.sole_top(shoe, at)], axis=-1
    )
    marks = np.stack(np.broadcast_arrays(t[:, None], side[None, :]), axis=-1)
    return Piece(TONGUE, points.astype(np.float32), marks.astype(np.float32), False)


def _last_step(x: Floats, height: Floats) -> tuple[float, float]:
    return float(x[-1] - x[-2]), float(height[-1] - height[-2])


def laces(shoe: Shoe) -> list[Piece]:
    """Flat bands across the slit, straight or crossed; each a grid of three lines."""
    rows, heights = lace_rows(shoe)
    half = shoe.upper.slit + 0.016
    y = np.linspace(-half, half, 7, dtype=np.float32)
    up = np.stack([np.gradient(rows), np.gradient(heights)], axis=1) if len(rows) > 1 else None
    pieces = []
    for place, (row, height) in enumerate(zip(rows, heights, strict=True)):
        step = up[place] if up is not None else np.asarray([-0.03, 0.02], np.float32)
        for side in (0.5, -0.5) if shoe.upper.is_crossed else (0.0,):
            slant = side * y / half
            pieces.append(_lace(shoe, row + step[0] * slant, height + step[1] * slant, y, step))
    return pieces


def _lace(shoe: Shoe, x: Floats, height: Floats, y: Floats, step: Floats) -> Piece:
    """One band whose middle runs over (x, height); ``step`` points up the vamp in (x, z)."""
    along = step / np.hypot(step[0], step[1])
    lines = []
    for offset, rise in ((0.0075, 0.002), (0.0, 0.008), (-0.0075, 0.002)):
        at, level = across_vamp(shoe, x, height, y)
        at = at + along[0] * offset + along[1] * rise
        level = level + along[1] * offset - along[0] * rise
        lines.append(np.stack([at, y + last.center(shoe, at), level + last.sole_top(shoe, at)], -1))
    marks = np.stack(np.broadcast_arrays(np.asarray([[1.0], [0.0], [-1.0]]), y / y[-1]), axis=-1)
    return Piece(LACE, np.stack(lines).astype(np.float32), marks.astype(np.float32), False)
