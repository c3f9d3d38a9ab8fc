"""The nets trained side by side in processes of this machine."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from solemap.jobs import Job
from solemap.worker import Worker

log = logging.getLogger(__name__)
QUIET_S = 30.0  # without an ended net, after which an empty list says that the others go on


@dataclass(frozen=True)
class Ended:
    """A job that will not be tried again; ``code`` is its exit code, negative for a signal."""

    job: Job
    code: int


def run_here(jobs: Sequence[Job], count: int, retries: int) -> Iterator[list[Ended]]:
    """Train ``jobs`` in their order, ``count`` at a time; lists of those that ended since the last."""
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    done: queue.SimpleQueue[Ended] = queue.SimpleQueue()
    workers = [Worker(Path.cwd()) for _ in range(min(count, len(jobs)))]
    stopped = threading.Event()

    def train(worker: Worker) -> None:
        while not stopped.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            try:
                job.log.write_bytes(b"")
                code = worker.train(job.words, job.log, retries)
            except Exception:  # a full disk, no process left: whoever waits must be told
                log.exception("%s could not be started", job.brand)
                code = 1
            done.put(Ended(job, code))
        worker.stop()

    threads = [threading.Thread(target=train, args=(one,), daemon=True) for one in workers]
    for thread in threads:
        thread.start()
    left = len(jobs)
    try:
        while left:
            ended = _at_hand(done)
            left -= len(ended)
            yield ended
    finally:
        stopped.set()
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()


def _at_hand(done: queue.SimpleQueue[Ended]) -> list[Ended]:
    """All that ended; waits for the first of them."""
    ended = []
    try:
        ended.append(done.get(timeout=QUIET_S))
        while True:
            ended.append(done.get_nowait())
    except queue.Empty:
        return ended
