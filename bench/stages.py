"""The pipeline's own commands in a folder of a bench, without DVC: each run is timed and thrown away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]


def run_stages(
    names: Sequence[str], folder: Path, params: dict[str, Any], brands: Sequence[str], jobs: int
) -> None:
    """Run stages of dvc.yaml one after another, ``jobs`` brands of one side by side."""
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    with ThreadPoolExecutor(jobs) as pool:
        for name in names:
            commands = list(_commands(stages[name], params, brands))
            list(pool.map(lambda words: _run(words, folder), commands))


def scale_epochs(params: dict[str, Any], share: float) -> None:
    """Multiply all epochs of ``params``; none falls below 1."""
    for section in ("base", "train"):
        for key in ("epochs", "refit-epochs", "teacher-epochs"):
            if params[section].get(key):
                params[section][key] = max(1, round(params[section][key] * share))


def _commands(
    stage: dict[str, Any], params: dict[str, Any], brands: Iterable[str]
) -> Iterable[list[str]]:
    """The words of a stage's command, as DVC expands it, once or for each brand."""
    for brand in brands if "matrix" in stage else ("",):
        words: list[str] = []
        for word in stage["cmd"].replace("${item.brand}", brand).split():
            section = re.fullmatch(r"\$\{([\w-]+)\}", word)
            words += options_of(params[section[1]]) if section else [word]
        yield words


def options_of(section: dict[str, Any]) -> list[str]:
    """A section of params.yaml as options, as .dvc/config has DVC do it: --key or --no-key, a list's entries one by one."""
    words = []
    for key, value in section.items():
        if isinstance(value, bool):
            words.append(f"--{key}" if value else f"--no-{key}")
        elif isinstance(value, list):
            words += [word for entry in value for word in (f"--{key}", str(entry))]
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
