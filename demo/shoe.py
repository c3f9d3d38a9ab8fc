"""Draw one shoe: mesh, camera, z-buffer, light and a soft shadow on a white studio ground.

In: a `Shoe` and a `Camera`. Out: a picture, the same bytes on the same machine. Everything is
computed in linear light, edges with several samples a pixel.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo import loft, mesh, raster
from demo.camera import Camera, View, frame, project
from demo.color import encoded, linear
from demo.design import Color, Shoe
from demo.last import Floats
from demo.light import lit
from demo.materials import Spot
from demo.mesh import Mesh
from demo.shadow import ground_shade
from demo.straps import keep_straps, straps
from demo.surface import LOOKS


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
        form = mesh.pair(form)
    view = frame(form, camera, size_px)
    box, color, cover = _render(shoe, form, view, size_px)
    left, top, right, bottom = box
    picture = np.empty((size_px[1], size_px[0], 3), np.float32)
    picture[:] = linear(ground)
    if is_cutout:
        picture[top:bottom, left:right] = color / np.maximum(cover, 1e-4)
        alpha = np.zeros((size_px[1], size_px[0], 1), np.uint8)
        alpha[top:bottom, left:right] = np.round(cover * 255)
        return Image.fromarray(np.concatenate([encoded(picture), alpha], axis=2), "RGBA")
    if camera.has_ground:
        picture *= ground_shade(shoe, view, size_px, camera.is_pair)[:, :, None]
    picture[top:bottom, left:right] *= 1.0 - cover
    picture[top:bottom, left:right] += color
    return Image.fromarray(encoded(picture), "RGB")


@lru_cache(maxsize=4)
def _mesh(shoe: Shoe) -> Mesh:
    return loft.build(shoe)


def triangle_count(shoe: Shoe) -> int:
    """How many triangles make one shoe."""
    return len(_mesh(shoe).faces)


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
        place[:, 1] = mesh.as_left(place[:, 1])
        return keep_straps(shoe, place, _mixed(form.marks, faces, face, weights))

    width, height = box[2] - box[0], box[3] - box[1]
    kinds = parts * 2 + is_back[drawn]
    seen = raster.rasterise(corners[drawn], depth[faces], (width, height), kinds, cut, keep)
    colors = _colors(shoe, form, view, faces, parts, is_back[drawn], seen) * seen.share[:, None]
    color = [np.bincount(seen.pixel, colors[:, k], width * height) for k in range(3)]
    cover = np.bincount(seen.pixel, seen.share, width * height)
    shape = (height, width, 1)
    picture = np.concatenate([channel.reshape(shape) for channel in color], axis=2)
    return box, picture.astype(np.float32), cover.reshape(shape).astype(np.float32)


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


def _colors(
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
    for part, look_of in LOOKS.items():
        own = np.flatnonzero(owner == part)
        if not own.size:
            continue
        face = seen.face[own]
        mixed = _mixed(values, faces, face, seen.weights[own])
        spot = Spot(mixed[:, :3], mixed[:, 3:6], mixed[:, 6:8], is_back[face].astype(np.float32))
        spot.place[:, 1] = mesh.as_left(spot.place[:, 1])
        if part == mesh.UPPER and shoe.upper.straps:
            look_of = straps
        look = look_of(shoe, spot)
        result[own] = lit(look, spot, view)
    return result
