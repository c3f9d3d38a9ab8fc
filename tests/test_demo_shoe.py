"""One drawn shoe: same bytes twice, bounded in triangles, white around, told apart by its looks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from demo import emblem, loft, mesh, raster
from demo.brands import BRANDS
from demo.camera import Camera
from demo.design import EMBLEMS, SIDEWALLS, TOES, TREADS, Colors, Shoe, Sole, Upper
from demo.forms import FORMS
from demo.ranges import articles
from demo.shoe import draw, triangle_count

SIDE = Camera(0, 8)
SMALL = (150, 180)
MAX_TRIANGLES = 3000


def pixels(shoe: Shoe, camera: Camera = SIDE) -> NDArray[np.int16]:
    return np.asarray(draw(shoe, camera, SMALL)).astype(np.int16)


def silhouette(shoe: Shoe, camera: Camera = SIDE) -> NDArray[np.uint8]:
    return np.asarray(draw(shoe, camera, SMALL, is_cutout=True))[:, :, 3]


def test_the_same_shoe_is_the_same_bytes() -> None:
    camera = Camera(37, 19, is_pair=True)
    first = draw(Shoe(), camera, SMALL).tobytes()
    draw(Shoe(upper=Upper(emblem="wave")), camera, SMALL)
    assert draw(Shoe(), camera, SMALL).tobytes() == first


def test_every_product_stays_within_the_triangles() -> None:
    counts = {
        article.group: triangle_count(article.shoe)
        for brand in BRANDS
        for article in {each.group: each for each in articles(brand, 10)}.values()
    }
    assert max(counts.values()) <= MAX_TRIANGLES, counts
    assert min(counts.values()) > 1000


def test_normals_point_outwards() -> None:
    built = loft.build(Shoe())
    for part in (mesh.UPPER, mesh.MIDSOLE, mesh.OUTSOLE):
        faces = built.faces[built.parts == part]
        corners = built.points[faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        away = corners.mean(axis=1) - np.asarray([0.5, 0.0, 0.1])
        outward = (across[:, :2] * away[:, :2]).sum(axis=1) > 0
        assert outward[np.abs(away[:, 1]) > 0.1].mean() > 0.95


@pytest.mark.parametrize("camera", [SIDE, Camera(90, 16), Camera(0, 87, 90), Camera(0, -87, 90)])
def test_corners_are_white_and_the_shoe_fills_the_picture(camera: Camera) -> None:
    drawn = np.asarray(draw(Shoe(), camera))
    assert drawn.shape == (600, 500, 3)
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert drawn[row, column].min() >= 250
    mask = silhouette(Shoe(), camera) > 128
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert max(np.ptp(rows) / SMALL[1], np.ptp(columns) / SMALL[0]) > 0.45
    assert mask.mean() > 0.08


def test_a_shadow_lies_under_the_shoe_and_nowhere_without_ground() -> None:
    camera = Camera(0, 20)
    lit = pixels(Shoe(), replace(camera, has_ground=False))
    shaded = pixels(Shoe(), camera)
    outside = silhouette(Shoe(), camera) == 0
    assert (lit[outside] == 255).all()
    assert (shaded[outside] < 240).any()
    assert shaded[outside].mean() > 245


def test_a_colourway_keeps_the_silhouette() -> None:
    red = Shoe(colors=replace(Colors(), upper=(200, 30, 40), midsole=(30, 30, 30)))
    assert (silhouette(red) == silhouette(Shoe())).all()
    assert np.abs(pixels(red) - pixels(Shoe())).mean() > 3


def test_products_differ_more_than_a_product_from_another_angle() -> None:
    """The same view, a few degrees off, is nearer than another model of the same colours."""
    shoes = {
        form: Shoe(sole=Sole(**sole), upper=Upper(**upper))
        for form, (_, _, sole, upper) in FORMS.items()
        if form in ("runner", "high", "sandal", "boot")
    }
    turned = Camera(3, 9)
    seen = {form: pixels(shoe) for form, shoe in shoes.items()}
    for form, own in seen.items():
        jitter = np.abs(pixels(shoes[form], turned) - own).mean()
        others = [np.abs(other - own).mean() for other in seen.values() if other is not own]
        assert min(others) > 0.8 * jitter, (form, jitter, others)
        assert np.median(others) > jitter


def test_colours_show_where_they_belong() -> None:
    red, green = (220, 0, 0), (0, 160, 0)
    colors = Colors(*[(90, 90, 90)] * 11)
    top = pixels(Shoe(colors=replace(colors, upper=red)), Camera(0, 87, 90))
    below = pixels(Shoe(colors=replace(colors, outsole=green)), Camera(0, -87, 90))
    assert (top[:, :, 0] - top[:, :, 1] > 60).mean() > 0.03
    assert (below[:, :, 1] - below[:, :, 0] > 30).mean() > 0.03
    assert not (top[:, :, 1] - top[:, :, 0] > 30).any()


@cache
def plain_side() -> NDArray[np.int16]:
    return pixels(Shoe(upper=Upper(emblem="none")))


@pytest.mark.parametrize("kind", EMBLEMS)
def test_every_emblem_marks_the_side(kind: str) -> None:
    plain = plain_side()
    marked = np.abs(pixels(Shoe(upper=Upper(emblem=kind))) - plain).max(axis=2) > 20
    assert (marked.sum() == 0) if kind == "none" else (60 < marked.sum() < 4000)


def test_an_unknown_emblem_is_an_error() -> None:
    with pytest.raises(KeyError):
        emblem.emblem_distance("swirl", np.zeros(1, np.float32), np.zeros(1, np.float32), 1.0)


def test_soles_and_toes_of_every_kind_are_told_apart() -> None:
    below = Camera(0, -87, 90, has_ground=False)
    seen = [pixels(Shoe(sole=Sole(tread=tread)), below).tobytes() for tread in TREADS]
    seen += [pixels(Shoe(sole=Sole(sidewall=wall))).tobytes() for wall in SIDEWALLS]
    toes = [pixels(Shoe(upper=Upper(toe=toe))).tobytes() for toe in TOES]
    assert len(set(seen)) == len(seen) and len(set(toes)) == len(toes)


def test_a_sandal_shows_what_is_behind_its_straps() -> None:
    straps = ((0.78, 0.034), (0.6, 0.036))
    open_toe = Shoe(upper=Upper(closure="straps", straps=straps, emblem="none"))
    assert (silhouette(open_toe) > 0).sum() < 0.75 * (silhouette(Shoe()) > 0).sum()


def test_a_cutout_is_transparent_around() -> None:
    cutout = draw(Shoe(), SIDE, SMALL, is_cutout=True)
    assert cutout.mode == "RGBA"
    assert cutout.getpixel((0, 0))[3] == 0  # type: ignore[index]
    on_white = Image.alpha_composite(Image.new("RGBA", SMALL, "white"), cutout).convert("RGB")
    opaque = np.asarray(cutout)[:, :, 3] == 255
    apart = np.abs(np.asarray(on_white).astype(int) - pixels(Shoe()))[opaque]
    assert apart.max() <= 1


def test_the_nearest_triangle_wins_and_edges_are_shares() -> None:
    corners = np.asarray([[[0, 0], [8, 0], [0, 8]], [[0, 0], [4, 0], [0, 4]]], np.float32)
    depths = np.asarray([[2, 2, 2], [1, 1, 1]], np.float32)
    seen = raster.rasterise(
        corners, depths, (8, 8), np.asarray([0, 1], np.int32), np.zeros(2, bool), lambda f, w: f > 0
    )
    at = {
        int(p): int(f) for p, f, s in zip(seen.pixel, seen.face, seen.share, strict=True) if s == 1
    }
    assert at[0] == 1 and at[8 * 3 + 3] == 0 and 8 * 7 + 7 not in at
    assert abs(float(seen.share.sum()) - 32) < 4


def test_too_many_triangles_are_refused() -> None:
    corners = np.zeros((8193, 3, 2), np.float32)
    with pytest.raises(ValueError, match="8193 faces"):
        raster.rasterise(
            corners, corners[:, :, 0], (4, 4), np.zeros(8193, np.int32), np.zeros(8193, bool),
            lambda face, weights: face > 0,
        )  # fmt: skip
