"""Where a shoe is seen from, and where its points land in the picture.

In: a `Camera` and a mesh. Out: a `View`, and points projected with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.last import Floats
from demo.mesh import Mesh

DISTANCE = 5.5  # of the camera, in shoe lengths: a long lens
FILL = 0.86  # of the picture's width or height that the shoe takes at zoom 1
LARGEST = 1.3  # end views are not blown up to more than this much of the side view's scale


@dataclass(frozen=True)
class Camera:
    """Where the shoe is seen from. Azimuth 0 sees the lateral side, 90 the toe, 180 the medial."""

    azimuth_deg: float = 0.0
    elevation_deg: float = 12.0
    roll_deg: float = 0.0
    zoom: float = 1.0
    is_pair: bool = False
    has_ground: bool = True  # False: no shadow, as for a view from below


@dataclass(frozen=True)
class View:
    """A camera's axes and its framing of a mesh."""

    axes: Floats  # (3, 3) right, up, to the camera
    scale: float  # px per shoe length
    offset: tuple[float, float]  # px


def _axes(camera: Camera) -> Floats:
    azimuth, elevation, roll = np.radians(
        [camera.azimuth_deg, camera.elevation_deg, camera.roll_deg]
    )
    right = np.asarray([-np.cos(azimuth), np.sin(azimuth), 0.0])
    toward = np.asarray(
        [
            np.sin(azimuth) * np.cos(elevation),
            np.cos(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    up = np.cross(toward, right)
    turned = right * np.cos(roll) + up * np.sin(roll)
    return np.stack([turned, np.cross(toward, turned), toward]).astype(np.float32)


def frame(form: Mesh, camera: Camera, size_px: tuple[int, int]) -> View:
    """Centre the shoe and let it fill the picture."""
    axes = _axes(camera)
    flat, _ = project(form.points, View(axes, 1.0, (0.0, 0.0)))
    low, high = flat.min(axis=0), flat.max(axis=0)
    span = np.maximum(high - low, 1e-3)
    width, height = size_px
    scale = min(FILL * width / span[0], FILL * height / span[1], FILL * width * LARGEST)
    scale *= camera.zoom
    middle = (low + high) / 2 * scale
    return View(axes, float(scale), (width / 2 - float(middle[0]), height / 2 - float(middle[1])))


def project(points: Floats, view: View) -> tuple[Floats, Floats]:
    """Points to (x, y) in px, y down, and depth (smaller is nearer)."""
    seen = turned(points - np.asarray([0.5, 0, 0.1], np.float32), view.axes)
    shrink = view.scale * DISTANCE / (DISTANCE - seen[:, 2])
    flat = np.stack([seen[:, 0] * shrink, -seen[:, 1] * shrink], axis=1)
    return (flat + np.asarray(view.offset)).astype(np.float32), -seen[:, 2]


def turned(vectors: Floats, axes: Floats) -> Floats:
    """``vectors`` along ``axes``, without BLAS, whose threads would fight the other process's."""
    return np.stack([along(vectors, axis) for axis in axes], axis=1)


def along(vectors: Floats, axis: Floats) -> Floats:
    x, y, z = axis
    return np.asarray(vectors[:, 0] * x + vectors[:, 1] * y + vectors[:, 2] * z, np.float32)
