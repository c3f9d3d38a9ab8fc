"""One worker of a shared crawl at work: it says that it lives, waits for the others, and says what is next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall

from crawler.asking import Asking
from crawler.patience import SitePace
from crawler.run import Run
from crawler.shared import LostCrawl, SharedCrawl

_POLL_S = 0.5  # how often a worker without work asks for some
_BEATS = 6  # in the time after which a silent worker is taken for dead
_GIVEN_UP = "given up: five workers did not come back from it"


class Worker:
    """Ties a `SharedCrawl` to the running crawler."""

    def __init__(
        self, shared: SharedCrawl, asking: Asking, run: Run, crawler: Any, lease_s: int
    ) -> None:
        """Take over the queues."""
        self.shared, self._asking, self._run, self._crawler = shared, asking, run, crawler
        self._lease_s = lease_s
        self._calls: list[LoopingCall] = []
        self._closing: asyncio.Future[None] | None = None
        shared.on_lost = lambda: self._close("redis lost")
        asking.share(shared)

    def start(self, pump: Callable[[], None]) -> None:
        """Tell what an unfinished run's journal holds; from now on live, and ask for work now and then.

        Raises:
            LostCrawl: Redis does not answer.
        """
        self.shared.seed(self._run.journal, self._run.items)
        for call, seconds, now in (
            (self._beat, self._lease_s / _BEATS, True),
            (lambda: self._poll(pump), _POLL_S, False),
        ):
            self._calls.append(LoopingCall(call))
            self._calls[-1].start(seconds, now=now)

    def _poll(self, pump: Callable[[], None]) -> None:
        pump()
        if self._asking.is_quiet and not self.must_wait():
            self._close("finished")

    def _beat(self) -> None:
        try:
            self._note(self.shared.beat())
        except LostCrawl:
            return
        if (pace := self._crawler.get_extension(SitePace)) is not None:
            pace.share_among(self.shared.workers)

    def _note(self, given_up: list[tuple[str, str]]) -> None:
        for site, page in given_up:
            self._asking.report.refuse(site, _GIVEN_UP)
            self._run.miss(site, page, is_product=False)

    def give_back_lost(self) -> None:
        """Nothing is under way here; what is leased all the same goes back to the queue."""
        try:
            self._note(self.shared.give_back_lost())
        except LostCrawl:
            return

    def must_wait(self) -> bool:
        """Whether others are at work, who may bring pages or leave some."""
        try:
            return not self.shared.end_if_done()
        except LostCrawl:
            return False

    def _close(self, reason: str) -> None:
        if self._closing is None:
            closing = self._crawler.engine.close_spider_async(reason=reason)
            self._closing = asyncio.ensure_future(closing)

    def stop(self) -> None:
        """The worker ends; what it still holds goes back."""
        for call in self._calls:
            if call.running:
                call.stop()
        self.shared.leave()

    def next_step(self, folder: Path) -> str:
        """What to do after the crawl."""
        return (
            f"all workers have {self.shared.products} together; "
            f"next: solemap merge {folder} DIR … (the folders of all workers)"
        )
