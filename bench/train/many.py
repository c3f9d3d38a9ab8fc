"""What `solemap train` costs beside the training itself, on a project of many tiny brands.

Brands of two products with three noise pictures each at 32 px, one epoch, from a base of its own: as little
training as a net can be, so that what is left is the scheduling. The base line is the same nets in as many
processes as there are jobs, each importing torch once and training one net after another: no process of its own
a net, no DVC.

A net is 45 MB, twice, and DVC's cache has both again: a thousand brands take 180 GB. With `--empty` a net is
a few bytes that no training made, so that a thousand fit and what is timed is the scheduling alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
from ruamel.yaml import YAML

from bench.stages import options_of
from bench.train.results import keep
from catalogue.manifest import write_json, write_text

ROOT = Path(__file__).resolve().parents[2]
SIZE = 32  # px
SPLIT = ("train", "val", "test")  # of a product's three pictures
TINY = {
    "arch": "resnet18",
    "epochs": 1,
    "batch-size": 8,
    "lr": 0.001,
    "weight-decay": 0.05,
    "label-smoothing": 0.1,
    "precision": "fp32",
    "size": SIZE,
}
EMPTY = """import pathlib, sys
for path in ("models/brands/{}/weights.safetensors", "models/brands/{}/without-val.safetensors",
             "models/brands/{}/model.json", "metrics/train/{}.json", "metrics/curves/{}.csv"):
    path = pathlib.Path(path.format(sys.argv[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sys.argv[1])
"""
DVC = [sys.executable, "-m", "dvc"]


@click.command()
@click.option("--brands", type=click.IntRange(2), default=1000, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--sample", type=click.IntRange(1), default=50, show_default=True, help="Nets of the base line.")  # fmt: skip
@click.option("--empty", is_flag=True, help="No training: the time of all else.")
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), default=ROOT / "var" / "bench-many", show_default=True)  # fmt: skip
def many(brands: int, jobs: int, sample: int, empty: bool, work: Path) -> None:
    """Time `solemap train` on BRANDS tiny brands."""
    names = [f"brand-{number:04}" for number in range(brands)]
    make_project(work, names, empty)
    train = [sys.executable, "-m", "solemap", "train", "--jobs", str(jobs)]
    took_s, _ = _timed(train, work, show=True)
    repro_s, again = _timed([*DVC, "repro", "train"], work)
    told = {
        "brands": brands,
        "jobs": jobs,
        "seconds": round(took_s, 1),
        "left_for_dvc_repro": again.count("Running stage"),
        "dvc_repro_seconds": round(repro_s, 1),
        "project": "tiny",
    }
    if not empty:
        some = names[: max(sample, jobs)]  # each process has one at least
        alone_s = _alone(work, some, min(jobs, brands)) * brands / len(some)
        told |= {
            "nets_alone_seconds": round(alone_s, 1),
            "overhead": round(took_s / alone_s - 1, 4),
        }
    keep("many, empty" if empty else "many", told)


def make_project(work: Path, names: list[str], empty: bool) -> None:
    """A checkout whose only open stages are the brands' nets."""
    shutil.rmtree(work, ignore_errors=True)
    for package in ("catalogue", "train"):
        shutil.copytree(ROOT / package, work / package, ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    for name in (".dvcignore", ".dvc/config"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, work / name)
    write_text(work / ".dvc" / "config.local", "[core]\n    no_scm = true\n")
    write_text(work / "brands.yaml", "brands:\n" + "".join(f'  - "{name}"\n' for name in names))
    params = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    for section in ("base", "train"):
        params[section] |= TINY
    params["base"]["refit-epochs"] = 0
    write_json(work / "params.yaml", params)
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    if empty:
        write_text(work / "empty.py", EMPTY)
        stages["train"]["cmd"] = "python -m empty ${item.brand}"
    made = {"outs": [], "cmd": "true"}
    own = {
        "base": {**made, "outs": ["models/base"]},
        "pack": {
            "matrix": stages["pack"]["matrix"],
            "cmd": "true",
            "outs": ["data/pack/${item.brand}"],
        },
        "overrides": {**made, "outs": ["data/overrides"]},
        "train": stages["train"],
    }
    write_json(work / "dvc.yaml", {"vars": ["brands.yaml"], "stages": own})
    chance = np.random.default_rng(0)
    for name in names:
        _write_pack(work / "data" / "pack" / name, name, chance)
        write_json(work / "data" / "overrides" / f"{name}.json", {})
    _write_pack(work / "data" / "base", names[0], chance)
    _ran([sys.executable, "-m", "train", "base", *options_of(params["base"])], work)
    # what trains is measured, not how it comes about
    _ran([*DVC, "commit", "--force", "--quiet", "base", "overrides", "pack"], work)


def _write_pack(folder: Path, brand: str, chance: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    photos = [
        {"photo_id": f"{brand}{product}{split}".encode().hex().ljust(64, "0"), "label": product, "split": split}
        for product in range(2)
        for split in SPLIT
    ]  # fmt: skip
    np.save(folder / "pixels.npy", chance.integers(0, 256, (len(photos), SIZE, SIZE, 3), np.uint8))
    np.save(folder / "masks.npy", np.full((len(photos), SIZE, SIZE), 255, np.uint8))
    labels = [f"{brand}/p{product}" for product in range(2)]
    write_json(folder / "pack.json", {"size": SIZE, "crop": True, "labels": labels, "photos": photos})  # fmt: skip


def _alone(work: Path, names: list[str], jobs: int) -> float:
    """Seconds of these nets in ``jobs`` processes side by side; imports and a first net each are not counted."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.train.many", str(work), *names[one::jobs]],
            env=_environment(work),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for one in range(jobs)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # it is warm
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        if process.wait():
            raise SystemExit(f"the base line ended with {process.returncode}")
    return time.perf_counter() - began


def nets_of(work: Path, names: list[str]) -> None:
    """Train the nets in this process: the first for warmth, then all when a line is read."""
    from train.fit import fit_brand
    from train.loop import Settings
    from train.memory import keep_freed_memory

    keep_freed_memory()
    given = {key.replace("-", "_"): value for key, value in TINY.items()}
    out = work / "var" / "alone"
    for number, name in enumerate([names[0], *names]):
        if number == 1:
            print("warm", flush=True)
            sys.stdin.readline()
        fit_brand(
            name,
            Settings(**given, seed=0, freeze_norm=True),  # type: ignore[arg-type]
            "base",
            work / "data" / "pack" / name,
            work / "models" / "base",
            out / name,
            out / name / "metrics.json",
            out / name / "curve.csv",
            out / name / "work",
        )


def _timed(words: list[str], work: Path, show: bool = False) -> tuple[float, str]:
    began = time.perf_counter()
    told = _ran(words, work, show)
    return time.perf_counter() - began, told


def _ran(words: list[str], work: Path, show: bool = False) -> str:
    done = subprocess.run(
        words,
        cwd=work,
        env=_environment(work),
        stdout=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{work}: {' '.join(words)} ended with {done.returncode}")
    return done.stdout or ""


def _environment(work: Path) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{work}{os.pathsep}{ROOT}"}


if __name__ == "__main__":
    nets_of(Path(sys.argv[1]), sys.argv[2:])
