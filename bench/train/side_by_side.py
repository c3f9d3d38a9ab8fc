"""Brand nets of a project: one at a time, two at a time, one with two threads, as DVC runs them, with malloc untold."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML

from bench.train.results import keep
from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from solemap.jobs import LOGS, Job
from solemap.pool import run_here

ROOT = Path(__file__).resolve().parents[2]


@click.command()
@click.argument("project", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--brands", "count", type=click.IntRange(1), default=4, show_default=True, help="Of the project, the largest.")  # fmt: skip
@click.option("--copies", type=click.IntRange(1), default=1, show_default=True, help="Of each: `--brands 10 --copies 10` is a hundred brands.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), help="Those of params.yaml if not given.")
@click.option("--size", type=click.IntRange(32, 512), help="px, likewise.")
@click.option("--all-ways/--jobs-alone", default=True, show_default=True, help="Also as DVC does, and with malloc untold.")  # fmt: skip
def jobs(
    project: Path, count: int, copies: int, epochs: int | None, size: int | None, all_ways: bool
) -> None:
    """Time the brands of PROJECT, which has packs and a base, in three ways or five."""
    params = YAML(typ="safe", pure=True).load(project / "params.yaml")["train"]
    params |= {key: value for key, value in (("epochs", epochs), ("size", size)) if value}
    options = [word for key, value in params.items() for word in (f"--{key}", str(value))]
    with _folder(project, count, copies) as brands:
        fits = {brand: ("fit", "--brand", brand, *options) for brand in brands}
        plain = [("train", *words) for words in fits.values()]
        doubled, untold = (
            [("bench.train.otherwise", change, *words) for words in fits.values()]
            for change in ("threads=2", "malloc=plain")
        )
        ways: dict[str, Callable[[], None]] = {
            "--jobs 2": lambda: _pooled(plain, 2),
            "--jobs 1": lambda: _pooled(plain, 1),
            "one job of two threads": lambda: _pooled(doubled, 1),
        }
        if all_ways:
            ways |= {
                "--jobs 2, malloc untold": lambda: _pooled(untold, 2),
                "as dvc repro: a new process each": lambda: _in_turn(plain),
            }
        seconds: dict[str, float] = {}
        for name, way in ways.items():
            seconds[name] = _timed(way)
            keep(  # at once: a run over many brands takes most of an hour
                "jobs" if copies == 1 else f"jobs, {len(fits)} brands",
                {
                    "brands": count,
                    "copies": copies,
                    "epochs": params["epochs"],
                    "size": params["size"],
                    "seconds": seconds,
                    "jobs_2_to": {
                        done: round(took / seconds["--jobs 2"], 3) for done, took in seconds.items()
                    },
                },
            )


@contextmanager
def _folder(project: Path, count: int, copies: int) -> Iterator[list[str]]:
    """A folder with links to the project's packs and base as the current one; its brands."""
    packs = project.resolve() / "data" / "pack"
    base = project.resolve() / "models" / "base"
    if not (base / "weights.safetensors").exists():
        raise CatalogueError(f"{base}: no base to start from; run `dvc repro base` there first.")
    listed = read_brands(project / "brands.yaml")
    largest = sorted(listed, key=lambda one: -(packs / one / "pixels.npy").stat().st_size)[:count]
    before, brands = Path.cwd(), []
    with tempfile.TemporaryDirectory() as text:
        os.chdir(text)
        try:
            Path("data/pack").mkdir(parents=True)
            Path("models").mkdir()
            LOGS.mkdir(parents=True)
            Path("models/base").symlink_to(base)
            for brand in largest:
                for copy in range(copies):
                    brands.append(f"{brand}-{copy}")
                    Path("data/pack", brands[-1]).symlink_to(packs / brand)
            yield brands
        finally:
            os.chdir(before)


def _in_turn(commands: Sequence[tuple[str, ...]]) -> None:
    for words in commands:
        subprocess.run([sys.executable, "-m", *words], check=True, capture_output=True)


def _pooled(commands: Sequence[tuple[str, ...]], count: int) -> None:
    todo = [Job(str(number), words, "") for number, words in enumerate(commands)]
    for ended in run_here(todo, count, 0):
        for one in ended:
            if one.code:
                raise SystemExit(f"{one.job.words} ended with {one.code}:\n{one.job.log.read_text()}")  # fmt: skip


def _timed(way: Callable[[], Any]) -> float:
    began = time.perf_counter()
    with _environment("PYTHONPATH", str(ROOT)):
        way()
    return round(time.perf_counter() - began, 1)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
