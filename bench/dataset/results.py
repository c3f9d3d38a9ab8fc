"""bench/results/dataset.json: one section per part, each with what it was measured on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bench.machine import machine

RESULTS = Path(__file__).resolve().parents[1] / "results" / "dataset.json"
PACKAGES = ("dvc", "imagehash", "numpy", "pillow", "scipy")


def keep(part: str, found: dict[str, Any]) -> None:
    """Put ``found`` in the file in place of what was there of ``part``, and print it."""
    held = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    held[part] = {"machine": machine(PACKAGES), **found}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(sorted(held.items())), ensure_ascii=False, indent=1) + "\n"
    RESULTS.write_text(text, "utf-8")
    click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    click.echo(f"written: bench/results/{RESULTS.name}: {part}")
