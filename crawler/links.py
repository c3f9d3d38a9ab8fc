"""Links: the canonical form of an address, what it may lead to, and the links of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lxml import etree
from parsel import Selector

from crawler.absolute import absolute
from crawler.items import Page
from crawler.pictures import EXTENSIONS
from crawler.readers import json_ld
from crawler.readers.frames import open_frames
from crawler.words import clean

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
    r"^(?:page|p|pg|paged|page_?(?:no|num|number)|pagina|seite|offset|start|cursor|after)$",
    re.IGNORECASE,
)
_MORE = re.compile(r"^data-.*(?:next|more|load|page|url|href)", re.IGNORECASE)
_COLOR = re.compile(r"(?:^|_)colou?r(?:[_-]?(?:code|id|name))?$|^색상$", re.IGNORECASE)
_NEXT = "//link[@rel='next']/@href | //a[contains(concat(' ',@rel,' '),' next ')]/@href"
_LINKS = "//a[@href] | //area[@href] | //*[@data-href or @data-next-url or @data-url]"
_HREFS = ("href", "data-href", "data-next-url", "data-url")
_LOADED = "//*[@*[starts-with(name(), 'data-') and contains(., '?') and contains(., '=')]]"
_MAX_COLORS = 40  # colourways of one product that are followed
SITEMAP, PRODUCT, LISTING, OTHER = 0, 1, 2, 3


def canonical(url: str, base: str = "") -> str | None:
    """The address under which a page is known: absolute, no fragment, session, sort order or facet.

    None for what is no page: other schemes, files, the cart, an account.

    >>> canonical("/list?sort=price&page=2&utm_source=x#top", "http://x.kr/")
    'http://x.kr/list?page=2'
    """
    try:
        return _canonical(absolute(base, url.strip()))
    except ValueError:
        return None


@lru_cache(maxsize=8192)  # each page of a shop links to the same few hundred
def _canonical(url: str) -> str | None:
    parts = urlsplit(url)
    port = parts.port
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    path = re.sub(r";jsessionid=[^/?]*", "", parts.path, flags=re.IGNORECASE)
    path = re.sub(r"/{2,}", "/", path) or "/"
    if _AWAY.search(path) or path.lower().endswith(_FILES):
        return None
    if len(path) > 1000 or _repeats(path):
        return None
    # byte by byte: an old shop of EUC-KR writes its queries in that
    pairs = parse_qsl(_quoted(parts.query), keep_blank_values=True, encoding="latin-1")
    query = [(key, value) for key, value in pairs if not _DROPPED.match(key)]
    if len(query) > 4:
        return None
    # page=1 stays: where a shop counts from 0, it is the second
    host = parts.hostname.lower()
    host = f"[{host}]" if ":" in host else host
    standard = {"http": 80, "https": 443}[parts.scheme]
    netloc = host if port in (None, standard) else f"{host}:{port}"
    return urlunsplit(
        (parts.scheme, netloc, _quoted(path), urlencode(sorted(query), encoding="latin-1"), "")
    )


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


@lru_cache(maxsize=8192)
def kind_of(url: str) -> int:
    """What an address seems to lead to; it only orders the walk, and never decides what a page is."""
    if _LISTING.search(url):
        return LISTING
    return PRODUCT if _PRODUCT.search(url) else OTHER


def of_page(page: Page) -> Iterator[tuple[str, int]]:
    """(canonical address, kind) of the page's links: lists' products, next pages, cards, the rest."""
    base = next(iter(page.find("//base/@href")), None) if page.has("<base") else None
    base = absolute(page.url, base) if base else page.url
    base = base if canonical("/", base) else page.url  # it may be no address
    for url in json_ld.listed(page):
        if address := canonical(url, base):
            yield address, PRODUCT
    for url in page.find(_NEXT) if page.has("next") else ():
        if address := canonical(url, base):
            yield address, LISTING
    for address in _loaded(page, base):
        yield address, LISTING
    cards = set(page.find("//a[.//img or .//picture]/@href"))
    for link in page.find(_LINKS):
        if "nofollow" in (link.get("rel") or ""):
            continue
        href = next(filter(None, map(link.get, _HREFS)), "")
        address = canonical(href, base)
        if address is None:
            continue
        kind = kind_of(address)
        yield address, PRODUCT if kind == OTHER and href in cards else kind


def _loaded(page: Page, base: str) -> Iterator[str]:
    """Addresses of a listing's next part, which a script loads: by an attribute's name and a page's number."""
    for found in page.find(_LOADED):
        for name, value in found.attrib.items():
            is_more = _MORE.search(name) and value.startswith(("/", "http", "?"))
            is_paged = is_more and any(_PAGING.match(key) for key, _ in _query(value))
            if is_paged and (address := canonical(value, base)):
                yield address


