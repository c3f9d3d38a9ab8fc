"""A project with fewer pictures, products or brands: its packs cut, its training stages run on them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from catalogue.brand_list import read_brands
from catalogue.manifest import write_json, write_text
from train.seed import derived_seed

ROOT = Path(__file__).resolve().parents[2]
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
    for section in ("base", "train"):
        for key in ("epochs", "refit-epochs"):
            if params[section].get(key):
                more = params[section][key] * cut.epochs_factor * passes_share
                params[section][key] = max(1, round(more))
    write_json(folder / "params.yaml", params)  # JSON is YAML
    listed = "".join(f'  - "{brand}"\n' for brand in cut.brands)
    write_text(folder / "brands.yaml", f"brands:\n{listed}")
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    with ThreadPoolExecutor(jobs) as pool:
        for name in STAGES:
            commands = list(_commands(stages[name], params, cut.brands))
            list(pool.map(lambda words: _run(words, folder), commands))
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


def _commands(
    stage: dict[str, Any], params: dict[str, Any], brands: Iterable[str]
) -> Iterable[list[str]]:
    """The words of a stage's command, as DVC expands it, once or for each brand."""
    for brand in brands if "matrix" in stage else ("",):
        words = []
        for word in stage["cmd"].replace("${item.brand}", brand).split():
            section = re.fullmatch(r"\$\{([\w-]+)\}", word)
            words += _options(params[section[1]]) if section else [word]
        yield words


def _options(section: dict[str, Any]) -> list[str]:
    """A section of params.yaml as options, booleans as --key or --no-key."""
    words = []
    for key, value in section.items():
        if isinstance(value, bool):
            words.append(f"--{key}" if value else f"--no-{key}")
        else:
            words += [f"--{key}", str(value)]
    return words


def _run(words: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{folder}: {' '.join(words)} failed:\n{done.stderr[-2000:]}")
