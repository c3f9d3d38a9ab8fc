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
    r"related|relation|recommend|similar|also[-_ ]?(?:like|bought|viewed)|up-?sell|cross-?sell|recent|review|rating|comment|"
    r"footer|\bnav|\bheader|site-header|menu|breadcrumb|payment|newsletter|social|cookie|banner|\bads?\b|promo|blog|look-?book|"
    r"minicart|mini-cart|side-?bar|you-may|trending|popular|best-?sell|size-?(?:guide|chart)|instagram|"
    r"관련|추천|함께|최근|비슷한|리뷰|후기|배너|인기|사이즈표|다른 상품|다른 고객",
    re.IGNORECASE,
)
_NO_SHOE = re.compile(
    r"(?<![a-z])(?:logos?|icons?|sprites?|badges?|flags?|payments?|paypal|visa|mastercard|amex|"
    r"size[-_ ]?(?:chart|guide|table)s?|sizing|avatars?|stars?|ratings?|arrows?|buttons?|btn|banners?|"
    r"qr[-_]?code|barcode)(?![a-z])|kakaopay|naverpay|사이즈\s?(?:표|가이드|차트)|로고|배송\s?안내|결제|교환|반품",
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
    widths: dict[str, float]  # address -> promised width in pixels, best first
    alt: str | None
    is_elsewhere: bool


def read(page: Page, anchors: list[str]) -> list[PictureClaim]:
    """The gallery, in the page's order; ``anchors`` are picture addresses known to belong.

    A picture named in several sizes, also by several elements, comes once.
    """
    root = page.selector.root
    heading = _heading(root)
    own = [entry for entry in _pictures(root, page.url, heading) if not entry.is_elsewhere]
    order = {element: index for index, element in enumerate(root.iter())}
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


def _pictures(root: Any, base: str, heading: Any) -> Iterator[Found]:
    above = set(heading.iterancestors()) if heading is not None else set()
    named = "".join(heading.itertext()).casefold() if heading is not None else ""
    for element in root.xpath(
        "//body//img | //body//*[@data-zoom-image or @data-large_image or @data-zoom-src]"
        " | //body//amp-img | //body//noscript//img"
    ):
        widths: dict[str, float] = {}
        for width, url in _addresses(element, base):
            widths[url] = max(width, widths.get(url, 0))
        if not widths:
            continue
        widths = dict(sorted(widths.items(), key=lambda pair: -pair[1]))
        urls = list(widths)
        alt = clean(element.get("alt") or element.get("title") or "")
        if _is_icon(element, urls, alt, named):
            continue
        yield Found(element, widths, alt, _is_elsewhere(element, base, above))


def _addresses(element: Any, base: str) -> Iterator[tuple[float, str]]:
    """(promised width, address) of everything an element names as its picture."""

    def promised(url: str, width: float = 0) -> Iterator[tuple[float, str]]:
        if url and pictures.is_address(url):
            absolute = urljoin(base, url.strip())
            claimed = pictures.rank(absolute)
            is_original = claimed >= 2500 and not pictures.named_width(absolute)
            yield (claimed if is_original else width or claimed), absolute

    link = _zoom_link(element)
    if link is not None:
        yield from promised(link, max(2000, pictures.rank(link)))
    for name in _LAZY:
        is_large = re.search("zoom|large|full|hires|big|high|original", name)
        url = element.get(name) or ""
        yield from promised(url, max(2000, pictures.rank(url)) if is_large else 0)
    sets = [element.get(name) or "" for name in ("srcset", "data-srcset", "data-lazy-srcset")]
    # libxml2 does not close <source>, so that an <img> may stand several levels below <picture>
    above = [ancestor for ancestor, _ in zip(element.iterancestors(), range(8), strict=False)]
    picture = next((ancestor for ancestor in above if ancestor.tag == "picture"), None)
    if picture is not None:
        sources = list(picture.iter("source"))
        sets += [source.get(name) or "" for source in sources for name in ("srcset", "data-srcset")]
    for text in sets:
        for url, number, unit in pictures.srcset(text):
            yield from promised(url, number if unit == "w" else 0)
    yield from promised(element.get("src") or "")


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


def _is_icon(element: Any, urls: list[str], alt: str | None, named: str) -> bool:
    """Whether it is called a sign of some kind; words of the product's own name say nothing."""
    told = " ".join(filter(None, [alt, element.get("class"), element.get("id")]))
    files = " ".join(url.rsplit("/", 1)[-1] for url in urls)
    signs = [match.group().casefold() for match in _NO_SHOE.finditer(f"{told} {files}")]
    if any(sign not in named for sign in signs):
        return True
    sides = [_number(element.get(name)) for name in ("width", "height")]
    is_small = any(0 < side < _MIN_SIDE for side in sides)
    return is_small and len(urls) == 1


def _number(text: str | None) -> int:
    match = re.match(r"\s*(\d+)\s*(?:px)?\s*$", text or "")
    return int(match.group(1)) if match else 0


def _is_elsewhere(element: Any, base: str, above: set[Any]) -> bool:
    """Whether a part of the page that does not hold the heading is about something else."""
    here = urldefrag(base)[0]
    for ancestor in element.iterancestors():
        if (
            ancestor in above
            or not isinstance(ancestor.tag, str)
            or ancestor.tag in ("body", "html")
        ):
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
        if any(pictures.picture_key(url) in keys for url in entry.widths):
            return entry
    for entry in own:
        if any(pictures.file_stem(url) in stems for url in entry.widths):
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
        keys = {pictures.picture_key(url) for url in entry.widths}
        match = next((group for group in groups if group[0] & keys), None)
        if match is None:
            groups.append((keys, [entry]))
        else:
            match[0].update(keys)
            match[1].append(entry)
    claims = []
    for _, entries in groups:
        widths: dict[str, float] = {}
        for entry in entries:
            for url, width in entry.widths.items():
                widths[url] = max(width, widths.get(url, 0))
        urls = pictures.originals_first(sorted(widths, key=lambda url: -widths[url]))
        alt = next((entry.alt for entry in entries if entry.alt), None)
        claims.append(PictureClaim(tuple(urls), alt))
    return claims
