"""A shoe on ground that is not plain is found, cut from the photo's own pixels, and told; others stay as they were.

The detector here is made by hand: it calls red what is shoe, so that each step can be checked.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw_shoe, encoded
from numpy.typing import NDArray
from PIL import Image

from identify.finder import Finder
from identify.identifier import Identifier
from identify.photo import decode_photo, look_at, prepare_photo
from train.detector import Detector, save_detector


def red_detector() -> Detector:
    """Its first channel is (red - green - blue) at the middle of each cell; the rest of it is nothing."""
    detector = Detector().eval()
    with torch.no_grad():
        for name, value in detector.named_parameters():
            value.fill_(1.0 if name.endswith(".1.weight") else 0.0)  # batch norm changes nothing
        first = detector.to_half[0].weight  # type: ignore[union-attr]
        first[0, :, 2, 2] = torch.tensor([1.0, -1.0, -1.0])  # type: ignore[index]
        for layer in (detector.to_quarter, detector.mixed_quarter):
            layer[0].weight[0, 0, 1, 1] = 1.0  # type: ignore[union-attr, index]
        detector.head.weight[0, 0] = 5.0
        detector.head.bias[0] = -15.0  # type: ignore[index]
    return detector


@pytest.fixture
def finder(tmp_path: Path) -> Finder:
    save_detector(tmp_path / "detector", red_detector(), 0.5)
    return Finder.load(tmp_path)


def noise(width: int, height: int) -> NDArray[np.uint8]:
    """Grey speckles: no plain ground, nothing red."""
    cells = np.random.default_rng(0).integers(60, 200, (height // 8 + 1, width // 8 + 1, 1))
    whole = cells.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return np.repeat(whole, 3, axis=2).astype(np.uint8)


def composite(width: int, height: int, left: int, top: int, size: int) -> Image.Image:
    """A red rectangle of ``size`` x half of it on speckles."""
    pixels = noise(width, height)
    pixels[top : top + size // 2, left : left + size] = (250, 20, 20)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    "width, height, left, top, size",
    [(500, 600, 300, 100, 150), (1200, 500, 20, 300, 300), (300, 900, 40, 700, 200), (250, 250, 130, 20, 100)],
)  # fmt: skip
def test_the_box_is_in_the_photos_own_pixels(
    finder: Finder, width: int, height: int, left: int, top: int, size: int
) -> None:
    content = encoded(composite(width, height, left, top, size))
    prepared = prepare_photo(content, 64, crop=True, finder=finder)
    assert prepared.box is not None
    slack = 0.08 * size + 4
    meant = (left, top, left + size, top + size // 2)
    assert all(abs(a - b) < slack for a, b in zip(prepared.box, meant, strict=True)), prepared.box
    assert (prepared.pixels[[0, -1]] > 240).all()  # the ground is white
    red = (prepared.pixels[:, :, 0] > 200) & (prepared.pixels[:, :, 1] < 80)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert columns[-1] - columns[0] > 0.75 * 64 and 20 < rows[-1] - rows[0] < 40
    assert prepare_photo(content, 64, crop=True).box is None


def test_a_photo_turned_by_exif_is_cut_upright(finder: Finder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = composite(400, 500, 220, 60, 120).rotate(90, expand=True)
    told = prepare_photo(encoded(lying, "JPEG", quality=95, exif=exif), 64, True, finder=finder)
    assert told.box is not None
    assert all(abs(a - b) < 14 for a, b in zip(told.box, (220, 60, 340, 120), strict=True)), (
        told.box
    )
    assert (told.pixels[28:36, 20:44, 0] > 200).all()


def test_a_small_shoe_is_cut_from_all_pixels_of_a_large_photo(finder: Finder) -> None:
    image = np.array(composite(4000, 3000, 2400, 1800, 640))
    stripes = (np.arange(640) // 4) % 2 == 0  # finer than a canvas pixel, which is 8 of the photo's
    image[1800:2120, 2400:3040][:, stripes] = (130, 0, 0)
    content = encoded(Image.fromarray(image), "JPEG", quality=95)
    seen = look_at(content, finder)
    assert seen.box is not None and abs(seen.box[0] - 2400) < 60 and abs(seen.box[2] - 3040) < 60

    def detail(canvas: Image.Image) -> float:
        pixels = np.asarray(canvas).astype(int)
        is_red = (pixels[:, :, 0] > 100) & (pixels[:, :, 1] < 60)
        return float(pixels[:, :, 0][is_red].std())

    assert detail(seen.canvas) > 25 > 15 > detail(decode_photo(content)[0])


def test_on_plain_ground_nothing_changes(finder: Finder) -> None:
    for image in (draw_shoe(), draw_shoe((240, 20, 20), ground=(215, 215, 215), pose=2)):
        with_one = prepare_photo(encoded(image), 64, crop=True, finder=finder)
        without = prepare_photo(encoded(image), 64, crop=True)
        assert np.array_equal(with_one.pixels, without.pixels) and with_one.box == without.box


def test_where_no_shoe_is_seen_the_whole_photo_is_looked_at(finder: Finder) -> None:
    content = encoded(Image.fromarray(noise(500, 400)))
    with_one = prepare_photo(content, 64, crop=True, finder=finder)
    assert with_one.box is None and not with_one.is_empty
    assert np.array_equal(with_one.pixels, prepare_photo(content, 64, crop=True).pixels)
    uncut = prepare_photo(
        encoded(composite(400, 400, 100, 100, 120)), 64, crop=False, finder=finder
    )
    assert uncut.box is None  # nets that see the whole canvas get it


@pytest.mark.parametrize("width, height", [(3000, 2), (2, 3000), (1, 1), (40, 3), (8160, 40)])
def test_photos_of_any_shape_are_looked_at(finder: Finder, width: int, height: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 90, (height, width, 3)).astype(np.uint8)
    pixels[:, width // 3 :: 2, 0] = 255  # red here and there
    prepared = prepare_photo(encoded(Image.fromarray(pixels)), 32, crop=True, finder=finder)
    assert prepared.pixels.shape == (32, 32, 3)
    if prepared.box is not None:
        left, top, right, bottom = prepared.box
        assert 0 <= left < right <= width and 0 <= top < bottom <= height


def test_a_project_without_a_detector_answers_and_says_so_once(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = encoded(composite(500, 500, 100, 100, 200))
    models = tmp_path / "models"
    models.mkdir()
    for part in (trained / "models").iterdir():
        (models / part.name).symlink_to(part)
    with caplog.at_level(logging.WARNING):
        before = Identifier.load(models).identify(content)
    assert before.verdict and before.box is None and not caplog.messages  # too few photos: known
    (models / "detector").unlink()
    for told in ("No such file", "the weights are not those"):
        with caplog.at_level(logging.WARNING):
            identifier = Identifier.load(models)
            assert identifier.identify(content) == before == identifier.identify(content)
        (message,) = [one for one in caplog.messages if "not a readable detector" in one]
        assert told in message and "dvc repro detector" in message
        caplog.clear()
        save_detector(models / "detector", red_detector(), 0.5)
        (models / "detector/weights.safetensors").write_bytes(b"damaged")
    save_detector(models / "detector", red_detector(), 0.5)
    identifier = Identifier.load(models)
    answer = identifier.identify(content)
    assert answer.box is not None and abs(answer.box[0] - 100) < 20
    heat = identifier.explain(content, answer)
    assert heat is not None and heat.width > 1.5 * heat.height  # the shoe, not the whole photo
