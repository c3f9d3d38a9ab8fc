"""What a product page says to machines: JSON-LD in eight manners, microdata, OpenGraph.

Every function takes absolute addresses; nothing here knows how the page looks.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo.offers import Group, Offer

CONTEXT = "https://schema.org"
SIZES_MM = (240, 250, 260, 270, 280)
Crumbs = Sequence[tuple[str, str]]  # (name, absolute address)


@dataclass(frozen=True)
class Shown:
    """An offer with the absolute addresses of its page and pictures."""

    offer: Offer
    url: str
    originals: tuple[str, ...]
    mediums: tuple[str, ...]  # the same pictures at 600 px


def product(shown: Shown, images: Any) -> dict[str, Any]:
    """A schema.org Product without @context; ``images`` as this manner names them."""
    offer = shown.offer
    found: dict[str, Any] = {
        "@type": "Product",
        "name": offer.product.name,
        "brand": {"@type": "Brand", "name": offer.brand_text},
        "category": offer.category.title(offer.language),
        "url": shown.url,
        "image": images,
        "description": description(offer),
        "offers": {
            "@type": "Offer",
            "price": offer.price_krw,
            "priceCurrency": "KRW",
            "availability": f"{CONTEXT}/InStock",
            "url": shown.url,
        },
    }
    return found | _codes(offer)


def description(offer: Offer) -> str:
    """A sentence about the product."""
    name, brand = offer.product.name, offer.brand_text
    if offer.language == "ko":
        return f"{brand} {name}. 전 상품 무료 배송, 30일 이내 교환 가능."
    return f"{name} by {brand}. Free delivery, and thirty days to change your mind."


def crumb_list(crumbs: Crumbs) -> dict[str, Any]:
    """A BreadcrumbList without @context."""
    entries = [
        {"@type": "ListItem", "position": place, "name": name, "item": url}
        for place, (name, url) in enumerate(crumbs, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": entries}


def scripts(shown: Shown, siblings: Sequence[Shown], group: Group | None, crumbs: Crumbs) -> str:
    """The JSON-LD scripts of a product page; empty for markups without JSON-LD.

    ``siblings`` are the colourways of its group where it has one, else related products.
    """
    markup, originals = shown.offer.markup, list(shown.originals)
    good = product(shown, originals)
    if markup == "json_ld_graph":
        return _script(_graph(shown, siblings, crumbs))
    if markup == "json_ld_broken":
        broken = '{"@context": "https://schema.org", "@type": "Organization", "name": "Meri'
        lone = good | {"image": originals[:1]}
        return _wrapped(broken) + _script(lone)
    if markup == "json_ld_commas":
        return _wrapped(_with_trailing_commas(_text(good)))
    if markup == "json_ld_escaped":
        return _wrapped(html.escape(_text(good)))
    if markup == "json_ld_sizes":
        return _script(_sizes(shown))
    if markup == "group_page" and group is not None:
        variant_of = {"@type": "ProductGroup", "name": group.name, "productGroupID": group.key}
        return _script(good | {"isVariantOf": variant_of}) + _script(crumb_list(crumbs))
    if markup == "group_pages" and group is not None:
        return _script(_variants_by_address(shown, siblings, group))
    if markup == "json_ld":
        return _script(good) + _script(crumb_list(crumbs))
    return ""


def group_script(group: Group, variants: Sequence[Shown]) -> str:
    """The ProductGroup of a page that shows all colourways, each with its own pictures."""
    entries = [product(shown, list(shown.originals)) for shown in variants]
    return _script(_group_head(group, variants[0].offer) | {"hasVariant": entries})


def _graph(shown: Shown, related: Sequence[Shown], crumbs: Crumbs) -> dict[str, Any]:
    images = [
        {"@type": "ImageObject", "url": medium, "contentUrl": medium} for medium in shown.mediums
    ]
    others = [
        {
            "@type": "Product",
            "name": other.offer.product.name,
            "url": other.url,
            "image": other.originals[0],
        }
        for other in related
    ]
    site = {"@type": "WebPage", "@id": f"{shown.url}#page", "url": shown.url}
    main = product(shown, images) | {"isRelatedTo": others, "mainEntityOfPage": site["@id"]}
    return {"@graph": [site, crumb_list(crumbs), main]}


def _sizes(shown: Shown) -> dict[str, Any]:
    """A ProductGroup that varies by size only, as shop software writes it: one product."""
    base = product(shown, list(shown.originals))
    variants = []
    for size in SIZES_MM:
        more: dict[str, Any] = {"name": f"{base['name']} - {size}", "size": str(size)}
        if "sku" in base:
            more["sku"] = f"{base['sku']}-{size}"
        variants.append(base | more | {"url": f"{shown.url}?size={size}"})
    head = {key: base[key] for key in ("name", "brand", "category", "url", "image", "description")}
    head |= {"@type": "ProductGroup", "productGroupID": shown.url.rsplit("-", 1)[-1]}
    return head | {"variesBy": [f"{CONTEXT}/size"], "hasVariant": variants}


def _variants_by_address(shown: Shown, siblings: Sequence[Shown], group: Group) -> dict[str, Any]:
    own: list[dict[str, Any]] = [product(shown, list(shown.originals))]
    others = [{"@type": "Product", "url": other.url} for other in siblings if other != shown]
    return _group_head(group, shown.offer) | {"hasVariant": own + others}


def _group_head(group: Group, offer: Offer) -> dict[str, Any]:
    return {
        "@type": "ProductGroup",
        "name": group.name,
        "productGroupID": group.key,
        "brand": {"@type": "Brand", "name": offer.brand_text},
        "variesBy": [f"{CONTEXT}/color"],
    }


def _codes(offer: Offer) -> dict[str, str]:
    codes = {"sku": offer.product.sku, "color": offer.product.color}
    return {name: value for name, value in codes.items() if value}


def _text(value: dict[str, Any]) -> str:
    text = json.dumps({"@context": CONTEXT} | value, ensure_ascii=False, indent=1)
    return text.replace("<", "\\u003c")


def _with_trailing_commas(text: str) -> str:
    """``text`` (as `_text` writes it, one value a line) with a comma after each last value."""
    lines = text.split("\n")
    for place, line in enumerate(lines[1:], start=1):
        if line.strip()[:1] in ("}", "]") and lines[place - 1].rstrip()[-1:] not in "{[,":
            lines[place - 1] += ","
    return "\n".join(lines)


def _script(value: dict[str, Any]) -> str:
    return _wrapped(_text(value))


def _wrapped(text: str) -> str:
    return f'<script type="application/ld+json">\n{text}\n</script>\n'


def open_graph(shown: Shown, is_whole: bool) -> str:
    """Meta tags: all a machine needs where ``is_whole``, else the few that every shop has."""
    offer = shown.offer
    tags = [
        ("og:type", "product"),
        ("og:title", offer.product.name),
        ("og:url", shown.url),
    ]
    images = shown.originals if is_whole else shown.mediums[:1]
    tags += [("og:image", image) for image in images]
    if is_whole:
        tags.append(("product:brand", offer.brand_text))
        tags.append(("product:category", offer.category.title(offer.language)))
        if offer.product.sku:
            tags.append(("product:retailer_item_id", offer.product.sku))
        if offer.product.color:
            tags.append(("product:color", offer.product.color))
        tags.append(("product:price:amount", str(offer.price_krw)))
        tags.append(("product:price:currency", "KRW"))
    return "".join(f'<meta property="{n}" content="{html.escape(v)}">\n' for n, v in tags)


def microdata(shown: Shown) -> str:
    """Hidden properties for a page whose heading and brand carry the others visibly."""
    offer = shown.offer
    lines = [f'<link itemprop="image" href="{html.escape(url)}">' for url in shown.originals]
    for name, value in _codes(offer).items():
        lines.append(f'<meta itemprop="{name}" content="{html.escape(value)}">')
    category = html.escape(offer.category.title(offer.language))
    lines.append(f'<meta itemprop="category" content="{category}">')
    return "\n".join(lines) + "\n"