def color_of(url: str) -> str | None:
    """The colour that an address chooses by a parameter, None where it chooses none.

    >>> color_of("/p/1?size=42&color=red"), color_of("/p/1?dwvar_1_color=PINE"), color_of("/p/1")
    ('red', 'PINE', None)
    """
    return next((value for key, value in _query(url) if _COLOR.search(key) and value), None)


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []


def colored(url: str, base: str = "") -> str | None:
    """The canonical address with the colour that it chooses.

    >>> colored("/p/1?size=42&color=red", "http://x.kr/")
    'http://x.kr/p/1?color=red'
    """
    found = canonical(url, base)
    if found is None or color_of(found) is not None:
        return found
    chosen = [(key, value) for key, value in _query(url) if _COLOR.search(key) and value][:1]
    return found + ("&" if "?" in found else "?") + urlencode(chosen) if chosen else found


def uncolored(url: str) -> str:
    """``url`` without the colour that it chooses.

    >>> uncolored("demo:/p/1?color=red&id=2")
    'demo:/p/1?id=2'
    """
    if color_of(url) is None:
        return url
    kept = [(key, value) for key, value in _query(url) if not _COLOR.search(key)]
    return urlunsplit(urlsplit(url)._replace(query=urlencode(kept)))


def color_links(page: Page) -> dict[str, str]:
    """Addresses of this page in other colours, with the colour's name; as swatches link to them."""
    found: dict[str, str] = {}
    if not page.has("color", "colour", "색상", "%ec%83%89%ec%83%81"):
        return found
    own = {_path(page.url), _path(canonical_link(page) or page.url)}
    for link in page.find("//a[@href] | //option[@value] | //*[@data-url or @data-href]"):
        marks = link.attrib
        href = next(
            (marks[k] for k in ("href", "data-url", "data-href", "value") if marks.get(k)), ""
        )
        code = color_of(href) if "=" in href else None
        address = colored(href, page.url) if code else None
        is_same = address is not None and _path(address) in own
        if code and address and is_same and len(found) < _MAX_COLORS:
            texts = (marks.get("title"), marks.get("aria-label"), link.xpath("string()"), next(iter(link.xpath(".//@alt")), None))  # fmt: skip
            told = next((text for text in map(clean, filter(None, texts)) if text), None)
            found.setdefault(address, told or code)
    return found


def _path(url: str) -> str:
    return urlsplit(url).path.rstrip("/")


def canonical_link(page: Page) -> str | None:
    """What the page says its own address is (``rel=canonical``), made canonical.

    Not the home page: a theme that calls each page that would make all products one.
    """
    if "canonical" not in page.memo:
        told = next(iter(page.find("//link[@rel='canonical']/@href")), "").strip()
        found = canonical(told, page.url) if told else None
        is_home = found is not None and urlsplit(found)[2:4] == ("/", "")
        page.memo["canonical"] = None if is_home else found
    own: str | None = page.memo["canonical"]
    return own


def page_of(url: str, body: str) -> Page:
    """A page for the readers."""
    # parsel's own parser gives each element a class of lxml.html's, which nobody here needs
    parser = etree.HTMLParser(recover=True, encoding="utf-8", huge_tree=True)
    source = body.strip().replace("\0", "").encode("utf-8", "replace") or b"<html/>"
    root = etree.fromstring(source, parser)
    root = etree.fromstring(b"<html/>", parser) if root is None else root
    open_frames(root)
    return Page(url, Selector(root=root, type="html"), body.lower())
