"""The shoe as triangles: sole, upper, collar, insole, tongue and laces lofted over the last's curves.

In: a `Shoe`. Out: a `Mesh`, at most about 3,000 triangles. The upper is a stack of closed rings that
climb from the feather line to the collar; a ring leans with the vamp, so the toe box is as dense
as the shaft.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo import last
from demo.design import Shoe
from demo.last import Floats, TopLine, smoothstep

Ints = NDArray[np.int32]
STATIONS = 24  # along each side of a ring
RINGS = 15  # of the upper
SHAFT = (0.25, 0.32)  # heights over the sole between which the vamp becomes a shaft
PARTS = ("outsole", "midsole", "bottom", "upper", "rim", "insole", "tongue", "lace")
OUTSOLE, MIDSOLE, BOTTOM, UPPER, RIM, INSOLE, TONGUE, LACE = range(len(PARTS))
TWO_SIDED = (UPPER, INSOLE, TONGUE, LACE)


@dataclass(frozen=True)
class Mesh:
    """Triangles with smooth normals; ``u`` and ``v`` mean what each part's surface wants."""

    points: Floats  # (V, 3)
    normals: Floats  # (V, 3), unit length, outwards
    marks: Floats  # (V, 2): u and v
    faces: Ints  # (F, 3), counter-clockwise seen from outside
    parts: Ints  # (F,), an index into PARTS


@dataclass(frozen=True)
class _Piece:
    part: int
    points: Floats  # (R, C, 3) a grid
    marks: Floats  # (R, C, 2)
    is_closed: bool  # whether the last column meets the first


def build(shoe: Shoe) -> Mesh:
    """The mesh of ``shoe``; a left shoe whose toe points to +x and lateral side to +y."""
    upper = _upper(shoe)
    pieces = [*_sole(shoe), upper, _insole(shoe)]
    if not shoe.upper.straps:
        pieces.append(_rim(shoe, upper.points[-1]))
    if shoe.upper.closure == "laces":
        pieces += [_tongue(shoe), *_laces(shoe)]
    return _joined(pieces)


def mirrored(mesh: Mesh) -> Mesh:
    """The right shoe of the pair."""
    flip = np.asarray([1, -1, 1], np.float32)
    faces = np.ascontiguousarray(mesh.faces[:, ::-1])
    return Mesh(mesh.points * flip, mesh.normals * flip, mesh.marks, faces, mesh.parts)


def _along() -> Floats:
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
    share = _along()
    opened = last.heel_round(share, 0.13) * last.toe_round(shoe, 1.0 - share)
    half = (last.half_width(shoe, share) + np.float32(grown)) * opened
    x = share * (1.0 + 2 * grown) - grown
    return x, last.center(shoe, share), half


def _sole(shoe: Shoe) -> list[_Piece]:
    sole = shoe.sole
    share = _along()
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
        pieces.append(_Piece(part, np.stack(points), np.stack(marks), True))
    pieces.append(_floor(shoe, BOTTOM, levels[0][0], low))
    return pieces


def _floor(shoe: Shoe, part: int, grown: float, z: Floats) -> _Piece:
    """A sheet inside the outline: the outsole's underside, or the insole."""
    x, middle, half = outline(shoe, grown)
    sides = (-1.0, 1.0) if part == BOTTOM else (1.0, -1.0)
    points = [np.stack([x, middle + side * half, z], axis=-1) for side in sides]
    marks = [np.stack([x, np.full_like(x, side)], axis=-1) for side in sides]
    return _Piece(part, np.stack(points), np.stack(marks), False)


def _insole(shoe: Shoe) -> _Piece:
    lift = 0.012 if shoe.upper.straps else 0.02
    return _floor(shoe, INSOLE, -0.012, last.sole_top(shoe, _along()) + np.float32(lift))


