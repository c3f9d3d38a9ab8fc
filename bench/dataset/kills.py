"""kill -9 `dvc repro` with its children in every stage; the next one must go on by itself to the same bytes.

A reference run tells the stages and how long each takes. Then one project is killed again and again,
each time at a random moment from the beginning of a stage to a little after its end, when DVC itself
writes; what runs next is plain `dvc repro`, with no step by hand between.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

import click

from bench.dataset.project import REPRO, Project
from bench.dataset.results import keep
from demo.drawn import drawn_catalogue

ROOT = Path(__file__).resolve().parents[2]
SMALL: dict[str, dict[str, Any]] = {
    "pack": {"size": 32},
    "base": {"epochs": 1, "precision": "fp32"},
    "train": {"epochs": 1, "precision": "fp32"},
    "split": {"unknown-brands": [], "unknown-products": 0.0},
}


@click.command()
@click.option("--kills", "count", default=20, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--target", "targets", multiple=True, help="Only up to this stage; repeatable.")
def kills(count: int, seed: int, targets: tuple[str, ...]) -> None:
    """Kill dvc repro in each stage and compare what it ends with."""
    catalogue = drawn_catalogue(ROOT / "var" / "drawn", 1, 2, 4)
    with tempfile.TemporaryDirectory() as text:
        told = killed(Path(text), catalogue, count, seed, targets)
    keep("kills", told)
    raise SystemExit(not told["identical"])


def killed(folder: Path, catalogue: Path, count: int, seed: int, targets: tuple[str, ...]) -> dict[str, Any]:  # fmt: skip
    """What ``count`` kills did to a project in ``folder``.

    Raises:
        RuntimeError: a `dvc repro` after a kill needs help.
    """
    reference, tried = Project(folder / "reference", SMALL), Project(folder / "tried", SMALL)
    reference.make(catalogue)
    tried.make(catalogue)
    stages = reference.stage_times(*targets)
    expected = reference.outputs()
    chance, done = Random(seed), []
    for number in range(count):
        # Stages in order; where there are more kills than stages, some stages are killed twice.
        at = number * len(stages) // count
        after_s = chance.uniform(0, stages[at][1] * (1.2 if at + 1 < len(stages) else 0.9))
        if stage := tried.kill_in([name for name, _ in stages[at:]], after_s, targets):
            done.append(stage)
            click.echo(f"killed {len(done)}: {after_s:.1f} s into {stage}")
    tried.run(*REPRO, *targets)
    found = tried.outputs()
    different = sorted(
        path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)
    )
    return {
        "kills": len(done),
        "stages": done,
        "put_aside": tried.notices,
        "files": len(expected),
        "different": different,
        "identical": not different,
    }
