"""A user's photo, untrusted, to what the nets see: exactly as a training photo is prepared.

Bytes go through the canvas file of the clean stage and the crop of the pack stage, so that a photo
of the training set gives the very pixels it was trained with.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.errors import CatalogueError
from dataset.canvas import CANVAS_SIZE, MARGIN, fit_canvas, is_on_its_side, turn_of, upright_rgb
from dataset.foreground import Box as Rectangle
from dataset.foreground import Foreground, border_color, distance, find_foreground
from dataset.judge import BLANK_CONTRAST, FLAT
from dataset.mask import prepare_with_mask
from dataset.measures import flat_share
from dataset.picture import (
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    UnreadablePicture,
    encode_canvas,
    open_picture,
    read_bounded,
)
from identify.finder import Finder

CANVAS_QUALITY = 95  # clean.quality of params.yaml as it comes
LARGE_PIXELS = 16_000_000  # larger ones are decoded one at a time: each takes up to 0.6 GB
_LARGE = threading.Lock()
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

Box = tuple[int, int, int, int]
Change = Callable[[Image.Image, Box], Image.Image]


class PhotoError(CatalogueError):
    """A photo that cannot be read; the message says what was found and what is allowed."""


@dataclass(frozen=True)
class Prepared:
    """A photo ready to be asked about."""

    pixels: NDArray[np.uint8]  # (S, S, 3), RGB
    box: Box | None  # of the shoe in the upright photo, px; None where it was not found
    is_empty: bool  # one colour, or one flat colour on another, as a logo: the clean stage's limits


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


def read_stream(stream: BinaryIO) -> bytes:
    """The bytes of an open stream, such as standard input.

    Raises:
        PhotoError: more than is read.
    """
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise PhotoError(f"over {MAX_BYTES // 1024**2} MB, the most that is read")
    return content


@dataclass(frozen=True)
class Seen:
    """What of a photo is looked at."""

    canvas: Image.Image  # as the clean stage would write and read it
    size: tuple[int, int]  # of what the canvas shows, upright, px
    found: Foreground  # of the canvas
    box: Box | None  # of the shoe in the whole upright photo, px; None where it was not found


def prepare_photo(
    content: bytes, size: int, crop: bool, background: str = "keep", finder: Finder | None = None
) -> Prepared:
    """The net's view of a photo's bytes; see `look_at`.

    Raises:
        PhotoError: not a picture that can be decoded, or too large.
    """
    seen = look_at(content, finder if crop else None)
    half = np.asarray(seen.canvas.reduce(2)).astype(np.int16)
    away = distance(half, np.asarray(border_color(np.asarray(seen.canvas)), np.int16))
    return Prepared(
        pixels=prepare_with_mask(seen.canvas, size, crop, background).pixels,
        box=seen.box,
        is_empty=away.max() <= BLANK_CONTRAST or flat_share(half, away) >= FLAT,
    )


def look_at(content: bytes, finder: Finder | None = None) -> Seen:
    """The canvas of a photo; of the shoe alone where ``finder`` finds it on ground that is not plain.

    It is cut out with a margin, from as many pixels as the photo has there, and its ground made white, which is
    what nets and colours know best; then it is looked at as a photo of its own.

    Raises:
        PhotoError: see `prepare_photo`.
    """
    canvas, size = decode_photo(content)
    found = find_foreground(canvas)
    if found.is_plain:
        return Seen(canvas, size, found, in_photo(*found.box.sides, *size))
    left, top, right, bottom = photo_on_canvas(*size)
    shoe = finder.find(canvas.crop((left, top, right, bottom))) if finder else None
    if shoe is None:
        return Seen(canvas, size, found, None)
    scale, box = (right - left) / size[0], in_photo(*shoe.box.moved(left, top).sides, *size)

    def without_ground(part: Image.Image, sides: Box) -> Image.Image:
        left, top, right, bottom = sides
        return shoe.without_ground(part, (left * scale, top * scale, right * scale, bottom * scale))

    part, part_size = decode_part(content, box, size, without_ground)
    return Seen(part, part_size, find_foreground(part), box)


def decode_photo(content: bytes) -> tuple[Image.Image, tuple[int, int]]:
    """The canvas as the clean stage would write and read it, and the upright photo's size in px.

    Raises:
        PhotoError: see `prepare_photo`.
    """
    return _decoded(content, CANVAS_SIZE, Rectangle(0, 0, MAX_SIDE, MAX_SIDE))


def decode_part(
    content: bytes, box: Box, size: tuple[int, int], change: Change | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """The same of the part round ``box``, px in the upright photo of ``size``, with a margin.

    ``change`` is given the part, at a scale that covers the canvas, and its sides in the photo.
    """
    part = Rectangle(*box).grown(MARGIN)
    zoom = min(CANVAS_SIZE[0] / part.width, CANVAS_SIZE[1] / part.height)
    at_least = (math.ceil(size[0] * zoom), math.ceil(size[1] * zoom))
    return _decoded(content, at_least, part, change)


def _decoded(
    content: bytes, at_least: tuple[int, int], part: Rectangle, change: Change | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """The canvas of ``part`` of a photo, decoded at a scale that covers ``at_least``, and the part's size in px."""
    try:
        image = _open(content)
        width, height = image.size
        with _LARGE if width * height > LARGE_PIXELS else nullcontext():
            if is_on_its_side(turn_of(image)):
                width, height = height, width
            sides = max(part.left, 0), max(part.top, 0), min(part.right, width), min(part.bottom, height)  # fmt: skip
            upright = upright_rgb(image, at_least)
            if sides != (0, 0, width, height):
                across, down = upright.width / width, upright.height / height
                left, top, right, bottom = sides
                upright = upright.crop(
                    (
                        round(left * across),
                        round(top * down),
                        round(right * across),
                        round(bottom * down),
                    )
                )
            canvas = fit_canvas(upright if change is None else change(upright, sides))
    except PhotoError:
        raise
    except UnreadablePicture as error:
        raise PhotoError(f"{error}; {_REMEDY}") from error
    except MemoryError as error:
        raise PhotoError(f"too large for this machine's memory; {_REMEDY}") from error
    except Exception as error:  # decoders of untrusted bytes raise what they like
        told = str(error) or type(error).__name__
        raise PhotoError(f"corrupt: {told:.100}; {_REMEDY}") from error
    with Image.open(io.BytesIO(encode_canvas(canvas, CANVAS_QUALITY))) as decoded:
        decoded.load()
    return decoded, (sides[2] - sides[0], sides[3] - sides[1])


