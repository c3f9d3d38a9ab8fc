"""RDFa Lite (vocab, typeof, property) as schema.org nodes.

extruct reads RDFa by way of an RDF graph, which costs a second a page and loses the order of
pictures; shops use the five attributes of RDFa Lite, and these are read here.
"""

from __future__ import annotations

import re
from typing import Any

from crawler.items import Claim, Page
from crawler.readers import nodes, schema_org
from crawler.words import clean

_ADDRESSES = ("image", "url", "logo", "contentUrl", "thumbnailUrl")


def found(page: Page) -> list[nodes.Node]:
    """The page's top-level typed nodes; found once per page."""
    if "rdfa" not in page.memo:
        top: list[nodes.Node] = []
        if page.has("typeof"):
            _walk(page.selector.root, None, top, 0)
        page.memo["rdfa"] = top
    result: list[nodes.Node] = page.memo["rdfa"]
    return result


def _walk(element: Any, holder: nodes.Node | None, top: list[nodes.Node], depth: int) -> None:
    if depth > 200 or not isinstance(element.tag, str):
        return
    names = [_local(name) for name in (element.get("property") or element.get("rel") or "").split()]
    kind = element.get("typeof")
    if kind:
        node: nodes.Node = {"@type": [_local(name) for name in kind.split()]}
        if address := element.get("resource") or element.get("about"):
            node["@id"] = address
        if element.get("property") and holder is not None:
            for name in names:
                _put(holder, name, node)
        else:
            top.append(node)
        holder = node
    elif element.get("property") and holder is not None:
        for name in names:
            value = _value(element, name)
            if value:
                _put(holder, name, value)
    for child in element:
        _walk(child, holder, top, depth + 1)


def _local(name: str) -> str:
    """``Product`` of ``schema:Product`` or ``http://schema.org/Product``."""
    return re.split(r"[/#:]", name)[-1]


def _put(node: nodes.Node, name: str, value: Any) -> None:
    held = node.get(name)
    node[name] = value if held is None else [*(held if isinstance(held, list) else [held]), value]


def _value(element: Any, name: str) -> str | None:
    address = element.get("resource") or element.get("href") or element.get("src")
    if name in _ADDRESSES and address:
        return str(address)
    text = element.get("content") or clean(" ".join(element.itertext()))
    return text or address or None


def read(page: Page) -> list[Claim]:
    """One claim per product that the page is about."""
    top = found(page)
    ids = nodes.index_ids(top)
    return [schema_org.claim(node, page.url, "rdfa", ids) for node in nodes.main_products(top)]


def crumbs(page: Page) -> list[str]:
    """The breadcrumb that RDFa names."""
    return nodes.breadcrumb(found(page))
