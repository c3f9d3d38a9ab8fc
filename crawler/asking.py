"""Which page is asked for next: each site's queue, bounded by what is under way and by its budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scrapy import Request

from crawler import links
from crawler.browser import FLAG, PAGES_AT_ONCE
from crawler.frontier import Frontier
from crawler.journal import digest
from crawler.manners import Manners
from crawler.report import Report
from crawler.run import Run
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
        return self.url == self.site.record(_start_of(self.site))

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
        self.taken = dict.fromkeys(sites, 0)  # items given so far
        self._at_once = at_once
        self._under_way = dict.fromkeys(sites, 0)
        self._items_open = dict.fromkeys(sites, 0)

    def begin(self, run: Run) -> None:
        """Queue each site's first pages, after what an unfinished run left."""
        self._run = run
        if run.is_resumed:
            self._take_up()
        for name, site in self.sites.items():
            root = _root_of(site.url)
            self._add_extras(name, root)
            kind = links.SITEMAP if _is_sitemap(site.url) else links.PRODUCT
            self.add(name, _start_of(site), kind, 0)
            self.add(name, root, links.LISTING, 0)

    def _add_extras(self, name: str, root: str) -> None:
        self.add(name, root.rstrip("/") + "/robots.txt", ROBOTS, 0)
        self.add(name, root.rstrip("/") + "/sitemap.xml", links.SITEMAP, 0)

    def _take_up(self) -> None:
        for name, count in self._run.items.items():
            if name in self.sites:
                self.taken[name] = self.report.products[name] = count
        for name, root in self._run.journal.known_homes():
            if name in self.sites:
                self._settle(name, root)
        for name, url, kind, depth in self._run.journal.known_links():
            if name in self.sites:
                self.add(name, self.sites[name].resolve(url), kind, depth)

    def came_from(self, asked: Asked, url: str) -> None:
        """A page came, perhaps redirected to ``url``; where the user's own page did, the shop lives there."""
        if asked.is_start and not asked.site.owns(url):
            self._settle(asked.site.name, _root_of(url))
            self._run.journal.add_home(asked.site.name, _root_of(url))

    def _settle(self, name: str, root: str) -> None:
        self.sites[name].adopt(root)
        self._add_extras(name, root)

    def add(self, name: str, url: str, kind: int, depth: int, parent: str = "") -> bool:
        """Queue an address of the site; whether it is one and was not known."""
        site = self.sites[name]
        return site.owns(url) and self.frontiers[name].add(site.record(url), kind, depth, parent)

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
                continue
            url = site.resolve(asked.url)
            is_walked = asked.kind > links.SITEMAP and asked.depth > 0
            if is_walked and manners.traps.is_trap(url):
                self.report.refuse(name, "endless pages")
                continue
            if self.report.pages[name] + self._under_way[name] >= site.max_pages:
                self._cut(site)
                return None
            headers = self._run.pages.conditions(site, asked.url)
            meta = {"site": name, "is_start": asked.is_start}
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
        told = f"stopped at {site.max_pages} pages (max-pages); some were not read"
        self.report.note(site.name, told)
        self.manners[site.name].is_cut = True
        self.frontiers[site.name].clear()

    def answered(self, name: str) -> None:
        """A page came, or will not come."""
        self._under_way[name] -= 1

    def item_opened(self, name: str) -> None:
        """An item was found and waits for its pictures."""
        self.taken[name] += 1
        self._items_open[name] += 1

    def item_left(self, name: str) -> None:
        """An item left the pipeline, written or not."""
        self._items_open[name] -= 1

    def left_of_limit(self, name: str) -> int | None:
        """How many more products are wanted, None where there is no limit."""
        limit = self.sites[name].limit
        return None if limit is None else max(0, limit - self.taken[name])

    def is_full(self, name: str) -> bool:
        """Whether the site gave as many products as were wanted."""
        return self.left_of_limit(name) == 0

    def forget_lost(self) -> bool:
        """Nothing is under way any more, whatever was counted; whether addresses wait."""
        self._under_way = dict.fromkeys(self.sites, 0)
        return any(len(frontier) for frontier in self.frontiers.values())


def _root_of(url: str) -> str:
    return links.canonical("/", url) or url


def _start_of(site: Site) -> str:
    return links.canonical(site.url) or site.url


def _is_sitemap(url: str) -> bool:
    return url.lower().split("?")[0].endswith((".xml", ".xml.gz"))
