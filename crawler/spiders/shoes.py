"""The one spider: asks for the pages of the chosen sites and closes the run.

What to ask is `crawler.asking`, what an answer gives is `crawler.reading`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DontCloseSpider
from scrapy.http import Response
from scrapy.settings import BaseSettings

from catalogue.brand_list import write_brands
from catalogue.errors import CatalogueError
from crawler import browser, links
from crawler.asking import Asked, Asking
from crawler.faults import UNREACHABLE, reason_of
from crawler.items import ShoeItem
from crawler.journal import digest
from crawler.manners import Manners
from crawler.reading import Reading
from crawler.report import Report
from crawler.run import Run
from crawler.shared import LostCrawl, SharedCrawl
from crawler.site import Site, host_of, is_loopback
from crawler.site_list import read_sites
from crawler.worker import Worker

logger = logging.getLogger(__name__)
_NO_SWITCH = "several workers do not switch by themselves: set `browser: true` for the site"


class ShoesSpider(Spider):  # type: ignore[misc]  # scrapy is untyped here
    """Shops in, items out; `crawler.run.Run` remembers, `crawler.report.Report` counts."""

    name = "shoes"

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> ShoesSpider:
        """Read the sites and set each one's pace, before Scrapy reads its settings."""
        spider: ShoesSpider = super().from_crawler(crawler, *args, **kwargs)
        settings = crawler.settings
        found = settings.get("SHOES_SITES") or read_sites(Path(settings["SHOES_PARAMS"]), kwargs)
        spider.prepare(found, crawler)
        return spider

    def prepare(self, sites: list[Site], crawler: Crawler) -> None:
        """Set up what the crawl needs; nothing is fetched or written yet."""
        settings = crawler.settings
        self.sites = {site.name: site for site in sites}
        self.report = Report()
        self.manners = {name: Manners() for name in self.sites}
        at_once = settings.getint("SHOES_PAGES_AT_ONCE")
        self.asking = Asking(self.sites, self.manners, self.report, at_once)
        self.frontiers = self.asking.frontiers
        self.folder = Path(settings["SHOES_DIR"])
        self.agent = settings["USER_AGENT"].split("/")[0].lower()
        self.outcome: str | None = None
        self.fault: str | None = None  # why the run did not begin
        self.fallen: dict[str, str] = {}  # sites that gave too little to be believed
        self.unlisted: str | None = None  # why brands.yaml was not written
        self.worker: Worker | None = None  # our part where several workers share the crawl
        slots = dict(settings.getdict("DOWNLOAD_SLOTS"))
        for site in sites:
            host = host_of(site.url)
            if is_loopback(host) or site.delay_s is not None:
                concurrency = 8 if not site.delay_s else 1
                slots[host] = {"delay": site.delay_s or 0, "concurrency": concurrency}
        settings.set("DOWNLOAD_SLOTS", slots, priority="cmdline")
        self.browser_missing = self._find_browser(sites, settings)
        crawler.signals.connect(self._idle, signal=signals.spider_idle)
        crawler.signals.connect(self._closed, signal=signals.spider_closed)

    @staticmethod
    def _find_browser(sites: list[Site], settings: BaseSettings) -> str | None:
        """Make ready to render pages; what is missing for that."""
        if all(site.browser is False for site in sites):
            return None
        missing = browser.why_missing(settings)
        if missing is None:
            browser.set_up(settings)
        return missing

    # -- pages -----------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Request]:
        """Open the run's files, take up what an unfinished run left, and ask for the first pages."""
        # the address of a shop started here changes with every run
        header = {
            name: [(site.prefix and name) or ",".join(site.starts), list(site.brands), site.limit]
            for name, site in self.sites.items()
        }
        url, lease_s = self.settings["SHOES_REDIS"], self.settings.getint("SHOES_REDIS_LEASE")
        try:
            shared = SharedCrawl(url, header, lease_s) if url else None
            state = Path(self.settings["SHOES_STATE_DIR"])
            self.run = Run(self.folder, state, header, shared.join if shared else None)
        except (CatalogueError, OSError) as error:
            self.fault = str(error)
            raise CloseSpider("fault") from None
        self.known, self.journal = self.run.known, self.run.journal
        missing = _NO_SWITCH if self.settings["SHOES_REDIS"] else self.browser_missing
        self.reading = Reading(self.asking, self.run, self.agent, missing)
        if self.run.is_resumed:
            count = sum(self.run.items.values())
            logger.info("going on with an unfinished run: %d products are there", count)
        try:
            if shared is not None:
                self.worker = Worker(shared, self.asking, self.run, self.crawler, lease_s)
                self.worker.start(self.pump)
            self.asking.begin(self.run)
        except LostCrawl:
            return
        self.pump()
        return
        yield  # makes this an asynchronous generator; pump asks for the pages

    def pump(self) -> None:
        """Ask for more pages where there is room."""
        engine = self.crawler.engine
        if engine is not None and engine.running:
            for request in self.asking.requests(self.on_page, self.on_error):
                engine.crawl(request)

    def _idle(self) -> None:
        if self.outcome is not None:
            return
        if hasattr(self, "reading"):
            self.reading.hollows.decide_all()
        if self.worker is not None:
            self.worker.give_back_lost()
        elif hasattr(self, "reading"):
            self._ask_after()
        if self.asking.forget_lost():
            engine, asked = self.crawler.engine, 0
            for request in self.asking.requests(self.on_page, self.on_error):
                engine.crawl(request)
                asked += 1
            if asked:
                raise DontCloseSpider
        if self.worker is not None and self.worker.must_wait():
            raise DontCloseSpider

    def _ask_after(self) -> None:
        """Where a listing was missed, the known products that no other page led to are asked for."""
        least = self.settings.getfloat("SHOES_LEAST_SHARE")
        if any(len(frontier) for frontier in self.frontiers.values()):
            return
        for name in sorted(self.run.torn.intersection(self._whole_sites()) - self.run.asked_after):
            urls, resolve = self.run.ask_after(name, least), self.sites[name].resolve
            entries = [(resolve(url), links.PRODUCT, 0, "") for url in urls]
            queued = {url for url, *_ in self.asking.add_all(name, entries)}
            for url in urls:
                if url not in queued and digest(name, url) not in self.journal.done:
                    self.run.miss(name, url, True)

    def _whole_sites(self) -> list[str]:
        """Sites of which all is looked at, so that what was not seen is not there."""
        return [
            name
            for name, site in self.sites.items()
            if not (site.is_partial or site.refusing or self.manners[name].is_cut)
        ]

    def on_page(self, response: Response, asked: Asked) -> Iterator[ShoeItem]:
        """Items of a page; its links join the queue. Whatever a page holds, the crawl goes on."""
        name, is_empty = asked.site.name, True
        self.asking.answered(name)
        self.report.page(name)
        try:
            for item in self.reading.read(response, asked):
                is_empty = False
                yield item
            if is_empty:
                self.asking.settled(name, asked.url)
        except LostCrawl:
            logger.debug("%s: read again by another worker", asked.url)
        except Exception as error:  # noqa: BLE001 - one page must never stop a crawl
            logger.warning(
                "%s: page not understood (%s: %.200s)", asked.url, type(error).__name__, error
            )
            self.report.refuse(name, f"error ({type(error).__name__})")
            self.run.miss(name, asked.url, asked.is_product)
            self.asking.settled(name, asked.url)
        finally:
            self.pump()

    def on_error(self, failure: Any) -> None:
        """A page could not be had: counted with its reason; it is tried again by the next run."""
        asked: Asked = failure.request.cb_kwargs["asked"]
        name, reason = asked.site.name, reason_of(failure.value)
        self.asking.answered(name)
        if not asked.is_extra:
            self.report.refuse(name, reason)
        if reason in ("robots.txt", "redirect loop", "another site", "private address"):
            self.journal.add_page(name, asked.url, reason)
            if name in self.run.asked_after:  # no answer says that the product is gone
                self.run.miss(name, asked.url, True)
        else:
            self.run.miss(name, asked.url, asked.is_product)
        if asked.is_start:
            remedy = ". Check the address, and whether a browser shows it" * (reason in UNREACHABLE)
            url = asked.site.resolve(asked.url)
            told = f"the first page {url} could not be read: {reason}{remedy}"
            self.report.note(name, told)
        self.asking.settled(name, asked.url)
        self.pump()

    # -- items and the end -----------------------------------------------------------------------

    def write_item(self, item: ShoeItem, record: dict[str, Any]) -> None:
        """An item's pictures are settled: it goes into the journal."""
        self.run.write_item(item.page, item.part, item.parts, record)
        self.report.product(item.site)
        self.asking.written(item)

    def item_left(self, item: ShoeItem) -> None:
        """An item left the pipeline, written or not."""
        self.asking.item_left(item.site)
        self.pump()

    def merge_now_and_then(self) -> None:
        """See `crawler.run.Run`."""
        self.run.merge_now_and_then()

    def _closed(self, reason: str) -> None:
        if getattr(self, "run", None) is None:
            return
        shared = self.worker.shared if self.worker is not None else None
        is_finished = reason == "finished" and (shared is None or shared.is_over)
        whole = self._whole_sites() if shared is None else []
        least = self.settings.getfloat("SHOES_LEAST_SHARE")
        total, vanished, self.fallen = self.run.close(is_finished, whole, least)
        for name in sorted(self.run.torn.intersection(whole) - self.run.asked_after):
            why = "pages that lead to products could not be read, so none is taken for vanished"
            self.report.note(name, why)
        if vanished:
            self.report.note(
                next(iter(self.sites)),
                f"{len(vanished)} products are no longer shown and were taken out",
            )
        if self.worker is not None:
            self.worker.stop()
        for name, site in self.sites.items() if shared is None else ():
            told = self.report.missed_brands(name, site.brands)
            if told and not (self.run.is_resumed or self.asking.is_full(name)):
                self.report.note(name, told)
        found = sum(self.report.products.values())
        if shared is not None and is_finished:
            found = max(found, shared.products)
        elif found and shared is None:
            params, brands = (Path(self.settings[key]) for key in ("SHOES_PARAMS", "SHOES_BRANDS"))
            try:
                write_brands(self.run.feed, params, brands)
            except (CatalogueError, OSError) as error:
                self.unlisted = str(error)
        is_empty = not found and (shared is None or is_finished)
        self.outcome = "empty" if is_empty else "finished" if is_finished else "stopped"
        if self.fallen and self.outcome == "finished":
            self.outcome = "fallen"
        self.report.write(self.run.state / "report.json", list(self.sites), self.outcome)
        self._total = total

    def closing_words(self) -> str:
        """The table and what to do next."""
        table, feed = self.report.table(list(self.sites)), self.run.feed
        if self.outcome == "empty":
            held = f"{feed} was left as it was" if feed.exists() else f"there is no {feed} yet"
            return f"{table}\nNO PRODUCT WAS FOUND; {held}. The reasons are above."
        if self.outcome == "stopped":
            lost = self.worker and self.worker.shared.lost
            next_step = f"stopped{f' ({lost})' if lost else ''}; the same command goes on"
        elif self.outcome == "fallen":
            told = "; ".join(f"{site}: {what}" for site, what in self.fallen.items())
            next_step = (
                f"COVERAGE FELL: {told}. What the feed has of them was kept. Did the shop change its "
                "pages? `solemap probe URL` shows what is read. If it is right, accept it: "
                "-s SHOES_LEAST_SHARE=0"
            )
        elif self.worker is not None:
            next_step = self.worker.next_step(self.folder)
        elif self.unlisted:
            next_step = f"not ready for `dvc repro`: {self.unlisted}"
        else:
            next_step = "next: dvc repro"
        return f"{table}\n{self._total} products in {feed}; {next_step}"

    def exit_code(self) -> int:
        """0 for products, 1 for none or a lost Redis, 3 for too few, 130 for a stopped crawl."""
        if self.worker is not None and self.worker.shared.lost:
            return 1
        return {"finished": 0, "fallen": 3, "stopped": 130}.get(self.outcome or "", 1)
