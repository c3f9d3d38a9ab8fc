"""The stale brands as jobs: DVC says which they are and what their commands are."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.params import read_params
from solemap.project import DVC

LOGS = Path("var/train/logs")
_STAGE = re.compile(r"Running stage 'train@(.+)':")


@dataclass(frozen=True)
class Job:
    """One stale brand: the words of its stage's command and the hash of all that it reads."""

    brand: str
    words: tuple[str, ...]  # after `python -m`: the module, then its arguments
    inputs: str

    @property
    def size(self) -> int:
        """Bytes of the brand's pixels: its share of the work."""
        return Path("data/pack", self.brand, "pixels.npy").stat().st_size

    @property
    def log(self) -> Path:
        return LOGS / f"{self.brand}.log"

    @property
    def outputs(self) -> tuple[Path, ...]:
        """What the stage writes; the net's own description last."""
        folder = Path("models/brands", self.brand)
        return (
            folder / "weights.safetensors",
            folder / "without-val.safetensors",
            Path("metrics/train", f"{self.brand}.json"),
            Path("metrics/curves", f"{self.brand}.csv"),
            folder / "model.json",
        )


def stale_jobs() -> list[Job]:
    """The `train` stages that DVC would run, in its order.

    Raises:
        CatalogueError: DVC cannot say, or a stage's command is not one that we can run.
    """
    asked = subprocess.run(
        [*DVC, "repro", "--dry", "--single-item", "train"], capture_output=True, text=True, check=False
    )  # fmt: skip
    if asked.returncode:
        raise CatalogueError(
            f"dvc.yaml: DVC cannot say which brands are stale: {asked.stderr.strip()[-500:]}"
        )
    jobs, brand = [], None
    for line in asked.stdout.splitlines():
        if found := _STAGE.match(line):
            brand = found[1]
        elif brand and line.startswith("> "):
            words = _words(brand, line.removeprefix("> "))
            jobs.append(Job(brand, words, fingerprint(brand)))
            brand = None
    return jobs


def _words(brand: str, command: str) -> tuple[str, ...]:
    words = tuple(shlex.split(command))
    if words[:2] != ("python", "-m") or len(words) < 3:
        raise CatalogueError(
            f"dvc.yaml: the command of train@{brand} is {command[:80]!r}; `solemap train` runs "
            "`python -m MODULE ...` alone. Use `dvc repro`, which runs any command."
        )
    return words[2:]


def shared_inputs() -> list[Path]:
    """The files that every brand's training reads or imports."""
    return [
        *sorted(Path("models/base").glob("*.safetensors")),
        *sorted(Path("train").glob("*.py")),
    ]


def own_inputs(brand: str) -> list[Path]:
    """The files that one brand's net alone is made from."""
    packed = [Path("data/pack", brand, name) for name in ("masks.npy", "pack.json", "pixels.npy")]
    return [*packed, Path("data/overrides", f"{brand}.json")]


def fingerprint(brand: str) -> str:
    """The hash of what ``train@brand`` depends on: its files, the stage's code and params."""
    pipeline, params = Path("dvc.yaml"), Path("params.yaml")
    code, options = _stage(pipeline.stat().st_mtime_ns, params.stat().st_mtime_ns)
    digest = hashlib.sha256(options.encode())
    bases = sorted(Path("models/base").glob("*.safetensors"))
    for path in [*own_inputs(brand), *bases, *code]:
        told = path.stat()
        digest.update(f"{path}\0{_sha256(path, told.st_size, told.st_mtime_ns)}\0".encode())
    return digest.hexdigest()


# by the files' times: to read dvc.yaml for each of many brands would take minutes
@lru_cache(maxsize=4)
def _stage(pipeline_mtime_ns: int, params_mtime_ns: int) -> tuple[tuple[Path, ...], str]:
    """The code that dvc.yaml has the nets depend on, and their section of params.yaml."""
    deps = read_params(Path("dvc.yaml"))["stages"]["train"]["deps"]
    section = read_params(Path("params.yaml")).get("train")
    return tuple(Path(one) for one in deps if one.startswith("train/")), json.dumps(section)


@lru_cache(maxsize=4096)  # or the base's 90 MB would be read twice for each brand
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """The hash of a file as it was at ``mtime_ns``."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
