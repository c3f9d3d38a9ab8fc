"""Lists of all products that shop software answers to machines, page by page, as JSON.

Shopify's /products.json (250 a page, at most 25,000 products; a shop may have it switched off or
answer HTML) and the Store API of WooCommerce. They only tell addresses here: each product page is
read like any other, so that a product means the same wherever it was found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from crawler.readers.shopify import product_urls

_SHOPIFY = re.compile(rb"cdn\.shopify\.com|/cdn/shop/|Shopify\.(?:theme|shop)\b|shopify-section")
_WOOCOMMERCE = re.compile(rb"/plugins/woocommerce/|\bwoocommerce-(?:page|no-js|js)\b|wc/store")
_SHOPIFY_SIGNS = (b"cdn.shopify.com", b"/cdn/shop/", b"Shopify.", b"shopify-section")
_WOOCOMMERCE_SIGNS = (b"woocommerce", b"wc/store")
_SHOPIFY_LIST, _WOOCOMMERCE_LIST = "/products.json", "/wp-json/wc/store/v1/products"
_LAST_PAGE = {_SHOPIFY_LIST: 100, _WOOCOMMERCE_LIST: 1000}


def promised(body: bytes, base: str) -> Iterator[str]:
    """The first pages of the lists that a page's software usually has.

    >>> list(promised(b'<link href="//cdn.shopify.com/s/files/1/a.css">', "https://x.kr/p/1"))
    ['https://x.kr/products.json?limit=250&page=1']
    """
    # the words first: over a whole page, the patterns take a tenth of what reading it takes
    if any(sign in body for sign in _SHOPIFY_SIGNS) and _SHOPIFY.search(body):
        yield urljoin(base, f"{_SHOPIFY_LIST}?limit=250&page=1")
    if any(sign in body for sign in _WOOCOMMERCE_SIGNS) and _WOOCOMMERCE.search(body):
        yield urljoin(base, f"{_WOOCOMMERCE_LIST}?per_page=100&page=1")


def read(body: bytes, url: str) -> tuple[list[str], str | None] | None:
    """(product addresses, the next page or None) of a list's page; None where it is no list."""
    kind = next((path for path in _LAST_PAGE if urlsplit(url).path.endswith(path)), None)
    try:
        value: Any = json.loads(body) if kind else None
    except (ValueError, RecursionError):
        return None
    if (
        kind == _SHOPIFY_LIST
        and isinstance(value, dict)
        and isinstance(value.get("products"), list)
    ):
        urls = product_urls(value["products"], url)
    elif kind == _WOOCOMMERCE_LIST and isinstance(value, list):
        links = (entry.get("permalink") for entry in value if isinstance(entry, dict))
        urls = [link for link in links if isinstance(link, str)]
    else:
        return None
    return urls, _next(url, _LAST_PAGE[kind]) if urls else None


def _next(url: str, last: int) -> str | None:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    page = int(query.get("page", "1")) if query.get("page", "1").isdigit() else last
    if page >= last:
        return None
    return urlunsplit(parts._replace(query=urlencode({**query, "page": page + 1})))
