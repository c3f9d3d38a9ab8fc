"""The meaning of schema.org products, however they were written: nodes in, claims out.

JSON-LD, microdata and RDFa differ in syntax alone; each hands its nodes (dicts with ``@type``) here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crawler.absolute import absolute
from crawler.items import Claim, PictureClaim
from crawler.readers.colourways import colourways
from crawler.readers.nodes import Node, each, text, url_of

_GTINS = ("gtin13", "gtin14", "gtin12", "gtin8", "gtin", "ean", "isbn")


def pictures(value: Any, base: str, ids: dict[str, Node], depth: int = 0) -> Iterator[PictureClaim]:
    """Pictures of an ``image`` value: addresses, ImageObjects, references, lists of them."""
    if depth > 4:
        return
    for entry in each(value):
        if isinstance(entry, str) and entry.strip():
            if entry in ids and depth < 4:
                yield from pictures(ids[entry], base, ids, depth + 1)
            else:
                yield PictureClaim((absolute(base, entry.strip()),))
        elif isinstance(entry, dict):
            if set(entry) <= {"@id", "@type"}:
                entry = _resolved(entry, ids)
            named = [entry.get(key) for key in ("contentUrl", "url", "contentURL", "image")]
            urls = [
                absolute(base, url.strip())
                for item in named
                for url in each(item)
                if isinstance(url, str) and url.strip()
            ]
            if not urls and isinstance(entry.get("@id"), str) and "." in entry["@id"]:
                urls = [absolute(base, entry["@id"])]
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
        url=(absolute(base, address) or None) if (address := url_of(node)) else None,
        pictures=list(pictures(node.get("image"), base, ids)),
    )
    entries = [*each(node.get("hasVariant")), *each(node.get("model"))]
    nodes = [_resolved(entry, ids) for entry in entries if isinstance(entry, dict)]
    flat = [{**entry, "hasVariant": None, "model": None} for entry in nodes]
    variants = [claim(entry, base, source, ids) for entry in flat]
    for variant, entry in zip(variants, flat, strict=True):
        if _is_name_and_size(variant.name, found.name, text(entry.get("size"))):
            variant.name = None
    found.variants = colourways(variants)
    return found


def _is_name_and_size(name: str | None, group: str | None, size: str | None) -> bool:
    """Whether a variant is called as its product is, with nothing but its size behind it."""
    if not (name and group and size) or not name.startswith(group):
        return False
    return name[len(group) :].strip(" ,/|-–—()").casefold() == size.casefold()


def _resolved(node: Node, ids: dict[str, Node]) -> Node:
    name = node.get("@id")
    if isinstance(name, str) and set(node) <= {"@id", "@type"} and name in ids:
        return ids[name]
    return node


def _deref(value: Any, ids: dict[str, Node]) -> Any:
    return _resolved(value, ids) if isinstance(value, dict) else value


def _sku(node: Node) -> str | None:
    own = text(node.get("sku")) or text(node.get("mpn"))
    offers = [offer for offer in each(node.get("offers")) if isinstance(offer, dict)]
    if own or len(offers) != 1:
        return own
    return text(offers[0].get("sku"))


def _property(node: Node, key: str, names: tuple[str, ...]) -> str | None:
    direct = text(node.get(key))
    if direct:
        return direct
    for entry in each(node.get("additionalProperty")):
        if isinstance(entry, dict) and (text(entry.get("name")) or "").casefold() in names:
            return text(entry.get("value"))
    return None


def _parent(node: Node) -> str | None:
    parent = node.get("isVariantOf")
    if isinstance(parent, dict):
        return text(parent.get("productGroupID")) or text(parent.get("name"))
    return text(parent) if isinstance(parent, str) else None


def _category(value: Any) -> str | None:
    found = [name for name in map(text, each(value)) if name]
    return " > ".join(dict.fromkeys(found)) or None
