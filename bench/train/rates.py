"""Pictures per second, and time to the accuracy at which the reference script ends."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from bench.train.data import image_folder, packed, read_samples
from bench.train.results import keep

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = Path(__file__).with_name("reference.py")
PROJECT = click.argument("project", type=click.Path(exists=True, file_okay=False, path_type=Path))
THREADS = click.option("--threads", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True, help="Cores for either side.")  # fmt: skip
ARCH = click.option("--arch", default="resnet18", show_default=True)
LIMIT = click.option("--limit", type=click.IntRange(4), help="Photos; all where not given.")
TIMM = click.option("--timm", type=click.Path(exists=True, path_type=Path), help="A folder that timm was installed to by `pip install --target`; as it is importable if not given.")  # fmt: skip
SWITCHES: dict[str, list[str]] = {
    "reference": [],
    "reference, channels last": ["--channels-last"],
    "reference, channels last, amp": ["--channels-last", "--amp"],
}


@click.command()
@PROJECT
@click.option("--sizes", default="112,224", show_default=True, help="px, comma-separated.")
@click.option("--epochs", type=click.IntRange(2), default=3, show_default=True, help="The first is not counted.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(2), default=32, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=2, show_default=True, help="By turns; the fastest counts.")  # fmt: skip
@ARCH
@THREADS
@LIMIT
@TIMM
def speed(
    project: Path, sizes: str, epochs: int, batch_size: int, rounds: int, arch: str, threads: int, limit: int | None, timm: Path | None
) -> None:  # fmt: skip
    """Pictures per second on the photos of PROJECT, from files or packs to updated weights."""
    samples = read_samples(project, limit)
    shared_figures = {"photos": len(samples), "threads": threads, "batch_size": batch_size, "arch": arch}  # fmt: skip
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        folder = image_folder(samples, project, place / "folder")
        for size in (int(one) for one in sizes.split(",")):
            began = time.perf_counter()
            pack = packed(samples, project, place / f"pack-{size}", size)
            pack_s = time.perf_counter() - began
            shared = ["--arch", arch, "--size", str(size), "--batch-size", str(batch_size), "--threads", str(threads)]  # fmt: skip
            ways = {
                f"{name}, {workers} workers": [str(REFERENCE), "--data", str(folder), *switches, "--workers", str(workers), *shared, "--epochs", str(epochs)]
                for name, switches in _switches(timm).items()
                for workers in sorted({0, threads})
            }  # fmt: skip
            ways["ours"] = ["-m", "bench.train.ours", str(pack), *shared, "--epochs", str(epochs - 1)]  # fmt: skip
            rates: dict[str, float] = {}
            for _ in range(rounds):
                for name, words in ways.items():
                    rates[name] = max(rates.get(name, 0.0), _rate(words, timm))
                    click.echo(f"{size} px, {name}: {rates[name]:.1f} pictures a second")
            found: dict[str, Any] = {
                **shared_figures,
                "pictures_per_second": {name: round(rate, 2) for name, rate in rates.items()},
                "packing_seconds_once": round(pack_s, 1),
                "ours_to": {
                    name: round(rates["ours"] / max(_of(rates, name)), 2)
                    for name in _switches(timm)
                },
            }
            keep(f"speed, {size} px", found)


def _switches(timm: Path | None) -> dict[str, list[str]]:
    is_there = timm is not None or importlib.util.find_spec("timm") is not None
    return SWITCHES | ({"timm": ["--timm", "--channels-last"]} if is_there else {})


def _of(rates: dict[str, float], name: str) -> list[float]:
    """A rival's rates, with and without processes that load."""
    return [rate for way, rate in rates.items() if way.rsplit(", ", 1)[0] == name]


def _rate(words: list[str], timm: Path | None) -> float:
    lines = run(words, timm)
    if len(lines) == 1:
        return float(lines[0]["pictures"] / lines[0]["seconds"])
    took_s = lines[-1]["seconds"] - lines[0]["seconds"]
    return float(sum(one["pictures"] for one in lines[1:]) / took_s)


def run(words: list[str], timm: Path | None = None) -> list[dict[str, Any]]:
    """The JSON lines that a Python command prints."""
    paths = [str(ROOT), *([str(timm)] if timm else [])]
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}; see above")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@click.command()
@PROJECT
@click.option("--size", type=click.IntRange(32, 512), default=112, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True, help="Of the reference script.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(2), default=32, show_default=True, help="Of the reference script.")  # fmt: skip
@click.option("--our-epochs", type=click.IntRange(1), help="Of our schedule; those of `base:` if not given.")  # fmt: skip
@ARCH
@THREADS
@LIMIT
def until(
    project: Path, size: int, epochs: int, batch_size: int, our_epochs: int | None, arch: str, threads: int, limit: int | None
) -> None:  # fmt: skip
    """Time to the accuracy on val at which the reference script ends, both from scratch.

    Ours with the params of `base:` at the same size; its time counts packing and stops at the first epoch
    that is as good. Both count evaluation after each epoch. The script loads in as many processes as
    two epochs show to be faster, none or as many as threads.
    """
    samples = read_samples(project, limit)
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        folder = image_folder(samples, project, place / "folder")
        shared = ["--arch", arch, "--size", str(size), "--threads", str(threads)]
        script = [str(REFERENCE), "--data", str(folder), "--batch-size", str(batch_size), *shared]

        def rate(workers: int) -> float:
            return _rate([*script, "--epochs", "2", "--workers", str(workers)], None)

        workers = max((0, threads), key=rate)
        ended = run([*script, "--epochs", str(epochs), "--workers", str(workers), "--evaluate"])[-1]
        began = time.perf_counter()
        pack = packed(samples, project, place / "pack", size)
        pack_s = time.perf_counter() - began
        own = [] if our_epochs is None else ["--epochs", str(our_epochs)]
        ours = run(["-m", "bench.train.ours", str(pack), "--until", str(ended["accuracy"]), *own, *shared])[0]  # fmt: skip
    reached_s = ours["seconds_to_accuracy"]
    whole_s = None if reached_s is None else reached_s + pack_s
    found = {
        "photos": len(samples),
        "size": size,
        "threads": threads,
        "reference_epochs": epochs,
        "reference_workers": workers,
        "our_epochs": our_epochs,
        "accuracy": round(ended["accuracy"], 4),
        "reference_seconds": round(ended["seconds"], 1),
        "our_seconds": None if whole_s is None else round(whole_s, 1),
        "packing_seconds": round(pack_s, 1),
        "ours_to_reference": None if whole_s is None else round(whole_s / ended["seconds"], 3),
    }
    keep("until", found)
