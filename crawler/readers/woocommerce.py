"""WooCommerce: the variations that its form carries, each with its picture and attributes."""

from __future__ import annotations

from typing import Any

from crawler.items import Claim, Page
from crawler.readers import html, picture_values
from crawler.readers.colourways import colourways, is_color_name
from crawler.readers.repair import parse_json
from crawler.words import clean

_MORE = ("variation_gallery_images", "additional_images", "gallery_images", "wavi_value", "woo_variation_gallery")  # fmt: skip
_SHOP = "(//*[contains(@class,'woocommerce')])[1]"
_BODY = "//body[contains(@class,'single-product')] | //div[contains(@class,'type-product')]"
_FORM = "//form[contains(concat(' ',@class,' '),' variations_form ')]"


def read(page: Page) -> list[Claim]:
    """The page's product by its heading, with a variant for each colour that has its own picture."""
    if not page.has("woocommerce") or not page.find(_SHOP):
        return []
    form = page.find(_FORM)
    name = _text(page, "//h1[contains(@class,'product_title')]") or html.heading(page)
    if not (form or page.find(_BODY)) or not name:
        return []
    crumbs = page.find("//*[contains(@class,'posted_in')]//a[contains(@href,'cat')]//text()")
    return [
        Claim(
            source="woocommerce",
            name=name,
            brand_text=_brand(page),
            sku=_text(
                page,
                "//*[contains(@class,'product_meta')]//*[contains(concat(' ',@class,' '),' sku ')]",
            ),
            category=" > ".join(filter(None, map(clean, crumbs))) or None,
            variants=_variants(page, form[0]) if form else [],
        )
    ]


def _text(page: Page, path: str) -> str | None:
    found = clean(" ".join(page.find(f"({path})[1]//text()")))
    return None if found in (None, "N/A", "n/a") else found


def _brand(page: Page) -> str | None:
    rows = "contains(@class,'attribute_pa_brand') or contains(@class,'attribute_brand')"
    path = f"//tr[{rows}]//td | //*[contains(@class,'product_meta')]//a[contains(@href,'/brand')]"
    return _text(page, path)


def _variants(page: Page, form: Any) -> list[Claim]:
    entries = parse_json(form.get("data-product_variations") or "")
    found = []
    for entry in entries if isinstance(entries, list) else ():
        attributes = entry.get("attributes") if isinstance(entry, dict) else None
        color = _color(form, attributes) if isinstance(attributes, dict) else None
        if color:
            told = [entry.get("image"), *(entry.get(key) for key in _MORE)]
            pictures = picture_values.claims([value for value in told if value], page.url)
            sku = clean(str(entry.get("sku") or ""))
            found.append(Claim(source="woocommerce", color=color, sku=sku, pictures=pictures))
    kept = colourways(found)
    firsts = {claim.pictures[0].urls[0] for claim in kept if claim.pictures}
    return kept if len(firsts) == len(kept) else []


def _color(form: Any, attributes: dict[str, Any]) -> str | None:
    """The colour's name as the form shows it; its slug where it shows none."""
    for key, value in attributes.items():
        word = key.removeprefix("attribute_").removeprefix("pa_")
        if is_color_name(word) and isinstance(value, str) and value:
            label = form.xpath("//select[@name=$name]//option[@value=$value]//text()", name=key, value=value)  # fmt: skip
            return clean(label[0] if label else value)
    return None