_REMEDY = (
    "JPEG, PNG, WebP, AVIF, GIF, BMP and TIFF can be read. Save the photo as a JPEG and try again."
)


def _open(content: bytes) -> Image.Image:
    """The picture, header read, pixels not yet decoded; HEIC too where the extra is installed."""
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC and b"avif" not in content[8:40]:
        return _open_heic(content)
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        raise UnreadablePicture("an SVG drawing, which is not read here")
    return open_picture(content)


def _open_heic(content: bytes) -> Image.Image:
    try:
        import pillow_heif
    except ImportError as error:
        raise PhotoError(
            "HEIC, as iPhones save photos, is not read here. Send it as a JPEG, or let the operator "
            "run `pip install -e '.[heic]'`."
        ) from error
    if len(content) > MAX_BYTES:
        raise UnreadablePicture(f"too large: {len(content)} bytes, at most {MAX_BYTES} are read")
    pillow_heif.register_heif_opener()
    image = Image.open(io.BytesIO(content), formats=("HEIF",))
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnreadablePicture(f"too large: {width} x {height} px, at most {MAX_PIXELS} pixels")
    return image


def photo_on_canvas(width: int, height: int) -> Box:
    """Where the upright photo of ``width`` x ``height`` px lies on its canvas."""
    scale = min(1.0, CANVAS_SIZE[0] / width, CANVAS_SIZE[1] / height)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (CANVAS_SIZE[0] - across) // 2, (CANVAS_SIZE[1] - down) // 2
    return left, top, left + across, top + down


def in_photo(left: int, top: int, right: int, bottom: int, width: int, height: int) -> Box:
    """A box on the canvas as a box in the upright photo of ``width`` x ``height`` px."""
    scale = min(1.0, CANVAS_SIZE[0] / width, CANVAS_SIZE[1] / height)
    offset_x, offset_y, _, _ = photo_on_canvas(width, height)

    def x_of(x: int) -> int:
        return min(max(round((x - offset_x) / scale), 0), width)

    def y_of(y: int) -> int:
        return min(max(round((y - offset_y) / scale), 0), height)

    return x_of(left), y_of(top), x_of(right), y_of(bottom)
