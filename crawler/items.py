"""What a page said: the readers' claims, merged fields, and the item a page gives the pipeline.

Everything is raw text as found; None means that nobody said it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lxml import etree
from parsel import Selector

FIELDS = ("name", "brand_text", "sku", "gtin", "color", "group", "category")


@dataclass(frozen=True)
class PictureClaim:
    """One picture as a page names it: its addresses, best first, of which one is to be fetched."""

    urls: tuple[str, ...]
    alt: str | None = None
    is_loose: bool = False  # perhaps no photo: its shape decides, see `crawler.readers.description`


@dataclass
class Claim:
    """What one reader found about one product (or one colourway) of a page."""

    source: str
    name: str | None = None
    brand_text: str | None = None
    sku: str | None = None
    gtin: str | None = None
    color: str | None = None
    group: str | None = None
    category: str | None = None
    url: str | None = None
    pictures: list[PictureClaim] = field(default_factory=list)
    variants: list[Claim] = field(default_factory=list)


@dataclass
class Page:
    """A page as readers see it: where it is and its parsed text."""

    url: str
    selector: Selector
    text: str  # its source, in small letters
    memo: dict[str, Any] = field(default_factory=dict)  # what readers share, found once

    def has(self, *words: str) -> bool:
        """Whether the page's source holds one of ``words``: without its sign, a syntax is not looked for."""
        return any(word in self.text for word in words)

    def find(self, path: str) -> list[Any]:
        """The elements, or the texts, that an XPath finds; it is compiled once.

        A tenth of what ``selector.xpath`` takes, which wraps each of them.
        """
        found: list[Any] = compiled(path)(self.selector.root)
        return found


@cache
def compiled(path: str) -> etree.XPath:
    """``path``, one of the readers' own, ready to be asked."""
    return etree.XPath(path, smart_strings=False)


@dataclass
class ShoeItem:
    """One colourway of one product page, on its way through the pipelines."""

    site: str
    page: str  # recorded address of the fetched page: the journal's key
    part: int  # this item's number among the page's items, from 0
    parts: int
    record: dict[str, Any]  # the fields of catalogue.schema.Listing but images
    pictures: list[PictureClaim]
    barred: str | None = None  # why the page lets nobody take its pictures (noimageindex ...)
