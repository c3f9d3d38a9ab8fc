"""Where requests wait for the models: a few at work, a bounded number waiting, the rest sent away.

Photos are held in memory or an unlinked temporary file until they are answered, and nowhere after.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, ParamSpec, TypeVar

from identify.answer import Identification
from identify.fetch import Limits, fetch_photo
from identify.live import LiveModels
from identify.photo import read_stream

P = ParamSpec("P")
Found = TypeVar("Found")
_FETCHERS = 4  # addresses fetched at once; they wait for the network, not for the processor
_LONGEST_WAIT_S = 60
_CLIENTS = 10_000  # remembered by the rate limit
_SHARE = (
    4  # a client from elsewhere has a fourth of the places: some that idle leave room for others
)


class Busy(Exception):
    """No more can wait; ``retry_after_s`` is when there may be room."""

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"busy for {retry_after_s} s")


class Desk:
    """Answers photos with ``workers`` threads; at most ``places`` requests are inside at a time."""

    def __init__(self, models: LiveModels, workers: int, places: int, max_bytes: int) -> None:
        self.models = models
        self._places, self._workers = places, workers
        self._limits = Limits(public_only=True, max_bytes=max_bytes)
        self._pool = ThreadPoolExecutor(workers, "identify")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, "fetch")
        self._mean_s = 0.2  # of a photo, from the last ones
        self.inside = 0
        self._inside_of = Counter[str]()  # by client

    def close(self) -> None:
        """End the threads; what is at work is finished."""
        self._pool.shutdown(cancel_futures=True)
        self._fetchers.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def place(self, client: str = "") -> Iterator[None]:
        """A place for one request of ``client`` (empty: this machine's own), before its body is read.

        Raises:
            Busy: all are taken, or all that one client may have.
        """
        own = math.ceil(self._places / _SHARE) if client else self._places
        if self.inside >= self._places or self._inside_of[client] >= own:
            wait_s = math.ceil(self.inside * self._mean_s / self._workers)
            raise Busy(min(max(wait_s, 1), _LONGEST_WAIT_S))
        self.inside += 1
        self._inside_of[client] += 1
        try:
            yield
        finally:
            self.inside -= 1
            self._inside_of[client] -= 1
            self._inside_of += Counter()  # forget who has none

    async def answer_upload(self, stream: BinaryIO, name: str, top: int) -> Identification:
        """The answer to an uploaded file.

        Raises:
            PhotoError: it cannot be read.
        """
        return await _run(self._pool, self._answer, lambda: read_stream(stream), name, top)

    async def answer_url(self, url: str, top: int) -> Identification:
        """The answer to the picture at ``url``, fetched from the public internet only.

        Raises:
            Unfetched: there is none, or it may not be fetched.
            PhotoError: it cannot be read.
        """
        content = await _run(self._fetchers, fetch_photo, url, self._limits)
        return await _run(self._pool, self._answer, lambda: content, url, top)

    def _answer(self, read: Callable[[], bytes], name: str, top: int) -> Identification:
        started = time.monotonic()
        try:
            return self.models.current.identify(read(), name, top)
        finally:
            self._mean_s += 0.1 * (time.monotonic() - started - self._mean_s)


async def _run(
    pool: ThreadPoolExecutor, function: Callable[P, Found], *words: P.args, **more: P.kwargs
) -> Found:
    work = partial(function, *words, **more)
    return await asyncio.get_running_loop().run_in_executor(pool, work)


class RateLimit:
    """So many photos a minute and client, by a bucket that fills evenly; 0 is no limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, when

    def take(self, client: str, photos: int = 1) -> int:
        """Take ``photos`` out of the client's bucket; the seconds to wait, 0 where there were enough."""
        if not self._per_minute:
            return 0
        now, rate = time.monotonic(), self._per_minute / 60
        left, when = self._buckets.pop(client, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - when) * rate)
        is_allowed = left >= min(photos, self._per_minute)
        self._buckets[client] = (left - photos if is_allowed else left, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        return 0 if is_allowed else math.ceil((min(photos, self._per_minute) - left) / rate)
