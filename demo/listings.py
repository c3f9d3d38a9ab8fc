"""Listings: which offers a brand or category shows, in which order, on which page."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from catalogue.slugs import slug
from demo.chance import pick
from demo.layout import home
from demo.offers import Assortment, Offer
from demo.words import Category, say

PAGE_SIZE = 20
SORTS = ("new", "name", "price")
_PATH = re.compile(r"(.*/)page/([1-9]\d{0,6})/")


@dataclass(frozen=True)
class Listing:
    """All offers of one brand or category, in catalogue order."""

    path: str
    title: str
    language: str
    offers: tuple[Offer, ...]
    paging: str  # query: ?page=2; path: /page/2/

    @property
    def pages(self) -> int:
        """How many pages the whole listing fills, at least 1."""
        return max(1, math.ceil(len(self.offers) / PAGE_SIZE))

    @functools.cached_property
    def colors(self) -> dict[str, str]:
        """Slug of a colour -> its name, for the filter."""
        named = {slug(o.product.color): o.product.color for o in self.offers if o.product.color}
        return dict(sorted(named.items()))

    def address(self, page: int = 1, **facets: str) -> str:
        """The path of one page, with the facets that are set."""
        path, query = self.path, {name: value for name, value in facets.items() if value}
        if page > 1 and self.paging == "path":
            path = f"{path}page/{page}/"
        elif page > 1:
            query["page"] = str(page)
        return f"{path}?{urlencode(query)}" if query else path


@dataclass(frozen=True)
class View:
    """One page of a listing, as a visitor asked for it."""

    listing: Listing
    page: int
    pages: int
    sort: str  # one of SORTS, or empty
    color: str  # slug, or empty
    total: int
    offers: tuple[Offer, ...]


def find_view(listings: dict[str, Listing], path: str, query: dict[str, str]) -> View | None:
    """The page that ``path`` and ``query`` ask for; None where there is none."""
    found = _PATH.fullmatch(path)
    listing = listings.get(found[1] if found else path)
    if listing is None or (found is not None and listing.paging != "path"):
        return None
    asked = found[2] if found else query.get("page", "1") if listing.paging == "query" else "1"
    page = int(asked) if asked.isdecimal() and len(asked) < 8 else 0
    sort = query.get("sort", "")
    sort = sort if sort in SORTS else ""
    color = query.get("color", "")
    color = color if color in listing.colors else ""
    offers = _ordered(listing.offers, sort)
    if color:
        offers = [o for o in offers if o.product.color and slug(o.product.color) == color]
    pages = max(1, math.ceil(len(offers) / PAGE_SIZE))
    if not 1 <= page <= pages:
        return None
    shown = tuple(offers[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    return View(listing, page, pages, sort, color, len(offers), shown)


def build_listings(assortment: Assortment) -> dict[str, Listing]:
    """Path -> listing: all brands and categories, in English, and in Korean for Korean pages."""
    found: dict[str, tuple[str, str, list[Offer]]] = {}
    for language in ("en", "ko"):
        for offer in assortment.offers:
            if language == "en" or offer.language == "ko":
                for path, title in _places(offer, language):
                    found.setdefault(path, (title, language, []))[2].append(offer)
    return {
        path: Listing(path, title, language, tuple(dict.fromkeys(offers)), _paging(path))
        for path, (title, language, offers) in found.items()
    }


def category_path(category: Category, language: str) -> str:
    """Where the shop lists ``category``."""
    return f"{home(language)}category/{category.slug}/"


def department(category: Category, language: str) -> tuple[str, str]:
    """Name and path of what ``category`` is part of: shoes or accessories."""
    name = "shoes" if category.is_shoe else "accessories"
    return say(name, language), f"{home(language)}category/{name}/"


def brand_path(brand: str, language: str) -> str:
    """Where the shop lists ``brand`` (a slug)."""
    return f"{home(language)}brands/{brand}/"


def _places(offer: Offer, language: str) -> list[tuple[str, str]]:
    name, path = department(offer.category, language)
    brand = offer.brand_text if language == "ko" else offer.product.brand
    return [
        (brand_path(offer.brand, language), brand),
        (path, name),
        (category_path(offer.category, language), offer.category.title(language)),
    ]


def _paging(path: str) -> str:
    return pick(path, "paging", (("query", 50), ("path", 50)))


def _ordered(offers: Sequence[Offer], sort: str) -> list[Offer]:
    if sort == "name":
        return sorted(offers, key=lambda offer: offer.product.name.casefold())
    if sort == "price":
        return sorted(offers, key=lambda offer: offer.price_krw)
    return list(offers)
