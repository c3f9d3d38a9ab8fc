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
from crawler import browser
from crawler.asking import Asked, Asking
from crawler.faults import UNREACHABLE, reason_of
from crawler.items import ShoeItem
from crawler.journal import digest
from crawler.manners import Manners
from crawler.reading import Reading
from crawler.report import Report
from crawler.run import Run
from crawler.site import Site, host_of, is_loopback
from crawler.site_list import read_sites

logger = logging.getLogger(__name__)


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
            name: [(site.prefix and name) or site.url, list(site.brands), site.limit]
            for name, site in self.sites.items()
        }
        try:
            self.run = Run(self.folder, Path(self.settings["SHOES_STATE_DIR"]), header)
        except (CatalogueError, OSError) as error:
            self.fault = str(error)
            raise CloseSpider("fault") from None
        self.known, self.journal = self.run.known, self.run.journal
        self.reading = Reading(self.asking, self.run, self.agent, self.browser_missing)
        self.asking.begin(self.run)
        if self.run.is_resumed:
            count = sum(self.run.items.values())
            logger.info("going on with an unfinished run: %d products are there", count)
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
        if self.outcome is None and hasattr(self, "reading"):
            self.reading.hollows.decide_all()
        if self.outcome is None and self.asking.forget_lost():
            engine, asked = self.crawler.engine, 0
            for request in self.asking.requests(self.on_page, self.on_error):
                engine.crawl(request)
                asked += 1
            if asked:
                raise DontCloseSpider

    def on_page(self, response: Response, asked: Asked) -> Iterator[ShoeItem]:
        """Items of a page; its links join the queue. Whatever a page holds, the crawl goes on."""
        name = asked.site.name
        self.asking.answered(name)
        self.report.page(name)
        try:
            yield from self.reading.read(response, asked)
        except Exception as error:  # noqa: BLE001 - one page must never stop a crawl
            logger.warning(
                "%s: page not understood (%s: %.200s)", asked.url, type(error).__name__, error
            )
            self.report.refuse(name, f"error ({type(error).__name__})")
            self.journal.add_page(name, asked.url, "error")
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
        else:
            self.run.failed.add(digest(name, asked.url))
        if asked.is_start:
            remedy = ". Check the address, and whether a browser shows it" * (reason in UNREACHABLE)
            told = f"the first page {asked.site.url} could not be read: {reason}{remedy}"
            self.report.note(name, told)
        self.pump()

    # -- items and the end -----------------------------------------------------------------------

    def write_item(self, item: ShoeItem, record: dict[str, Any]) -> None:
        """An item's pictures are settled: it goes into the journal."""
        self.run.write_item(item.page, item.part, item.parts, record)
        self.report.product(item.site)

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
        is_finished = reason == "finished"
        whole = [
            n
            for n, s in self.sites.items()
            if not (s.is_partial or s.refusing or self.manners[n].is_cut)
        ]
        least = self.settings.getfloat("SHOES_LEAST_SHARE")
        total, vanished, self.fallen = self.run.close(is_finished, whole, least)
        if vanished:
            self.report.note(
                next(iter(self.sites)),
                f"{len(vanished)} products are no longer shown and were taken out",
            )
        for name, site in self.sites.items():
            told = self.report.missed_brands(name, site.brands)
            if told and not (self.run.is_resumed or self.asking.is_full(name)):
                self.report.note(name, told)
        found = sum(self.report.products.values())
        if found:
            params, brands = (Path(self.settings[key]) for key in ("SHOES_PARAMS", "SHOES_BRANDS"))
            try:
                write_brands(self.run.feed, params, brands)
            except (CatalogueError, OSError) as error:
                self.unlisted = str(error)
        self.outcome = "empty" if not found else "finished" if is_finished else "stopped"
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
            next_step = "stopped; the same command goes on"
        elif self.outcome == "fallen":
            told = "; ".join(f"{site}: {what}" for site, what in self.fallen.items())
            next_step = (
                f"COVERAGE FELL: {told}. What the feed has of them was kept. Did the shop change its "
                "pages? `solemap probe URL` shows what is read. If it is right, accept it: "
                "-s SHOES_LEAST_SHARE=0"
            )
        elif self.unlisted:
            next_step = f"not ready for `dvc repro`: {self.unlisted}"
        else:
            next_step = "next: dvc repro"
        return f"{table}\n{self._total} products in {feed}; {next_step}"

    def exit_code(self) -> int:
        """0 for a crawl with products, 1 for one without, 3 for too few, 130 for a stopped one."""
        return {"finished": 0, "fallen": 3, "stopped": 130}.get(self.outcome or "", 1)
