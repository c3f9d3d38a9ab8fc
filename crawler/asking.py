"""Which page is asked for next: each site's queue, bounded by what is under way and by its budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scrapy import Request

from crawler import links
from crawler.browser import FLAG, PAGES_AT_ONCE
from crawler.frontier import Entry, Frontier
from crawler.items import ShoeItem
from crawler.journal import digest
from crawler.manners import Manners
from crawler.report import Report
from crawler.run import Run
from crawler.shared import SharedCrawl, SharedFrontier
from crawler.site import Site

ROBOTS = -1
MAX_DEPTH = 12


@dataclass(frozen=True)
class Asked:
    """A page that was asked for; ``url`` is its recorded address, the journal's key."""

    site: Site
    url: str
    kind: int
    depth: int
    parent: str  # the shape of the page that led here

    @property
    def is_start(self) -> bool:
        """Whether the user named this page; it alone may tell that the shop lives elsewhere."""
        return self.url in [self.site.record(_start_of(url)) for url in self.site.starts]

    @property
    def is_product(self) -> bool:
        """Whether it seems to be one product's page, which alone is missed with it; a first page may be anything."""
        return self.kind == links.PRODUCT and not self.is_start

    @property
    def is_extra(self) -> bool:
        """Whether the shop need not have it: robots.txt, and lists for machines that we guessed."""
        is_list = self.kind == links.SITEMAP and self.depth == 0
        return (self.kind == ROBOTS or is_list) and not self.is_start


