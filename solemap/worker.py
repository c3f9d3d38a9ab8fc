"""A process that trains one net at a time. Standard library alone: it is sent to other machines as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class Worker:
    """One process of `solemap.fork` in ``folder``, started when needed and again where it died.

    Its methods are called from one thread, which outlives the process: Linux ends it with the thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._is_stopped = False

    def train(
        self,
        words: Sequence[str],
        log: Path,
        retries: int,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Run ``python -m WORDS`` to its end; the exit code, negative where a signal ended it.

        Where a signal did, it runs ``retries`` times more, from its last checkpoint. One that ended by
        itself with an error does not: it would end so again. What it prints is added to ``log``.
        """
        asked = {"words": list(words), "log": str(log), "environment": dict(environment or {})}
        for _ in range(1 + retries):
            code = self._run(json.dumps(asked))
            if code >= 0 or self._is_stopped:
                break
        return code

    def _run(self, line: str) -> int:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "solemap.fork", str(os.getpid())],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for us; we end it
            )
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            told = process.stdout.readline()
        except BrokenPipeError:
            told = ""
        return int(told) if told.strip() else process.wait()

    def stop(self) -> None:
        """End the process and the net it trains, for good; any thread may call this."""
        self._is_stopped = True
        if self._process is not None:
            self._process.kill()
