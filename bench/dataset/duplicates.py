"""Precision and recall of duplicate, placeholder and colourway decisions, on folders of real photos.

    python -m bench.dataset.duplicates ../shared/data/running-shoes-multiview ../shared/data/...

Two truths. The catalogue's own rows (`catalogue.csv`: `use`, `kind`, `note`): what is byte-identical
or a placeholder must go, colourways and angles must stay. And planted copies: of a sample of the
photos, saved again in ways that shops do (re-encoded, resized, margin, light crop, brighter,
watermark, mirrored); each must be removed with its original as keeper, or, mirrored, join its group.
Nothing is written but the report on stdout.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from catalogue.brands import brand_slug
from catalogue.schema import Photo, Source
from catalogue.slugs import slug
from dataset.canvas import upright_rgb
from dataset.clean import examine_all, verdicts
from dataset.dedup import Deduplicated, deduplicate
from dataset.facts import FactsCache
from dataset.foreground import border_color
from dataset.links import find_links
from dataset.signature import Signatures

NARROW, WIDE, MAX_GROUP = 4, 8, 40  # the defaults of params.yaml
MODEL = re.compile(
    r"-[a-z]{1,2}\d{4}$"
)  # adidas writes the colourway's code after the model's name


@dataclass(frozen=True)
class Row:
    """One row of a catalogue with the hash of its file."""

    source: str
    product: tuple[str, str]
    photo_id: str
    path: str
    kind: str
    use: bool
    note: str
    model: str = ""  # common to the colourways of one model; empty where nobody says


def saved(image: Image.Image, quality: int = 85) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)


def cut(image: Image.Image, share: float) -> Image.Image:
    across, down = round(image.width * share), round(image.height * share)
    return image.crop((across, down, image.width - across // 2, image.height - down))


def marked(image: Image.Image) -> Image.Image:
    copy = image.copy()
    width, height = image.size
    corner = (width * 0.8, height * 0.88, width * 0.98, height * 0.97)
    ImageDraw.Draw(copy).rectangle(corner, fill=(40, 40, 160))
    return copy


def margined(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, round(image.width * 0.08), border_color(np.asarray(image)))


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "jpeg 50": lambda image: saved(image, 50),
    "half the size": lambda image: saved(scaled(image, 0.5)),
    "a third of the size": lambda image: saved(scaled(image, 1 / 3)),
    "margin of 8 %": lambda image: saved(margined(image), 90),
    "crop of 2 %": lambda image: saved(cut(image, 0.02), 90),
    "crop of 5 %": lambda image: saved(cut(image, 0.05), 90),
    "brighter by 6 %": lambda image: saved(image.point(lambda v: min(255, round(v * 1.06))), 90),
    "watermark corner": lambda image: saved(marked(image), 90),
    "mirrored": lambda image: saved(ImageOps.mirror(image), 90),
}


def read_rows(folder: Path) -> list[Row]:
    rows = []
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = folder / row["image"]
            name = hashlib.sha256(path.read_bytes()).hexdigest()
            product = (brand_slug(row["brand"]), slug(f"{row['product']} {row.get('color', '')}"))
            use = row.get("use", "1") == "1"
            kind, note = row.get("kind", ""), row.get("note", "")
            model = row.get("group") or MODEL.sub("", product[1])
            model = "" if model == product[1] else model
            rows.append(Row(folder.name, product, name, str(path), kind, use, note, model))
    return rows


def to_photo(row: Row, position: int) -> Photo:
    where = Source(row.source, row.path, row.path)
    brand, product = row.product
    return Photo(
        row.photo_id, row.path.lstrip("/"), brand, product, product, brand, None, None, None, None, None, None,
        position, (where,),
    )  # fmt: skip


def decide(rows: list[Row], cache: Path) -> tuple[Deduplicated, dict[str, str]]:
    """What the stages decide of ``rows``, and photo id -> reason of what clean rejects."""
    seen: Counter[tuple[str, str]] = Counter()
    unique: dict[tuple[str, tuple[str, str]], Photo] = {}
    for row in rows:
        unique.setdefault((row.photo_id, row.product), to_photo(row, seen[row.product]))
        seen[row.product] += 1
    photos = list(unique.values())
    with FactsCache(cache, 95) as finished:
        facts = examine_all(photos, Path("/"), finished, 95, 2, lambda done, total: None)
        judged = list(verdicts(photos, facts, Path("clean"), 120))
        names = sorted({Path(one.path).stem for one in judged if one.path is not None})
        signed = list(finished.signatures(names))
    signatures = Signatures.of(signature for signature, _ in signed)
    thumbs = np.stack([found for _, found in signed])
    links = find_links(signatures, thumbs, NARROW, WIDE)
    rejected = {one.photo_id: one.reason or "" for one in judged if one.verdict == "reject"}
    return deduplicate(judged, signatures, links, MAX_GROUP), rejected


def report_catalogue(rows: list[Row], cache: Path) -> None:
    """Against the catalogue's own remarks."""
    found, rejected = decide(rows, cache)
    gone = {one.photo_id for one in found.removed} | rejected.keys()
    gone |= {one.photo_id for one in found.conflicts if one.resolution == "dropped"}
    copies = Counter((row.product, row.photo_id) for row in rows)
    repeats = sum(count - 1 for count in copies.values())
    placeholders = [row for row in rows if row.kind == "placeholder"]
    told = sum(row.photo_id in rejected for row in placeholders)
    good = {row.photo_id for row in rows if row.use and row.kind != "placeholder"}
    near = [row for row in rows if "near-duplicate" in row.note]
    print(f"{len(rows)} rows, {len(found.kept)} photos kept")
    print(f"byte-identical rows of one product: {repeats}, joined by ingest: {repeats}")
    print(f"placeholders: {len(placeholders)}, rejected: {told}")
    print(
        f"near-duplicates in the notes: {len(near)}, gone: {sum(r.photo_id in gone for r in near)}"
    )
    print(f"good photos: {len(good)}, lost: {len(good & gone)}")
    for row in rows:
        if row.photo_id in good & gone:
            print(f"  lost: {row.path} {row.note!r:.90}")
    clusters = Counter(one.cluster_id for one in found.kept)
    products = defaultdict(set)
    for one in found.kept:
        products[one.cluster_id].add((one.brand, one.product))
    groups = [name for name, count in clusters.items() if count > 1]
    crossing = sum(len(products[name]) > 1 for name in groups)
    print(f"leakage groups: {len(groups)}, largest {max(clusters.values())}, ", end="")
    print(f"over two products or more: {crossing}; conflicts: {len(found.conflicts)}")


