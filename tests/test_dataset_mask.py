"""The shoe's mask: it covers the shoe, white parts too, leaves out soft shadows, or says that it cannot."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from conftest import SHARED, Color, draw_shoe, encoded
from PIL import Image, ImageDraw, ImageFilter

from dataset.canvas import fit_canvas
from dataset.foreground import find_foreground
from dataset.mask import prepare_with_mask, soft_mask

WHITE: Color = (255, 255, 255)
SNEAKERS = SHARED / "sneakers-multiview"  # transparent backgrounds: the alpha channel is the truth


def canvas_file(image: Image.Image) -> Image.Image:
    """The canvas of ``image`` as the clean stage leaves it."""
    return Image.open(io.BytesIO(encoded(fit_canvas(image), "JPEG", quality=95, subsampling=0)))


def mask_of(image: Image.Image) -> np.ndarray | None:
    canvas = canvas_file(image)
    return soft_mask(canvas, find_foreground(canvas))


def canvas_truth(shape: Image.Image) -> np.ndarray:
    """A white shape on black, on the canvas."""
    return np.asarray(fit_canvas(shape.convert("RGB")))[:, :, 0] > 127


def shares(mask: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Of the shoe that the mask cuts off, and of background that it adds; both of the shoe's area."""
    covered = mask > 127
    return float((truth & ~covered).sum() / truth.sum()), float(
        (covered & ~truth).sum() / truth.sum()
    )


@pytest.mark.parametrize("ground", [WHITE, (234, 236, 238), (12, 12, 14)])
def test_the_mask_is_the_shoe(ground: Color) -> None:
    shoe = draw_shoe(ground=ground, size=500)
    differs = np.abs(np.asarray(shoe, np.int16) - ground).max(axis=2) > 14
    truth = canvas_truth(Image.fromarray((differs * 255).astype(np.uint8)))
    mask = mask_of(shoe)
    assert mask is not None
    cut, added = shares(mask, truth)
    assert cut < 0.02 and added < 0.12  # a pixel of the outline is 0.02
    edge = mask[(mask > 0) & (mask < 255)]
    assert edge.size > 200, "the edge is feathered"


def white_shoe() -> tuple[Image.Image, Image.Image]:
    """A white shoe with a faint outline on white, and its shape; its sole is open to the ground."""
    image, shape = Image.new("RGB", (500, 500), WHITE), Image.new("L", (500, 500), 0)
    upper = [(80, 280), (110, 190), (200, 200), (300, 250), (420, 280), (425, 330), (80, 330)]
    ImageDraw.Draw(image).polygon(upper, fill=(252, 252, 252), outline=(228, 228, 228), width=3)
    ImageDraw.Draw(image).polygon(
        [(150, 230), (170, 230), (190, 320), (170, 320)], fill=(60, 60, 60)
    )
    ImageDraw.Draw(image).rectangle((240, 326, 252, 334), fill=WHITE)  # a gap in the outline
    ImageDraw.Draw(shape).polygon(upper, fill=255)
    return image, shape


def test_enclosed_white_parts_are_shoe_even_where_the_outline_has_a_gap() -> None:
    image, shape = white_shoe()
    mask = mask_of(image)
    assert mask is not None
    assert shares(mask, canvas_truth(shape))[0] < 0.02  # a pixel of the outline is 0.02


def test_a_soft_shadow_is_left_out() -> None:
    image, shape = white_shoe()
    shadow = Image.new("L", image.size, 0)
    ImageDraw.Draw(shadow).ellipse((60, 335, 440, 375), fill=50)
    ground = Image.new("RGB", image.size, WHITE)
    ground.paste((0, 0, 0), mask=shadow.filter(ImageFilter.GaussianBlur(14)))
    ground.paste(image, mask=shape)
    mask = mask_of(ground)
    assert mask is not None
    assert shares(mask, canvas_truth(shape))[1] < 0.15


