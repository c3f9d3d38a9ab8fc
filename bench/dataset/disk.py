"""A full disk under `dvc repro`: an error that says so, nothing half-written, and the next run ends well.

Each of the folders that stages and DVC write to becomes a small tmpfs in turn (needs root), with room for
some of what comes. After the failure all files there must be as a whole run leaves them; then the disk
gets room, and plain `dvc repro` must end with the same bytes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from bench.dataset.kills import ROOT, SMALL
from bench.dataset.project import REPRO, Project
from bench.dataset.results import keep
from demo.drawn import drawn_catalogue

PLACES = {"data": 600, "var": 600, ".dvc/cache": 400}  # KB of room
TOLD = ("No space left on device", "could not be written")


@click.command()
@click.option("--target", "targets", multiple=True, default=["split"], show_default=True)
def disk(targets: tuple[str, ...]) -> None:
    """Run dvc repro on disks that become full (needs root)."""
    catalogue = drawn_catalogue(ROOT / "var" / "drawn", 1, 2, 4)
    with tempfile.TemporaryDirectory() as text:
        told = filled(Path(text), catalogue, targets)
    keep("disk", {"places": told})
    raise SystemExit(not all(one["as_wanted"] for one in told.values()))


def can_mount() -> bool:
    """Whether this process may mount a tmpfs."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"):
        return False
    with tempfile.TemporaryDirectory() as text:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", text]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", text], check=True)
    return True


def filled(folder: Path, catalogue: Path, targets: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Place -> what a full disk there did."""
    reference = Project(folder / "reference", SMALL)
    reference.make(catalogue)
    reference.run(*REPRO, *targets)
    expected = reference.outputs()
    return {place: _filled(folder / str(number), catalogue, targets, place, expected) for number, place in enumerate(PLACES)}  # fmt: skip


def _filled(
    folder: Path, catalogue: Path, targets: tuple[str, ...], place: str, expected: dict[str, str]
) -> dict[str, Any]:
    project = Project(folder, SMALL)
    project.make(catalogue)
    with _small_disk(folder / place, PLACES[place]) as grow:
        failed = project.attempt(*REPRO, *targets)
        says = [line for line in failed.stderr.splitlines() if any(told in line for told in TOLD)]
        left = project.outputs()
        half = sorted(path for path in left if left[path] != expected.get(path))
        grow()
        again = project.attempt(*REPRO, *targets)
        is_same = project.outputs() == expected
    return {
        "exit_codes": [failed.returncode, again.returncode],
        "says": says[-1].replace(str(folder), ".") if says else None,
        "half_written": half,
        "then_identical": is_same,
        "as_wanted": bool(
            failed.returncode and says and not half and not again.returncode and is_same
        ),
    }


@contextmanager
def _small_disk(place: Path, room_kb: int) -> Iterator[Callable[[], None]]:
    """``place`` with what it holds on a tmpfs with so much room left; gives what makes it large."""
    place.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}-aside")
    shutil.copytree(place, aside, symlinks=True)

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", place], check=True)

    def resize(size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)

    try:
        shutil.copytree(aside, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(aside)
        used_kb = shutil.disk_usage(place).used // 1024
        resize(f"{used_kb + room_kb}k")
        yield partial(resize, "1g")
    finally:
        subprocess.run(["umount", "-l", place], check=True)