def report_copies(rows: list[Row], count: int, seed: int) -> None:
    """Against planted copies of ``count`` good photos."""
    good = [row for row in rows if row.use and row.kind in ("studio", "detail")]
    sample = random.Random(seed).sample(good, min(count, len(good)))
    print(f"\nplanted copies of {len(sample)} studio photos, removed for their original (recall):")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, make in COPIES.items():
            planted, original = [], {}
            for row in sample:
                with Image.open(row.path) as image:
                    content = make(upright_rgb(image, at_least=None))
                copy = hashlib.sha256(content).hexdigest()
                path = folder / f"{copy}.jpg"
                path.write_bytes(content)
                original[copy] = row.photo_id
                planted.append(Row(row.source, row.product, copy, str(path), "copy", True, kind))
            everything = [*(row for row in rows if row.use), *planted]
            found, _ = decide(everything, folder / "cache")
            print(f"  {kind:20} {_told(kind, found, original)}")


def _told(kind: str, found: Deduplicated, original: dict[str, str]) -> str:
    pairs = {frozenset(pair) for pair in original.items()}
    right = sum(frozenset((one.photo_id, one.keeper)) in pairs for one in found.removed)
    cluster = {one.photo_id: one.cluster_id for one in found.kept}
    together = sum(
        cluster.get(copy, copy) == cluster.get(first, first) for copy, first in original.items()
    )
    wrong = len(found.removed) - right
    if kind == "mirrored":
        return f"{together / len(original):.3f} grouped; removed: {len(found.removed)}"
    caught = (right + together) / len(original)
    return (
        f"{right / len(original):.3f}, with leakage groups {caught:.3f}; "
        f"other removals: {wrong}, conflicts: {len(found.conflicts)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="folders with a catalogue.csv")
    parser.add_argument("--copies", type=int, default=200, help="photos to plant copies of")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = [row for folder in options.folders for row in read_rows(folder.resolve())]
    with tempfile.TemporaryDirectory() as cache:
        report_catalogue(rows, Path(cache))
    report_copies(rows, options.copies, options.seed)


if __name__ == "__main__":
    main()
