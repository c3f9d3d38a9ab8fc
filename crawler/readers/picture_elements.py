"""Picture elements of a page: every address each names, and whether it is the product's at all.

What stands in navigation, in cards that link to other pages, or under "related products" is another
thing's picture; what is called a logo, a payment sign or a size chart is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import unquote, urldefrag

from crawler import pictures
from crawler.absolute import absolute
from crawler.items import Page
from crawler.words import clean

# All of these look at text in small letters; to pass over case doubles their time.
_ELSEWHERE = re.compile(
    r"related|relation|recommend|similar|also[-_ ]?(?:like|bought|viewed)|up-?sell|cross-?sell|recent|review|rating|comment|"
    r"footer|\bnav|\bheader|site-header|menu|breadcrumb|payment|newsletter|social|cookie|banner|\bads?\b|promo|blog|look-?book|"
    r"minicart|mini-cart|side-?bar|you-may|trending|popular|best-?sell|size-?(?:guide|chart)|instagram|"
    r"관련|추천|함께|최근|비슷한|리뷰|후기|배너|인기|사이즈표|다른 상품|다른 고객",
)
_NO_SHOE = re.compile(
    r"(?<![a-z])(?:logos?|icons?|sprites?|badges?|flags?|payments?|paypal|visa|mastercard|amex|"
    r"size[-_ ]?(?:chart|guide|table)s?|sizing|avatars?|stars?|ratings?|arrows?|buttons?|btn|banners?|"
    r"qr[-_]?code|barcode)(?![a-z])|kakaopay|naverpay|사이즈\s?(?:표|가이드|차트)|로고|배송\s?안내|결제|교환|반품",
)
_LARGE = re.compile(r"zoom|large|full|hi-?res|big|high|original|master|retina")
_SMALL = re.compile(r"thumb|small|mini|placeholder|low|preview|tiny|blur")
_SETS = ("srcset", "data-srcset", "data-lazy-srcset", "data-image-gallery-new-image-srcset")
_NOT_PICTURES = ("alt", "title", "class", "id", "sizes", "src", "href", *_SETS)
_OTHER_ANGLE = re.compile(r"hover|second|flip|rollover|alternate|-back\b")
_IN_CODE = re.compile(r"""['"(]\s*([^'"()\s]+\.(?:jpe?g|png|webp|avif|gif)(?:\?[^'"()\s]*)?)\s*['")]""", re.IGNORECASE)  # fmt: skip
_PLAIN = ("data-src", "data-lazy", "data-lazy-src", "data-original", "data-image", "data-bg")
# Pillow alone decodes none of the first three, and the crawl takes no JPEG 2000: the last choice
_SELDOM_READ = ("image/heic", "image/heif", "image/jxl", "image/jp2")
_ELEMENTS = "//body//*[self::img or self::amp-img]"
_OTHER_ELEMENTS = {  # words in the source -> elements to look for where there is one of them
    ("url(",): "//body//*[contains(@style, 'url(')]",
    ("data-zoom-image", "data-large_image", "data-zoom-src", "data-bg", "data-background"):
    "//body//*[@data-zoom-image or @data-large_image or @data-zoom-src or @data-bg or @data-background]",
    ("data-image", "data-src", "data-full", "data-large"):
    "//body//*[self::a or self::li or self::button or self::div][@data-image or @data-src or @data-full or @data-large]",
}  # fmt: skip
_PARTS = re.compile(r"[_.-]")
_MIN_SIDE = 64  # px; a picture declared smaller, with no larger version, is an icon


@dataclass(eq=False)
class Found:
    """An element that may name a picture; what it says is read when it is asked for.

    Most elements of a page show other things, and all their addresses cost more than the rest.
    """

    element: Any
    base: str
    above: set[Any]  # what holds the page's heading
    named: str  # the heading's text, in one case
    memo: dict[Any, bool]  # see `is_elsewhere`

    @cached_property
    def widths(self) -> dict[str, float]:
        """Each address with the width in pixels that it promises, best first."""
        widths: dict[str, float] = {}
        for width, url in _addresses(self.element, self.base):
            widths[url] = max(width, widths.get(url, 0))
        return dict(sorted(widths.items(), key=lambda pair: -pair[1]))

    @cached_property
    def alt(self) -> str | None:
        """What the element says of its picture."""
        return clean(self.element.get("alt") or self.element.get("title") or "")

    @cached_property
    def is_elsewhere(self) -> bool:
        """Whether it stands in a part of the page about something else."""
        return is_elsewhere(self.element, self.base, self.above, self.memo)

    @cached_property
    def is_picture(self) -> bool:
        """Whether it names a picture that is no sign or icon."""
        urls = list(self.widths)
        return bool(urls) and not _is_icon(self.element, urls, self.alt, self.named)

    def may_name(self, stems: set[str]) -> bool:
        """Whether one of the picture files called ``stems`` may be among its addresses."""
        places = [self.element, *islice(self.element.iterancestors(), 8)]
        places += [s for place in places if place.tag == "picture" for s in place.iter("source")]
        told = " ".join(value for place in places for value in place.attrib.values())
        text = unquote(unquote(told)) if "%" in told else told
        return any(all(part in text for part in _PARTS.split(stem)) for stem in stems)


def find(page: Page, heading: Any) -> list[Found]:
    """The elements that may name a picture, in the page's order; found once per page.

    ``heading`` is the element of the page's heading, None where it has none.
    """
    if "picture elements" not in page.memo:
        page.memo["picture elements"] = _find(page, heading)
    found: list[Found] = page.memo["picture elements"]
    return found


def _find(page: Page, heading: Any) -> list[Found]:
    above = set(heading.iterancestors()) if heading is not None else set()
    named = "".join(heading.itertext()).casefold() if heading is not None else ""
    memo: dict[Any, bool] = {}
    others = [path for words, path in _OTHER_ELEMENTS.items() if page.has(*words)]
    elements = page.find(" | ".join([_ELEMENTS, *others]))
    return [Found(element, page.url, above, named, memo) for element in elements]


def _addresses(element: Any, base: str) -> Iterator[tuple[float, str]]:
    """(promised width, address) of everything an element names as its picture."""
    for url, width, most in _told(element):
        if url and pictures.is_address(url):
            # a theme's script puts in the width that it needs
            address = absolute(base, url.strip().replace("{width}", "2048"))
            claimed = pictures.rank(address)
            is_original = claimed >= 2500 and not pictures.named_width(address)
            found = claimed if is_original else width or claimed
            yield min(found, most or found), address


def _told(element: Any) -> Iterator[tuple[str, float, float]]:
    """(address as written, width that is told beside it or 0, width that it has at most or 0)."""
    link = _zoom_link(element)
    if link is not None:
        yield link, max(2000, pictures.rank(link)), 0
    for name, url in _named(element):
        is_large = _LARGE.search(name)
        least = max(2000, pictures.rank(url)) if is_large else 0
        yield url, least, 0 if is_large or not _SMALL.search(name) else 300
    sets = [(text, 0) for name in _SETS if (text := element.get(name))]
    # libxml2 does not close <source>, so that an <img> may stand several levels below <picture>
    above = islice(element.iterancestors(), 8)
    picture = next((ancestor for ancestor in above if ancestor.tag == "picture"), None)
    if picture is not None:
        for source in picture.iter("source"):
            most = int((source.get("type") or "").strip().lower() in _SELDOM_READ)
            told = (source.get(name) for name in ("srcset", "data-srcset"))
            sets += [(text, most) for text in told if text]
    for text, most in sets:
        for url, number, unit in pictures.srcset(text):
            yield url, number if unit == "w" else 0, most
    if element.tag in ("img", "amp-img"):
        yield element.get("src") or "", 0, 0


def _named(element: Any) -> Iterator[tuple[str, str]]:
    """(attribute, address) of an element and of what wraps it alone, as a thumbnail's button does."""
    wrapping = [element]
    for ancestor in element.iterancestors():
        is_alone = next(islice(ancestor.iter("img", "amp-img"), 1, None), None) is None
        if len(wrapping) > 3 or not is_alone or ancestor.tag in ("body", "main", "section"):
            break
        wrapping.append(ancestor)
    for place in wrapping:
        for name, value in place.attrib.items():
            if name in _NOT_PICTURES or len(value) > 2000:
                continue
            if _OTHER_ANGLE.search(name) or "this.src" in value:
                continue
            if name.startswith("on") or name == "style":
                yield from ((name, match) for match in _IN_CODE.findall(value))
            elif _is_file(value) or (place is element and _may_name(name, value)):
                yield name, value
        href = place.get("href") or ""
        if href.startswith("javascript:") or "(" in href:
            yield from (("href-large", match) for match in _IN_CODE.findall(href))


def _may_name(name: str, value: str) -> bool:
    """Whether an attribute of a picture element names a picture that has no file name."""
    is_path = "/" in value and not any(sign in value.strip() for sign in " {<")
    return is_path and (name in _PLAIN or bool(_LARGE.search(name)))


def _is_file(value: str) -> bool:
    """Whether an attribute's value is the address of a picture file."""
    path = value.strip().lower().split("?")[0].split("#")[0]
    return path.endswith(pictures.EXTENSIONS) and not any(sign in value.strip() for sign in " {<")


def _zoom_link(element: Any) -> str | None:
    """The picture file that a link round the element opens."""
    for ancestor in element.iterancestors():
        if ancestor.tag == "a":
            href = (ancestor.get("href") or "").strip()
            return href if _is_file(href) else None
        if ancestor.tag in ("body", "main", "section", "article", "ul", "ol"):
            return None
    return None


def _is_icon(element: Any, urls: list[str], alt: str | None, named: str) -> bool:
    """Whether it is called a sign of some kind; words of the product's own name say nothing."""
    wrap = element.getparent()
    within = [wrap.get("class")] if wrap is not None and wrap.tag in ("span", "i", "em") else []
    told = " ".join(filter(None, [alt, element.get("class"), element.get("id"), *within]))
    files = " ".join(url.rsplit("/", 1)[-1] for url in urls)
    signs = _NO_SHOE.findall(f"{told} {files}".lower())
    if any(sign not in named for sign in signs):
        return True
    sides = [side(element.get(name)) for name in ("width", "height")]
    is_small = any(0 < side < _MIN_SIDE for side in sides)
    return is_small and len(urls) == 1


def side(text: str | None) -> int:
    """The pixels that a width or height attribute tells, 0 for none."""
    match = re.match(r"\s*(\d+)\s*(?:px)?\s*$", text or "")
    return int(match.group(1)) if match else 0


def is_elsewhere(element: Any, base: str, above: set[Any], memo: dict[Any, bool]) -> bool:
    """Whether a part of the page that does not hold the heading is about something else.

    ``memo`` keeps what was found of the places that hold it; the same for one page and heading.
    """
    place = element.getparent()
    passed = []
    while place is not None and place not in memo:
        passed.append(place)
        verdict = _is_told(place, urldefrag(base)[0], above)
        if verdict is not None:
            memo[place] = verdict
            break
        place = place.getparent()
    found = memo[place] if place is not None else False
    memo |= dict.fromkeys(passed, found)
    return found


def _is_told(place: Any, here: str, above: set[Any]) -> bool | None:
    """Whether one part of the page is elsewhere; None where what holds it decides."""
    if place in above or not isinstance(place.tag, str) or place.tag in ("body", "html"):
        return False
    if place.tag in ("nav", "footer", "header", "aside"):
        return True
    if place.tag == "a" and _opens_page(place.get("href") or "", here):
        return True
    names = (place.get("class"), place.get("id"), place.get("aria-label"))
    if any(names) and _ELSEWHERE.search(" ".join(name or "" for name in names).lower()):
        return True
    is_part = place.tag in ("section", "div", "ul")
    return True if is_part and _ELSEWHERE.search(_own_heading(place).lower()) else None


def _opens_page(href: str, here: str) -> bool:
    if not href.strip() or href.startswith(("#", "javascript:", "data:")):
        return False
    there = urldefrag(absolute(here, href))[0]
    return there not in ("", here) and not there.lower().split("?")[0].endswith(pictures.EXTENSIONS)


def _own_heading(element: Any) -> str:
    for child in element:
        if child.tag in ("h2", "h3", "h4", "h5"):
            return " ".join("".join(child.itertext()).split())[:80]
    return ""
