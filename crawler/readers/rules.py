"""What the rules for the page's own shop say; see `crawler.sites`."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler.items import Claim, Page, PictureClaim
from crawler.readers import html
from crawler.site import host_of
from crawler.sites import rules_of
from crawler.words import clean


def read(page: Page) -> list[Claim]:
    """One claim where the shop has rules and they find a name or pictures."""
    rules = rules_of(host_of(page.url))
    if rules is None:
        return []
    name = _first(page, rules.name)
    urls = [urljoin(page.url, url) for url in _all(page, rules.pictures)]
    if not name and not urls:
        return []
    return [
        Claim(
            source="rules",
            name=name or html.heading(page),
            brand_text=rules.brand or _first(page, rules.brand_text),
            sku=_first(page, rules.sku),
            gtin=_first(page, rules.gtin),
            color=_first(page, rules.color),
            category=_first(page, rules.category),
            pictures=[PictureClaim((url,)) for url in dict.fromkeys(urls)],
        )
    ]


def _first(page: Page, path: str | None) -> str | None:
    return next((text for text in map(clean, _all(page, path)) if text), None)


def _all(page: Page, path: str | None) -> list[str]:
    if path is None:
        return []
    found = page.selector.xpath(path) if path[0] in "/(" else page.selector.css(path)
    is_text = (isinstance(node.root, str) for node in found)
    pairs = zip(found, is_text, strict=True)
    return [node.get() if text else node.xpath("string()").get() or "" for node, text in pairs]


def are_final(page: Page) -> bool:
    """Whether the shop's rules name all pictures there are."""
    rules = rules_of(host_of(page.url))
    return rules is not None and rules.pictures is not None and rules.only_these_pictures
