"""The one spider: walks the chosen sites, sitemaps first, and yields an item per product and colourway."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider, DontCloseSpider
from scrapy.http import Response, TextResponse

from catalogue.brand_list import write_brands
from catalogue.brands import brand_slug
from catalogue.errors import CatalogueError
from crawler import conduct, links
from crawler.faults import reason_of
from crawler.frontier import Frontier
from crawler.items import ShoeItem
from crawler.journal import digest
from crawler.judge import refusal
from crawler.listing import to_records
from crawler.manners import Manners
from crawler.readers import read_product
from crawler.report import Report
from crawler.run import Run
from crawler.sites import Site, host_of, is_loopback, read_sites

logger = logging.getLogger(__name__)
ROBOTS = -1
_MAX_DEPTH = 12
_TEMPORARY = (408, 429, 500, 502, 503, 504, 520, 522, 524)


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
        self.frontiers = {name: Frontier() for name in self.sites}
        self.manners = {name: Manners() for name in self.sites}
        self.report = Report()
        self.folder = Path(settings["SHOES_DIR"])
        self.agent = settings["USER_AGENT"].split("/")[0].lower()
        self.outcome: str | None = None
        self.fault: str | None = None
        self._at_once = settings.getint("SHOES_PAGES_AT_ONCE")
        self._asked = dict.fromkeys(self.sites, 0)
        self._items_open = dict.fromkeys(self.sites, 0)
        self._taken = dict.fromkeys(self.sites, 0)
        slots = dict(settings.getdict("DOWNLOAD_SLOTS"))
        for site in sites:
            host = host_of(site.url)
            if is_loopback(host) or site.delay_s is not None:
                slots[host] = {
                    "delay": site.delay_s or 0,
                    "concurrency": 8 if not site.delay_s else 1,
                }
        settings.set("DOWNLOAD_SLOTS", slots, priority="cmdline")
        crawler.signals.connect(self._idle, signal=signals.spider_idle)
        crawler.signals.connect(self._closed, signal=signals.spider_closed)

    # -- beginning -------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Request]:
        """Open the run's files, take up what an unfinished run left, and ask for the first pages."""
        # the address of a shop started here changes with every run
        header = {
            name: [(site.prefix and name) or site.url, list(site.brands), site.limit]
            for name, site in self.sites.items()
        }
        try:
            self.run = Run(self.folder, Path(self.settings["SHOES_STATE_DIR"]), header)
        except CatalogueError as error:
            self.fault = str(error)
            raise CloseSpider("fault") from None
        self.known, self.journal = self.run.known, self.run.journal
        if self.run.is_resumed:
            self._take_up()
        for name, site in self.sites.items():
            root = links.canonical("/", site.url) or site.url
            home = links.canonical(site.url) or site.url
            self._add(name, root.rstrip("/") + "/robots.txt", ROBOTS, 0)
            self._add(name, root.rstrip("/") + "/sitemap.xml", links.SITEMAP, 0)
            self._add(name, home, links.SITEMAP if _is_sitemap(site.url) else links.PRODUCT, 0)
            self._add(name, root, links.LISTING, 0)
        self.pump()
        return
        yield  # makes this an asynchronous generator; pump asks for the pages

    def _take_up(self) -> None:
        for name, count in self.run.items.items():
            if name in self.sites:
                self._taken[name] = self.report.products[name] = count
        for name, url, kind, depth in self.journal.known_links():
            if name in self.sites:
                self._add(name, self.sites[name].resolve(url), kind, depth)
        logger.info(
            "going on with an unfinished run: %d products are there", sum(self.run.items.values())
        )

    # -- asking ----------------------------------------------------------------------------------

    def _add(self, name: str, url: str, kind: int, depth: int, parent: str = "") -> bool:
        site = self.sites[name]
        return site.owns(url) and self.frontiers[name].add(site.record(url), kind, depth, parent)

    def pump(self) -> None:
        """Ask for more pages as long as few are under way and few items wait for pictures."""
        engine = self.crawler.engine
        if engine is None or not engine.running:
            return
        for name in self.sites:
            while self._asked[name] + self._items_open[name] < self._at_once:
                request = self._next(name)
                if request is None:
                    break
                self._asked[name] += 1
                engine.crawl(request)

    def _next(self, name: str) -> Request | None:
        site, frontier, manners = self.sites[name], self.frontiers[name], self.manners[name]
        if site.refusing or self._is_full(name):
            frontier.clear()
        while (entry := frontier.pop()) is not None:
            recorded, kind, depth, parent = entry
            if self.journal is not None and self._is_done(name, recorded):
                continue
            url = site.resolve(recorded)
            if kind > links.SITEMAP and depth > 0 and manners.traps.is_trap(url):
                self.report.refuse(name, "endless pages")
                continue
            if self.report.pages[name] + self._asked[name] >= site.max_pages:
                self.report.note(
                    name, f"stopped at {site.max_pages} pages (max-pages); some were not read"
                )
                manners.is_cut = True
                frontier.clear()
                return None
            meta = {"site": name, "is_start": depth == 0}
            if kind == ROBOTS:
                meta["dont_obey_robotstxt"] = True
            arguments = {
                "name": name,
                "asked": recorded,
                "kind": kind,
                "depth": depth,
                "parent": parent,
            }
            return Request(
                url,
                self.on_page,
                errback=self.on_error,
                cb_kwargs=arguments,
                meta=meta,
                dont_filter=True,
                priority=-kind,
            )
        return None

    def _is_done(self, name: str, recorded: str) -> bool:
        return digest(name, recorded) in self.journal.done

    def _is_full(self, name: str) -> bool:
        limit = self.sites[name].limit
        return limit is not None and self._taken[name] >= limit

    def _idle(self) -> None:
        if any(len(frontier) for frontier in self.frontiers.values()) and self.outcome is None:
            self._asked = dict.fromkeys(self.sites, 0)
            self.pump()
            if any(self._asked.values()):
                raise DontCloseSpider

    # -- answers ---------------------------------------------------------------------------------

    def on_error(self, failure: Any) -> None:
        """A page could not be had: counted with its reason; it is tried again by the next run."""
        told = failure.request.cb_kwargs
        name, reason = told["name"], reason_of(failure.value)
        self._asked[name] -= 1
        site = self.sites[name]
        if (told["kind"] != ROBOTS and told["depth"] + told["kind"] > 0) or told["kind"] > 0:
            self.report.refuse(name, reason)
        if reason in ("robots.txt", "redirect loop", "another site", "private address"):
            self.journal.add_page(name, told["asked"], reason)
        else:
            self._note_failed(site, told["asked"])
        if told["depth"] == 0 and told["kind"] == links.PRODUCT:
            self.report.note(name, f"the first page {site.url} could not be read: {reason}")
        self.pump()

    def _note_failed(self, site: Site, recorded: str) -> None:
        self.run.failed.add(digest(site.name, recorded))

    def on_page(
        self, response: Response, name: str, asked: str, kind: int, depth: int, parent: str
    ) -> Iterator[ShoeItem]:
        """Items of a page; its links join the queue. Whatever a page holds, the crawl goes on."""
        self._asked[name] -= 1
        self.report.page(name)
        try:
            yield from self._read(response, self.sites[name], asked, kind, depth, parent)
        except Exception as error:  # noqa: BLE001 - one page must never stop a crawl
            logger.warning(
                "%s: page not understood (%s: %.200s)", asked, type(error).__name__, error
            )
            self.report.refuse(name, f"error ({type(error).__name__})")
            self.journal.add_page(name, asked, "error")
        finally:
            self.pump()

    def _read(
        self, response: Response, site: Site, asked: str, kind: int, depth: int, parent: str
    ) -> Iterator[ShoeItem]:
        name = site.name
        is_extra = kind == ROBOTS or (kind == links.SITEMAP and depth == 0)
        refusing = self.manners[name].answered(response, is_extra)
        if refusing and not site.refusing:
            site.refusing = refusing
            self.report.note(name, f"the shop refuses ({refusing}); it is left alone")
        if kind == ROBOTS:
            if response.status == 200:
                for url in links.sitemaps_of_robots(response.body):
                    self._add(name, _absolute(url, response.url), links.SITEMAP, 0)
            return
        if response.status != 200:
            reason = f"http {response.status}"
            if not is_extra:
                self.report.refuse(name, reason)
            if response.status in _TEMPORARY:
                self._note_failed(site, asked)
            elif not refusing:
                self.journal.add_page(name, asked, reason)
            return
        if kind == links.SITEMAP or not isinstance(response, TextResponse) or _is_xml(response):
            self._read_sitemap(response, site, asked, depth, is_extra)
            return
        yield from self._read_html(response, site, asked, depth, parent)

    def _read_sitemap(
        self, response: Response, site: Site, asked: str, depth: int, is_extra: bool
    ) -> None:
        found, urls = links.of_sitemap(response.body)
        if found == "none":
            if not is_extra:
                self.report.refuse(site.name, "not a page")
            self.journal.add_page(site.name, asked, "not a page")
            return
        fresh = []
        for url in urls:
            if found == "index":
                address, kind = _absolute(url, response.url), links.SITEMAP
            else:
                address, kind = links.canonical(url, response.url) or "", links.kind_of(url)
                kind = links.PRODUCT if kind == links.OTHER else kind
            if address and depth < _MAX_DEPTH and self._add(site.name, address, kind, depth + 1):
                fresh.append((site.record(address), kind, depth + 1))
        self.journal.add_links(site.name, fresh)
        self.journal.add_page(site.name, asked, "sitemap")

    def _read_html(
        self, response: TextResponse, site: Site, asked: str, depth: int, parent: str
    ) -> Iterator[ShoeItem]:
        name, manners = site.name, self.manners[site.name]
        page = links.page_of(response.url, response.text)
        directives = conduct.of_headers(response.headers, self.agent) | conduct.of_page(
            page, self.agent
        )
        final = links.canonical(response.url) or response.url
        if (
            site.record(final) != asked
            and not self.frontiers[name].mark(site.record(final))
            and depth > 0
        ):
            self.report.refuse(name, "duplicate address")
            self.journal.add_page(name, asked, "duplicate address")
            return
        shown = list(links.of_page(page))
        if "nofollow" not in directives:
            self._follow(shown, site, final, depth)
        claim, crumbs, is_told = read_product(page)
        if claim is not None and "nofollow" not in directives:
            own_pages = [links.canonical(entry.url) for entry in claim.variants if entry.url]
            self._follow([(url, links.PRODUCT) for url in own_pages if url], site, final, depth)
        reason = "noindex" if "noindex" in directives else refusal(page, claim, crumbs, is_told)
        is_product = reason is None or reason.startswith("not a shoe")
        manners.saw(final, is_product, parent, [address for address, _ in shown])
        own = links.canonical_link(page)
        url = site.record(
            own if own and site.owns(own) and is_product and reason is None else final
        )
        records = [] if reason or claim is None else to_records(claim, crumbs, page)
        if reason is None and not records:
            reason = "variants have pages of their own"
        wanted = [
            entry
            for entry in records
            if not site.brands or brand_slug(entry[0]["brand_text"]) in site.brands
        ]
        if reason is None and not wanted:
            reason = "another brand"
        if reason is None and not self._claim_url(site, url):
            reason = "duplicate address"
        if reason is None and self._is_full(name):
            return
        if reason is not None:
            self.report.refuse(name, reason)
            self.journal.add_page(name, asked, reason)
            return
        limit = site.limit
        wanted = wanted if limit is None else wanted[: limit - self._taken[name]]
        barred = conduct.barring(directives)
        for part, (fields, pictures) in enumerate(wanted):
            self._taken[name] += 1
            self._items_open[name] += 1
            head = {"site": name, "url": url}
            record = head | fields | {"fetched_at": datetime.now(UTC).isoformat(timespec="seconds")}
            yield ShoeItem(name, asked, part, len(wanted), record, pictures, barred)

    def _claim_url(self, site: Site, url: str) -> bool:
        key = digest(site.name, url)
        if key in self.journal.urls:
            return False
        self.journal.urls.add(key)
        return True

    def _follow(self, shown: list[tuple[str, int]], site: Site, final: str, depth: int) -> None:
        fresh = []
        parent = links.shape(final)
        for address, kind in shown:
            deeper = (
                depth
                if kind == links.LISTING and links.shape(address) == parent and depth
                else depth + 1
            )
            if deeper <= _MAX_DEPTH and self._add(site.name, address, kind, deeper, parent):
                fresh.append((site.record(address), kind, deeper))
        self.journal.add_links(site.name, fresh)

    # -- items and the end -----------------------------------------------------------------------

    def write_item(self, item: ShoeItem, record: dict[str, Any]) -> None:
        """An item's pictures are settled: it goes into the journal."""
        self.run.write_item(item.page, item.part, item.parts, record)
        self.report.product(item.site)

    def item_left(self, item: ShoeItem) -> None:
        """An item left the pipeline, written or not."""
        self._items_open[item.site] -= 1
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
        total, vanished, suspicious = self.run.close(is_finished, whole if is_finished else [])
        for name in suspicious:
            self.report.note(
                name,
                "fewer than half of its known products were seen; none was taken out of the feed",
            )
        if vanished:
            self.report.note(
                next(iter(self.sites)),
                f"{len(vanished)} products are no longer shown and were taken out",
            )
        found = sum(self.report.products.values())
        if found:
            try:
                write_brands(
                    self.run.feed,
                    Path(self.settings["SHOES_PARAMS"]),
                    Path(self.settings["SHOES_BRANDS"]),
                )
            except CatalogueError as error:
                self.report.note(next(iter(self.sites)), str(error))
        self.outcome = "empty" if not found else "finished" if is_finished else "stopped"
        self.report.write(self.run.state / "report.json", list(self.sites), self.outcome)
        self._total = total

    def closing_words(self) -> str:
        """The table and what to do next."""
        table = self.report.table(list(self.sites))
        if self.outcome == "empty":
            return f"{table}\nNO PRODUCT WAS FOUND; {self.run.feed} was left as it was. The reasons are above."
        next_step = (
            "next: dvc repro" if self.outcome == "finished" else "stopped; the same command goes on"
        )
        return f"{table}\n{self._total} products in {self.run.feed}; {next_step}"

    def exit_code(self) -> int:
        """0 for a crawl with products, 1 for one without, 130 for one that was stopped."""
        return {"finished": 0, "stopped": 130}.get(self.outcome or "", 1)


def _absolute(url: str, base: str) -> str:
    try:
        return urljoin(base, url.strip())
    except ValueError:
        return ""


def _is_sitemap(url: str) -> bool:
    return url.lower().split("?")[0].endswith((".xml", ".xml.gz"))


def _is_xml(response: TextResponse) -> bool:
    head = response.body[:300].lstrip(b"\xef\xbb\xbf \r\n\t")
    return head.startswith(b"\x1f\x8b") or b"<urlset" in head or b"<sitemapindex" in head
