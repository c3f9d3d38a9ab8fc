"""Shared fixtures: simply drawn shoes, a crawl folder built from them, a tiny catalogue folder."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
Color = tuple[int, int, int]
POSES = ("side", "top", "outsole", "front", "rear", "medial")


def draw_shoe(
    upper: Color = (200, 40, 40),
    sole: Color = (60, 60, 60),
    pose: int = 0,
    size: int = 300,
    ground: Color = (255, 255, 255),
    stripe: Color = (20, 20, 120),
    shape: int = 0,
) -> Image.Image:
    """A flat shoe: another ``pose`` is another silhouette, another ``shape`` another product."""
    image = Image.new("RGB", (size, size), ground)
    draw = ImageDraw.Draw(image)
    unit, turn = size / 100, pose * 0.55 + shape * 0.05
    stretch, high = 1.0 - 0.12 * pose, 1.0 + 0.25 * (shape % 4)

    def placed(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        turned = complex(math.cos(turn), math.sin(turn))
        moved = (complex((x - 50) * stretch, (y - 50) * high) * turned for x, y in points)
        return [((50 + point.real) * unit, (50 + point.imag) * unit) for point in moved]

    draw.polygon(placed([(15, 60), (20, 42), (40, 44), (60, 52), (85, 58), (86, 64)]), fill=upper)
    draw.polygon(placed([(13, 62), (87, 63), (86, 70), (15, 71)]), fill=sole)
    for step in range(2 + shape % 3):
        x = 38 + 7 * step
        draw.polygon(placed([(x, 47), (x + 3, 48), (x - 2, 61), (x - 5, 61)]), fill=stripe)
    draw.line(placed([(44, 47), (50, 44), (56, 50)]), fill=(0, 0, 0), width=max(1, size // 100))
    return image


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """``image`` as the bytes of a picture file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


class CrawlFolder:
    """Builds what a crawl leaves: items.jsonl and pictures by their hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items: list[dict[str, Any]] = []

    def add(
        self, brand: str | None, name: str | None, pictures: Iterable[bytes], **more: Any
    ) -> None:
        """One product page with its pictures; ``alts`` and any field of a listing in ``more``."""
        alts = more.pop("alts", {})
        site = more.pop("site", "shop")
        listing = {
            "site": site,
            "url": f"{site}/p/{len(self.items)}",
            "brand_text": brand,
            "name": name,
            **dict.fromkeys(("sku", "gtin", "color", "group", "category")),
            "source": "json-ld",
            "fetched_at": "2026-11-24T00:00:00Z",
            "images": [self.image(site, n, one, alts.get(n)) for n, one in enumerate(pictures)],
        }
        self.items.append({**listing, **more})

    def image(
        self, site: str, position: int, content: bytes, alt: str | None = None
    ) -> dict[str, Any]:
        """Store one picture; its record."""
        name = hashlib.sha256(content).hexdigest()
        path = f"images/{name[:2]}/{name}.img"
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content)
        unknown = dict.fromkeys(("reason", "width_px", "height_px", "bytes", "content_type"))
        told = {"url": f"{site}/{name}", "alt": alt, "position": position, "status": "stored"}
        return {**told, "sha256": name, "path": path, **unknown}

    def write(self) -> Path:
        """Write items.jsonl; its path."""
        feed = self.folder / "items.jsonl"
        feed.parent.mkdir(parents=True, exist_ok=True)
        feed.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in self.items))
        return feed


@pytest.fixture
def crawl(tmp_path: Path) -> CrawlFolder:
    """An empty crawl folder at tmp_path/data/crawl."""
    return CrawlFolder(tmp_path / "data" / "crawl")


@pytest.fixture
def tiny_catalogue(tmp_path: Path) -> Path:
    """A folder with catalogue.csv: two brands, two products each, three pictures a product."""
    folder = tmp_path / "catalogue"
    (folder / "images").mkdir(parents=True)
    rows = [("image", "brand", "product", "view", "use")]
    for brand, color in (("Acme", (200, 40, 40)), ("루나", (30, 60, 200))):
        for shape in range(2):
            for pose in range(3):
                image = f"images/{len(rows):02}.png"
                draw_shoe(color, pose=pose, shape=shape).save(folder / image)
                rows.append((image, brand, f"Runner {shape + 1}", POSES[pose], "1"))
    with (folder / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


PARAMS = (
    "ingest: {sites: [], min-brand-products: 1, min-brand-photos: 8}\n"
    "split: {unknown-brands: [orbit]}\n"
)
NET = (
    "--arch resnet18 --epochs 6 --batch-size 8 --lr 0.001 --weight-decay 0.05 "
    "--metric-loss 0.5 --label-smoothing 0.1 --seed 0 --precision fp32 --size 32"
)


@pytest.fixture(scope="module")
def module_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """What the tests of one file share lies here; gone after the last of them: it may be large."""
    folder = tmp_path_factory.mktemp(request.module.__name__)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and models of two drawn brands, and one unknown; not to be changed."""
    folder, before = tmp_path_factory.mktemp("project"), Path.cwd()
    os.chdir(folder)
    try:
        _train_project()
    finally:
        os.chdir(before)
    return folder


def _train_project() -> None:
    from catalogue.brand_list import write_brands
    from dataset.__main__ import main as dataset_main
    from train.__main__ import cli as train_main

    crawl = CrawlFolder(Path("data/crawl"))
    colors = {"Acme": (200, 40, 40), "나이키": (40, 60, 200), "Orbit": (40, 160, 60)}
    for number, (brand, color) in enumerate(colors.items()):
        for shape in range(3):
            red, green, blue = (round(channel * (1 - 0.3 * shape)) for channel in color)
            poses = [
                encoded(draw_shoe((red, green, blue), pose=pose, shape=shape)) for pose in range(6)
            ]
            url = f"https://shop.example/p/{number}-{shape}"
            told = "Nike" if number == shape == 1 else brand  # a shop in two languages
            crawl.add(told, f"{brand} 러너 {shape}", poses, url=url)
    Path("params.yaml").write_text(PARAMS)
    write_brands(crawl.write(), Path("params.yaml"), Path("brands.yaml"))
    dataset = (
        "ingest",
        "clean --jobs 1",
        "dedup",
        "split --unknown-brands orbit --unknown-products 0 --seed 1",
        *(f"pack --brand {brand} --size 32" for brand in ("acme", "nike", "_unknown")),
        "pin --size 32",
    )
    train = (
        f"base --init scratch {NET} --refit-epochs 2",
        "detector --steps 2 --batch-size 4 --lr 0.004 --val-frames 4 --seed 0",  # too few photos
        *(f"fit --brand {brand} --init base {NET}" for brand in ("acme", "nike")),
        "gate --ridge 1",
        "index --neighbours 3",
        "evaluate --unknown-cost 1",
        "report",
    )
    for command, words in [(dataset_main, one) for one in dataset] + [(train_main, one) for one in train]:  # fmt: skip
        done = CliRunner().invoke(command, words.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
