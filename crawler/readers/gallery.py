"""The product's own pictures in the HTML: found by structure near the heading, not by class names.

What stands in navigation, in cards that link to other pages, or under "related products" is another
thing's picture; what is called a logo, a payment sign or a size chart is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag, urljoin

from crawler import pictures
from crawler.items import Page, PictureClaim
from crawler.words import clean

_ELSEWHERE = re.compile(
    r"relat|recommend|similar|also[-_ ]?(?:like|bought|viewed)|up-?sell|cross-?sell|recent|review|rating|comment|"
    r"footer|\bnav|header|menu|breadcrumb|payment|newsletter|social|cookie|banner|\bads?\b|promo|blog|look-?book|"
    r"minicart|mini-cart|side-?bar|you-may|trending|popular|best-?sell|size-?(?:guide|chart)|instagram|"
    r"관련|추천|함께|최근|비슷한|리뷰|후기|배너|인기|사이즈표|다른 상품|다른 고객",
    re.IGNORECASE,
)
_NO_SHOE = re.compile(
    r"logo|icon|sprite|badge|flag|payment|paypal|visa|mastercard|amex|kakaopay|naverpay|size[-_ ]?(?:chart|guide)|"
    r"sizing|avatar|star|rating|arrow|button|btn[-_]|banner|qr[-_]?code|barcode|사이즈|로고|배송|결제|교환|반품",
    re.IGNORECASE,
)
_LAZY = ("data-zoom-image", "data-zoom", "data-large_image", "data-large", "data-full", "data-original", "data-hires",
         "data-image-large-src", "data-src", "data-lazy", "data-lazy-src", "data-original-src", "data-image", "data-big",
         "data-zoom-src", "data-high-res", "data-url", "data-echo", "ec-data-src", "data-img", "data-thumb")  # fmt: skip
_MIN_SIDE = 64  # px; a picture declared smaller, with no larger version, is an icon


@dataclass
class Found:
    """A picture element and the addresses it names, best first."""

    element: Any
    urls: list[str]
    alt: str | None
    is_elsewhere: bool


def read(page: Page, anchors: list[str]) -> list[PictureClaim]:
    """The gallery, in the page's order; ``anchors`` are picture addresses known to belong.

    A picture named in several sizes, also by several elements, comes once.
    """
    root = page.selector.root
    found = list(_pictures(root, page.url))
    own = [entry for entry in found if not entry.is_elsewhere]
    order = {element: index for index, element in enumerate(root.iter())}
    heading = _heading(root)
    anchor = _anchor(own, anchors, order, heading)
    if anchor is None:
        return []
    members = _same_gallery(anchor, own, heading)
    return _joined(members)


def _heading(root: Any) -> Any:
    headings = root.xpath("//h1[normalize-space()]")
    return (
        headings[-1]
        if len(headings) > 1 and root.xpath("//header//h1")
        else next(iter(headings), None)
    )


def _pictures(root: Any, base: str) -> Iterator[Found]:
    for element in root.xpath(
        "//body//img | //body//*[@data-zoom-image or @data-large_image or @data-zoom-src]"
        " | //body//amp-img | //body//noscript//img"
    ):
        ranked = list(_addresses(element, base))
        if not ranked:
            continue
        ranked.sort(key=lambda pair: pair[0], reverse=True)
        urls = list(dict.fromkeys(url for _, url in ranked))
        alt = clean(element.get("alt") or element.get("title") or "")
        if _is_icon(element, urls, alt):
            continue
        yield Found(element, urls, alt, _is_elsewhere(element, base))


def _addresses(element: Any, base: str) -> Iterator[tuple[tuple[float, ...], str]]:
    """((claimed width, source's rank), address) of everything an element names as its picture."""

    def ranked(url: str, width: float, source: int) -> Iterator[tuple[tuple[float, ...], str]]:
        if url and pictures.is_address(url):
            absolute = urljoin(base, url.strip())
            claimed = pictures.rank(absolute)
            yield (width or claimed[0], claimed[1], source), absolute

    link = _zoom_link(element)
    if link is not None:
        yield from ranked(link, 3000, 3)
    for name in _LAZY:
        bonus = 2500 if re.search("zoom|large|full|hires|big|high|original", name) else 0
        yield from ranked(element.get(name) or "", bonus, 2)
    sets = [element.get(name) or "" for name in ("srcset", "data-srcset", "data-lazy-srcset")]
    parent = element.getparent()
    if parent is not None and parent.tag == "picture":
        sets += [
            source.get(name) or ""
            for source in parent.iter("source")
            for name in ("srcset", "data-srcset")
        ]
    for text in sets:
        for url, width in pictures.srcset(text):
            yield from ranked(url, 0 if width == 1000 else width, 1)
    yield from ranked(element.get("src") or "", 0, 1)


def _zoom_link(element: Any) -> str | None:
    """The picture file that a link round the element opens."""
    for ancestor in element.iterancestors():
        if ancestor.tag == "a":
            href = (ancestor.get("href") or "").strip()
            is_file = href.lower().split("?")[0].endswith(pictures.EXTENSIONS)
            return href if is_file else None
        for name in ("data-zoom-image", "data-large", "data-full", "data-image-zoom", "data-zoom"):
            if (ancestor.get(name) or "").lower().split("?")[0].endswith(pictures.EXTENSIONS):
                return str(ancestor.get(name))
        if ancestor.tag in ("body", "main", "section", "article", "ul", "ol"):
            return None
    return None


def _is_icon(element: Any, urls: list[str], alt: str | None) -> bool:
    told = " ".join(filter(None, [alt, element.get("class"), element.get("id")]))
    files = " ".join(url.rsplit("/", 1)[-1] for url in urls)
    if _NO_SHOE.search(told) or _NO_SHOE.search(files):
        return True
    sides = [_number(element.get(name)) for name in ("width", "height")]
    is_small = any(0 < side < _MIN_SIDE for side in sides)
    return is_small and len(urls) == 1


def _number(text: str | None) -> int:
    match = re.match(r"\s*(\d+)\s*(?:px)?\s*$", text or "")
    return int(match.group(1)) if match else 0


def _is_elsewhere(element: Any, base: str) -> bool:
    here = urldefrag(base)[0]
    for ancestor in element.iterancestors():
        if not isinstance(ancestor.tag, str) or ancestor.tag in ("body", "html"):
            return False
        if ancestor.tag in ("nav", "footer", "header", "aside"):
            return True
        if ancestor.tag == "a" and _opens_page(ancestor.get("href") or "", here):
            return True
        if _ELSEWHERE.search(
            f"{ancestor.get('class') or ''} {ancestor.get('id') or ''} {ancestor.get('aria-label') or ''}"
        ):
            return True
        if ancestor.tag in ("section", "div", "ul") and _ELSEWHERE.search(_own_heading(ancestor)):
            return True
    return False


def _opens_page(href: str, here: str) -> bool:
    if not href.strip() or href.startswith(("#", "javascript:", "data:")):
        return False
    absolute = urldefrag(urljoin(here, href))[0]
    return absolute != here and not absolute.lower().split("?")[0].endswith(pictures.EXTENSIONS)


def _own_heading(element: Any) -> str:
    for child in element:
        if child.tag in ("h2", "h3", "h4", "h5"):
            return " ".join("".join(child.itertext()).split())[:80]
    return ""


def _anchor(
    own: list[Found], anchors: list[str], order: dict[Any, int], heading: Any
) -> Found | None:
    keys = {pictures.picture_key(url) for url in anchors}
    stems = {stem for stem in map(pictures.file_stem, anchors) if len(stem) > 5}
    for entry in own:
        if any(pictures.picture_key(url) in keys for url in entry.urls):
            return entry
    for entry in own:
        if any(pictures.file_stem(url) in stems for url in entry.urls):
            return entry
    if heading is None:
        return None
    near = order[heading]
    return min(own, key=lambda entry: abs(order[entry.element] - near), default=None)


def _same_gallery(anchor: Found, own: list[Found], heading: Any) -> list[Found]:
    """What lies in the largest part of the page round the anchor that does not hold the heading.

    Where that part is one picture alone, its like-built siblings belong too.
    """
    above = set(heading.iterancestors()) if heading is not None else set()
    container = anchor.element
    while (
        (parent := container.getparent()) is not None
        and parent not in above
        and parent.tag != "body"
    ):
        container = parent
    parts = {container}
    parent = container.getparent()
    if parent is not None:
        shape = (container.tag, container.get("class"))
        parts |= {sibling for sibling in parent if (sibling.tag, sibling.get("class")) == shape}
    inside = [
        entry
        for entry in own
        if entry.element in parts or parts & set(entry.element.iterancestors())
    ]
    return inside or [anchor]


def _joined(members: list[Found]) -> list[PictureClaim]:
    """Elements that name the same picture become one claim, its largest address first."""
    groups: list[tuple[set[str], list[Found]]] = []
    for entry in members:
        keys = {pictures.picture_key(url) for url in entry.urls}
        match = next((group for group in groups if group[0] & keys), None)
        if match is None:
            groups.append((keys, [entry]))
        else:
            match[0].update(keys)
            match[1].append(entry)
    claims = []
    for _, entries in groups:
        urls = list(dict.fromkeys(url for entry in entries for url in entry.urls))
        best = {
            url: place for entry in entries for place, url in reversed(list(enumerate(entry.urls)))
        }
        urls.sort(key=lambda url: (best[url], tuple(-number for number in pictures.rank(url))))
        claims.append(
            PictureClaim(tuple(urls), next((entry.alt for entry in entries if entry.alt), None))
        )
    return claims
