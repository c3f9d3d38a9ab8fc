"""Addresses as pages write them to absolute ones: `urllib.parse.urljoin`, and faster for most."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urljoin, urlsplit

_RARE = ("?", "#", ";")  # at an end, urljoin takes them off


def absolute(base: str, url: str) -> str:
    """``url`` as a page at ``base`` means it; "" where it is none, e.g. ``https://[CDN]/x.jpg``.

    A page of a shop names some two hundred addresses, nearly all absolute or from the root.

    >>> absolute("http://x.kr/a/b", "/p/1"), absolute("http://x.kr/a/b", "../c"), absolute("", "/d")
    ('http://x.kr/p/1', 'http://x.kr/c', '/d')
    """
    if url.isascii() and url.isprintable() and "/." not in url and not url.endswith(_RARE):
        if url.startswith("/") and url[1:2] not in ("/", ""):
            return _root(base) + url
        if url.startswith(("http://", "https://")) and "[" not in url and url[8:9] not in "/?#":
            return url
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


@lru_cache(maxsize=256)
def _root(base: str) -> str:
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
