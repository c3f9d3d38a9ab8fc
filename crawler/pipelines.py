"""Item pipelines: fetch an item's pictures, then write the item to the journal.

Scrapy's own media pipeline keeps every result for the whole run and re-encodes; this one keeps
nothing. A picture goes through the same downloader (robots, pace, retries) as a page.
"""

from __future__ import annotations

import asyncio
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem, IgnoreRequest, StopDownload
from scrapy.http import Headers, Request, Response
from scrapy.http.request import NO_CALLBACK

from crawler import conduct, store
from crawler.faults import reason_of
from crawler.items import PictureClaim, ShoeItem
from crawler.originals import Originals
from crawler.pictures import named_width

_NOTHING = {
    "sha256": None,
    "path": None,
    "width_px": None,
    "height_px": None,
    "bytes": None,
    "content_type": None,
}
_TRIES = 4  # addresses of one picture that are tried before it counts as failed


class PicturesPipeline:
    """Every picture of an item is fetched, or known already, or has its reason."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._free = asyncio.Semaphore(crawler.settings.getint("SHOES_PICTURES_AT_ONCE"))
        self._running: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._originals = Originals()
        crawler.signals.connect(self._headers_received, signal=signals.headers_received)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PicturesPipeline:
        """As Scrapy builds it."""
        return cls(crawler)

    async def process_item(self, item: ShoeItem) -> ShoeItem:
        """The item with its ``images``, and its line in the journal.

        Raises:
            DropItem: the run is being stopped; the page is read again by the next one.
        """
        spider = self._crawler.spider
        try:
            tasks = [self._picture(item, claim, place) for place, claim in enumerate(item.pictures)]
            images = await asyncio.gather(*tasks, return_exceptions=True)
            if stopped := next(
                (image for image in images if isinstance(image, BaseException)), None
            ):
                raise stopped
            record = {**item.record, "images": images}
            spider.write_item(item, record)
            return item
        finally:
            spider.item_left(item)

    async def _picture(self, item: ShoeItem, claim: PictureClaim, place: int) -> dict[str, Any]:
        spider = self._crawler.spider
        site = spider.sites[item.site]
        told = list(dict.fromkeys(claim.urls))
        for url in told:
            if known := spider.known.find(site.record(url)):
                return self._entry(
                    item,
                    site.record(url),
                    claim,
                    place,
                    {**known, "status": "cached", "reason": None},
                )
        if item.barred:
            facts = {**_NOTHING, "status": "rejected", "reason": item.barred}
            return self._entry(item, site.record(told[0]), claim, place, facts)
        guess = await self._originals.guess(told)
        if guess:
            best: tuple[str, dict[str, Any]] = (guess, _NOTHING)
            try:
                best = await self._larger(site.name, guess, told[0], claim.is_loose)
            finally:
                is_right = best[0] == guess and best[1]["sha256"] is not None
                self._originals.learn(guess, is_right)
            if best[1]["sha256"]:
                return self._entry(item, site.record(best[0]), claim, place, best[1])
        result: dict[str, Any] | None = None
        for url in told[:_TRIES]:
            facts = await self._shared(site.name, url, claim.is_loose)
            if facts["sha256"]:
                return self._entry(item, site.record(url), claim, place, facts)
            result = result or facts
        return self._entry(item, site.record(told[0]), claim, place, result or {})

    async def _larger(
        self, site: str, guess: str, told: str, is_loose: bool
    ) -> tuple[str, dict[str, Any]]:
        """The picture at ``guess``, unless that is smaller than ``told`` says it is itself.

        Some hosts answer an address without a size with a small default.
        """
        found = await self._shared(site, guess, is_loose)
        is_whole = (found["width_px"] or 0) >= named_width(told)
        if is_whole or not found["sha256"] or self._originals.is_proven(guess):
            return guess, found
        other = await self._shared(site, told, is_loose)
        is_larger = other["sha256"] and (other["width_px"] or 0) > (found["width_px"] or 0)
        return (told, other) if is_larger else (guess, found)

    def _entry(
        self, item: ShoeItem, url: str, claim: PictureClaim, place: int, facts: dict[str, Any]
    ) -> dict[str, Any]:
        self._crawler.spider.report.picture(item.site, facts["status"], facts["reason"])
        told = {
            "url": url,
            "alt": claim.alt,
            "position": place,
            "status": facts["status"],
            "reason": facts["reason"],
        }
        return told | {key: facts[key] for key in _NOTHING}

    async def _shared(self, site: str, url: str, is_loose: bool) -> dict[str, Any]:
        """The facts of a picture, fetched once although several items ask for it at the same time."""
        if url in self._running:
            return await asyncio.shield(self._running[url])
        task = asyncio.ensure_future(self._fetched(site, url, is_loose))
        self._running[url] = task
        try:
            return await asyncio.shield(task)
        finally:
            self._running.pop(url, None)

    async def _fetched(self, site: str, url: str, is_loose: bool) -> dict[str, Any]:
        spider = self._crawler.spider
        recorded = spider.sites[site].record(url)
        if known := spider.known.find(recorded):
            return {**known, "status": "cached", "reason": None}
        async with self._free:
            if not self._crawler.engine.running:
                raise DropItem("the run is being stopped")
            meta = {
                "site": site,
                "is_picture": True,
                "max_retry_times": 4,
            }
            request = Request(url, callback=NO_CALLBACK, meta=meta, dont_filter=True, priority=10)
            try:
                response = await self._crawler.engine.download_async(request)
            except Exception as error:  # noqa: BLE001 - whatever a picture does, the crawl goes on
                is_refused = isinstance(error, IgnoreRequest)
                status = "rejected" if is_refused else "failed"
                return {**_NOTHING, "status": status, "reason": reason_of(error)}
        facts = await self._kept(response, is_loose)
        if facts["sha256"]:
            line = {key: facts[key] for key in _NOTHING} | {"url": recorded}
            spider.known.add(recorded, *spider.journal.add_picture(line))
        return facts

    async def _kept(self, response: Response, is_loose: bool) -> dict[str, Any]:
        if response.status != 200:
            return {**_NOTHING, "status": "failed", "reason": f"http {response.status}"}
        directives = conduct.of_headers(response.headers, self._crawler.spider.agent)
        if barred := conduct.barring(directives) or (
            "noindex" if "noindex" in directives else None
        ):
            return {**_NOTHING, "status": "rejected", "reason": barred}
        return await asyncio.to_thread(
            store.keep, self._crawler.spider.folder, response.body, is_loose
        )

    def _headers_received(
        self, headers: Headers, body_length: int | None, request: Request
    ) -> None:
        """Stop a picture's download before its body where its headers forbid to take it."""
        if request.meta.get("is_picture"):
            directives = conduct.of_headers(headers, self._crawler.spider.agent)
            if conduct.barring(directives) or "noindex" in directives:
                raise StopDownload(fail=False)
