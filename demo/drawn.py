"""The catalogue of drawn shoes: which pictures there are, planted dirt included, drawn once.

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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from catalogue.errors import CatalogueError
from catalogue.slugs import slug
from demo import dirt
from demo.ranges import BRANDS, PAINTS, Article, articles, dice
from demo.shoe import Camera, draw

Progress = Callable[[int, int], None]  # done, of how many pictures
COLUMNS = "image brand product sku color group category view kind use note".split()
QUALITY = 92
PLACEHOLDER = "images/no-image.png"
_CODE = "design dirt drawn emblem last mesh ranges raster shadow shoe surface".split()

# view -> camera, in the order in which the shop shows them.
VIEWS: tuple[tuple[str, Camera], ...] = (
    ("side", Camera(0, 8)),
    ("front_angle", Camera(42, 17)),
    ("medial", Camera(180, 8)),
    ("rear_angle", Camera(308, 18)),
    ("front", Camera(90, 16)),
    ("rear", Camera(270, 15)),
    ("top", Camera(0, 87, 90)),
    ("outsole", Camera(0, -87, 90, has_ground=False)),
    ("pair", Camera(38, 30, is_pair=True)),
    ("front_angle", Camera(138, 22)),
    ("rear_angle", Camera(228, 20)),
    ("side", Camera(14, 42)),
    ("front_angle", Camera(68, 34)),
    ("rear_angle", Camera(330, 46)),
    ("medial", Camera(168, 40)),
    ("pair", Camera(-30, 38, is_pair=True)),
)


@dataclass(frozen=True)
class Shot:
    """One picture to draw."""

    path: str  # from the catalogue's folder
    article: Article
    camera: Camera
    is_cutout: bool


@dataclass(frozen=True)
class Copy:
    """One picture made from another picture's file."""

    path: str
    source: str
    way: str  # exact | recompressed | resized


@dataclass(frozen=True)
class Row:
    """A line of catalogue.csv, field by field."""

    image: str
    brand: str
    product: str
    sku: str
    color: str
    group: str
    category: str
    view: str
    kind: str = "studio"
    use: int = 1
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """All rows, and what to draw for them."""

    rows: list[Row]
    shots: list[list[Shot]]  # by product, so that a mesh is built once
    copies: list[Copy]


