"""JSON-LD: each script block parsed alone, so that a broken one never loses the others."""

from __future__ import annotations

from typing import Any

from crawler.items import Claim, Page
from crawler.readers import nodes, schema_org
from crawler.readers.repair import parse_json

_BLOCKS = "//script[contains(translate(@type, 'LDJSON', 'ldjson'), 'ld+json')]"


def blocks(page: Page) -> list[Any]:
    """The values of the page's JSON-LD blocks that can be read or repaired."""
    if "json-ld" in page.memo:
        held: list[Any] = page.memo["json-ld"]
        return held
    is_told = page.has("ld+json", "ld&#")
    texts = ["".join(block.itertext()) for block in page.find(_BLOCKS)] if is_told else []
    found = [value for value in map(parse_json, texts) if value is not None]
    page.memo["json-ld"] = found
    return found


def read(page: Page) -> list[Claim]:
    """One claim per product that the page is about, in the order of the page."""
    values = blocks(page)
    ids = nodes.index_ids(values)
    products = nodes.main_products(values)
    return [schema_org.claim(node, page.url, "json-ld", ids) for node in products]


def crumbs(page: Page) -> list[str]:
    """The breadcrumb that JSON-LD names."""
    return nodes.breadcrumb(blocks(page))


def listed(page: Page) -> list[str]:
    """The product addresses of the page's ItemLists."""
    return nodes.listed_urls(blocks(page), page.url)


def shop_names(page: Page) -> list[str]:
    """What JSON-LD calls the site or the business behind it."""
    return nodes.names_of(
        blocks(page), {"WebSite", "Organization", "Store", "OnlineStore", "ShoeStore"}
    )
