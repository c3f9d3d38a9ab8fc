"""Embedded state: the product among the objects that a page's scripts and attributes hold.

``__NEXT_DATA__``, ``__NUXT__``, ``window.*STATE*``, PrestaShop's data-product, a data layer and the
like have nothing in common but the thing itself: an object with a name, pictures, a brand or a price.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from crawler.absolute import absolute
from crawler.items import Claim, Page, PictureClaim
from crawler.readers import html, picture_values, scripts
from crawler.readers.colourways import colourways
from crawler.words import clean

Node = dict[str, Any]
_NAME = ("productName", "product_name", "name", "title", "displayName", "display_name", "item_name",
         "goodsNm", "goodsName", "prdNm", "itemName", "fullName", "modelName", "label")  # fmt: skip
_BRAND = ("brand", "brandName", "brand_name", "item_brand", "manufacturer_name", "manufacturerName",
          "manufacturer", "vendor", "brandNm", "maker", "designer")  # fmt: skip
_SKU = ("sku", "styleCode", "style_code", "styleColor", "productCode", "product_code", "reference",
        "modelNumber", "mpn", "articleNumber", "masterId", "item_id")  # fmt: skip
_GTIN = ("gtin13", "gtin", "ean13", "ean", "upc", "barcode")
_COLOR = ("color", "colour", "colorName", "color_name", "colorDescription", "colorway", "colourName", "색상")  # fmt: skip
_CATEGORY = ("category", "categoryName", "category_name", "productType", "product_type", "item_category", "categories", "breadcrumbs")  # fmt: skip
_PICTURES = ("images", "media", "gallery", "galleryImages", "gallery_images", "photos", "pictures", "productImages",
             "product_images", "imageUrls", "image_urls", "imageGroups", "image_groups", "mediaGallery", "media_gallery",
             "media_gallery_entries", "detailImages", "imageList", "imgList", "goodsImages", "assets", "heroImages",
             "contentImages", "carousel", "image", "img", "imageUrl", "image_url", "mainImage", "primaryImage",
             "featuredImage", "representativeImage", "cover", "thumbnail")  # fmt: skip
_PRICE = re.compile(r"price|amount|sale_?cost", re.IGNORECASE)
_VARIANTS = ("colorways", "colourways", "colors", "colours", "colorVariants", "variants", "variations", "skus", "children", "products")  # fmt: skip
_URL = ("url", "canonicalUrl", "canonical_url", "productUrl", "permalink", "link", "href", "pdpUrl")
_MAX_NODES, _MAX_DEPTH = 60_000, 25


def nodes(page: Page) -> list[Node]:
    """The objects of the page's data that look like products, in the order of the page."""
    if "products" not in page.memo:
        page.memo["products"] = [
            node for node in walk(scripts.values(page)) if looks_like_product(node)
        ]
    found: list[Node] = page.memo["products"]
    return found


def walk(value: Any) -> Iterator[Node]:
    """The objects within ``value``, outer ones first."""
    stack, count = [(value, 0)], 0
    while stack and count < _MAX_NODES:
        entry, depth = stack.pop()
        count += 1
        if isinstance(entry, dict):
            yield entry
        if depth < _MAX_DEPTH and isinstance(entry, dict | list):
            inner = list(entry.values()) if isinstance(entry, dict) else entry
            stack += [(e, depth + 1) for e in reversed(inner) if isinstance(e, dict | list)]


def looks_like_product(node: Node) -> bool:
    """Whether an object has a name, and two of pictures, a brand, a price, a code."""
    if text_of(node, _NAME) is None:
        return False
    has_pictures = any(node.get(key) for key in _PICTURES)
    is_sold = any(_PRICE.search(key) for key in node)
    has_brand = text_of(node, _BRAND) is not None
    has_code = text_of(node, (*_SKU, *_GTIN)) is not None
    return has_pictures + is_sold + has_brand + has_code >= 2 and (has_pictures or has_brand)


def text_of(node: Node, keys: tuple[str, ...]) -> str | None:
    """The first text that one of ``keys`` holds, itself or as the name within."""
    for key in keys:
        if found := _text(node.get(key), 0):
            return found
    return None


def _text(value: Any, depth: int) -> str | None:
    if isinstance(value, str | int) and not isinstance(value, bool):
        found = clean(str(value))
        return (
            found if found and len(found) <= 300 and not found.startswith(("http", "/")) else None
        )
    if isinstance(value, dict) and depth < 2:
        inner = (
            value.get(key)
            for key in (
                "name",
                "label",
                "title",
                "displayName",
                "categoryName",
                "value",
                "ko",
                "en",
            )
        )
        return next((text for text in (_text(entry, depth + 1) for entry in inner) if text), None)
    return None


