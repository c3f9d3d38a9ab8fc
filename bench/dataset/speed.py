"""Bytes to canvas file and pHash: pictures per second and core, beside plain PIL and imagehash.

Sets: the photos as they are; of these the ones of 600 to 800 px, of which every pixel must be decoded; and
studio ones as shops serve large pictures, JPEGs of 2000 px made from them by enlarging (fewer details than a
real one of that size, so its decode is cheaper for both sides). Both sides do the same: upright, sRGB,
transparency on white, the canvas padded with its border colour, JPEG of quality 95, hash of the file read anew.
`bound` is what neither can leave out: decode at full size, encode, decode, imagehash. CPU seconds, the best of three,
since other work may share the machine. The hash must equal imagehash's of the canvas file for each.
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
import numpy as np
from PIL import Image, ImageCms, ImageOps

from bench.dataset.duplicates import Row, read_rows, to_photo
from bench.dataset.results import keep
from dataset.canvas import CANVAS_SIZE, upright_rgb
from dataset.clean import examine_all
from dataset.facts import FactsCache
from dataset.phash import phash
from dataset.picture import canvas_of, encode_canvas, examine

QUALITY = 95
LARGE = 2000  # px
MIDDLE = range(600, 801)  # px
SOME_CANVAS = Image.radial_gradient("L").resize(CANVAS_SIZE).convert("RGB")


def plain(content: bytes) -> tuple[bytes, str]:
    """What a person writes with PIL and imagehash: canvas file and hash."""
    with Image.open(io.BytesIO(content)) as opened:
        upright = ImageOps.exif_transpose(opened)
    if profile := upright.info.get("icc_profile"):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        to = ImageCms.createProfile("sRGB")
        upright = ImageCms.profileToProfile(upright, source, to, outputMode="RGB") or upright
    image = Image.new("RGB", upright.size, (255, 255, 255))
    image.paste(upright, mask=upright.getchannel("A") if upright.mode == "RGBA" else None)
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    scale = min(1.0, CANVAS_SIZE[0] / image.width, CANVAS_SIZE[1] / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    image = image.resize(size, Image.Resampling.LANCZOS)
    red, green, blue = np.median(border, axis=0).astype(int).tolist()
    canvas = Image.new("RGB", CANVAS_SIZE, (red, green, blue))
    canvas.paste(image, ((CANVAS_SIZE[0] - size[0]) // 2, (CANVAS_SIZE[1] - size[1]) // 2))
    return written_and_hashed(canvas)


def written_and_hashed(canvas: Image.Image) -> tuple[bytes, str]:
    """The canvas file and imagehash's hash of it."""
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    with Image.open(io.BytesIO(buffer.getvalue())) as again:
        return buffer.getvalue(), str(imagehash.phash(again))


def bound(content: bytes) -> tuple[bytes, str]:
    """The steps that no way of doing it is without, on some canvas."""
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()
    return written_and_hashed(SOME_CANVAS)


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
    rates = {way.__name__: _rate(way, contents) for way in (plain, ours, whole, bound)}
    return {
        "pictures": len(contents),
        "hashes_other_than_imagehash": wrong,
        "per_cpu_second": rates,
        "ours_to_plain": round(rates["ours"] / rates["plain"], 2),
        "bound_to_plain": round(rates["bound"] / rates["plain"], 2),
        "judging_share_of_whole": round(1 - rates["whole"] / rates["ours"], 2),
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


def is_middle(row: Row) -> bool:
    """Whether a picture's longer side is of 600 to 800 px."""
    with Image.open(row.path) as image:
        return max(image.size) in MIDDLE


def beside(rows: Sequence[Row]) -> dict[str, Any]:
    """The clean stage's work by one process and by two."""
    seconds = {}
    photos = [to_photo(row, number) for number, row in enumerate({one.photo_id: one for one in rows}.values())]  # fmt: skip
    for jobs in (1, 2):
        with tempfile.TemporaryDirectory() as cache, FactsCache(Path(cache), QUALITY) as finished:
            began = time.perf_counter()
            examine_all(photos, Path("/"), finished, QUALITY, jobs, lambda done, total: None)
            seconds[jobs] = round(time.perf_counter() - began, 1)
    return {
        "pictures": len(photos),
        "seconds_with_1_and_2": list(seconds.values()),
        "times_as_fast": round(seconds[1] / seconds[2], 2),
    }


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--count", default=150, show_default=True, help="Pictures of each set.")
@click.option("--processes/--no-processes", default=True, help="One process beside two, too: wants two idle cores.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
def speed(folders: tuple[Path, ...], count: int, processes: bool, seed: int) -> None:
    """Time cleaning and hashing of the photos of FOLDERS."""
    rows = [row for folder in folders for row in read_rows(folder.resolve()) if row.use]
    chance = Random(seed)
    some = chance.sample(rows, min(count, len(rows)))
    studio = [row for row in rows if row.kind == "studio"]
    large = chance.sample(studio, min(count // 2, len(studio)))
    middle = chance.sample([row for row in rows if is_middle(row)], count)
    found: dict[str, Any] = {
        "as they are": compared([Path(row.path).read_bytes() for row in some]),
        "600 to 800 px": compared([Path(row.path).read_bytes() for row in middle]),
        "2000 px": compared([enlarged(row.path) for row in large]),
    }
    if processes:
        found["processes"] = beside(rows)
    keep("speed", found)
