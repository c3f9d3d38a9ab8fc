"""The element that names the page's product: its main heading, in whatever tag a shop writes it.

Shops give their only h1 to the logo, or write no heading at all; then the element is the name whose
text the title repeats.
"""

from __future__ import annotations

import re
from typing import Any

from crawler.items import Page
from crawler.words import BUY, clean

_ASIDE = ("header", "nav", "footer", "aside")
_LOGO = re.compile(r"(?<![a-z])logo|site-?title|brandmark|top-?bar", re.IGNORECASE)
_TAGS = "self::h2 or self::h3 or self::h4 or self::b or self::strong or self::p or self::span or self::div or self::font or self::td or self::dt"
_NAME_ROW = "//tr[th[normalize-space()='상품명']]/td//text() | //dt[normalize-space()='상품명']/following-sibling::dd[1]//text()"  # fmt: skip
_PARTS = re.compile(r"\s+[|–—:·»>/-]+\s+|\s*\|\s*|\s*::\s*")


def element(page: Page) -> Any:
    """The heading's element, None where the page has none."""
    if "heading" not in page.memo:
        page.memo["heading"] = _find(page)
    return page.memo["heading"]


def text(page: Page) -> str | None:
    """The heading's text, None where the page has none."""
    found = element(page)
    told: str | None = page.memo.get("heading-name")
    return told or (_text(found) if found is not None else None)


def _find(page: Page) -> Any:
    headings = [h for h in page.selector.root.iter("h1") if _text(h)]
    own = [h for h in headings if not _is_aside(h)]
    in_main = [h for h in own if any(a.tag in ("main", "article") for a in h.iterancestors())]
    if found := in_main or own:
        title = (clean(page_title(page)) or "").casefold()
        # of several the one that the title begins with; the shop's own name stands at its end
        places = [title.find(_text(heading).casefold()) for heading in found]
        told = [(place, n) for n, place in enumerate(places) if place >= 0]
        return found[min(told)[1] if told else 0]
    for look in (_told_by_title, _near_purchase):
        if (told := look(page)) is not None:
            return told
    return next(iter(headings), None)


def page_title(page: Page) -> str:
    """The text of the page's title, empty where it has none."""
    found = next(iter(page.find("//title")), None)
    return "" if found is None else "".join(found.itertext())


def _text(found: Any) -> str:
    return clean(" ".join(found.itertext())) or ""


def _is_aside(found: Any) -> bool:
    """Whether it stands in the page's frame, or is the shop's logo."""
    places = [found, *found.iterancestors()]
    if any(_LOGO.search(place.get("class") or "") for place in places[:3]):
        return True
    tags = [place.tag for place in places]
    for depth, place in enumerate(places):
        is_own = place.tag == "header" and {"main", "article"} & set(tags[depth:])
        if place.tag in _ASIDE and not is_own:
            return True
        if place.get("id") in ("header", "hd", "footer"):
            return True
    return False


def _told_by_title(page: Page) -> Any:
    """The first element whose whole text is the title, or a part of it, or ``og:title``."""
    told = page.find("//meta[@property='og:title']/@content | //title/text()")
    told += page.find(_NAME_ROW)
    parts = {
        part.casefold()
        for title in map(clean, told)
        if title
        for part in (
            title,
            *_PARTS.split(title),
            re.sub(r"^[\[(].*?[\])]\s*", "", _PARTS.split(title)[0]),
        )
        if len(part) > 2
    }
    found = [
        candidate
        for candidate in page.find(f"//body//*[{_TAGS}][string-length(.) < 200]")
        if _text(candidate).casefold() in parts and not _is_aside(candidate)
    ]
    in_headings = [candidate for candidate in found if candidate.tag in ("h2", "h3", "h4")]
    if in_headings or found:
        return (in_headings or found)[0]
    # a code or a badge stands in the same element, after the name
    for own in page.find(f"//body//*[{_TAGS}][*][string-length(.) < 200]"):
        name = clean(own.text or "")
        if name and name.casefold() in parts and not _is_aside(own):
            page.memo["heading-name"] = name
            return own
    return None


def _near_purchase(page: Page) -> Any:
    """The first heading in the smallest part of the page that also holds the button to buy."""
    buttons = page.find(
        "//body//*[self::button or self::a or self::input[@type='submit']][string-length(.) < 60]"
    )
    for button in buttons:
        if not BUY.search(f"{_text(button)} {button.get('value') or ''}") or _is_aside(button):
            continue
        for place in button.iterancestors():
            inner = [h for h in place.iter("h1", "h2", "h3", "h4") if _text(h) and not _is_aside(h)]
            if inner or place.tag == "body":
                return inner[0] if inner else None
    return None