def category_of(node: Node) -> str | None:
    """The category, a path joined by ``>``."""
    for key in _CATEGORY:
        value = node.get(key)
        names = (
            [_text(entry, 0) for entry in value] if isinstance(value, list) else [_text(value, 0)]
        )
        if kept := [name for name in names if name and not name.isdigit()]:
            return " > ".join(dict.fromkeys(kept))
    return None


def pictures_of(node: Node, base: str) -> list[PictureClaim]:
    """The pictures of the field that holds most of them."""
    fields = [picture_values.claims(node.get(key), base) for key in _PICTURES if node.get(key)]
    return max(fields, key=len, default=[])


def claim(node: Node, page: Page) -> Claim:
    """A product-like object as a claim, its colourways as variants."""
    url = next(
        (v for v in (node.get(key) for key in _URL) if isinstance(v, str) and "/" in v), None
    )
    return Claim(
        source="embedded-json",
        name=text_of(node, _NAME),
        brand_text=text_of(node, _BRAND) or _inner_brand(node),
        sku=text_of(node, _SKU),
        gtin=_gtin(node),
        color=text_of(node, _COLOR),
        category=category_of(node),
        url=(absolute(page.url, url) or None) if url else None,
        pictures=pictures_of(node, page.url),
        variants=_variants(node, page),
    )


def _inner_brand(node: Node) -> str | None:
    """The brand that an object within names, as one of search or of specifications."""
    inner = [entry for entry in node.values() if isinstance(entry, dict)]
    return next((text for entry in inner if (text := text_of(entry, _BRAND))), None)


def _gtin(node: Node) -> str | None:
    found = text_of(node, _GTIN)
    return found if found and re.fullmatch(r"\d{8,14}", found) else None


def _variants(node: Node, page: Page) -> list[Claim]:
    """Colourways with pictures of their own; none unless there are at least two."""
    for key in _VARIANTS:
        value = node.get(key)
        entries = value if isinstance(value, list) else []
        found = [
            Claim(
                source="embedded-json",
                color=text_of(entry, (*_COLOR, "name", "label", "title")),
                sku=text_of(entry, _SKU),
                gtin=_gtin(entry),
                pictures=pictures_of(entry, page.url),
            )
            for entry in entries
            if isinstance(entry, dict)
        ]
        kept = colourways(entry for entry in found if entry.color and entry.pictures)
        firsts = {entry.pictures[0].urls[0] for entry in kept}
        if len(kept) > 1 and len(firsts) == len(kept):
            return kept
    return []


def is_about(node: Node, page: Page) -> bool:
    """Whether the object is what the page is about: by its name in the heading, or by the address.

    A name of one short word may stand in the heading of a listing, so it must be all of it.
    """
    name = (text_of(node, _NAME) or "").casefold()
    heading = (html.heading(page) or "").casefold()
    brand = (text_of(node, _BRAND) or "").casefold()
    if name and heading in (name, f"{brand} {name}", name.removeprefix(f"{brand} ")):
        return True
    if name in heading and (len(name.split()) > 1 or len(name) >= 8):
        return True
    return _is_in_path(node, page)


def _is_in_path(node: Node, page: Page) -> bool:
    path = unquote(urlsplit(page.url).path).casefold()
    slugs = (
        node.get(key) for key in ("handle", "slug", "urlKey", "url_key", "seoUrl", "linkRewrite")
    )
    return any(isinstance(s, str) and len(s) > 4 and s.casefold() in path for s in slugs)


def _addressed(found: list[Node], page: Page) -> list[Node]:
    """Of products that share a name but not a brand, those that the page's address names."""
    brands = {(text_of(node, _BRAND) or "").casefold() for node in found} - {""}
    if len(brands) < 2:
        return found
    path = urlsplit(page.url).path.rstrip("/")
    named = [
        node
        for node in found
        if _is_in_path(node, page)
        or any(
            isinstance(node.get(key), str) and urlsplit(str(node[key])).path.rstrip("/") == path
            for key in _URL
        )
        or str(node.get("id") or "-") in re.split(r"\W+", path)
    ]
    return named or found


def read(page: Page) -> list[Claim]:
    """At most one claim: the fullest object about this page, with what a data layer adds to it."""
    found = [node for node in nodes(page) if is_about(node, page)]
    about = [claim(node, page) for node in _addressed(found, page)]
    if not about:
        return []
    best = max(about, key=lambda c: (len(c.variants), len(c.pictures), bool(c.brand_text)))
    for other in about:
        if other.pictures and other is not best:
            continue  # perhaps another colourway of the same name
        for field in ("brand_text", "sku", "gtin", "color", "category"):
            if getattr(best, field) is None:
                setattr(best, field, getattr(other, field))
    return [best]
