"""A small project of its own in a scratch folder: this checkout's code, drawn shoes, and DVC as one types it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalogue.params import read_params

ROOT = Path(__file__).resolve().parents[2]
REPRO = ("solemap.dvc", "repro")  # what `dvc repro` runs where this project is installed
PACKAGES = ("catalogue", "dataset", "train")  # what stages run; they must lie where dvc.yaml says
OUTPUTS = ("data", "models", "metrics", "report")


@dataclass
class Project:
    """A folder that `dvc repro` runs in."""

    folder: Path
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # section -> changed keys
    notices: list[str] = field(default_factory=list)  # what `dvc` said that it put aside

    def make(self, catalogue: Path) -> None:
        """Copy the code and import the pictures of ``catalogue``, a folder with a catalogue.csv."""
        self.folder.mkdir(parents=True, exist_ok=True)
        skipped = shutil.ignore_patterns("__pycache__")
        for package in PACKAGES:
            shutil.copytree(ROOT / package, self.folder / package, ignore=skipped)
        for name in ("dvc.yaml", "overrides.csv", ".dvcignore", ".dvc/config"):
            (self.folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        params = json.loads(json.dumps(read_params(ROOT / "params.yaml")))
        for section, changed in self.params.items():
            params[section] |= changed
        (self.folder / "params.yaml").write_text(json.dumps(params), "utf-8")
        self.run("solemap.dvc", "config", "--local", "core.no_scm", "true")
        self.run("solemap", "import", "csv", str(catalogue / "catalogue.csv"), "--site", "drawn")

    def run(self, *words: str) -> str:
        """What a module's command says on stdout.

        Raises:
            RuntimeError: it fails.
        """
        done = self.attempt(*words)
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(words)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
            )
        return done.stdout

    def attempt(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A module's command, ended well or not."""
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The same in a process group of its own; stdout and stderr are one pipe."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", *words],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": os.pathsep.join((str(self.folder), str(ROOT)))}

    def outputs(self) -> dict[str, str]:
        """Path -> SHA-256 of all that stages wrote, left-overs included."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for part in OUTPUTS
            for path in sorted((self.folder / part).rglob("*"))
            if path.is_file() and "crawl" not in path.relative_to(self.folder).parts
        }

    def stage_times(self, *targets: str) -> list[tuple[str, float]]:
        """Stages in the order in which `dvc repro` runs them, with seconds until the next one."""
        running = self.start(*REPRO, *targets)
        began: list[tuple[str, float]] = []
        for line in running.stdout or ():
            if found := stage_in(line):
                began.append((found, time.perf_counter()))
        if running.wait():
            raise RuntimeError("dvc repro failed")
        ends = [*(at for _, at in began[1:]), time.perf_counter()]
        return [(name, end - at) for (name, at), end in zip(began, ends, strict=True)]

    def kill_in(self, stages: Sequence[str], after_s: float, targets: Sequence[str]) -> str | None:
        """kill -9 `dvc repro` and all its children, so long after it began one of ``stages``; which one.

        None: it had ended.
        """
        running, stage = self.start(*REPRO, *targets), None
        for line in running.stdout or ():
            self.notices += [line.strip()] if line.startswith("NOTICE") else []
            stage = stage_in(line)
            if stage in stages:
                break
        try:
            running.wait(after_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            return stage
        return None


def stage_in(line: str) -> str | None:
    """The stage that a line of `dvc repro` says it begins."""
    found = re.match(r"Running stage '(.+)':", line.strip())
    return found[1] if found else None
