"""Microdata (itemscope, itemtype, itemprop, itemref) as schema.org nodes.

Not by extruct, whose import takes 0.2 to 0.4 s: it brings an RDF library, two more HTML parsers
and a microformats reader with it, for five attributes. A test reads the saved pages with both.
"""

from __future__ import annotations

from typing import Any

from crawler.absolute import absolute
from crawler.items import Claim, Page
from crawler.readers import nodes, schema_org
from crawler.words import clean

_ADDRESS_IN = dict.fromkeys(("audio", "embed", "iframe", "img", "source", "track", "video"), "src")
_ADDRESS_IN |= {**dict.fromkeys(("a", "area", "link"), "href"), "object": "data"}
_TEXT_IN = {"meta": "content", "data": "value", "meter": "value", "time": "datetime"}
_MAX_DEPTH = 200


def found(page: Page) -> list[nodes.Node]:
    """The page's top-level microdata items as nodes; found once per page."""
    if "microdata" not in page.memo:
        top: list[nodes.Node] = []
        if page.has("itemscope"):
            _walk(page.selector.root, None, top, page.url, 0)
        page.memo["microdata"] = top
    result: list[nodes.Node] = page.memo["microdata"]
    return result


def _walk(
    element: Any, holder: nodes.Node | None, top: list[nodes.Node], base: str, depth: int
) -> None:
    if depth > _MAX_DEPTH or not isinstance(element.tag, str):
        return
    names = (element.get("itemprop") or "").split()
    if element.get("itemscope") is None:
        value = _value(element, base) if names and holder is not None else None
        if holder is not None and value:
            _put(holder, names, value)
        for child in element:
            _walk(child, holder, top, base, depth + 1)
        return
    node: nodes.Node = {"@type": (element.get("itemtype") or "").split()}
    if names and holder is not None:
        _put(holder, names, node)
    else:
        top.append(node)
    for child in element:
        _walk(child, node, top, base, depth + 1)
    for place in _referred(element):
        _walk(place, node, top, base, depth + 50)  # a reference may lead back to where it stands
    if set(node) == {"@type"} and (text := _value(element, base)):
        node["name"] = text


def _referred(element: Any) -> list[Any]:
    names = (element.get("itemref") or "").split()
    return [place for name in names for place in element.xpath("//*[@id=$name][1]", name=name)]


def _put(node: nodes.Node, names: list[str], value: Any) -> None:
    for name in names:
        held = node.get(name)
        node[name] = (
            value if held is None else [*(held if isinstance(held, list) else [held]), value]
        )


def _value(element: Any, base: str) -> str | None:
    if element.tag in _ADDRESS_IN:
        address = (element.get(_ADDRESS_IN[element.tag]) or "").strip()
        return (address and absolute(base, address)) or None
    if element.tag in _TEXT_IN:
        return element.get(_TEXT_IN[element.tag]) or None
    return element.get("content") or clean(" ".join(_texts(element)))


def _texts(element: Any) -> list[str]:
    return [str(text) for text in element.xpath(".//text()[not(parent::script or parent::style)]")]


def read(page: Page) -> list[Claim]:
    """One claim per product that the page is about."""
    top = found(page)
    return [schema_org.claim(node, page.url, "microdata", {}) for node in nodes.main_products(top)]


def crumbs(page: Page) -> list[str]:
    """The breadcrumb that microdata names."""
    return nodes.breadcrumb(found(page))
