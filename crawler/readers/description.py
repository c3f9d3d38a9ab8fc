"""Photos that stand only in a product's description, for pages whose gallery shows few angles.

Korean shop software gives the gallery a handful of places, and sellers put the other photos into the
description, among banners, size charts and long strips of text. Those are told apart by what they are
called and by the size that the page says; what is left is marked ``is_loose``, so that its shape decides
once it is fetched (`crawler.store`).
"""

from __future__ import annotations

import re
from typing import Any

from crawler import pictures
from crawler.items import Page, PictureClaim
from crawler.readers import heading as main_heading
from crawler.readers import picture_elements
from crawler.readers.picture_elements import Found

ENOUGH = 6  # a shoe from both sides, front, back, above and below: such a gallery needs no others
_MOST = 8
_MIN_SIDE = 300  # px
_PLACE = re.compile(
    r"prddetail|detail_detail|(?<![a-z])desc(?:ription)?s?(?![a-z])|"
    r"detail[-_]?(?:cont|explain|view|body|im(?:g|age)|info)|(?:goods|product|item|prod)[-_]?(?:desc|detail|content)|fr-view",
    re.IGNORECASE,
)
# what such files are called where they are no photo: strips of text, notices, charts
_NO_PHOTO = re.compile(
    r"detail|desc|long|notice|event|info|guide|intro|banner|size|chart|deliver|shipping|return|refund|coupon|benefit|"
    r"point|care|wash|caution|warning|story|common|brand|title|top|bottom|footer|header|line|bar(?![a-z])|bg|"
    r"상세|안내|공지|이벤트|배송|교환|반품|사이즈|치수|주의|세탁|브랜드|혜택|쿠폰|스토리",
    re.IGNORECASE,
)


def read(page: Page, held: list[PictureClaim]) -> list[PictureClaim]:
    """The description's photos that are not among ``held``, the page's other pictures."""
    if not 0 < len(held) < ENOUGH or not page.has("detail", "desc", "fr-view"):
        return []
    heading = main_heading.element(page)
    keys = {pictures.picture_key(url) for claim in held for url in claim.urls}
    stems = {pictures.file_stem(url) for claim in held for url in claim.urls}
    every = picture_elements.find(page, heading)
    own = [entry for entry in every if not entry.is_elsewhere and entry.is_picture]
    # descriptions may repeat the gallery; the first element that shows a picture of it is its own
    first = next((entry.element for entry in own if _keys(entry) & keys), None)
    marks = [mark for mark in (heading, first) if mark is not None]
    taken = {place for mark in marks for place in mark.iterancestors()}
    found: list[PictureClaim] = []
    for entry in own:
        names = set(map(pictures.file_stem, entry.widths))
        is_new = not (_keys(entry) & keys or names & stems)
        if is_new and _is_described(entry.element, taken) and _may_be_photo(entry):
            keys |= _keys(entry)
            found.append(PictureClaim(tuple(entry.widths), entry.alt, is_loose=True))
    return found[:_MOST]


def _keys(entry: Found) -> set[str]:
    return {pictures.picture_key(url) for url in entry.widths}


def _is_described(element: Any, taken: set[Any]) -> bool:
    """Whether it stands in a description that holds neither heading nor gallery."""
    for place in element.iterancestors():
        if place in taken:
            return False
        if _PLACE.search(f"{place.get('class') or ''} {place.get('id') or ''}"):
            return True
    return False


def _may_be_photo(entry: Found) -> bool:
    element = entry.element
    named = [url.split("?")[0].rsplit("/", 2)[-2:] for url in entry.widths]
    told = " ".join([entry.alt or "", *(part for parts in named for part in parts)])
    if _NO_PHOTO.search(pictures.unquoted(told)):
        return False
    sides = [picture_elements.side(element.get(name)) for name in ("width", "height")]
    return may_be_photo(sides[0] or None, sides[1] or None)


def may_be_photo(width_px: int | None, height_px: int | None) -> bool:
    """Whether a picture of this size may be a photo of a shoe; a strip of text or a banner is longer."""
    sides = [side for side in (width_px, height_px) if side]
    if any(side < _MIN_SIDE for side in sides):
        return False
    return len(sides) < 2 or max(sides) <= 1.8 * min(sides)