def _upper(shoe: Shoe) -> _Piece:
    top = TopLine(shoe)
    front_x, front_height = last.vamp_line(shoe, RINGS + 1)
    climb = np.linspace(0, 1, RINGS + 1, dtype=np.float32) ** np.float32(0.9)
    rear_x, rear_height = last.heel_line(shoe, climb)
    share = _along()
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
    return _Piece(UPPER, np.stack(points), np.stack(marks).astype(np.float32), True)


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


def _rim(shoe: Shoe, collar: Floats) -> _Piece:
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
        marks.append(_marks(_along(), step / 4))
    return _Piece(RIM, np.stack(rings).astype(np.float32), np.stack(marks), True)


def _tongue(shoe: Shoe) -> _Piece:
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
    return _Piece(TONGUE, points.astype(np.float32), marks.astype(np.float32), False)


def _last_step(x: Floats, height: Floats) -> tuple[float, float]:
    return float(x[-1] - x[-2]), float(height[-1] - height[-2])


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


def _laces(shoe: Shoe) -> list[_Piece]:
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


def _lace(shoe: Shoe, x: Floats, height: Floats, y: Floats, step: Floats) -> _Piece:
    """One band whose middle runs over (x, height); ``step`` points up the vamp in (x, z)."""
    along = step / np.hypot(step[0], step[1])
    lines = []
    for offset, rise in ((0.0075, 0.002), (0.0, 0.008), (-0.0075, 0.002)):
        at, level = across_vamp(shoe, x, height, y)
        at = at + along[0] * offset + along[1] * rise
        level = level + along[1] * offset - along[0] * rise
        lines.append(np.stack([at, y + last.center(shoe, at), level + last.sole_top(shoe, at)], -1))
    marks = np.stack(np.broadcast_arrays(np.asarray([[1.0], [0.0], [-1.0]]), y / y[-1]), axis=-1)
    return _Piece(LACE, np.stack(lines).astype(np.float32), marks.astype(np.float32), False)


def _joined(pieces: list[_Piece]) -> Mesh:
    points, normals, marks, faces, parts = [], [], [], [], []
    start = 0
    for piece in pieces:
        flat = piece.points.reshape(-1, 3).astype(np.float32)
        own = _faces(piece)
        own = own[_area(flat, own) > 1e-9]
        points.append(flat)
        normals.append(_normals(piece))
        marks.append(piece.marks.reshape(-1, 2).astype(np.float32))
        faces.append(own + start)
        parts.append(np.full(len(own), piece.part, np.int32))
        start += len(flat)
    return Mesh(
        np.concatenate(points),
        np.concatenate(normals),
        np.concatenate(marks),
        np.concatenate(faces).astype(np.int32),
        np.concatenate(parts),
    )


def _faces(piece: _Piece) -> Ints:
    rows, columns = piece.points.shape[:2]
    last_column = columns if piece.is_closed else columns - 1
    row, column = np.mgrid[0 : rows - 1, 0:last_column]
    a = row * columns + column
    b = row * columns + (column + 1) % columns
    c, d = a + columns, b + columns
    # Seen from outside the ring runs clockwise (heel, lateral, toe), hence a-d-b.
    first, second = np.stack([a, d, b], -1), np.stack([a, c, d], -1)
    return np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)]).astype(np.int32)


def _area(points: Floats, faces: Ints) -> Floats:
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1), np.float32)


def _normals(piece: _Piece) -> Floats:
    """Smooth normals of a grid: the mean of its faces', weighted by area."""
    flat = piece.points.reshape(-1, 3).astype(np.float64)
    faces = _faces(piece)
    a, b, c = flat[faces[:, 0]], flat[faces[:, 1]], flat[faces[:, 2]]
    across = np.cross(b - a, c - a)
    total = np.stack(
        [
            sum(np.bincount(faces[:, k], across[:, axis], len(flat)) for k in range(3))
            for axis in range(3)
        ],
        axis=-1,
    )
    length = np.linalg.norm(total, axis=1, keepdims=True) + 1e-12
    return np.asarray(total / length, np.float32)
