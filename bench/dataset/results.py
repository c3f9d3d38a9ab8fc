"""bench/results/dataset.json: one section per part, each with what it was measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.machine import keep_part

RESULTS = Path(__file__).resolve().parents[1] / "results" / "dataset.json"
PACKAGES = ("dvc", "imagehash", "numpy", "pillow", "scipy")


def keep(part: str, found: dict[str, Any]) -> None:
    """Put ``found`` in the file in place of what was there of ``part``, and print it."""
    keep_part(RESULTS, part, found, PACKAGES)