@pytest.mark.parametrize("stitches", [240, 246, 248, 249])
def test_a_pale_shoe_is_not_cut_in_half(stitches: int) -> None:
    """Its front is dark, its back a few grey levels from the ground: found whole, or no mask."""
    image, (_, shape) = Image.new("RGB", (500, 500), WHITE), white_shoe()
    shoe = Image.new("RGB", image.size, (253, 253, 253))
    draw = ImageDraw.Draw(shoe)
    for x in range(80, 300, 12):
        draw.line((x, 180, x, 340), fill=(stitches,) * 3, width=3)
    draw.rectangle((300, 180, 430, 340), fill=(70, 40, 40))
    image.paste(shoe, mask=shape)
    assert find_foreground(canvas_file(image)).is_plain
    mask = mask_of(image)
    # What shows no stitch is 2 grey levels from the ground: some of it may go.
    assert mask is None or shares(mask, canvas_truth(shape))[0] < 0.1


def noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def frame() -> Image.Image:
    image = Image.new("RGB", (500, 500), WHITE)
    ImageDraw.Draw(image).arc((60, 60, 440, 440), 0, 250, fill=(0, 0, 0), width=12)
    return image


@pytest.mark.parametrize(
    "image", [noise(), frame(), Image.new("RGB", (500, 500), WHITE)], ids=["busy", "arc", "blank"]
)
def test_what_is_no_whole_shoe_on_plain_ground_has_no_mask(image: Image.Image) -> None:
    canvas = canvas_file(image)
    prepared = prepare_with_mask(canvas, 64, crop=True, background="neutral")
    assert not prepared.is_plain and (prepared.mask == 255).all()
    kept = prepare_with_mask(canvas, 64, crop=True, background="keep")
    assert (prepared.pixels == kept.pixels).all(), "nothing is replaced"


@pytest.mark.parametrize("crop", [True, False])
def test_the_mask_lies_on_the_pixels(crop: bool) -> None:
    canvas = canvas_file(draw_shoe(ground=(234, 236, 238), size=500))
    prepared = prepare_with_mask(canvas, 160, crop)
    away = np.abs(prepared.pixels.astype(int) - (234, 236, 238)).max(axis=2)
    assert (prepared.mask[away > 40] > 127).mean() > 0.97
    assert (away[prepared.mask < 20] < 20).mean() > 0.97


def test_a_neutral_background_does_not_tell_the_shop() -> None:
    grounds = (WHITE, (234, 236, 238), (200, 190, 180))
    seen = [
        prepare_with_mask(canvas_file(draw_shoe(ground=one)), 64, True, "neutral").pixels.astype(
            int
        )
        for one in grounds
    ]
    assert all((pixels[[0, -1]] == 255).all() for pixels in seen)
    assert all(np.abs(pixels - seen[0]).mean() < 3 for pixels in seen)


def test_an_unknown_background_is_refused() -> None:
    with pytest.raises(ValueError, match="keep, neutral"):
        prepare_with_mask(canvas_file(draw_shoe()), 64, True, "pink")


@pytest.mark.skipif(not SNEAKERS.exists(), reason="needs the photos in ../shared/data")
def test_real_shoes_are_not_cut() -> None:
    """Every tenth cut-out sneaker on white: at most 1 % of one is lost, the mask adds 15 % at most on average."""
    with (SNEAKERS / "catalogue.csv").open(encoding="utf-8") as file:
        paths = [SNEAKERS / row["image"] for row in csv.DictReader(file)][::10]
    found = []
    for path in paths:
        image = Image.open(path).convert("RGBA")
        ground = Image.new("RGB", image.size, WHITE)
        ground.paste(image, mask=image.getchannel("A"))
        mask = mask_of(ground)
        if mask is not None:
            found.append(shares(mask, canvas_truth(image.getchannel("A"))))
    cut, added = np.array(found).T
    assert len(found) >= 0.9 * len(paths)
    assert cut.max() < 0.01 and added.mean() < 0.15
