"""Untrusted bytes: what phones save is read, what is none or too much is refused in one line."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import pytest
from conftest import draw_shoe, encoded
from PIL import Image

from bench.identify.mutated import mutated, originals, outcome
from identify.photo import PhotoError, decode_photo, prepare_photo, read_stream


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "MPO"])
def test_what_cameras_and_shops_save_is_read(form: str) -> None:
    canvas, size = decode_photo(encoded(draw_shoe(), form))
    assert size == (300, 300) and canvas.size == (500, 600)
    box = prepare_photo(encoded(draw_shoe(), form), 32, crop=True).box
    assert box is not None and 20 < box[0] < 80 and 220 < box[2] < 280


def test_heic_is_read_with_the_extra_and_told_without(monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(draw_shoe(size=400).crop((0, 0, 400, 300)), "HEIF", exif=exif)
    _, size = decode_photo(content)
    assert size == (400, 300)  # HEIF turns by its own field, as decoded; EXIF would turn twice
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"HEIC.*pip install -e '\.\[heic\]'"):
        decode_photo(content)


@pytest.mark.parametrize("size, form", [((8160, 6144), "JPEG"), ((4032, 3024), "WEBP")])
def test_large_photos_are_read(size: tuple[int, int], form: str) -> None:
    shoe = draw_shoe(size=1600, ground=(225, 225, 225))
    image = Image.new("RGB", size, (225, 225, 225))
    image.paste(shoe, (1500, 1000))
    small = prepare_photo(encoded(shoe), 32, crop=True)
    prepared = prepare_photo(encoded(image, form), 32, crop=True)
    assert prepared.box is not None and small.box is not None and not prepared.is_empty
    left, top, right, bottom = small.box
    meant = (left + 1500, top + 1000, right + 1500, bottom + 1000)
    assert all(abs(a - b) < 80 for a, b in zip(prepared.box, meant, strict=True))


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims to be so large, and holds a row of nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # fmt: skip

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")  # fmt: skip


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.mark.parametrize(
    "content, told",
    [
        (b"", "0 bytes"),
        (SVG, "an SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG, "an SVG drawing"),
        (b"%PDF-1.7", "no picture in a known format"),
        (b"GIF89a/*<script>*/", "corrupt"),
        (b"\xff\xd8\xff\xe0" + bytes(400), "corrupt"),
        (png_of(100_000, 100_000), "too large"),
        (png_of(20_000, 4_500), "too large"),
        (png_of(8_000, 8_000), "corrupt"),
        (bytes(100_000_000), "too large: 100000000 bytes"),
        (b"P6 50000 50000 255\n", "no picture in a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture in a known format"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_photo_is_refused_in_one_line(content: bytes, told: str) -> None:
    with pytest.raises(PhotoError, match=told) as refused:
        prepare_photo(content, 32, crop=True)
    assert "\n" not in str(refused.value) and "try again" in str(refused.value)


def test_a_picture_with_something_behind_it_is_the_picture() -> None:
    content = encoded(draw_shoe(), "PNG")
    plain = prepare_photo(content, 32, crop=True)
    polyglot = prepare_photo(content + b"PK\x03\x04" + b"<script>alert(1)</script>", 32, crop=True)
    assert (plain.pixels == polyglot.pixels).all()


def test_an_endless_stream_ends() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    with pytest.raises(PhotoError, match="over 64 MB"):
        read_stream(Endless())  # type: ignore[arg-type]


def test_mutated_files_are_answered_or_refused() -> None:
    """The first few of `python -m bench.identify.mutated`; any other exception fails."""
    pictures = originals()
    told = [outcome(mutated(seed, pictures)[1]) for seed in range(300)]
    assert {"answered", "refused"} == set(told)
    assert mutated(7, pictures) == mutated(7, originals())
