"""OpenGraph, product: and Twitter meta tags; a claim only where they say something of a product."""

from __future__ import annotations

from crawler.absolute import absolute
from crawler.items import Claim, Page, PictureClaim
from crawler.words import clean, without_shop


def meta(page: Page) -> dict[str, list[str]]:
    """Contents of the meta tags by property (or name), in lower case."""
    if "meta" in page.memo:
        held: dict[str, list[str]] = page.memo["meta"]
        return held
    found: dict[str, list[str]] = {}
    for tag in page.find("//meta[@content and (@property or @name)]"):
        key = (tag.get("property") or tag.get("name") or "").strip().lower()
        content = clean(tag.get("content"))
        if content:
            found.setdefault(key, []).append(content)
    page.memo["meta"] = found
    return found


def is_product(tags: dict[str, list[str]]) -> bool:
    """Whether the tags call the page a product: by type, or by a price."""
    kinds = " ".join(tags.get("og:type", [])).lower()
    priced = any(key.endswith("price:amount") for key in tags)
    return "product" in kinds or priced


def read(page: Page) -> list[Claim]:
    """At most one claim, for a page whose tags call it a product."""
    tags = meta(page)
    if not is_product(tags):
        return []

    def first(*keys: str) -> str | None:
        return next((tags[key][0] for key in keys if key in tags), None)

    pictures = [
        PictureClaim((absolute(page.url, url),), alt)
        for url, alt in _pictures(page, first("twitter:image", "twitter:image:src"))
    ]
    shop = first("og:site_name")
    name = first("og:title", "twitter:title")
    return [
        Claim(
            source="opengraph",
            name=without_shop(name, shop) if name else None,
            brand_text=first("product:brand", "og:brand", "brand"),
            sku=first("product:retailer_item_id", "product:sku", "product:mfr_part_no"),
            gtin=first("product:ean", "product:gtin", "product:upc"),
            color=first("product:color", "og:color"),
            group=first("product:item_group_id"),
            category=first("product:category", "og:category"),
            url=first("og:url"),
            pictures=pictures,
        )
    ]


def shop_name(page: Page) -> str | None:
    """What the shop calls itself."""
    found = page.find("//meta[@property='og:site_name']/@content")
    return clean(found[0]) if found else None


def _pictures(page: Page, other: str | None) -> list[tuple[str, str | None]]:
    """(address, alt) of each og:image; an og:image:alt belongs to the picture before it."""
    found: list[tuple[str, str | None]] = []
    for tag in page.find("//meta[starts-with(@property, 'og:image') and @content]"):
        key, content = tag.attrib["property"].lower(), tag.attrib["content"].strip()
        if key in ("og:image", "og:image:url") and content:
            if content not in [url for url, _ in found]:
                found.append((content, None))
        elif key == "og:image:secure_url" and found and content:
            found[-1] = (content, found[-1][1])
        elif key == "og:image:alt" and found:
            found[-1] = (found[-1][0], clean(content))
    return found or ([(other, None)] if other else [])
