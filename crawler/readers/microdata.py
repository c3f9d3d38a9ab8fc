"""Microdata by extruct, turned into schema.org nodes."""

from __future__ import annotations

from typing import Any

from crawler.items import Claim, Page
from crawler.readers import nodes as linked
from crawler.readers import schema_org


def nodes(page: Page) -> list[dict[str, Any]]:
    """The page's top-level microdata items as nodes; none where extruct cannot read them."""
    if not page.selector.xpath("(//*[@itemscope])[1]"):
        return []
    # imported for pages that have some: it brings a quarter of a second of other formats with it
    from extruct.w3cmicrodata import MicrodataExtractor

    try:
        found = MicrodataExtractor().extract_items(page.selector.root, page.url)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []
    return [_node(entry) for entry in found if isinstance(entry, dict)]


def _node(entry: Any) -> Any:
    if isinstance(entry, list):
        return [_node(value) for value in entry]
    if not isinstance(entry, dict):
        return entry
    properties = entry.get("properties") or {}
    node = {name: _node(value) for name, value in properties.items()}
    node["@type"] = entry.get("type")
    if entry.get("value") is not None and not properties:
        node["name"] = entry["value"]
    return node


def read(page: Page) -> list[Claim]:
    """One claim per product that the page is about."""
    products = linked.main_products(nodes(page))
    return [schema_org.claim(node, page.url, "microdata", {}) for node in products]


def crumbs(page: Page) -> list[str]:
    """The breadcrumb that microdata names."""
    return linked.breadcrumb(nodes(page))
