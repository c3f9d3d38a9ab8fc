"""The catalogue of drawn shoes: what `demo.plan` says, planted dirt included, drawn once.

In: a cache folder. Out: a folder with ``images/`` and ``catalogue.csv`` as any shop's catalogue has
them. Its name is a hash of the drawing code and the arguments; the CSV is written last, so its presence
says that every picture is there. A killed run goes on where it stopped.
"""

from __future__ import annotations

import csv
import hashlib
import io
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from catalogue.errors import CatalogueError
from demo import dirt
from demo.color import PAINTS
from demo.plan import OTHER, PLACEHOLDER, Plan, Row, Shot, other_rows, plan_catalogue
from demo.shoe import draw

Progress = Callable[[int, int], None]  # done, of how many pictures
COLUMNS = "image brand product sku color group category view kind use note".split()
QUALITY = 92
CODE = """
    brands camera color design dirt drawn emblem forms lacing last light loft materials mesh panels
    plan ranges raster shadow shoe sole straps surface
""".split()


def drawn_catalogue(
    folder: Path,
    jobs: int = 2,
    products: int = 10,
    angles: int = 12,
    progress: Progress | None = None,
    size_px: tuple[int, int] = dirt.SIZE,
) -> Path:
    """The folder of the drawn catalogue inside ``folder``, drawn now unless it is there.

    Args:
        folder: the cache; a changed drawing code or another size gets a folder of its own.
        jobs: processes; the bytes do not depend on it.
        products: of each brand, at least 1.
        angles: pictures of each product, at least 1.
        progress: told how many pictures are done, of how many.
        size_px: width and height of a drawn shoe's picture.

    Raises:
        ValueError: an argument is below 1.
        CatalogueError: the folder cannot be written, or a process died.
    """
    for name, value in (("jobs", jobs), ("products", products), ("angles", angles)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be 1 or more")
    target = folder / fingerprint(products, angles, size_px)
    if (target / "catalogue.csv").is_file():
        return target
    plan = plan_catalogue(products, angles)
    try:
        _draw_all(plan, target, jobs, size_px, progress or (lambda done, total: None))
        _write(target / "catalogue.csv", _csv(plan.rows))
    except OSError as error:
        raise CatalogueError(
            f"{target}: the drawn shoes could not be written ({error.strerror or error}). Free some "
            "disk space or choose another folder, then run the command again: it goes on from there."
        ) from error
    return target


def fingerprint(products: int, angles: int, size_px: tuple[int, int]) -> str:
    """A name for what this code draws with these arguments."""
    digest = hashlib.sha256(f"{size_px} {PIL.__version__} {np.__version__}".encode())
    here = Path(__file__).parent
    for name in CODE:
        digest.update((here / f"{name}.py").read_bytes())
    return f"{products}x{angles}-{digest.hexdigest()[:12]}"


def _draw_all(
    plan: Plan, target: Path, jobs: int, size_px: tuple[int, int], progress: Progress
) -> None:
    total = sum(map(len, plan.shots))
    done = 0
    for count in _map(partial(_draw_product, target=target, size_px=size_px), plan.shots, jobs):
        done += count
        progress(done, total)
    _draw_dirt(plan, target)
    for left in target.rglob(".*.tmp"):
        left.unlink(missing_ok=True)


def _map(
    work: Callable[[list[Shot]], int], tasks: Sequence[list[Shot]], jobs: int
) -> Iterator[int]:
    if jobs == 1 or len(tasks) == 1:
        yield from map(work, tasks)
        return
    try:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, spawn, initializer=_end_with_parent) as pool:
            yield from pool.map(work, tasks)
    except BrokenProcessPool as error:
        raise CatalogueError(
            "demo: a process that draws shoes died (killed, or out of memory); finished pictures are "
            "kept. Run the command again: it goes on from there."
        ) from error


def _end_with_parent() -> None:
    """End this worker when its parent was killed; it would wait for work for ever."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _draw_product(shots: list[Shot], target: Path, size_px: tuple[int, int]) -> int:
    """Draw what is missing of one product; returns how many pictures it has."""
    for shot in shots:
        path = target / shot.path
        if not path.exists():
            article = shot.article
            ground = article.brand.ground
            image = draw(article.shoe, shot.camera, size_px, ground, shot.is_cutout)
            _write(path, _encoded(image, path.suffix))
    return len(shots)


def _encoded(image: Image.Image, suffix: str) -> bytes:
    if suffix == ".jpg":
        return dirt.jpeg(image, QUALITY)
    buffer = io.BytesIO()
    if suffix == ".png":
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def _draw_dirt(plan: Plan, target: Path) -> None:
    for copy in plan.copies:
        if (target / copy.path).exists():
            continue
        content = (target / copy.source).read_bytes()
        if copy.way == "recompressed":
            content = dirt.recompressed(content, 60)
        elif copy.way == "resized":
            content = dirt.resized(content, 0.7)
        _write(target / copy.path, content)
    _write(target / PLACEHOLDER, _encoded(dirt.placeholder(), ".png"))
    for brand, (_, category, _, paints) in OTHER.items():
        body, trim = (PAINTS[paint] for paint in paints)
        picture = dirt.bag if category == "bag" else dirt.cap
        for angle, row in enumerate(other_rows(brand)):
            _write(target / row.image, dirt.jpeg(picture(angle, body, trim), QUALITY))


def _csv(rows: list[Row]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    return buffer.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` by renaming a finished file: there is never half a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