def drawn_catalogue(
    folder: Path,
    jobs: int = 2,
    products: int = 10,
    angles: int = 12,
    progress: Progress | None = None,
) -> Path:
    """The folder of the drawn catalogue inside ``folder``, drawn now unless it is there.

    Args:
        folder: the cache; a changed drawing code or another size gets a folder of its own.
        jobs: processes; the bytes do not depend on it.
        products: of each brand, at least 1.
        angles: pictures of each product, at least 1.
        progress: told how many pictures are done, of how many.

    Raises:
        ValueError: an argument is below 1.
        CatalogueError: the folder cannot be written, or a process died.
    """
    for name, value in (("jobs", jobs), ("products", products), ("angles", angles)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be 1 or more")
    target = folder / fingerprint(products, angles)
    if (target / "catalogue.csv").is_file():
        return target
    plan = plan_catalogue(products, angles)
    try:
        _draw_all(plan, target, jobs, progress or (lambda done, total: None))
        _write(target / "catalogue.csv", _csv(plan.rows))
    except OSError as error:
        raise CatalogueError(
            f"{target}: the drawn shoes could not be written ({error.strerror or error}). Free some "
            "disk space or choose another folder, then run the command again: it goes on from there."
        ) from error
    return target


def fingerprint(products: int, angles: int) -> str:
    """A name for what this code draws with these arguments."""
    digest = hashlib.sha256(f"{products} {angles} {PIL.__version__} {np.__version__}".encode())
    here = Path(__file__).parent
    for name in _CODE:
        digest.update((here / f"{name}.py").read_bytes())
    return f"{products}x{angles}-{digest.hexdigest()[:12]}"


def plan_catalogue(products: int, angles: int) -> Plan:
    """Every row in the shop's order; the dirt comes after a product's good pictures."""
    plan = Plan([], [], [])
    for position, brand in enumerate(BRANDS):
        sold = articles(brand, products)
        rows = [_add_shots(plan, article, k, angles) for k, article in enumerate(sold)]
        _plant_copies(plan, rows, position)
        _plant_shared(rows, position)
        if position % 3 == 0:
            rows[-1].append(_placeholder_row(rows[-1][0]))
        for of_product in rows:
            plan.rows.extend(of_product)
        if brand.name in _OTHER:
            plan.rows.extend(_other_rows(brand.name))
    return plan


def _add_shots(plan: Plan, article: Article, place: int, angles: int) -> list[Row]:
    """The rows of one product's good pictures; their shots join the plan."""
    stem = f"images/{slug(article.brand.name)}/{slug(f'{article.name} {article.color}')}"
    shots, rows = [], []
    for angle in range(angles):
        view, camera = VIEWS[angle % len(VIEWS)]
        camera = _jittered(camera, article, angle)
        is_cutout = place % 4 == 1 and angle == 3
        ending = "png" if is_cutout else "webp" if place % 4 == 0 and angle == 2 else "jpg"
        path = f"{stem}/{angle + 1:02d}-{view.replace('_', '-')}.{ending}"
        shots.append(Shot(path, article, camera, is_cutout))
        rows.append(_row(article, path, view))
    plan.shots.append(shots)
    return rows


def _jittered(camera: Camera, article: Article, angle: int) -> Camera:
    """The camera a little off, as no photographer puts two shoes down alike."""
    roll = dice("camera", article.brand.name, article.name, article.color, angle)
    turn = 18.0 * (angle // len(VIEWS))  # past the list: the same views from further round
    azimuth, elevation, tilt = roll.uniform(-4.5, 4.5), roll.uniform(-2.5, 2.5), roll.uniform(-1, 1)
    return replace(
        camera,
        azimuth_deg=camera.azimuth_deg + turn + float(azimuth),
        elevation_deg=camera.elevation_deg + float(elevation),
        roll_deg=camera.roll_deg + float(tilt),
        zoom=camera.zoom * float(roll.uniform(0.93, 1.04)),
    )


def _row(article: Article, path: str, view: str) -> Row:
    return Row(
        image=path,
        brand=article.brand.name,
        product=article.name,
        sku=article.sku,
        color=article.color,
        group=article.group,
        category=article.category,
        view=view,
    )


def _plant_copies(plan: Plan, rows: list[list[Row]], position: int) -> None:
    """An exact copy in one product of every second brand, changed copies in one of the others."""
    if position % 2 == 0:
        ways = ((rows[0], "exact"),)
    else:
        ways = ((rows[-1], "recompressed"), (rows[-1], "resized"))  # type: ignore[assignment]
    for of_product, way in ways:
        good = [row for row in of_product if row.image.endswith(".jpg") and row.use]
        source = good[0] if way != "resized" else good[-1]
        path = source.image.removesuffix(".jpg") + f"-{way}.jpg"
        plan.copies.append(Copy(path, source.image, way))
        word = "exact" if way == "exact" else "near"
        note = f"{word} duplicate of {source.image}" + ("" if way == "exact" else f": {way}")
        of_product.append(replace(source, image=path, use=0, note=note))


def _plant_shared(rows: list[list[Row]], position: int) -> None:
    """In every fourth brand a product also shows another product's picture."""
    if position % 4 != 1 or len(rows) < 2:
        return
    lent = rows[0][-1]
    taker = rows[1][0]
    rows[1].append(
        replace(
            taker, image=lent.image, view=lent.view, use=0,
            note=f"picture of another product: {lent.product} {lent.color}",
        )
    )  # fmt: skip


def _placeholder_row(row: Row) -> Row:
    note = "placeholder: no picture of the product"
    return replace(row, image=PLACEHOLDER, view="", kind="placeholder", use=0, note=note)


# brand -> what it sells besides shoes: (name, category, pictures, body and trim paint)
_OTHER = {
    "Brackwater": ("Harbour Holdall", "bag", 3, ("Ink", "Tan")),
    "한길": ("둘레길 모자", "cap", 2, ("Moss", "Amber")),
    "Corvane": ("Courtside Cap", "cap", 4, ("Black", "Red")),
}


def _other_rows(brand: str) -> list[Row]:
    name, category, count, paints = _OTHER[brand]
    stem = f"images/{slug(brand)}/{slug(name)}"
    return [
        Row(
            image=f"{stem}/{angle + 1:02d}.jpg",
            brand=brand,
            product=name,
            sku=f"AC{int(dice('sku', brand, name).integers(1000, 9999))}",
            color="/".join(paints),
            group="",
            category=category,
            view="",
            kind="other",
            use=0,
            note=f"no shoe: a {category}",
        )
        for angle in range(count)
    ]


def _draw_all(plan: Plan, target: Path, jobs: int, progress: Progress) -> None:
    total = sum(map(len, plan.shots))
    done = 0
    for count in _map(partial(_draw_product, target=target), plan.shots, jobs):
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
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(work, tasks)
    except BrokenProcessPool as error:
        raise CatalogueError(
            "demo: a process that draws shoes died (killed, or out of memory); finished pictures are "
            "kept. Run the command again: it goes on from there."
        ) from error


def _draw_product(shots: list[Shot], target: Path) -> int:
    """Draw what is missing of one product; returns how many pictures it has."""
    for shot in shots:
        path = target / shot.path
        if not path.exists():
            article = shot.article
            ground = article.brand.ground
            image = draw(article.shoe, shot.camera, ground=ground, is_cutout=shot.is_cutout)
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
    for brand, (_, category, _, paints) in _OTHER.items():
        body, trim = (PAINTS[paint] for paint in paints)
        picture = dirt.bag if category == "bag" else dirt.cap
        for angle, row in enumerate(_other_rows(brand)):
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
