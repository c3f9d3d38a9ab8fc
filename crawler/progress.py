"""A line every few seconds: pages, products and pictures, with their rates."""

from __future__ import annotations

import logging
import time

from scrapy import Spider, signals
from scrapy.crawler import Crawler
from twisted.internet.task import LoopingCall

logger = logging.getLogger(__name__)
INTERVAL_S = 5.0


class Progress:
    """Logs one line per site that moved, and lets the spider merge its journal now and then."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._call: LoopingCall | None = None
        self._since = time.monotonic()
        self._last: dict[str, str] = {}
        crawler.signals.connect(self._opened, signal=signals.spider_opened)
        crawler.signals.connect(self._closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Progress:
        """As Scrapy builds it."""
        return cls(crawler)

    def _opened(self, spider: Spider) -> None:
        self._since = time.monotonic()
        self._call = LoopingCall(self._say, spider)
        self._call.start(INTERVAL_S, now=False)

    def _closed(self, spider: Spider) -> None:
        if self._call is not None and self._call.running:
            self._call.stop()
        self._say(spider)

    def _say(self, spider: Spider) -> None:
        seconds = time.monotonic() - self._since
        for site in spider.sites:
            line = spider.report.progress(site, seconds, len(spider.frontiers[site]))
            if self._last.get(site) != line.split(" (")[0] + str(spider.report.picture_count(site)):
                logger.info(line)
            self._last[site] = line.split(" (")[0] + str(spider.report.picture_count(site))
        if self._call is not None and self._call.running:
            spider.merge_now_and_then()
