"""Patience: per-host pace, Retry-After, and pauses between tries; none needed on loopback."""

from __future__ import annotations

import asyncio
import logging
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Request, Response
from scrapy.robotstxt import ProtegoRobotParser

from crawler.site import host_of, is_loopback

logger = logging.getLogger(__name__)
_BUSY = (429, 503)


class PacedRobots(ProtegoRobotParser):  # type: ignore[misc]  # scrapy is untyped here
    """A robots.txt that also sets its host's least delay, by its ``Crawl-delay``.

    Scrapy leaves Crawl-delay alone; it asks here before each request, with the address.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> PacedRobots:
        """As Scrapy builds it."""
        robots = cls(robotstxt_body, crawler.spider)
        robots.crawler = crawler
        return robots

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:
        """Whether ``url`` may be asked for."""
        address = url.decode("latin-1") if isinstance(url, bytes) else url
        agent = user_agent.decode("latin-1") if isinstance(user_agent, bytes) else user_agent
        host, delay = host_of(address), self.rp.crawl_delay(agent)
        if delay and (pace := self.crawler.get_extension(SitePace)) is not None:
            pace.slow_down(host, float(delay))
        return bool(super().allowed(url, user_agent))


class UnreadableRobots:
    """A robots.txt that a shop cannot show just now forbids everything (RFC 9309, 2.3.1.4)."""

    def process_response(self, request: Request, response: Response) -> Response:
        """The response, or one that forbids."""
        is_robots = urlsplit(request.url).path == "/robots.txt"
        if not is_robots or (response.status < 500 and response.status != 429):
            return response
        logger.warning(
            "%s answers %d: until it can be read, nothing may be asked for there",
            request.url,
            response.status,
        )
        return response.replace(body=b"User-agent: *\nDisallow: /\n")


class SitePace(AutoThrottle):  # type: ignore[misc]  # as above
    """AutoThrottle per host, but for loopback and for sites whose ``delay-s`` is given.

    A ``Crawl-delay`` of robots.txt is the least delay of its host, from the first page on.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._least: dict[str, float] = {}
        self._most_s = crawler.settings.getfloat("SHOES_MAX_CRAWL_DELAY")
        slots = crawler.settings.getdict("DOWNLOAD_SLOTS")
        self._given = {host: slot["delay"] for host, slot in slots.items() if slot.get("delay")}
        self._workers = 1
        self._target = crawler.settings.getfloat("AUTOTHROTTLE_TARGET_CONCURRENCY")
        crawler.signals.connect(self._reached, signal=signals.request_reached_downloader)

    def slow_down(self, host: str, delay_s: float) -> None:
        """Let ``host`` rest at least ``delay_s`` between requests; loopback needs no rest."""
        if not is_loopback(host):
            self._least[host] = min(delay_s, self._most_s)

    def share_among(self, workers: int) -> None:
        """Ask so much more slowly that so many workers together ask each host as fast as one would."""
        self._workers, self.target_concurrency = workers, self._target / workers

    def _least_s(self, host: str) -> float:
        return self._least.get(host, 0.0) * self._workers

    def _reached(self, request: Request) -> None:
        host = host_of(request.url)
        slot = self.crawler.engine.downloader.slots.get(host)
        if slot is None:
            return
        site = getattr(self.crawler.spider, "sites", {}).get(request.meta.get("site"))
        if site is not None and site.delay_s and site.owns(request.url):
            self._given[host] = site.delay_s  # also where the shop turned out to live elsewhere
        if host in self._given:
            slot.delay, slot.concurrency = self._given[host] * self._workers, 1
        elif is_loopback(host):  # a site's own, and a host of its pictures there
            slot.delay = 0
        if slot.delay < self._least_s(host):
            slot.delay, slot.concurrency = self._least_s(host), 1

    def _adjust_delay(self, slot: Any, latency: float, response: Response) -> None:
        host = host_of(response.url)
        given = {*self._given, *self.crawler.settings.getdict("DOWNLOAD_SLOTS")}
        if is_loopback(host) or host in given:
            return
        super()._adjust_delay(slot, latency, response)
        slot.delay = max(slot.delay, self._least_s(host))


class RetryAfterMiddleware:
    """Waits as a busy shop (429, 503) asks, within bounds, and asks again; the whole host waits."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._longest_s = crawler.settings.getfloat("SHOES_MAX_RETRY_AFTER")
        self._until: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RetryAfterMiddleware:
        """As Scrapy builds it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Hold the request while its host asked for a pause."""
        host = host_of(request.url)
        while (left_s := self._until.get(host, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(left_s)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """The request again after the pause, or the response when its tries are spent."""
        if response.status not in _BUSY:
            return response
        tries = request.meta.get("retry_times", 0)
        told_s = retry_after_s(response.headers.get("Retry-After"), time.time())
        wait_s = min(self._longest_s, told_s if told_s is not None else 2.0**tries)
        again = get_retry_request(
            request, spider=self._crawler.spider, reason=f"http {response.status}"
        )
        if again is None:
            return response
        host = host_of(request.url)
        self._until[host] = max(self._until.get(host, 0.0), time.monotonic() + wait_s)
        self._crawler.stats.inc_value(f"shoes/waited/{host}")
        return again


def retry_after_s(value: bytes | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; None where it is none.

    >>> retry_after_s(b"120", 0.0), retry_after_s(b"Thu, 01 Jan 1970 00:01:00 GMT", 0.0)
    (120.0, 60.0)
    """
    if not value:
        return None
    text = value.decode("latin-1").strip()
    if text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
