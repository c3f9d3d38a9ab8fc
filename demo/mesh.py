"""Triangles: grids of points joined to one mesh with smooth normals.

In: `Piece`s, each a grid of one part. Out: a `Mesh`; also the pair that a left shoe's mesh makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.last import Floats

Ints = NDArray[np.int32]
PARTS = ("outsole", "midsole", "bottom", "upper", "rim", "insole", "tongue", "lace")
OUTSOLE, MIDSOLE, BOTTOM, UPPER, RIM, INSOLE, TONGUE, LACE = range(len(PARTS))
TWO_SIDED = (UPPER, INSOLE, TONGUE, LACE)
PAIR_GAP, PAIR_LAG = 0.46, 0.07  # of the right shoe: to the medial side, and back


@dataclass(frozen=True)
class Mesh:
    """Triangles with smooth normals; ``u`` and ``v`` mean what each part's surface wants."""

    points: Floats  # (V, 3)
    normals: Floats  # (V, 3), unit length, outwards
    marks: Floats  # (V, 2): u and v
    faces: Ints  # (F, 3), counter-clockwise seen from outside
    parts: Ints  # (F,), an index into PARTS


@dataclass(frozen=True)
class Piece:
    """A grid of points of one part."""

    part: int
    points: Floats  # (R, C, 3)
    marks: Floats  # (R, C, 2)
    is_closed: bool  # whether the last column meets the first


def joined(pieces: list[Piece]) -> Mesh:
    """One mesh of all pieces, without the triangles that have no area."""
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


def _faces(piece: Piece) -> Ints:
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


def _normals(piece: Piece) -> Floats:
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


def _mirrored(mesh: Mesh) -> Mesh:
    """The right shoe of the pair."""
    flip = np.asarray([1, -1, 1], np.float32)
    faces = np.ascontiguousarray(mesh.faces[:, ::-1])
    return Mesh(mesh.points * flip, mesh.normals * flip, mesh.marks, faces, mesh.parts)


def pair(left: Mesh) -> Mesh:
    """Left and right shoe side by side, the right one a little behind."""
    right = _mirrored(left)
    moved = right.points - np.asarray([PAIR_LAG, PAIR_GAP, 0], np.float32)
    return Mesh(
        np.concatenate([left.points, moved]),
        np.concatenate([left.normals, right.normals]),
        np.concatenate([left.marks, right.marks]),
        np.concatenate([left.faces, right.faces + len(left.points)]),
        np.concatenate([left.parts, right.parts]),
    )


def as_left(y: Floats) -> Floats:
    """The y of either shoe of a pair as that of the left one."""
    return np.where(y < -PAIR_GAP / 2 - 0.01, -(y + PAIR_GAP), y)
