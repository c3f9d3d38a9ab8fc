"""Shopify: the product object of a theme's scripts, and which of its pictures show which colour."""

from __future__ import annotations

from typing import Any

from crawler.absolute import absolute
from crawler.items import Claim, Page, PictureClaim
from crawler.readers import embedded, html, picture_values, scripts
from crawler.readers.colourways import colourways, is_color_name
from crawler.words import clean

Node = dict[str, Any]


def _is_product(node: Node) -> bool:
    has_head = isinstance(node.get("title"), str) and isinstance(node.get("variants"), list)
    return has_head and ("vendor" in node or "handle" in node) and bool(node["variants"])


def read(page: Page) -> list[Claim]:
    """The product that the page is about; of `ShopifyAnalytics` the vendor, where that is all."""
    found = list(embedded.walk(scripts.values(page)))
    products = [node for node in found if _is_product(node) and embedded.is_about(node, page)]
    if products:
        fullest = max(products, key=lambda node: len(_images(node)))
        return [_claim(fullest, page)]
    metas = (node.get("product") for node in found)
    vendors = [
        meta for meta in metas if isinstance(meta, dict) and "vendor" in meta and "gid" in meta
    ]
    name = html.heading(page)
    return [
        Claim(
            source="shopify",
            name=name,
            brand_text=clean(str(meta["vendor"] or "")),
            category=clean(str(meta.get("type") or "")),
        )
        for meta in vendors[:1]
        if name
    ]


def _images(node: Node) -> list[Any]:
    media = [entry for entry in node.get("media") or () if isinstance(entry, dict)]
    stills = [entry for entry in media if entry.get("media_type", "image") == "image"]
    return stills or list(node.get("images") or ())


def _claim(node: Node, page: Page) -> Claim:
    name, group = clean(node["title"]), node.get("id")
    pictures = picture_values.claims(_images(node), page.url)
    variants = _variants(node, page, pictures)
    only = variants[0] if len(variants) == 1 else None
    skus = {str(v.get("sku") or "") for v in node["variants"] if isinstance(v, dict)}
    return Claim(
        source="shopify",
        name=name,
        brand_text=clean(str(node.get("vendor") or "")),
        sku=next(iter(skus)) or None if len(skus) == 1 else None,
        color=only.color if only else None,
        group=str(group) if group and len(variants) > 1 else None,
        category=clean(str(node.get("type") or node.get("product_type") or "")),
        pictures=pictures,
        variants=variants if len(variants) > 1 else [],
    )


def color_place(options: Any) -> int:
    """Which of a product's options is the colour, from 0; -1 for none."""
    names = [o.get("name") if isinstance(o, dict) else o for o in options or ()]
    return next((place for place, name in enumerate(names) if is_color_name(str(name))), -1)


def _variants(node: Node, page: Page, shown: list[PictureClaim]) -> list[Claim]:
    place = color_place(node.get("options"))
    if place < 0:
        return []
    firsts: dict[str, str | None] = {}  # colour -> its featured picture
    entries = [entry for entry in node["variants"] if isinstance(entry, dict)]
    for entry in entries:
        color = clean(str(entry.get(f"option{place + 1}") or ""))
        if color and not firsts.get(color):
            firsts[color] = _featured(entry, page)
    claims = []
    for color, members in _owners(firsts, node, shown, page).items():
        same = [e for e in entries if clean(str(e.get(f"option{place + 1}") or "")) == color]
        skus = {str(entry.get("sku") or "") for entry in same}
        sku = next(iter(skus)) or None if len(skus) == 1 else None
        claims.append(Claim(source="shopify", color=color, sku=sku, pictures=members))
    is_told = len(claims) == 1 or all(claim.pictures for claim in claims)
    return colourways(claims) if is_told else []


def _featured(variant: Node, page: Page) -> str | None:
    for key in ("featured_image", "featured_media", "image"):
        if found := picture_values.claims(variant.get(key), page.url):
            return found[0].urls[0]
    return None


def _owners(
    firsts: dict[str, str | None], node: Node, shown: list[PictureClaim], page: Page
) -> dict[str, list[PictureClaim]]:
    """Pictures by colour: named in the alt text, else after the featured picture of a colour."""
    owned: dict[str, list[PictureClaim]] = {color: [] for color in firsts}
    if len(firsts) == 1:
        return {next(iter(firsts)): shown}
    current: str | None = None
    for claim in shown:
        keys = {url.split("?")[0] for url in claim.urls}
        featured = [c for c, url in firsts.items() if url and url.split("?")[0] in keys]
        named = [c for c in firsts if claim.alt and c.casefold() in claim.alt.casefold()]
        current = next(iter(featured or named), current)
        if current is not None:
            owned[current].append(claim)
    return owned


def product_urls(products: list[Any], base: str) -> list[str]:
    """The addresses of the products that /products.json lists."""
    handles = (entry.get("handle") for entry in products if isinstance(entry, dict))
    return [absolute(base, f"/products/{handle}") for handle in handles if isinstance(handle, str)]