class Asking:
    """The queues of all sites."""

    def __init__(
        self, sites: dict[str, Site], manners: dict[str, Manners], report: Report, at_once: int
    ) -> None:
        self.sites, self.manners, self.report = sites, manners, report
        self.frontiers = {name: Frontier() for name in sites}
        self._at_once = at_once
        self._under_way = dict.fromkeys(sites, 0)
        self._items_open = dict.fromkeys(sites, 0)
        self._parts_written: dict[tuple[str, str], int] = {}  # of pages with several items

    def share(self, crawl: SharedCrawl) -> None:
        """Take the queues from a crawl of several workers; before `begin`."""
        for name, site in self.sites.items():
            self.frontiers[name] = SharedFrontier(crawl, site, self.report.note)

    def begin(self, run: Run) -> None:
        """Queue each site's first pages, after what an unfinished run left."""
        self._run = run
        if run.is_resumed:
            self._take_up()
        for name, site in self.sites.items():
            root = _root_of(site.url)
            self._add_extras(name, root)
            for url in site.starts:
                kind = links.SITEMAP if _is_sitemap(url) else links.PRODUCT
                self.add(name, _start_of(url), kind, 0)
            self.add(name, root, links.LISTING, 0)

    def _add_extras(self, name: str, root: str) -> None:
        self.add(name, root.rstrip("/") + "/robots.txt", ROBOTS, 0)
        self.add(name, root.rstrip("/") + "/sitemap.xml", links.SITEMAP, 0)

    def _take_up(self) -> None:
        for name, count in self._run.items.items():
            if name in self.sites:
                self.report.products[name] = count
                self.frontiers[name].take("", count, None)
        for name, root in self._run.journal.known_homes():
            if name in self.sites:
                self._settle(name, root)
        waiting: dict[str, list[Entry]] = {name: [] for name in self.sites}
        for name, url, kind, depth in self._run.journal.known_links():
            if name in self.sites:
                waiting[name].append((self.sites[name].resolve(url), kind, depth, ""))
        for name, entries in waiting.items():
            self.add_all(name, entries)

    def came_from(self, asked: Asked, url: str) -> None:
        """A page came, perhaps redirected to ``url``; where the user's own page did, the shop lives there."""
        if asked.is_start and not asked.site.owns(url):
            self._settle(asked.site.name, _root_of(url))
            self.frontiers[asked.site.name].tell_home(_root_of(url))
            self._run.journal.add_home(asked.site.name, _root_of(url))

    def _settle(self, name: str, root: str) -> None:
        self.sites[name].adopt(root)
        self._add_extras(name, root)

    def add(self, name: str, url: str, kind: int, depth: int, parent: str = "") -> bool:
        """Queue an address of the site; whether it is one and was not known."""
        return bool(self.add_all(name, [(url, kind, depth, parent)]))

    def add_all(self, name: str, entries: Sequence[Entry]) -> list[tuple[str, int, int]]:
        """Queue addresses; (recorded address, kind, depth) of those that are the site's and new."""
        site = self.sites[name]
        own = [(site.record(entry[0]), *entry[1:]) for entry in entries if site.owns(entry[0])]
        frontier = self.frontiers[name]
        is_new = frontier.add_all(own)
        if frontier.is_full and not self.manners[name].is_cut:
            self.manners[name].is_cut = True
            self.report.note(
                name, f"{len(frontier)} addresses waited; further ones were passed over"
            )
        return [entry[:3] for entry, fresh in zip(own, is_new, strict=True) if fresh]

    def again(self, asked: Asked) -> None:
        """Queue a page that was answered."""
        frontier = self.frontiers[asked.site.name]
        frontier.again(asked.url, asked.kind, asked.depth, asked.parent)

    def requests(
        self, callback: Callable[..., Any], errback: Callable[..., Any]
    ) -> Iterator[Request]:
        """The next requests, as long as few are under way and few items wait for pictures."""
        for name in self.sites:
            at_once = 2 * PAGES_AT_ONCE if self.sites[name].is_rendered else self._at_once
            while self._under_way[name] + self._items_open[name] < at_once:
                request = self._next(name, callback, errback)
                if request is None:
                    break
                self._under_way[name] += 1
                yield request

    def _next(
        self, name: str, callback: Callable[..., Any], errback: Callable[..., Any]
    ) -> Request | None:
        site, frontier, manners = self.sites[name], self.frontiers[name], self.manners[name]
        if site.refusing or self.is_full(name):
            frontier.clear()
        while (entry := frontier.pop()) is not None:
            asked = Asked(site, *entry)
            if digest(name, asked.url) in self._run.journal.done:
                frontier.release(asked.url)
                continue
            url = site.resolve(asked.url)
            is_walked = asked.kind > links.SITEMAP and asked.depth > 0
            if is_walked and manners.traps.is_trap(url):
                self.report.refuse(name, "endless pages")
                frontier.release(asked.url)
                continue
            if not frontier.may_ask(site.max_pages):
                frontier.release(asked.url)
                self._cut(site)
                return None
            headers = self._run.pages.conditions(site, asked.url)
            meta: dict[str, Any] = {"site": name, "is_start": asked.is_start}
            if asked.kind == ROBOTS:
                meta["dont_obey_robotstxt"] = True
            elif site.is_rendered and asked.kind != links.SITEMAP:
                meta[FLAG] = True
            return Request(
                url,
                callback,
                errback=errback,
                headers=headers,
                cb_kwargs={"asked": asked},
                meta=meta,
                dont_filter=True,
                priority=-asked.kind,
            )
        return None

    def _cut(self, site: Site) -> None:
        if not self.manners[site.name].is_cut:
            told = f"stopped at {site.max_pages} pages (max-pages); some were not read"
            self.report.note(site.name, told)
        self.manners[site.name].is_cut = True
        self.frontiers[site.name].clear()

    def answered(self, name: str) -> None:
        """A page came, or will not come."""
        self._under_way[name] -= 1

    def item_opened(self, name: str) -> None:
        """An item was found and waits for its pictures."""
        self._items_open[name] += 1

    def item_left(self, name: str) -> None:
        """An item left the pipeline, written or not."""
        self._items_open[name] -= 1

    def settled(self, name: str, page: str) -> None:
        """A page without items is done, or counted as failed."""
        self.frontiers[name].release(page)

    def written(self, item: ShoeItem) -> None:
        """An item is in the journal; with the last of its page, the page is done."""
        key = item.site, item.page
        count = self._parts_written.pop(key, 0) + 1
        if count == item.parts:
            self.frontiers[item.site].release(item.page, item.parts)
        else:
            self._parts_written[key] = count

    def is_full(self, name: str) -> bool:
        """Whether the site gave as many products as were wanted."""
        limit = self.sites[name].limit
        return limit is not None and self.frontiers[name].taken >= limit

    @property
    def is_quiet(self) -> bool:
        """Whether no page is under way and no item waits for pictures."""
        return not any([*self._under_way.values(), *self._items_open.values()])

    def forget_lost(self) -> bool:
        """Nothing is under way any more, whatever was counted; whether addresses wait."""
        self._under_way = dict.fromkeys(self.sites, 0)
        return any(len(frontier) for frontier in self.frontiers.values())


def _root_of(url: str) -> str:
    return links.canonical("/", url) or url


def _start_of(url: str) -> str:
    return links.canonical(url) or url


def _is_sitemap(url: str) -> bool:
    return url.lower().split("?")[0].endswith((".xml", ".xml.gz"))
