"""A user's photo, untrusted, to what the nets see: exactly as a training photo is prepared.

Bytes go through the canvas file of the clean stage and the crop of the pack stage, so that a photo
of the training set gives the very pixels it was trained with.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.errors import CatalogueError
from dataset.canvas import CANVAS_SIZE
from dataset.foreground import border_color, find_foreground
from dataset.mask import prepare_with_mask
from dataset.picture import (
    UnreadablePicture,
    canvas_of,
    encode_canvas,
    open_picture,
    read_bounded,
)

CANVAS_QUALITY = 95  # clean.quality of params.yaml as it comes
BLANK_CONTRAST = 6  # of 255, as the clean stage judges: one colour, JPEG noise apart
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112

Box = tuple[int, int, int, int]


class PhotoError(CatalogueError):
    """A photo that cannot be read; the message says what was found and what is allowed."""


@dataclass(frozen=True)
class Prepared:
    """A photo ready to be asked about."""

    pixels: NDArray[np.uint8]  # (S, S, 3), RGB
    box: Box | None  # of the shoe in the upright photo, px; None where the ground is not plain
    is_blank: bool


def read_photo(path: Path) -> bytes:
    """The bytes of a photo file.

    Raises:
        PhotoError: missing, a folder, a pipe, unreadable or too large.
    """
    try:
        return read_bounded(path)
    except IsADirectoryError as error:
        raise PhotoError(f"{path}: a folder; name the photos in it") from error
    except OSError as error:
        raise PhotoError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except UnreadablePicture as error:
        raise PhotoError(f"{str(path)!r}: {error}") from error


def prepare_photo(content: bytes, size: int, crop: bool, background: str = "keep") -> Prepared:
    """The net's view of a photo's bytes.

    Raises:
        PhotoError: not a picture that can be decoded, or too large.
    """
    try:
        image = open_picture(content)
        width, height = image.size
        if image.getexif().get(_ORIENTATION, 1) in _TURNED:
            width, height = height, width
        canvas, _ = canvas_of(content)
    except (UnreadablePicture, SyntaxError) as error:
        raise PhotoError(
            f"{error}; JPEG, PNG, WebP, AVIF, GIF, BMP and TIFF can be read. "
            "Save the photo as a JPEG and try again."
        ) from error
    with Image.open(io.BytesIO(encode_canvas(canvas, CANVAS_QUALITY))) as decoded:
        decoded.load()
    found = find_foreground(decoded)
    color = np.asarray(border_color(np.asarray(decoded)), np.int16)
    contrast = int(np.abs(np.asarray(decoded.reduce(2)).astype(np.int16) - color).max())
    return Prepared(
        pixels=prepare_with_mask(decoded, size, crop, background).pixels,
        box=_in_photo(
            found.box.left, found.box.top, found.box.right, found.box.bottom, width, height
        )
        if found.is_plain
        else None,
        is_blank=contrast <= BLANK_CONTRAST,
    )


def _in_photo(left: int, top: int, right: int, bottom: int, width: int, height: int) -> Box:
    """A box on the canvas as a box in the upright photo of ``width`` x ``height`` px."""
    scale = min(1.0, CANVAS_SIZE[0] / width, CANVAS_SIZE[1] / height)
    offset_x = (CANVAS_SIZE[0] - max(1, round(width * scale))) // 2
    offset_y = (CANVAS_SIZE[1] - max(1, round(height * scale))) // 2

    def x_of(x: int) -> int:
        return min(max(round((x - offset_x) / scale), 0), width)

    def y_of(y: int) -> int:
        return min(max(round((y - offset_y) / scale), 0), height)

    return x_of(left), y_of(top), x_of(right), y_of(bottom)
