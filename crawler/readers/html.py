"""Plain HTML: heading, breadcrumb, specification rows, for shops without structured data.

Generic signs only (headings, labels, list shapes), in English and Korean; no shop's class names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from catalogue.brands import brand_at_head, is_known_brand
from crawler.items import Claim, Page, compiled
from crawler.readers import heading as main_heading
from crawler.readers.picture_elements import is_elsewhere
from crawler.words import BUY, clean, without_shop

_LABELS = {
    "brand_text": ("brand", "brand name", "marke", "marque", "marca", "브랜드", "브랜드명", "상표"),
    "maker": ("manufacturer", "hersteller", "fabricant", "fabricante", "produttore", "maker", "vendor", "제조사", "제조회사"),
    "sku": ("sku", "artikelnummer", "artikel-nr.", "art.-nr.", "référence", "referencia", "codice", "model", "model no", "model number", "style", "style code", "style no", "item no", "article",
            "article number", "product code", "reference", "ref", "품번", "자체상품코드", "자체 상품코드", "모델명", "모델번호", "상품코드", "제품코드", "상품번호", "스타일 코드"),
    "gtin": ("ean", "gtin", "upc", "barcode", "바코드"),
    "color": ("color", "farbe", "couleur", "colore", "colour", "colorway", "colourway", "색상", "컬러"),
    "category": ("category", "kategorie", "catégorie", "categoría", "product type", "카테고리", "분류", "상품분류"),
}  # fmt: skip
_FIELD_OF = {label: field for field, labels in _LABELS.items() for label in labels}
_BRANDED = re.compile(
    r"(?<!navbar-)(?<![a-z])(?:brand|vendor|manufacturer)(?:[-_]?(?:name|link|title|logo))?(?![\w-])",
    re.IGNORECASE,
)
_BRAND_PAGE = re.compile(
    r"(?:/|[?&])(?:brands?|marken?|marques?|marcas?|manufacturers?|hersteller)[/=-](?=.)",
    re.IGNORECASE,
)
_PRICE = re.compile(
    r"(?:[$€£₩¥]|kr\.?|USD|EUR|KRW|GBP)\s?\d[\d.,]*|\d[\d.,]*\s?(?:[€₩£¥]|원|(?:USD|EUR|KRW|GBP|won|kr|zł)\b)",
    re.IGNORECASE,
)
_CRUMBS = (
    "//*[self::nav or self::ol or self::ul or self::div or self::p]"
    "[contains(translate(concat(' ',@class,' ',@id,' ',@aria-label), 'BREADCUM', 'breadcum'), 'breadcrumb')"
    " or contains(@class, 'crumb') or contains(@aria-label, '현재 위치') or contains(@class, 'location')]"
)


_WITH_COLON = (
    "//body//text()[contains(., ':')][string-length(.) < 200]"
    "[not(ancestor::script or ancestor::style)]"
)
_MARKED = "(//li | //div | //p)/*[1][self::span or self::strong or self::b or self::em]"
_BRAND_PLACES = (
    "//*[not(ancestor::nav or ancestor::footer or ancestor::header)]"
    "[self::a[contains(@href,'/brand') or contains(@href,'brand=') or contains(@href, 'vendor')]"
    " or contains(translate(@class,'BRAND','brand'), 'brand') or contains(@class, 'vendor')"
    " or contains(@class, 'manufacturer')]"
)
_LINES = ".//text()[not(ancestor::script or ancestor::style)]"


def heading(page: Page) -> str | None:
    """The text of the page's main heading, else its title without the shop's name."""
    found = main_heading.text(page)
    if found:
        return found
    title = clean(main_heading.page_title(page))
    shop = next(iter(page.find("//meta[@property='og:site_name']/@content")), None)
    return without_shop(title, shop) if title else None


def crumbs(page: Page) -> list[str]:
    """The breadcrumb as the HTML shows it, without separators; found once per page."""
    if "crumbs" not in page.memo:
        page.memo["crumbs"] = _crumbs(page)
    path: list[str] = page.memo["crumbs"]
    return path


def _crumbs(page: Page) -> list[str]:
    if not page.has("crumb", "location", "현재 위치"):
        return []
    for found in page.find(_CRUMBS):
        texts = [clean(text) for text in compiled(_LINES)(found)]
        parts = [
            part.strip(" >/»›|·→")
            for text in texts
            if text
            for part in re.split(r"\s+[>/»›→]\s+", text)
        ]
        kept = [part for part in parts if part]
        if 2 <= len(kept) <= 10:
            return kept
    return []


def rows(page: Page) -> Iterator[tuple[str, str]]:
    """(our name of a field, value) of tables, definition lists and "Label: value" lines."""
    has_tables, has_terms = page.has("<tr"), page.has("<dt")
    for row in page.find("//tr[th and td]") if has_tables else ():
        for head, cell in zip(row.iterchildren("th"), row.iterchildren("td"), strict=False):
            if field := _field_of(_text(head)):
                yield field, _text(cell)
    for row in page.find("//tr[not(th) and count(td)=2]") if has_tables else ():
        head, cell = row.iterchildren("td")
        if field := _field_of(_text(head)):
            yield field, _text(cell)
    for term in page.find("//dl//dt[following-sibling::*[1][self::dd]]") if has_terms else ():
        if field := _field_of(_text(term)):
            yield field, _text(term.getnext())
    for line in page.find("//li | //p | //div[count(*)<4] | //span"):
        text = _beginning(line, 200)
        label, colon, value = text.partition(":" if ":" in text[:40] else "：")
        if colon and value.strip() and (field := _field_of(label)):
            yield field, value.strip()
    for text in page.find(_WITH_COLON):
        label, _, value = text.partition(":")
        if field := _field_of(label):
            yield field, clean(value) or ""
    for head in page.find(_MARKED):
        if field := _field_of(_text(head)):
            rest = compiled("following-sibling::node()/descendant-or-self::text()")(head)
            yield field, clean(" ".join(rest)) or ""


def _field_of(label: str) -> str | None:
    return _FIELD_OF.get(label.strip().strip(" :：*").casefold())


def _text(element: Any) -> str:
    return clean(" ".join(element.itertext())) or ""


def _beginning(element: Any, length: int) -> str:
    """As `_text`, cut off; a part that holds half the page is not read to its end."""
    texts, count = [], 0
    for text in element.itertext():
        texts.append(text)
        count += len(text.strip())
        if count > 2 * length:
            break
    return (clean(" ".join(texts)) or "")[:length]


def specification(page: Page) -> dict[str, str]:
    """The first value of each labelled field that the page gives, by our names."""
    found: dict[str, str] = {}
    for name, value in rows(page):
        if value and len(value) <= 120 and name not in found:
            found[name] = value
    return found


def brand(page: Page, name: str | None, path: list[str], told: dict[str, str]) -> str | None:
    """The brand by labelled row, by a brand link, by the breadcrumb, by the name's head, by the maker."""
    if "brand_text" in told:
        return told["brand_text"]
    title = main_heading.element(page)
    above = set(title.iterancestors()) if title is not None else set()
    memo: dict[Any, bool] = {}
    linked = [
        node
        for node in page.find(_BRAND_PLACES)
        if (node.tag == "a" or _BRANDED.search(node.get("class") or ""))
        and not is_elsewhere(node, page.url, above, memo)
    ]
    texts = [text for text in map(_brand_text, linked) if text and len(text) <= 40]
    near = [text for text in texts if is_known_brand(text)] or texts[:1]
    if near:
        return near[0]
    for crumb in reversed(path):
        if is_known_brand(crumb):
            return crumb
    for link in page.find(f"{_CRUMBS}//a[@href]") if path else ():
        if _BRAND_PAGE.search(link.get("href")) and (crumb := _text(link)) in path:
            return crumb
    head = brand_at_head(name or "")
    return head[0] if head else told.get("maker")


