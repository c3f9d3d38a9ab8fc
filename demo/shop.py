"""Addresses to answers: the whole shop without a socket."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from demo import faults, javascript, pages, sitemaps
from demo.answer import Answer, redirect
from demo.assets import asset
from demo.layout import Frame, home
from demo.listings import PAGE_SIZE, Listing, build_listings, find_view
from demo.media import Media
from demo.offers import Group, Offer, assort
from demo.product_page import group_page, product_page, show
from demo.stock import NAME, Stock
from demo.words import say

RELATED = 4
NEW = 12
_PRODUCT = re.compile(r"(?:/kr)?/products/(?:.*-)?(\d{8,9})")


class Shop:
    """Answers requests for one stock; safe to ask from many threads."""

    def __init__(self, stock: Stock, is_faulty: bool = False, is_javascript: bool = False) -> None:
        self.stock = stock
        self.origin = ""  # scheme, host and port; the server sets it
        self.assortment = assort(stock)
        self.listings = build_listings(self.assortment)
        self.media = Media(picture for product in stock.products for picture in product.pictures)
        self._faults = faults.Faults() if is_faulty else None
        self._is_javascript = is_javascript
        korean = tuple(o for o in self.assortment.offers if o.language == "ko")
        self._pools = {"en": self.assortment.offers, "ko": korean}
        self._place = {
            (language, offer.path): place
            for language, pool in self._pools.items()
            for place, offer in enumerate(pool)
        }
        self._modified = formatdate(_modified_at(stock.folder / NAME), usegmt=True)
        links = {language: self._links(language) for language in ("en", "ko")}
        self.frame = Frame(links, faults.FOOTER_LINKS if is_faulty else ())

    def answer(self, target: str, is_head: bool = False) -> Answer:
        """The answer to a GET (or HEAD) for ``target``, a path with an optional query."""
        raw, _, asked = target.partition("#")[0].partition("?")
        path = unquote(raw, errors="replace")
        try:
            query = dict(parse_qsl(asked, max_num_fields=20))
        except ValueError:
            query = {}
        route = self._application if self._is_javascript else self._route
        found = route(path, query)
        if found is None:
            text = '<a href="/">Back to the shop</a>'
            return Answer(404, pages.small_page(self.frame, "This page does not exist", text))
        if self._faults is None:
            return found
        rest = "&".join(part for part in asked.split("&") if not part.startswith("sid="))
        address = f"{raw}?{rest}" if rest else raw
        if path.removeprefix("/kr").startswith(("/category/", "/brands/")):
            found = faults.with_sessions(address, found)
        return self._faults.spoil(address, path, found, is_head)

    def _application(self, path: str, query: dict[str, str]) -> Answer | None:
        """As `_route`, but a page is an empty document whose script asks for the page's data."""
        if path == javascript.API:
            asked, _, rest = query.get("path", "").partition("?")
            found = self._route(unquote(asked, errors="replace"), dict(parse_qsl(rest)))
            return javascript.data(found) if found and javascript.is_page(found) else None
        found = self._route(path, query)
        return javascript.shell(found) if found and javascript.is_page(found) else found

    def _route(self, path: str, query: dict[str, str]) -> Answer | None:
        if path.startswith("/media/"):
            return self.media.answer(path, query)
        if path.startswith("/assets/"):
            return asset(path.removeprefix("/assets/"))
        if product := _PRODUCT.fullmatch(path):
            return self._product(path, int(product[1]))
        if path in ("/", "/kr/"):
            return self._home("ko" if path == "/kr/" else "en")
        if path in ("/brands/", "/kr/brands/"):
            language = "ko" if path.startswith("/kr") else "en"
            return self._page(pages.brands_page(self.frame, language, self._brands(language)))
        if view := find_view(self.listings, path, query):
            return self._page(pages.listing_page(self.frame, view, self.origin))
        if f"{path}/" in self.listings or path in ("/kr", "/brands", "/kr/brands"):
            return redirect(f"{path}/", 301)
        return self._other(path, query)

    def _other(self, path: str, query: dict[str, str]) -> Answer | None:
        if path == "/robots.txt":
            return Answer(200, sitemaps.robots(self.origin).encode(), "text/plain; charset=utf-8")
        if path == "/favicon.ico":
            return redirect("/assets/icon.png", 301)
        if path == "/sitemap.xml":
            return self._dated(sitemaps.index(self.origin, self._sitemaps), "application/xml")
        if path.startswith("/sitemaps/") and (entries := self._sitemaps.get(path)) is not None:
            return self._dated(sitemaps.part(entries), "application/gzip")
        if path == "/search":
            return self._search(query.get("q", ""))
        if path.startswith("/private/"):
            text = "Nothing here: this shop is for practice."
            return self._page(pages.small_page(self.frame, "Your account", text, pages.NO_INDEX))
        if self._faults is not None:
            if month := faults.calendar(path):
                return self._page(pages.small_page(self.frame, "Opening hours", month))
            return faults.trap(path)
        return None

    def _home(self, language: str) -> Answer:
        offers = self._pools[language]
        step = max(1, len(offers) // NEW)
        shown = offers[::step][:NEW]
        brands = self._brands(language)
        return self._page(pages.home_page(self.frame, language, brands, shown, self.origin))

    def _product(self, path: str, number: int) -> Answer | None:
        found = self.assortment.by_number.get(number)
        if found is None:
            return None
        if path != unquote(found.path):
            return redirect(found.path, 301)
        if isinstance(found, Group):
            related = self._related(found.offers[0], found)
            return self._page(group_page(self.frame, found, related, self.media, self.origin))
        group = self.assortment.group_of(found)
        related = self._related(found, group)
        return self._page(product_page(self.frame, found, group, related, self.media, self.origin))

    def _related(self, offer: Offer, group: Group | None) -> list[Offer]:
        """The next offers of the same language that are not of the same model."""
        pool = self._pools[offer.language]
        own = {one.path for one in group.offers} if group is not None else {offer.path}
        start = self._place[offer.language, offer.path]
        ring = (pool[(start + step) % len(pool)] for step in range(1, len(pool)))
        return list(itertools.islice((one for one in ring if one.path not in own), RELATED))

    def _search(self, asked: str) -> Answer:
        words = asked.casefold().split()
        found = [
            offer
            for offer in self.assortment.offers
            if words
            and all(w in f"{offer.brand_text} {offer.product.name}".casefold() for w in words)
        ]
        return self._page(pages.search_page(self.frame, asked, found[:PAGE_SIZE]))

    def _brands(self, language: str) -> list[Listing]:
        prefix = f"{home(language)}brands/"
        found = [one for path, one in self.listings.items() if path.startswith(prefix)]
        return sorted(found, key=lambda listing: listing.title.casefold())

    def _links(self, language: str) -> list[tuple[str, str]]:
        """The header's links: departments and the largest categories, then all brands."""
        prefix = f"{home(language)}category/"
        found = [one for path, one in self.listings.items() if path.startswith(prefix)]
        whole = (f"{prefix}shoes/", f"{prefix}accessories/")
        departments = [one for path in whole for one in found if one.path == path]
        others = [one for one in found if one.path not in whole]
        others.sort(key=lambda one: (-len(one.offers), one.path))
        links = [(one.title, one.path) for one in (*departments, *others[:3])]
        return [*links, (say("brands", language), f"{home(language)}brands/")]

    @functools.cached_property
    def _sitemaps(self) -> dict[str, Sequence[sitemaps.Entry]]:
        products: list[sitemaps.Entry] = []
        for offer in self.assortment.offers:
            shown = show(offer, self.origin)
            products.append((shown.url, shown.originals))
        for group in self.assortment.groups:
            if group.markup == "group_page":
                products.append((self.origin + group.path, ()))
        places: list[sitemaps.Entry] = [
            (self.origin + path, ()) for path in ("/", "/brands/", *self.listings)
        ]
        return {
            **sitemaps.parts(products, "products"),
            **sitemaps.parts(places, "categories"),
        }

    def _page(self, body: bytes) -> Answer:
        return Answer(200, body, headers={"Last-Modified": self._modified})

    def _dated(self, body: bytes, content_type: str) -> Answer:
        return dataclasses.replace(self._page(body), content_type=content_type)


def _modified_at(path: Path) -> float:
    return path.stat().st_mtime
