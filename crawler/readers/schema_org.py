"""The meaning of schema.org products, however they were written: nodes in, claims out.

JSON-LD, microdata and RDFa differ in syntax alone; each hands its nodes (dicts with ``@type``) here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urljoin

from crawler.items import Claim, PictureClaim
from crawler.words import clean, without_size

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
_GTINS = ("gtin13", "gtin14", "gtin12", "gtin8", "gtin", "ean", "isbn")
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
        for entry in _each(node.get("itemListElement")):
            target = entry.get("item", entry) if isinstance(entry, dict) else entry
            address = target if isinstance(target, str) else _url_of(target)
            if address:
                found.append(urljoin(base, address))
    return found


def breadcrumb(value: Any) -> list[str]:
    """The names along the page's BreadcrumbList, the home page first."""
    for node in _all_nodes(value, 0):
        if "BreadcrumbList" in types_of(node):
            entries = [
                entry for entry in _each(node.get("itemListElement")) if isinstance(entry, dict)
            ]
            entries.sort(key=_position)
            names = [text(entry.get("name")) or text(entry.get("item")) for entry in entries]
            return [name for name in names if name]
    return []


def _position(entry: Node) -> float:
    try:
        return float(entry.get("position") or 0)
    except (TypeError, ValueError):
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


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _url_of(node: Any) -> str | None:
    if not isinstance(node, dict):
        return None
    found = node.get("url") or node.get("@id")
    first = next((entry for entry in _each(found) if isinstance(entry, str)), None)
    return first if first and not first.startswith(("_:", "#")) else None


def pictures(value: Any, base: str, ids: dict[str, Node], depth: int = 0) -> Iterator[PictureClaim]:
    """Pictures of an ``image`` value: addresses, ImageObjects, references, lists of them."""
    if depth > 4:
        return
    for entry in _each(value):
        if isinstance(entry, str) and entry.strip():
            if entry in ids and depth < 4:
                yield from pictures(ids[entry], base, ids, depth + 1)
            else:
                yield PictureClaim((urljoin(base, entry.strip()),))
        elif isinstance(entry, dict):
            if set(entry) <= {"@id", "@type"} and entry.get("@id") in ids:
                entry = ids[entry["@id"]]
            named = [entry.get(key) for key in ("contentUrl", "url", "contentURL", "image")]
            urls = [
                urljoin(base, url.strip())
                for item in named
                for url in _each(item)
                if isinstance(url, str) and url.strip()
            ]
            if not urls and isinstance(entry.get("@id"), str) and "." in entry["@id"]:
                urls = [urljoin(base, entry["@id"])]
            if urls:
                alt = text(entry.get("caption")) or text(entry.get("name"))
                yield PictureClaim(tuple(dict.fromkeys(urls)), alt)
            elif isinstance(entry.get("image"), dict | list):
                yield from pictures(entry["image"], base, ids, depth + 1)


def claim(node: Node, base: str, source: str, ids: dict[str, Node]) -> Claim:
    """A product node as a claim, its variants (``hasVariant``) one claim per colourway."""
    node = _resolved(node, ids)
    found = Claim(
        source=source,
        name=text(node.get("name")),
        brand_text=text(_deref(node.get("brand"), ids))
        or text(_deref(node.get("manufacturer"), ids)),
        sku=_sku(node),
        gtin=next((text(node[key]) for key in _GTINS if text(node.get(key))), None),
        color=_property(node, "color", ("color", "colour", "색상", "컬러")),
        group=text(node.get("productGroupID"))
        or text(node.get("inProductGroupWithID"))
        or _parent(node),
        category=_category(node.get("category")),
        url=urljoin(base, address) if (address := _url_of(node)) else None,
        pictures=list(pictures(node.get("image"), base, ids)),
    )
    entries = [*_each(node.get("hasVariant")), *_each(node.get("model"))]
    nodes = [_resolved(entry, ids) for entry in entries if isinstance(entry, dict)]
    flat = [{**entry, "hasVariant": None, "model": None} for entry in nodes]
    found.variants = colourways(claim(entry, base, source, ids) for entry in flat)
    return found


def _resolved(node: Node, ids: dict[str, Node]) -> Node:
    name = node.get("@id")
    if isinstance(name, str) and set(node) <= {"@id", "@type"} and name in ids:
        return ids[name]
    return node


def _deref(value: Any, ids: dict[str, Node]) -> Any:
    return _resolved(value, ids) if isinstance(value, dict) else value


def _sku(node: Node) -> str | None:
    own = text(node.get("sku")) or text(node.get("mpn"))
    offers = [offer for offer in _each(node.get("offers")) if isinstance(offer, dict)]
    if own or len(offers) != 1:
        return own
    return text(offers[0].get("sku"))


def _property(node: Node, key: str, names: tuple[str, ...]) -> str | None:
    direct = text(node.get(key))
    if direct:
        return direct
    for entry in _each(node.get("additionalProperty")):
        if isinstance(entry, dict) and (text(entry.get("name")) or "").casefold() in names:
            return text(entry.get("value"))
    return None


def _parent(node: Node) -> str | None:
    parent = node.get("isVariantOf")
    if isinstance(parent, dict):
        return text(parent.get("productGroupID")) or text(parent.get("name"))
    return text(parent) if isinstance(parent, str) else None


def _category(value: Any) -> str | None:
    found = [name for name in map(text, _each(value)) if name]
    return " > ".join(dict.fromkeys(found)) or None


def colourways(variants: Iterable[Claim]) -> list[Claim]:
    """One claim per colourway: variants that differ only in size become one.

    Variants without a colour are told apart by their name without a size; the first of each is
    kept, with the pictures of all.
    """
    held: dict[str, list[Claim]] = {}
    for variant in variants:
        key = (variant.color or without_size(variant.name or "")).casefold()
        held.setdefault(key, []).append(variant)
    return [_one(same) for same in held.values()]


def _one(same: list[Claim]) -> Claim:
    first = same[0]
    if len({variant.name for variant in same}) > 1:
        stems = {without_size(variant.name or "") for variant in same}
        first.name = stems.pop() or None if len(stems) == 1 else None
    for name in ("sku", "gtin"):
        if len({getattr(variant, name) for variant in same}) > 1:
            setattr(first, name, None)
    for variant in same[1:]:
        first.pictures += [entry for entry in variant.pictures if entry not in first.pictures]
    return first
