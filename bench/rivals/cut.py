"""A project with fewer pictures, products or brands: its packs cut, its training stages run on them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from bench.stages import run_stages, scale_epochs
from catalogue.brand_list import read_brands
from catalogue.manifest import write_json, write_text
from train.seed import derived_seed

STAGES = ("overrides", "base", "train", "gate", "index", "evaluate")
Key = tuple[str, str]  # brand/product, photo_id
Rows = dict[Key, str]  # every photo of the project -> its split


@dataclass(frozen=True)
class Cut:
    """What is left of a project: brands, photos, and how many times the epochs."""

    brands: tuple[str, ...]
    kept: frozenset[Key]
    epochs_factor: float


def read_rows(project: Path) -> tuple[tuple[str, ...], Rows]:
    """The project's brands and all photos of their packs."""
    brands = tuple(read_brands(project / "brands.yaml"))
    rows: Rows = {}
    for brand in brands:
        pack = json.loads((project / "data" / "pack" / brand / "pack.json").read_bytes())
        for photo in pack["photos"]:
            rows[(pack["labels"][photo["label"]], photo["photo_id"])] = photo["split"]
    return brands, rows


def by_pictures(brands: tuple[str, ...], rows: Rows, count: int) -> Cut:
    """At most ``count`` photos to learn from per product, one of train at least; test stays whole.

    A photo of val counts, since what answers has learned from it. More epochs make up for fewer
    photos: as many image passes as the whole project takes.
    """
    kept = {key for key, split in rows.items() if split == "test"}
    for own in _by_label(rows, ("train", "val")).values():
        train = [key for key in own if rows[key] == "train"]
        kept |= set((train[:1] + [key for key in own if key not in train[:1]])[:count])
    learned = sum(split != "test" for split in rows.values())
    left = sum(rows[key] != "test" for key in kept)
    return Cut(brands, frozenset(kept), learned / max(1, left))


def by_products(brands: tuple[str, ...], rows: Rows, count: int) -> Cut:
    """At most ``count`` products of each brand, with all their photos."""
    chosen: set[str] = set()
    for brand in brands:
        own = {label for label, _ in rows if label.startswith(f"{brand}/")}
        chosen |= set(sorted(own, key=_drawn)[:count])
    return Cut(brands, frozenset(key for key in rows if key[0] in chosen), 1.0)


def by_brands(brands: tuple[str, ...], rows: Rows, count: int) -> Cut:
    """``count`` brands, whole."""
    chosen = tuple(sorted(sorted(brands, key=_drawn)[:count]))
    return Cut(chosen, frozenset(key for key in rows if key[0].partition("/")[0] in chosen), 1.0)


def _drawn(name: str) -> int:
    """A place in an order that nobody chose: the same for every count, so that each cut holds the last."""
    return derived_seed("cut", name)


def _by_label(rows: Rows, splits: Sequence[str]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for key in sorted(rows, key=lambda key: _drawn(key[1])):
        if rows[key] in splits:
            found.setdefault(key[0], []).append(key)
    return found


def measure(
    project: Path, cut: Cut, folder: Path, jobs: int, passes_share: float
) -> dict[str, Any]:
    """Train and evaluate the cut project in ``folder``; its metrics/system.json."""
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "data"
    for name in cut.brands:
        _cut_pack(project / "data" / "pack" / name, data / "pack" / name, cut.kept.__contains__)
    _cut_pack(project / "data" / "base", data / "base", cut.kept.__contains__)
    (data / "pack" / "_unknown").symlink_to((project / "data" / "pack" / "_unknown").resolve())
    for name in ("split", "catalogue.jsonl"):
        (data / name).symlink_to((project / "data" / name).resolve())
    params = YAML(typ="safe", pure=True).load(project / "params.yaml")
    scale_epochs(params, cut.epochs_factor * passes_share)
    write_json(folder / "params.yaml", params)  # JSON is YAML
    listed = "".join(f'  - "{brand}"\n' for brand in cut.brands)
    write_text(folder / "brands.yaml", f"brands:\n{listed}")
    run_stages(STAGES, folder, params, cut.brands, jobs)
    found: dict[str, Any] = json.loads((folder / "metrics" / "system.json").read_bytes())
    return found


def _cut_pack(source: Path, target: Path, keep: Callable[[Key], bool]) -> None:
    pack = json.loads((source / "pack.json").read_bytes())
    old = pack["labels"]
    rows = [
        row
        for row, photo in enumerate(pack["photos"])
        if keep((old[photo["label"]], photo["photo_id"]))
    ]
    labels = [old[number] for number in sorted({pack["photos"][row]["label"] for row in rows})]
    place = {label: number for number, label in enumerate(labels)}
    photos = [{**pack["photos"][row], "label": place[old[pack["photos"][row]["label"]]]} for row in rows]  # fmt: skip
    target.mkdir(parents=True)
    for name in ("pixels.npy", "masks.npy"):
        np.save(target / name, np.load(source / name)[rows])
    write_json(target / "pack.json", {**pack, "labels": labels, "photos": photos})
    if (told := source / "views.json").exists():  # the pin has none
        views = json.loads(told.read_bytes())["views"]
        write_json(target / "views.json", {"views": [views[row] for row in rows]})
