"""`solemap train`: the stale brands' own DVC commands, several side by side; then `dvc commit`.

DVC runs the stages of a matrix one after another. Here DVC says which brands are stale and what
their commands are; the commands run in parallel, one thread each, so the bytes are those of
`dvc repro`, which then has nothing left to do for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from catalogue.errors import CatalogueError
from solemap.jobs import LOGS, Job, fingerprint, stale_jobs
from solemap.pool import Ended, run_here
from solemap.progress import Progress
from solemap.project import DVC, check_project

LOCK = Path("var/train/lock")
BEFORE = ("base", "overrides", "pack")  # what train@… reads is made by these and what they need
COMMIT_SHARE = 0.05  # of the time, at most, goes into telling DVC; it takes seconds at each call


@click.command()
@click.option(
    "--jobs",
    type=click.IntRange(1, 4096),
    help="Nets at a time; 2 on this machine, as many as a cluster has processors.",
)
@click.option(
    "--address",
    help="Train on a Ray cluster: HOST:PORT, ray://HOST:10001, auto, or local for a new one here.",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=2,
    show_default=True,
    help="More tries for a net whose process or machine died.",
)
@click.option(
    "--gpus",
    type=click.FloatRange(0, 8),
    help="Of a net on Ray; 0.25 where the cluster has a GPU, so that four share one.",
)
def train(jobs: int | None, address: str | None, retries: int, gpus: float | None) -> None:
    """Train the nets of the brands whose data or params changed, JOBS at a time.

    Brands that fail are named with their log; the others are kept. Killed and started again, each
    net goes on from its last checkpoint.
    """
    if gpus is not None and address is None:
        raise click.UsageError("--gpus is for --address: on this machine all nets share the GPU.")
    check_project()
    with _lock():
        if subprocess.run([*DVC, "repro", *BEFORE], check=False).returncode:
            raise click.ClickException("the stages before training failed; the message is above")
        # the longest first, so that no worker is left alone with one at the end
        stale = sorted(stale_jobs(), key=lambda job: -job.size)
        if not stale:
            click.echo("every brand's net is up to date")
            return
        LOGS.mkdir(parents=True, exist_ok=True)
        if address is None:
            batches = run_here(stale, jobs or 2, retries)
        else:
            from solemap.cluster import run_on_ray

            batches = run_on_ray(stale, address, jobs, retries, gpus)
        failed = settle_all(stale, batches)
    for job, why in failed:
        click.secho(f"{job.brand}: {why}", err=True, fg="red")
    click.echo(f"{len(stale) - len(failed)} of {len(stale)} nets trained; now run `dvc repro`")
    if failed:
        sys.exit(1)


def settle_all(stale: Sequence[Job], batches: Iterable[list[Ended]]) -> list[tuple[Job, str]]:
    """Hand finished nets over to DVC as they come; those that could not be, each with the reason."""
    failed, trained = list[tuple[Job, str]](), list[Job]()
    progress = Progress(stale)
    rested_until = time.monotonic()
    try:
        for ended in batches:
            for one in ended:
                if why := _fault(one):
                    failed.append((one.job, why))
                else:
                    trained.append(one.job)
            if told := progress.after([one.job for one in ended]):
                click.echo(told)
            if trained and time.monotonic() >= rested_until:
                began = time.monotonic()
                failed += _commit(trained)
                trained.clear()
                ended_at = time.monotonic()
                rested_until = ended_at + (ended_at - began) / COMMIT_SHARE
    finally:  # also after Ctrl-C: what is trained is kept
        failed += _commit(trained)
    return failed


def _fault(ended: Ended) -> str | None:
    """Why a net must not be handed over to DVC, None where it may."""
    job = ended.job
    if ended.code:
        told = job.log.read_text("utf-8", errors="replace").strip().splitlines()
        return f"exit code {ended.code}: {told[-1] if told else 'no output'} (see {job.log})"
    try:
        is_same = fingerprint(job.brand) == job.inputs
    except (CatalogueError, OSError) as error:  # a file is gone, or params.yaml half written
        return f"what it was trained from cannot be read any more: {error}"
    if not is_same:
        return "its data, params or code changed while it trained; run `solemap train` again"
    return None


def _commit(trained: Sequence[Job]) -> list[tuple[Job, str]]:
    """Tell DVC of these nets; those it would not take, each with the reason."""
    if not trained:
        return []
    jobs = {f"train@{job.brand}": job for job in trained}
    told = subprocess.run(
        [sys.executable, "-m", "solemap.commit"],
        input="".join(f"{name}\n" for name in jobs),
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        why = f"could not be handed over to DVC: {told.stderr.strip()[-300:]}"
        return [(job, why) for job in trained]
    faults = map(json.loads, told.stdout.splitlines())
    return [(jobs[name], f"could not be handed over to DVC: {why}") for name, why in faults]


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
