"""Draw one shoe: mesh, camera, z-buffer, light and a soft shadow on a white studio ground.

In: a `Shoe` and a `Camera`. Out: a picture, the same bytes on the same machine. Everything is
computed in linear light, edges with several samples a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo import mesh, raster, surface
from demo.design import Color, Shoe
from demo.last import Floats
from demo.mesh import Mesh
from demo.shadow import ground_shade

DISTANCE = 5.5  # of the camera, in shoe lengths: a long lens
FILL = 0.86  # of the picture's width or height that the shoe takes at zoom 1
LARGEST = 1.3  # end views are not blown up to more than this much of the side view's scale
PAIR_GAP = 0.46  # between the middles of a pair's shoes
KEY, FILL_LIGHT = (-0.45, 0.75, 0.62), (0.7, 0.15, 0.55)  # right, up, to the camera


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


def draw(
    shoe: Shoe,
    camera: Camera,
    size_px: tuple[int, int] = (500, 600),
    ground: Color = (255, 255, 255),
    is_cutout: bool = False,
) -> Image.Image:
    """A picture of ``shoe``: RGB on ``ground``, or RGBA without ground and shadow.

    Cost: about 0.1 s at 500 x 600 on one core.
    """
    form = _mesh(shoe)
    if camera.is_pair:
        form = _pair(form)
    view = _frame(form, camera, size_px)
    box, color, cover = _render(shoe, form, view, size_px)
    left, top, right, bottom = box
    picture = np.empty((size_px[1], size_px[0], 3), np.float32)
    picture[:] = surface.linear(ground)
    if is_cutout:
        picture[top:bottom, left:right] = color / np.maximum(cover, 1e-4)
        alpha = np.zeros((size_px[1], size_px[0], 1), np.uint8)
        alpha[top:bottom, left:right] = np.round(cover * 255)
        return Image.fromarray(np.concatenate([_encoded(picture), alpha], axis=2), "RGBA")
    if camera.has_ground:
        picture *= ground_shade(shoe, view, size_px, camera.is_pair)[:, :, None]
    picture[top:bottom, left:right] *= 1.0 - cover
    picture[top:bottom, left:right] += color
    return Image.fromarray(_encoded(picture), "RGB")


@lru_cache(maxsize=4)
def _mesh(shoe: Shoe) -> Mesh:
    return mesh.build(shoe)


def triangle_count(shoe: Shoe) -> int:
    """How many triangles make one shoe."""
    return len(_mesh(shoe).faces)


def _pair(left: Mesh) -> Mesh:
    """Left and right shoe side by side, the right one a little ahead."""
    right = mesh.mirrored(left)
    moved = right.points - np.asarray([0.07, PAIR_GAP, 0], np.float32)
    return Mesh(
        np.concatenate([left.points, moved]),
        np.concatenate([left.normals, right.normals]),
        np.concatenate([left.marks, right.marks]),
        np.concatenate([left.faces, right.faces + len(left.points)]),
        np.concatenate([left.parts, right.parts]),
    )


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


def _frame(form: Mesh, camera: Camera, size_px: tuple[int, int]) -> View:
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
    seen = _turned(points - np.asarray([0.5, 0, 0.1], np.float32), view.axes)
    shrink = view.scale * DISTANCE / (DISTANCE - seen[:, 2])
    flat = np.stack([seen[:, 0] * shrink, -seen[:, 1] * shrink], axis=1)
    return (flat + np.asarray(view.offset)).astype(np.float32), -seen[:, 2]


def _render(
    shoe: Shoe, form: Mesh, view: View, size_px: tuple[int, int]
) -> tuple[tuple[int, int, int, int], Floats, Floats]:
    """(box in px, premultiplied linear colour, coverage) of the shoe alone."""
    flat, depth = project(form.points, view)
    low = np.clip(np.floor(flat.min(axis=0)), 0, size_px).astype(int)
    high = np.clip(np.ceil(flat.max(axis=0)), 0, size_px).astype(int)
    box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    corners = (flat - low)[form.faces].astype(np.float32)
    u, w = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    is_back = u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0] > 0  # y is down
    drawn = np.flatnonzero(~is_back | np.isin(form.parts, mesh.TWO_SIDED))
    faces, parts = form.faces[drawn], form.parts[drawn]
    cut = (parts == mesh.UPPER) & bool(shoe.upper.straps)

    def keep(face: NDArray[np.int64], weights: Floats) -> NDArray[np.bool_]:
        place = _mixed(form.points, faces, face, weights)
        place[:, 1] = _as_left(place[:, 1])
        return surface.keep_straps(shoe, place, _mixed(form.marks, faces, face, weights))

    width, height = box[2] - box[0], box[3] - box[1]
    kinds = parts * 2 + is_back[drawn]
    seen = raster.rasterise(corners[drawn], depth[faces], (width, height), kinds, cut, keep)
    lit = _lit(shoe, form, view, faces, parts, is_back[drawn], seen) * seen.share[:, None]
    color = [np.bincount(seen.pixel, lit[:, k], width * height) for k in range(3)]
    cover = np.bincount(seen.pixel, seen.share, width * height)
    shape = (height, width, 1)
    picture = np.concatenate([channel.reshape(shape) for channel in color], axis=2)
    return box, picture.astype(np.float32), cover.reshape(shape).astype(np.float32)


def _as_left(y: Floats) -> Floats:
    """The y of either shoe of a pair as that of the left one."""
    return np.where(y < -PAIR_GAP / 2 - 0.01, -(y + PAIR_GAP), y)


def _mixed(
    values: Floats, faces: NDArray[np.int32], face: NDArray[np.int64], weights: Floats
) -> Floats:
    """Corner values mixed at samples."""
    first = values[faces[:, 0]]
    to_second, to_third = values[faces[:, 1]] - first, values[faces[:, 2]] - first
    mixed = first[face]
    mixed += to_second[face] * weights[:, :1]
    mixed += to_third[face] * weights[:, 1:]
    return mixed


def _lit(
    shoe: Shoe,
    form: Mesh,
    view: View,
    faces: NDArray[np.int32],
    parts: NDArray[np.int32],
    is_back: NDArray[np.bool_],
    seen: raster.Fragments,
) -> Floats:
    """Linear colour of each fragment."""
    result = np.empty((len(seen.pixel), 3), np.float32)
    owner = parts[seen.face]
    values = np.concatenate([form.points, form.normals, form.marks], axis=1)
    for part, look_of in surface.LOOKS.items():
        own = np.flatnonzero(owner == part)
        if not own.size:
            continue
        face = seen.face[own]
        mixed = _mixed(values, faces, face, seen.weights[own])
        spot = surface.Spot(
            mixed[:, :3], mixed[:, 3:6], mixed[:, 6:8], is_back[face].astype(np.float32)
        )
        spot.place[:, 1] = _as_left(spot.place[:, 1])
        if part == mesh.UPPER and shoe.upper.straps:
            look_of = surface.straps
        look = look_of(shoe, spot)
        result[own] = _light(look, spot, view)
    return result


def _light(look: surface.Look, spot: surface.Spot, view: View) -> Floats:
    """Key and fill light fixed to the camera, a bright sky, a white floor; Blinn's highlight."""
    side = 1.0 - 2.0 * spot.is_inside
    normal = _turned(spot.normal, view.axes)
    normal *= (side / (np.sqrt(np.einsum("ij,ij->i", normal, normal)) + 1e-6))[:, None]
    key, fill = _unit(KEY), _unit(FILL_LIGHT)
    sky = 0.5 + 0.5 * (spot.normal[:, 2] * side)
    light = 0.30 + 0.22 * sky
    light += 0.62 * np.maximum(_along(normal, key), 0.0)
    light += 0.20 * np.maximum(_along(normal, fill), 0.0)
    light *= 0.72 + 0.28 * np.clip(spot.place[:, 2] / 0.12, 0.0, 1.0)
    half = _unit(tuple(key + np.asarray([0, 0, 1], np.float32)))
    flash = np.maximum(_along(normal, half), 0.0) ** np.float32(look.gloss)
    lit = look.color * light[:, None]
    lit += (np.asarray(look.shine * 0.5, np.float32) * flash)[:, None]
    return np.asarray(np.clip(lit, 0.0, 1.0), np.float32)


def _turned(vectors: Floats, axes: Floats) -> Floats:
    """``vectors`` along ``axes``, without BLAS, whose threads would fight the other process's."""
    return np.stack([_along(vectors, axis) for axis in axes], axis=1)


def _along(vectors: Floats, axis: Floats) -> Floats:
    x, y, z = axis
    return np.asarray(vectors[:, 0] * x + vectors[:, 1] * y + vectors[:, 2] * z, np.float32)


def _unit(vector: tuple[float, ...]) -> Floats:
    values = np.asarray(vector, np.float32)
    return np.asarray(values / np.linalg.norm(values), np.float32)


@lru_cache(maxsize=1)
def _curve() -> NDArray[np.uint8]:
    """Linear light in 1/8191 to sRGB bytes."""
    share = np.arange(8192) / 8191.0
    bent = np.where(share <= 0.0031308, share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055)
    return np.round(bent * 255).astype(np.uint8)


def _encoded(picture: Floats) -> NDArray[np.uint8]:
    return _curve()[(np.clip(picture, 0.0, 1.0) * 8191).astype(np.int16)]
