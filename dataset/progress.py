"""How far a long stage is, told on stderr."""

from __future__ import annotations

import time
from typing import TextIO

import click


class ProgressLine:
    """Done, of how many, rate and time left on stderr: a live line on a terminal, else now and then."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self._what, self._stream = what, stream
        self._started = self._shown = time.monotonic()
        self._first: int | None = None
        self._every_s = 0.2 if stream.isatty() else 10.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = done
            if done:
                click.echo(f"{self._what}: {done} of {total} are done already", err=True)
        elif now - self._shown >= self._every_s or (done == total and done > self._first):
            self._shown = now
            rate = (done - self._first) / max(now - self._started, 1e-9)
            left_s = (total - done) / rate if rate else 0.0
            line = f"{self._what}: {done} of {total}, {rate:.0f}/s, {left_s:.0f} s left"
            is_live = self._stream.isatty()
            click.echo(
                f"\r{line}   " if is_live else line, err=True, nl=not is_live or done == total
            )
