"""The shoe as triangles, lofted over the last's curves; sole, upper, collar and insole are made here.

In: a `Shoe`. Out: a `Mesh`, at most about 3,000 triangles. The upper is a stack of closed rings that
climb from the feather line to the collar; a ring leans with the vamp, so the toe box is as dense
as the shaft.
"""

from __future__ import annotations

import numpy as np

from demo import last
from demo.design import Shoe
from demo.lacing import laces, tongue
from demo.last import SHAFT, Floats, TopLine, smoothstep
from demo.mesh import BOTTOM, INSOLE, MIDSOLE, OUTSOLE, RIM, UPPER, Mesh, Piece, joined

STATIONS = 24  # along each side of a ring
RINGS = 15  # of the upper


def build(shoe: Shoe) -> Mesh:
    """The mesh of ``shoe``; a left shoe whose toe points to +x and lateral side to +y."""
    upper = _upper(shoe)
    pieces = [*_sole(shoe), upper, _insole(shoe)]
    if not shoe.upper.straps:
        pieces.append(_rim(shoe, upper.points[-1]))
    if shoe.upper.closure == "laces":
        pieces += [tongue(shoe), *laces(shoe)]
    return joined(pieces)


def _stations() -> Floats:
    """Places of a ring's points along the shoe, 0..1, denser at both ends."""
    return np.asarray(0.5 - 0.5 * np.cos(np.linspace(0, np.pi, STATIONS + 1)), np.float32)


def _ring(x: Floats, y_middle: Floats, half: Floats, z: Floats) -> Floats:
    """A closed ring, (2 * STATIONS, 3): heel, lateral side, toe, medial side."""
    lateral = np.stack([x, y_middle + half, z], axis=-1)
    medial = np.stack([x, y_middle - half, z], axis=-1)
    return np.concatenate([lateral, medial[-2:0:-1]])


def _marks(u: Floats, v: float) -> Floats:
    both = np.concatenate([u, u[-2:0:-1]])
    return np.stack([both, np.full_like(both, v)], axis=-1)


def outline(shoe: Shoe, grown: float) -> tuple[Floats, Floats, Floats]:
    """(x, middle y, half width) of the sole's outline, ``grown`` outwards all round."""
    share = _stations()
    opened = last.heel_round(share, 0.13) * last.toe_round(shoe, 1.0 - share)
    half = (last.half_width(shoe, share) + np.float32(grown)) * opened
    x = share * (1.0 + 2 * grown) - grown
    return x, last.center(shoe, share), half


def _sole(shoe: Shoe) -> list[Piece]:
    sole = shoe.sole
    share = _stations()
    low, high = last.bottom(shoe, share), last.sole_top(shoe, share)
    cup = sole.cup * (0.75 + 0.45 * smoothstep(0.75, 1.0, share))
    seam = low + np.minimum(sole.outsole, (high - low) * 0.45)
    flare, bulge = sole.flare, sole.bulge
    levels = [  # part boundary by boundary: (grown, z, v)
        (flare * 0.5 - 0.012, low, 0.0),
        (flare, low + 0.008, 0.3),
        (flare * 0.9 + 0.002, seam, 1.0),
    ]
    middles = [
        (flare * 0.75 - 0.005, seam, 0.0),
        (flare * 0.6 + bulge, seam + (high - seam) * 0.35, 0.35),
        (flare * 0.2 + bulge * 0.7, seam + (high - seam) * 0.75, 0.75),
        (0.003, high + cup, 1.0),
        (-0.016, high + cup * 0.9 + 0.002, 1.05),
    ]
    pieces = []
    for part, rings in ((OUTSOLE, levels), (MIDSOLE, middles)):
        points, marks = [], []
        for grown, z, v in rings:
            x, middle, half = outline(shoe, grown)
            points.append(_ring(x, middle, half, z.astype(np.float32)))
            marks.append(_marks(share, v))
        pieces.append(Piece(part, np.stack(points), np.stack(marks), True))
    pieces.append(_floor(shoe, BOTTOM, levels[0][0], low))
    return pieces


def _floor(shoe: Shoe, part: int, grown: float, z: Floats) -> Piece:
    """A sheet inside the outline: the outsole's underside, or the insole."""
    x, middle, half = outline(shoe, grown)
    sides = (-1.0, 1.0) if part == BOTTOM else (1.0, -1.0)
    points = [np.stack([x, middle + side * half, z], axis=-1) for side in sides]
    marks = [np.stack([x, np.full_like(x, side)], axis=-1) for side in sides]
    return Piece(part, np.stack(points), np.stack(marks), False)


