"""Decisions on real photos, where they are at hand: siblings and angles stay, copies go."""

from __future__ import annotations

import csv

import pytest
from conftest import SHARED
from test_dataset_dedup import Picture, run

from catalogue.brands import brand_slug
from dataset.canvas import fit_canvas, upright_rgb
from dataset.foreground import find_foreground
from dataset.picture import open_picture

pytestmark = pytest.mark.skipif(
    not (SHARED / "adidas-studio").exists(), reason="the real photos of ../shared/data are not here"
)


def rows(source: str, *products: str) -> list[dict[str, str]]:
    with (SHARED / source / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["product_key"].startswith(products)]


def pictures(source: str, found: list[dict[str, str]]) -> list[Picture]:
    return [
        (
            brand_slug(row["brand"]),
            row["product_key"],
            (SHARED / source / row["image"]).read_bytes(),
        )
        for row in found
    ]


def test_sibling_colorways_and_their_angles_all_stay() -> None:
    siblings = pictures("adidas-studio", rows("adidas-studio", "superstar-gv767", "response-super"))
    assert len({product for _, product, _ in siblings}) >= 4
    found = run(siblings)
    assert len(found.kept) == len(siblings) and not found.removed and not found.conflicts


def test_a_brand_logo_under_several_products_is_dropped() -> None:
    logos = [row for row in rows("running-shoes-multiview", "") if row["kind"] == "placeholder"]
    found = run(pictures("running-shoes-multiview", logos))
    assert len(found.kept) <= 1 and len(found.conflicts) >= 6


def test_studio_boxes_leave_the_background_out_and_location_photos_are_whole() -> None:
    for row in rows("adidas-studio", "superstar"):
        content = (SHARED / "adidas-studio" / row["image"]).read_bytes()
        canvas = fit_canvas(upright_rgb(open_picture(content)))
        box = find_foreground(canvas).box
        if row["kind"] == "studio" and row["view"] in ("side", "medial"):
            assert box.width > 1.5 * box.height and box.height < 300
        if row["kind"] == "location":
            assert box.width * box.height > 0.6 * 500 * 500
