"""bench/results/train.json: one section per part, each with what it was measured on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.machine import keep_part

# Elsewhere for a try, e.g. by a test: figures of a busy machine must not replace others.
RESULTS = Path(os.environ.get("BENCH_TRAIN_RESULTS", Path(__file__).resolve().parents[1] / "results" / "train.json"))  # fmt: skip


def keep(part: str, found: dict[str, Any]) -> None:
    """Put ``found`` in the file in place of what was there of ``part``, and print it."""
    keep_part(RESULTS, part, found, ("dvc", "torch", "torchvision"))
