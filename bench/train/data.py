"""One set of pictures in both forms: an ImageFolder of canvases for the rivals, a pack for ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.schema import Sample
from dataset.pack import Packing, write_pack


def read_samples(project: Path, limit: int | None) -> list[Sample]:
    """Train and val photos of the project's listed brands; at most ``limit``, whole products first.

    Raises:
        CatalogueError: there is none.
    """
    samples = [
        sample
        for brand in read_brands(project / "brands.yaml")
        for sample in read_manifest(project / "data" / "split" / f"{brand}.jsonl", Sample)
        if sample.split != "test"
    ]
    chosen = sorted(samples, key=lambda one: (one.brand, one.product, one.photo_id))[:limit]
    if not chosen:
        raise CatalogueError(f"{project}: no photos in data/split; run `dvc repro split` there first.")  # fmt: skip
    return chosen


def image_folder(samples: list[Sample], project: Path, folder: Path) -> Path:
    """``folder``/train and /val with a folder of links to canvases for each product; both have all classes."""
    shutil.rmtree(folder, ignore_errors=True)
    for sample in samples:
        name = f"{sample.brand}--{sample.product}"
        for split in ("train", "val"):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
        target = folder / sample.split / name / f"{sample.photo_id}.jpg"
        target.symlink_to((project / sample.path).resolve())
    return folder


def packed(samples: list[Sample], project: Path, folder: Path, size: int) -> Path:
    """The pictures packed at ``size`` px with the project's own options."""
    shutil.rmtree(folder, ignore_errors=True)
    described = json.loads((project / "data" / "base" / "pack.json").read_bytes())
    write_pack(folder, samples, project, Packing(size, described["crop"], described["background"]))
    return folder