def _brand_text(found: Any) -> str:
    """The brand that an element shows, without a label before it; by its logo where that is all."""
    shown = _text(found)
    if not shown:
        own = found.xpath("(descendant-or-self::img/@alt | descendant-or-self::img/@title)[1]")
        return clean(next(iter(own), "")) or ""
    label, _, rest = shown.partition(" ")
    is_label = _FIELD_OF.get(label.strip(" :：").casefold()) in ("brand_text", "maker")
    return rest.strip(" :：") if is_label else shown


def looks_sold(page: Page) -> bool:
    """Whether the page sells one thing: something to buy it with, and a price."""
    texts = page.find(
        "//body//*[self::button or self::a or self::label or self::span]//text() | //input[@type='submit' or @type='button']/@value"
    )
    can_buy = any(BUY.search(text) for text in texts if len(text) < 60)
    if not can_buy:
        return False
    return bool(_PRICE.search(" ".join(page.find("//body" + _LINES.removeprefix(".")))))


def read(page: Page) -> list[Claim]:
    """One claim with whatever the plain page says of its product; pictures come from the gallery."""
    name = heading(page)
    if not name:
        return []
    told = specification(page)
    path = crumbs(page)
    return [
        Claim(
            source="html",
            name=name,
            brand_text=brand(page, name, path, told),
            sku=told.get("sku"),
            gtin=told.get("gtin"),
            color=told.get("color"),
            category=told.get("category"),
        )
    ]
