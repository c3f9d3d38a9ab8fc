"""Links: the canonical form of an address, what it may lead to, and the links of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from parsel import Selector

from crawler.items import Page
from crawler.pictures import EXTENSIONS
from crawler.readers import json_ld

_DROPPED = re.compile(
    r"^(?:utm_\w+|gclid|fbclid|msclkid|yclid|mc_[ce]id|_ga|_gl|ref|referrer|source|sid|sessionid|session_id|session|"
    r"phpsessid|jsessionid|aspsessionid\w*|token|osCsid|zenid|srsltid|pr_\w+|_pos|_sid|_ss|_psq|_v|variant|"
    r"sort\w*|order|orderby|order_by|ord|dir|direction|sort_method|product_list_\w+|view|display\w*|layout|mode|"
    r"per_?page|page_?size|limit|items|show|count|"
    r"filter\w*(?:[.\[].*)?|f\..*|facet.*|price\w*|min_?price|max_?price|price_min|price_max|"
    r"colou?r|size|sizes|gender|material|rating|in_?stock|availability|discount|sale|on_sale|"
    r"add-to-cart|add_to_wishlist|currency|lang(?:uage)?|locale|country)$",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"/(?:cart|basket|checkout|order(?:s|_form)?|payment|account|my-?account|my-?page|login|logout|log-?in|sign-?(?:in|up)|register|"
    r"member|join|wish-?list|favou?rites|compare|print|share|cdn-cgi|wp-admin|wp-json|wp-login|feed|rss|xmlrpc|admin|api)"
    r"(?:[/.?]|$)|/(?:privacy|terms|returns?|shipping|delivery|faq|help|contact|about|careers?|imprint|impressum|cookies?)(?:[/.?]|$)",
    re.IGNORECASE,
)
_FILES = (
    *EXTENSIONS,
    ".svg",
    ".pdf",
    ".zip",
    ".css",
    ".js",
    ".mp4",
    ".webm",
    ".ico",
    ".woff",
    ".woff2",
    ".json",
    ".gz",
    ".txt",
)
_PRODUCT = re.compile(
    r"/(?:products?|items?|goods|p|dp|pd|shop-?detail|detail|product_detail|sku|artikel|produkt)(?:[/_.-]|$|\.\w+$)"
    r"|product|goods|[?&](?:product_no|branduid|goods_?no|it_id|item_?id|product_?id|pid|prd\w*)=|-p-?\d+|/\d{4,}(?:\.html?)?$",
    re.IGNORECASE,
)
_LISTING = re.compile(
    r"[?&](?:page|p|pg|paged|cate_no|category|cate\w*|cat|brand|offset|start|cursor|after)=|/page/\d+|categor|collection|/c/|/brands?(?:/|$)|/shoes?(?:/|$)|/shop(?:/|$)|신발|brand",
    re.IGNORECASE,
)
_PAGING = re.compile(
    r"^(?:page|p|pg|paged|pageno|page_no|offset|start|cursor|after)$", re.IGNORECASE
)
SITEMAP, PRODUCT, LISTING, OTHER = 0, 1, 2, 3


def canonical(url: str, base: str = "") -> str | None:
    """The address under which a page is known: absolute, no fragment, session, sort order or facet.

    None for what is no page: other schemes, files, the cart, an account.

    >>> canonical("/list?sort=price&page=2&utm_source=x#top", "http://x.kr/")
    'http://x.kr/list?page=2'
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    path = re.sub(r";jsessionid=[^/?]*", "", parts.path, flags=re.IGNORECASE)
    path = re.sub(r"/{2,}", "/", path) or "/"
    if _AWAY.search(path) or path.lower().endswith(_FILES):
        return None
    if len(path) > 1000 or _repeats(path):
        return None
    query = [
        (key, value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _DROPPED.match(key)
    ]
    if len(query) > 4:
        return None
    query = [
        (key, value)
        for key, value in query
        if not (_PAGING.match(key) and key.startswith("p") and value == "1")
    ]
    host = parts.hostname.lower()
    host = f"[{host}]" if ":" in host else host
    standard = {"http": 80, "https": 443}[parts.scheme]
    netloc = host if port in (None, standard) else f"{host}:{port}"
    return urlunsplit((parts.scheme, netloc, _quoted(path), urlencode(sorted(query)), ""))


def _quoted(path: str) -> str:
    """``path`` with what is not ASCII percent-encoded, the rest as it stands."""
    return "".join(
        c
        if c.isascii() and c not in ' "<>'
        else "".join(f"%{b:02X}" for b in c.encode("utf-8", "replace"))
        for c in path
    )


def _repeats(path: str) -> bool:
    folders = [folder for folder in path.split("/") if folder]
    return len(folders) > 12 or any(folders.count(folder) > 3 for folder in folders)


def kind_of(url: str) -> int:
    """What an address seems to lead to; it only orders the walk, and never decides what a page is."""
    if _LISTING.search(url):
        return LISTING
    return PRODUCT if _PRODUCT.search(url) else OTHER


def of_page(page: Page) -> Iterator[tuple[str, int]]:
    """(canonical address, kind) of the page's links: lists' products, next pages, cards, the rest."""
    base = page.selector.xpath("//base/@href").get()
    base = urljoin(page.url, base) if base else page.url
    for url in json_ld.listed(page):
        if address := canonical(url, base):
            yield address, PRODUCT
    for url in page.selector.xpath(
        "//link[@rel='next']/@href | //a[contains(concat(' ',@rel,' '),' next ')]/@href"
    ).getall():
        if address := canonical(url, base):
            yield address, LISTING
    cards = set(page.selector.xpath("//a[.//img or .//picture]/@href").getall())
    for link in page.selector.xpath(
        "//a[@href] | //area[@href] | //*[@data-href or @data-next-url or @data-url]"
    ):
        if "nofollow" in (link.attrib.get("rel") or ""):
            continue
        href = (
            link.attrib.get("href")
            or link.attrib.get("data-href")
            or link.attrib.get("data-next-url")
            or link.attrib.get("data-url")
            or ""
        )
        address = canonical(href, base)
        if address is None:
            continue
        kind = kind_of(address)
        yield address, PRODUCT if kind == OTHER and href in cards else kind


def canonical_link(page: Page) -> str | None:
    """What the page says its own address is (``rel=canonical``), made canonical."""
    found = page.selector.xpath("//link[@rel='canonical']/@href").get()
    return canonical(found, page.url) if found and found.strip() else None


def page_of(url: str, body: str) -> Page:
    """A page for the readers."""
    return Page(url, Selector(text=body, type="html"))
