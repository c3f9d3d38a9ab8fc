"""`python -m bench.identify PROJECT`: what is claimed of identification, measured, in one command.

PROJECT is a folder after `make demo` or `make real`, whose models and test photos the accuracy parts need;
the parts about speed make brands of their own. Writes bench/results/identify.json and the table of
docs/identify.md. Parts can be chosen; the others' figures stay.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "GOMP_SPINCOUNT", "0"
)  # threads that wait must not take a busy machine's time
os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))

import click

from bench.identify.table import write_table
from bench.machine import machine
from catalogue.manifest import write_json

RESULTS = Path(__file__).resolve().parents[1] / "results" / "identify.json"
PARTS = ("speed", "accuracy")
PACKAGES = ("numpy", "pillow", "torch", "torchvision")


@click.command()
@click.argument("project", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, default=PARTS)
def main(project: Path, parts: tuple[str, ...]) -> None:
    """Measure, print, write."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for part in parts:
        measured = _speed() if part == "speed" else _accuracy(project)
        found[part] = {"machine": machine(PACKAGES), **measured}
        click.echo(json.dumps(found[part], indent=1))
        write_json(RESULTS, found)
    write_table(found)


def _speed() -> dict[str, Any]:
    from bench.identify.speed import speed

    with tempfile.TemporaryDirectory(prefix="solemap-bench-") as scratch:
        return speed(Path(scratch))


def _accuracy(project: Path) -> dict[str, Any]:
    from bench.identify.gating import gating, read_project
    from bench.identify.unseen import lines, location, similar, unknown

    asked = read_project(project)
    return {
        "project": project.resolve().name,
        "arm": asked.identifier.arm,
        "brands": len(asked.system.gate.brands),
        "gating": gating(asked),
        "similar": similar(asked, project),
        "unknown": unknown(asked),
        "location": location(asked),
        "lines": lines(asked),
    }


if __name__ == "__main__":
    main(prog_name="python -m bench.identify")