def _insole(shoe: Shoe) -> Piece:
    lift = 0.012 if shoe.upper.straps else 0.02
    return _floor(shoe, INSOLE, -0.012, last.sole_top(shoe, _stations()) + np.float32(lift))


def _upper(shoe: Shoe) -> Piece:
    top = TopLine(shoe)
    front_x, front_height = last.vamp_line(shoe, RINGS + 1)
    climb = np.linspace(0, 1, RINGS + 1, dtype=np.float32) ** np.float32(0.9)
    rear_x, rear_height = last.heel_line(shoe, climb)
    share = _stations()
    points, marks = [], []
    for ring in range(RINGS + 1):
        reach = front_x[ring] - rear_x[ring]
        x = rear_x[ring] + reach * share
        lean = share ** np.float32(1.25)
        height = rear_height[ring] + (front_height[ring] - rear_height[ring]) * lean
        dip = shoe.last.collar_dip * climb[ring] ** 3 * np.sin(np.pi * share ** np.float32(0.8))
        height = (height - dip).astype(np.float32)
        half = _section(shoe, top, x, height, front_x[ring], front_height[ring], rear_x[ring])
        half[0] = half[-1] = 0.0
        middle = last.center(shoe, x)
        points.append(_ring(x, middle, half, last.sole_top(shoe, x) + height))
        both = np.concatenate([height, height[-2:0:-1]])
        marks.append(np.stack([both, np.full_like(both, climb[ring])], axis=-1))
    return Piece(UPPER, np.stack(points), np.stack(marks).astype(np.float32), True)


def _section(
    shoe: Shoe,
    top: TopLine,
    x: Floats,
    height: Floats,
    front_x: float,
    front_height: float,
    rear_x: float,
) -> Floats:
    """Half width of the upper at (x, height): the outline, domed towards the middle line."""
    share = np.clip(height / np.maximum(top(x), 1e-3), 0.0, 1.0)
    full = 2.5 - 0.75 * smoothstep(0.9, 0.62, x)  # a boxy toe, a roof-like instep
    dome = np.maximum(1.0 - share**full, 0.0) ** 0.5
    ankle = smoothstep(0.03, 0.21, height) * (1.0 - smoothstep(0.4, 0.72, x))
    if front_height > SHAFT[0]:  # a shaft is an ellipse all the way up
        shaft = smoothstep(*SHAFT, np.full(1, front_height, np.float32))
        dome = dome + (1.0 - dome) * shaft
    width = last.half_width(shoe, x) - 0.004
    width = width * (1.0 - shoe.last.taper * ankle)
    closed = last.heel_round(x - np.float32(rear_x), 0.125)
    closed = closed * last.toe_round(shoe, np.maximum(last.FEATHER_FRONT - x, 0.0))
    bend = 0.16 * float(smoothstep(0.12, 0.24, np.asarray([front_height], np.float32))[0])
    if bend > 0.01:
        closed = closed * last.heel_round(np.float32(front_x) - x, bend)
    return np.asarray(width * dome * closed, np.float32)


def _rim(shoe: Shoe, collar: Floats) -> Piece:
    """A padded tube along the collar."""
    middle = collar.mean(axis=0)
    ahead = np.roll(collar, -1, axis=0) - np.roll(collar, 1, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    away = np.cross(ahead, np.asarray([0, 0, -1], np.float32))
    away *= np.sign(((collar - middle) * away).sum(axis=1, keepdims=True) + 1e-9)
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-9
    up = np.cross(away, ahead)
    up *= np.where(up[:, 2:] < 0, -1.0, 1.0)
    radius = np.full((len(collar), 1), shoe.last.rim, np.float32)
    if shoe.upper.closure == "laces":  # no padding over the tongue
        beside = np.abs(collar[:, 1] - last.center(shoe, collar[:, 0]))
        is_front = collar[:, 0] > collar[:, 0].mean()
        thin = 0.1 + 0.9 * smoothstep(0.01, shoe.upper.slit + 0.02, beside)
        radius *= np.where(is_front, thin, 1.0)[:, None].astype(np.float32)
    rings, marks = [], []
    for step in range(5):
        turn = np.float32(np.pi * (-0.25 + step * 0.375))
        offset = away * (np.cos(turn) - 0.75) * radius + up * np.sin(turn) * radius * 0.9
        rings.append(collar + offset)
        marks.append(_marks(_stations(), step / 4))
    return Piece(RIM, np.stack(rings).astype(np.float32), np.stack(marks), True)
