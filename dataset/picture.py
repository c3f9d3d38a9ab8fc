"""Original bytes to canvas file and facts: everything about one photo that costs a decode.

The facts are measurements, not judgements: `dataset.judge` turns them into verdicts, so a changed
threshold decodes nothing again.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from catalogue.schema import Sides
from dataset.canvas import fit_canvas, upright_rgb
from dataset.foreground import find_foreground
from dataset.measures import measure
from dataset.signature import Signature, Thumbs, sign

CODE_VERSION = 5  # raise when a canvas or a fact changes for the same bytes: cached ones expire
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")  # JPEG also opens phones' MPO
MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 80_000_000  # 240 MB as RGB; phones stop at 50 million
MAX_SIDE = 30_000  # px
MOST_SCANS = 100  # of a JPEG, each decoded over the whole picture; progressive ones have some ten
_SCAN, _MARKER = b"\xff\xda", re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found in one photo's bytes; ``fault`` says why there is no canvas."""

    photo_id: str
    fault: str | None = None  # None, else "corrupt: ...", "missing", ...
    canvas: str | None = None  # SHA-256 of the canvas file
    width_px: int | None = None  # of the original, upright or not as its header says
    height_px: int | None = None
    contrast: float | None = None  # largest channel difference from the border colour, 0..255
    edges: float | None = None  # share of canvas pixels that differ from their neighbours
    steepness: float | None = None  # of the steepest edges / contrast: blur makes it small
    letters: int | None = None  # marks of a letter's size that stand in words
    solid: float | None = None  # share of the canvas in squares of 20 px without background
    parts: int | None = None  # things of one size that stand apart on plain ground
    flat: float | None = None  # share of what is not background in one flat colour
    box: Sides | None = None  # of the shoe on the canvas; None where the ground is not plain


@dataclass(frozen=True)
class Examined:
    """Everything that one decode gave; all but the facts is None where there is a fault."""

    facts: Facts
    encoded: bytes | None = None  # the canvas file
    signature: Signature | None = None
    thumbs: Thumbs | None = None


class UnreadablePicture(ValueError):
    """Bytes that are no picture we can or will decode."""


def read_bounded(path: Path) -> bytes:
    """The bytes of a picture file, whatever lies there: no pipe or device is waited for or drained.

    Links are followed; what they lead to counts. At most `MAX_BYTES` + 1 bytes are read.

    Raises:
        UnreadablePicture: a pipe or a device, or no possible file name ("missing: ..."); over
            `MAX_BYTES` ("too large: ...").
        OSError: as of `open`: no such file, a folder, a socket, not permitted, ...
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(MAX_BYTES + 1) if is_file else b""
    except ValueError as error:  # a name with a zero byte
        raise UnreadablePicture(f"missing: not a file name ({error})") from error
    if not is_file:
        raise UnreadablePicture("missing: a pipe or a device, not a file")
    if len(content) > MAX_BYTES:
        raise UnreadablePicture(f"too large: over {MAX_BYTES} bytes")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """A descriptor without waiting for a writer, as opening a pipe would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _scans(content: bytes) -> int:
    """How many scans a JPEG has, by its markers; what follows its end is not read."""
    at, count = 2, 0
    while (found := _MARKER.search(content, at)) and found[1] != b"\xd9":
        count += found[1] == b"\xda"
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2], "big")
    return count


def open_picture(content: bytes) -> Image.Image:
    """The picture in ``content``, header read, pixels not yet decoded.

    Raises:
        UnreadablePicture: no picture, an unlisted format, or larger than the limits.
    """
    if not content:
        raise UnreadablePicture("corrupt: 0 bytes")
    if len(content) > MAX_BYTES:
        raise UnreadablePicture(f"too large: {len(content)} bytes, at most {MAX_BYTES} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UnreadablePicture("too large: more pixels than are read") from error
    except Exception as error:  # Pillow's readers of untrusted bytes raise what they like
        is_heic = content[4:8] == b"ftyp" and any(b in content[8:32] for b in (b"heic", b"mif1"))
        told = "HEIC, which is not read here" if is_heic else "no picture in a known format"
        raise UnreadablePicture(f"corrupt: {told}") from error
    # the first count is quick, and counts what lies in other data, too
    is_suspect = image.format in ("JPEG", "MPO") and content.count(_SCAN) > MOST_SCANS
    if is_suspect and (scans := _scans(content)) > MOST_SCANS:
        raise UnreadablePicture(f"too large: {scans} scans, at most {MOST_SCANS} are read")
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnreadablePicture(f"too large: {width} x {height} px, at most {MAX_PIXELS} pixels")
    return image


def canvas_of(content: bytes) -> tuple[Image.Image, tuple[int, int]]:
    """The 500x600 canvas of original bytes, and the original's size in px.

    Raises:
        UnreadablePicture: see `open_picture`; also for damaged or truncated pixels.
    """
    image = open_picture(content)
    size = image.size
    try:
        return fit_canvas(upright_rgb(image)), size
    except Image.DecompressionBombError as error:
        raise UnreadablePicture("too large: more pixels than are read") from error
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadablePicture(f"corrupt: {str(error) or type(error).__name__:.100}") from error


def encode_canvas(canvas: Image.Image, quality: int) -> bytes:
    """``canvas`` as a JPEG, 4:4:4, without metadata: the same pixels give the same bytes."""
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def examine(photo_id: str, content: bytes, quality: int) -> Examined:
    """Canvas file, facts and signature of one photo's original bytes."""
    actual = hashlib.sha256(content).hexdigest()
    if actual != photo_id:
        fault = f"changed: the bytes on disk hash to {actual[:16]}, not to their name"
        return Examined(Facts(photo_id, fault=fault))
    try:
        canvas, (width, height) = canvas_of(content)
    except UnreadablePicture as error:
        return Examined(Facts(photo_id, fault=str(error)))
    encoded = encode_canvas(canvas, quality)
    name = hashlib.sha256(encoded).hexdigest()
    # Measured on the decoded file, not on what went into it: dedup and audit see the file alone.
    with Image.open(io.BytesIO(encoded)) as decoded:
        decoded.load()
    found = find_foreground(decoded)
    signature, thumbs = sign(decoded, found, name)
    box = found.box.sides if found.is_plain else None
    facts = Facts(photo_id, None, name, width, height, **asdict(measure(decoded)), box=box)
    return Examined(facts, encoded, signature, thumbs)
