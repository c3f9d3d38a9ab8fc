"""`solemap train`: the stale brands' own DVC commands, several side by side; then `dvc commit`.

DVC runs the stages of a matrix one after another. Here DVC says which brands are stale and what
their commands are; the commands run in parallel, one thread each, so the bytes are those of
`dvc repro`, which then has nothing left to do for them.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from catalogue.errors import CatalogueError
from solemap.project import DVC, check_project

LOGS = Path("var/train/logs")
LOCK = Path("var/train/lock")
BEFORE = ("base", "overrides", "pack")  # what train@… reads is made by these and what they need
_STAGE = re.compile(r"Running stage 'train@(.+)':")


@dataclass(frozen=True)
class Job:
    """One stale brand: its stage's command and the hash of all that it reads."""

    brand: str
    command: str
    inputs: str

    @property
    def size(self) -> int:
        """Bytes of the brand's pixels: its share of the work."""
        return Path("data/pack", self.brand, "pixels.npy").stat().st_size

    @property
    def log(self) -> Path:
        return LOGS / f"{self.brand}.log"


@click.command()
@click.option("--jobs", type=click.IntRange(1, 256), default=2, show_default=True)
def train(jobs: int) -> None:
    """Train the nets of the brands whose data or params changed, JOBS at a time.

    Brands that fail are named with their log; the others are kept. Killed and started again, each
    net goes on from its last checkpoint.
    """
    check_project()
    with _lock():
        if subprocess.run([*DVC, "repro", *BEFORE], check=False).returncode:
            raise click.ClickException("the stages before training failed; the message is above")
        stale = stale_jobs()
        if not stale:
            click.echo("every brand's net is up to date")
            return
        failed = _run_all(stale, jobs)
    for job, why in failed:
        click.secho(f"{job.brand}: {why}", err=True, fg="red")
    click.echo(f"{len(stale) - len(failed)} of {len(stale)} nets trained; now run `dvc repro`")
    if failed:
        sys.exit(1)


def stale_jobs() -> list[Job]:
    """The `train` stages that DVC would run, in its order."""
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
            jobs.append(Job(brand, line.removeprefix("> "), fingerprint(brand)))
            brand = None
    return jobs


def fingerprint(brand: str) -> str:
    """The hash of every file that ``train@brand`` reads."""
    paths = [
        *sorted(Path("data/pack", brand).glob("*")),
        Path("data/overrides", f"{brand}.json"),
        *sorted(Path("models/base").glob("*.safetensors")),
        Path("params.yaml"),
        *sorted(Path("train").glob("*.py")),
    ]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run_all(stale: list[Job], count: int) -> list[tuple[Job, str]]:
    """Run the jobs, commit those that ended well; the others with the reason."""
    LOGS.mkdir(parents=True, exist_ok=True)
    started, failed = time.monotonic(), list[tuple[Job, str]]()
    pool = ThreadPoolExecutor(count)
    # the longest first, so that no worker is left alone with one at the end
    ordered = sorted(stale, key=lambda job: -job.size)
    running: dict[Future[int], Job] = {pool.submit(_run, job): job for job in ordered}
    try:
        while running:
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                job = running.pop(future)
                if why := _settle(job, future.result()):
                    failed.append((job, why))
                done = len(stale) - len(running)
                left_s = (time.monotonic() - started) / done * len(running)
                click.echo(f"train: {done} of {len(stale)} nets, {left_s:.0f} s left ({job.brand})")
    finally:
        pool.shutdown(cancel_futures=True)
    return failed


def _run(job: Job) -> int:
    with job.log.open("w") as log:
        return subprocess.run(
            job.command, shell=True, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode


def _settle(job: Job, code: int) -> str | None:
    """Hand a finished net over to DVC; why that was not done, None if it was."""
    if code:
        told = job.log.read_text("utf-8", errors="replace").strip().splitlines()
        return f"exit code {code}: {told[-1] if told else 'no output'} (see {job.log})"
    if fingerprint(job.brand) != job.inputs:
        return "its data, params or code changed while it trained; run `solemap train` again"
    committed = subprocess.run(
        [*DVC, "commit", "--force", "--quiet", f"train@{job.brand}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if committed.returncode:
        return f"`dvc commit` failed: {committed.stderr.strip()[-300:]}"
    return None


@contextmanager
def _lock() -> Iterator[None]:
    """One `solemap train` per checkout; the lock goes with the process, however it ends."""
    import fcntl

    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CatalogueError(
                f"{LOCK}: another `solemap train` runs in this checkout; wait for it to end."
            ) from error
        yield
