"""Nodes of linked data (dicts with ``@type``): walking them, their types, texts and references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crawler.absolute import absolute
from crawler.words import clean

Node = dict[str, Any]
_ELSEWHERE = {  # properties whose products are other ones
    "isrelatedto",
    "issimilarto",
    "isaccessoryorsparepartfor",
    "isconsumablefor",
    "itemlistelement",
    "review",
    "reviews",
    "itemoffered",
    "hasoffercatalog",
    "mentions",
    "about",
}
_MAX_DEPTH = 30


def types_of(node: Node) -> set[str]:
    """The node's types without their vocabulary: ``{"Product"}``."""
    found = node.get("@type") or node.get("type") or ()
    named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return {re.split(r"[/#:]", name)[-1] for name in named if isinstance(name, str)}


def index_ids(value: Any) -> dict[str, Node]:
    """Nodes by ``@id``, so that references between them can be followed."""
    found: dict[str, Node] = {}
    for node in _all_nodes(value, 0):
        name = node.get("@id")
        if isinstance(name, str) and len(node) > 1:
            found.setdefault(name, node)
    return found


def _all_nodes(value: Any, depth: int) -> Iterator[Node]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for entry in value:
            yield from _all_nodes(entry, depth + 1)
    elif isinstance(value, dict):
        yield value
        for entry in value.values():
            yield from _all_nodes(entry, depth + 1)


def main_products(value: Any, depth: int = 0) -> Iterator[Node]:
    """Product nodes that the page is about: not those of lists, reviews and related products."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for entry in value:
            yield from main_products(entry, depth + 1)
    elif isinstance(value, dict):
        if types_of(value) & {"Product", "ProductGroup", "ProductModel", "IndividualProduct"}:
            yield value
            return
        if types_of(value) & {"ItemList", "OfferCatalog", "Review", "CollectionPage"}:
            return
        for key, entry in value.items():
            if key.lower() not in _ELSEWHERE:
                yield from main_products(entry, depth + 1)


def listed_urls(value: Any, base: str) -> list[str]:
    """The addresses that an ItemList names."""
    found: list[str] = []
    for node in _all_nodes(value, 0):
        if "ItemList" not in types_of(node):
            continue
        for entry in each(node.get("itemListElement")):
            target = entry.get("item", entry) if isinstance(entry, dict) else entry
            address = target if isinstance(target, str) else url_of(target)
            if address:
                found.append(absolute(base, address))
    return found


def names_of(value: Any, kinds: set[str]) -> list[str]:
    """The names of the nodes of these kinds that stand by themselves, in no other node but a graph."""
    found: list[str] = []
    for entry in each(value):
        if isinstance(entry, list) or (isinstance(entry, dict) and "@graph" in entry):
            found += names_of(entry if isinstance(entry, list) else entry["@graph"], kinds)
        elif (
            isinstance(entry, dict)
            and types_of(entry) & kinds
            and (name := text(entry.get("name")))
        ):
            found.append(name)
    return found


def breadcrumb(value: Any) -> list[str]:
    """The names along the page's BreadcrumbList, the home page first."""
    for node in _all_nodes(value, 0):
        if "BreadcrumbList" in types_of(node):
            entries = [
                entry for entry in each(node.get("itemListElement")) if isinstance(entry, dict)
            ]
            entries.sort(key=_position)
            names = [text(entry.get("name")) or text(entry.get("item")) for entry in entries]
            return [name for name in names if name]
    return []


def _position(entry: Node) -> float:
    try:
        return float(entry.get("position") or 0)
    except (TypeError, ValueError, OverflowError):
        return 0.0


def text(value: Any) -> str | None:
    """The text of a value that may be a string, a number, a node with a name, or a list of them."""
    if isinstance(value, list):
        return next((found for found in map(text, value) if found), None)
    if isinstance(value, dict):
        return text(value.get("name") or value.get("@value") or value.get("value"))
    if isinstance(value, bool) or value is None:
        return None
    return clean(str(value)) if isinstance(value, str | int | float) else None


def each(value: Any) -> list[Any]:
    """The values of a property that may hold none, one, or a list of them."""
    return value if isinstance(value, list) else [] if value is None else [value]


def url_of(node: Any) -> str | None:
    """The address of a node, None where it has none that leads anywhere."""
    if not isinstance(node, dict):
        return None
    found = node.get("url") or node.get("@id")
    first = next((entry for entry in each(found) if isinstance(entry, str)), None)
    return first if first and not first.startswith(("_:", "#")) else None
