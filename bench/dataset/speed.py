"""Bytes to canvas file and pHash: pictures per second and core, beside plain PIL and imagehash.

Two sets: the photos as they are (most of 600 to 800 px: every pixel must be decoded), and the studio
ones as shops serve large pictures, JPEGs of 2000 px made from them by enlarging (fewer details than a
real one of that size, so its decode is cheaper for both sides). CPU seconds, the best of three, since other
work may share the machine. The hash must equal imagehash's of the canvas file, read anew, for each.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import click
import imagehash
from PIL import Image, ImageOps

from bench.dataset.duplicates import read_rows, to_photo
from bench.dataset.results import keep
from dataset.canvas import CANVAS_SIZE, upright_rgb
from dataset.clean import examine_all
from dataset.facts import FactsCache
from dataset.phash import phash
from dataset.picture import canvas_of, encode_canvas, examine

QUALITY = 95
LARGE = 2000  # px


def plain(content: bytes) -> tuple[bytes, str]:
    """What a person writes with PIL and imagehash: canvas file and hash."""
    with Image.open(io.BytesIO(content)) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    scale = min(1.0, CANVAS_SIZE[0] / image.width, CANVAS_SIZE[1] / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    image = image.resize(size, Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", CANVAS_SIZE, (255, 255, 255))
    canvas.paste(image, ((CANVAS_SIZE[0] - size[0]) // 2, (CANVAS_SIZE[1] - size[1]) // 2))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    with Image.open(io.BytesIO(buffer.getvalue())) as again:
        return buffer.getvalue(), str(imagehash.phash(again))


def ours(content: bytes) -> tuple[bytes, str]:
    """The same by the code of the clean stage."""
    encoded = encode_canvas(canvas_of(content)[0], QUALITY)
    with Image.open(io.BytesIO(encoded)) as canvas:
        return encoded, f"{phash(canvas):016x}"


def whole(content: bytes) -> object:
    """All that the clean stage finds of a picture: three hashes, thumbs and measures besides."""
    return examine(hashlib.sha256(content).hexdigest(), content, QUALITY)


def compared(contents: Sequence[bytes]) -> dict[str, Any]:
    """Pictures per CPU second of each way, and whether the hashes are imagehash's."""
    wrong = 0
    for content in contents:
        encoded, told = ours(content)
        with Image.open(io.BytesIO(encoded)) as canvas:
            wrong += told != str(imagehash.phash(canvas))
    rates = {way.__name__: _rate(way, contents) for way in (plain, ours, whole)}
    return {
        "pictures": len(contents),
        "hashes_other_than_imagehash": wrong,
        "per_cpu_second": rates,
        "ours_to_plain": round(rates["ours"] / rates["plain"], 2),
    }


def _rate(way: Callable[[bytes], object], contents: Sequence[bytes]) -> float:
    spent = 0.0
    for content in contents:
        times = []
        for _ in range(3):
            began = time.process_time()
            way(content)
            times.append(time.process_time() - began)
        spent += min(times)
    return round(len(contents) / spent, 1)


def enlarged(path: str) -> bytes:
    """A picture as a JPEG of `LARGE` px."""
    with Image.open(path) as image:
        whole_image = upright_rgb(image, at_least=None)
    scale = LARGE / max(whole_image.size)
    size = round(whole_image.width * scale), round(whole_image.height * scale)
    buffer = io.BytesIO()
    whole_image.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--count", default=150, show_default=True, help="Pictures of each set.")
@click.option("--seed", default=0, show_default=True)
def speed(folders: tuple[Path, ...], count: int, seed: int) -> None:
    """Time cleaning and hashing of the photos of FOLDERS."""
    rows = [row for folder in folders for row in read_rows(folder.resolve()) if row.use]
    chance = Random(seed)
    some = chance.sample(rows, min(count, len(rows)))
    studio = [row for row in rows if row.kind == "studio"]
    large = chance.sample(studio, min(count // 2, len(studio)))
    found: dict[str, Any] = {
        "as they are": compared([Path(row.path).read_bytes() for row in some]),
        "2000 px": compared([enlarged(row.path) for row in large]),
    }
    seconds = {}
    photos = [to_photo(row, number) for number, row in enumerate({one.photo_id: one for one in rows}.values())]  # fmt: skip
    for jobs in (1, 2):
        with tempfile.TemporaryDirectory() as cache, FactsCache(Path(cache), QUALITY) as finished:
            began = time.perf_counter()
            examine_all(photos, Path("/"), finished, QUALITY, jobs, lambda done, total: None)
            seconds[jobs] = round(time.perf_counter() - began, 1)
    found["processes"] = {
        "pictures": len(photos),
        "seconds_with_1_and_2": list(seconds.values()),
        "times_as_fast": round(seconds[1] / seconds[2], 2),
    }
    keep("speed", found)
