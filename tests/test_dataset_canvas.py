"""The canvas: pictures of every kind come out upright, in sRGB, padded and whole; the box is found."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import draw_shoe, encoded
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from dataset.canvas import CANVAS_SIZE, fit_canvas, upright_rgb
from dataset.foreground import border_color, find_foreground
from dataset.mask import prepare_with_mask

RED, WHITE = (250, 10, 10), (255, 255, 255)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def near(pixel: object, color: tuple[int, int, int], by: int = 12) -> bool:
    return bool(np.abs(np.subtract(pixel, color)).max() <= by)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900))
def test_canvas_is_500_by_600_and_neither_stretches_crops_nor_enlarges(w: int, h: int) -> None:
    picture = Image.linear_gradient("L").resize((w, h)).convert("RGB")
    scale = min(1.0, 500 / w, 600 / h)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    left, top = (500 - size[0]) // 2, (600 - size[1]) // 2
    canvas = fit_canvas(picture)
    assert canvas.size == (500, 600)
    middle = canvas.crop((left, top, left + size[0], top + size[1]))
    expected = picture.resize(size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(middle, int) - np.asarray(expected, int)).max() <= 3


def test_padding_takes_the_border_color_and_studio_white_is_white() -> None:
    grey = fit_canvas(Image.new("RGB", (400, 400), (234, 236, 238)))
    assert grey.getpixel((0, 0)) == (234, 236, 238)
    white = fit_canvas(Image.new("RGB", (400, 400), (252, 251, 253)))
    assert white.getpixel((0, 0)) == WHITE


def test_small_picture_stays_small_in_the_middle() -> None:
    image = Image.new("RGB", (100, 100), WHITE)
    image.paste(RED, (10, 10, 90, 90))
    canvas = np.asarray(fit_canvas(image))
    rows, columns = np.nonzero((canvas == RED).all(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (260, 339, 210, 289)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize(
    "orientation, top_is_red", [(1, False), (6, True), (8, False), (5, True), (9, False)]
)
def test_exif_orientation_turns_the_picture(form: str, orientation: int, top_is_red: bool) -> None:
    image = Image.new("RGB", (200, 100), WHITE)
    image.paste(RED, (0, 0, 40, 100))  # red on the left; orientations 5 and 6 show it on top
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright_rgb(opened(encoded(image, form, exif=exif)))
    is_turned = orientation in (5, 6, 8)
    assert turned.size == ((100, 200) if is_turned else (200, 100))
    assert near(turned.getpixel((50, 5)), RED) is top_is_red
    bottom = (50, 195) if is_turned else (5, 95)
    assert near(turned.getpixel(bottom), RED) is not top_is_red


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_white_whatever_lies_under_it(mode: str) -> None:
    if mode == "P":
        image = Image.new("P", (20, 20), 1)
        image.putpalette([0, 0, 0, 250, 10, 10])
        content = encoded(image, "GIF", transparency=1)
    else:
        content = encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0)).convert(mode), "PNG")
    assert upright_rgb(opened(content)).getpixel((10, 10)) == WHITE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_every_format_gives_the_same_colors(form: str) -> None:
    image = upright_rgb(opened(encoded(Image.new("RGB", (64, 64), RED), form)))
    assert image.mode == "RGB" and near(image.getpixel((32, 32)), RED)


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (32, 32), RED), Image.new("RGB", (32, 32), (0, 0, 250))]
    for form in ("GIF", "WEBP"):
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert near(upright_rgb(opened(content)).getpixel((5, 5)), RED, 20)


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    deep = Image.fromarray(np.full((20, 20), 0x8000, np.uint16))
    assert near(upright_rgb(opened(encoded(deep, "PNG"))).getpixel((3, 3)), (128, 128, 128), 2)


def test_cmyk_and_foreign_profiles_become_srgb() -> None:
    cmyk = Image.new("RGB", (32, 32), RED).convert("CMYK")
    assert near(upright_rgb(opened(encoded(cmyk, "JPEG", quality=95))).getpixel((9, 9)), RED, 20)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    broken = encoded(Image.new("RGB", (32, 32), RED), "PNG", icc_profile=b"no profile")
    assert near(upright_rgb(opened(broken)).getpixel((9, 9)), RED)
    strange = encoded(Image.new("RGB", (32, 32), RED), "PNG", icc_profile=profile.tobytes())
    assert upright_rgb(opened(strange)).mode == "RGB"


def test_large_jpegs_are_decoded_small_and_look_the_same() -> None:
    content = encoded(draw_shoe(size=2400), "JPEG", quality=92)
    small, full = upright_rgb(opened(content)), upright_rgb(opened(content), at_least=None)
    assert full.size == (2400, 2400) and 500 <= min(small.size) < 2400
    gap = np.abs(np.asarray(fit_canvas(small), float) - np.asarray(fit_canvas(full), float))
    assert gap.mean() < 1.5


@pytest.mark.parametrize("ground", [WHITE, (234, 236, 238), (12, 12, 14)])
def test_the_box_of_a_shoe_on_plain_ground(ground: tuple[int, int, int]) -> None:
    shoe = np.asarray(draw_shoe(ground=ground, size=500), np.int16)
    rows, columns = np.nonzero(np.abs(shoe - ground).max(axis=2) > 14)
    found = find_foreground(fit_canvas(Image.fromarray(shoe.astype(np.uint8))))
    assert found.is_plain
    true = (columns.min(), rows.min() + 50, columns.max() + 1, rows.max() + 51)
    box = (found.box.left, found.box.top, found.box.right, found.box.bottom)
    assert np.abs(np.subtract(box, true)).max() <= 4


def test_a_soft_shadow_is_not_part_of_the_shoe() -> None:
    image = Image.new("RGB", (500, 500), WHITE)
    fade = 255 - 30 * np.exp(-(((np.arange(500) - 400) / 25.0) ** 2))
    rows = np.repeat(fade.astype(np.uint8)[:, None], 300, axis=1)
    image.paste(Image.fromarray(rows).convert("RGB"), (100, 0))
    image.paste(RED, (120, 200, 380, 340))
    assert find_foreground(fit_canvas(image)).box.bottom <= 50 + 340 + 6


def test_a_busy_picture_is_taken_whole_without_its_padding() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    found = find_foreground(fit_canvas(Image.fromarray(noise)))
    assert not found.is_plain
    assert (found.box.left, found.box.top, found.box.right, found.box.bottom) == (0, 50, 500, 550)


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("size", [16, 64, 97])
def test_prepare_gives_a_square_of_the_size_asked_for(size: int, crop: bool) -> None:
    pixels = prepare_with_mask(fit_canvas(draw_shoe()), size, crop).pixels
    assert pixels.shape == (size, size, 3) and pixels.dtype == np.uint8


def test_prepare_takes_a_blank_canvas_and_refuses_no_size() -> None:
    assert (prepare_with_mask(Image.new("RGB", CANVAS_SIZE, WHITE), 32, True).pixels == 255).all()
    with pytest.raises(ValueError, match="at least 1"):
        prepare_with_mask(Image.new("RGB", CANVAS_SIZE), 0, True)


def test_the_shoe_fills_the_square_wherever_it_was() -> None:
    wide = Image.new("RGB", (900, 900), WHITE)
    wide.paste(draw_shoe(size=300), (500, 40))
    near_whole = prepare_with_mask(fit_canvas(draw_shoe(size=300)), 64, True).pixels.astype(int)
    assert np.abs(prepare_with_mask(fit_canvas(wide), 64, True).pixels - near_whole).mean() < 8


def test_border_color_is_the_median() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:, :2] = 200
    assert border_color(pixels) == (0, 0, 0)
