"""A merged claim to the records of its colourways: the fields of `catalogue.schema.Listing`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urldefrag

from crawler.items import Claim, Page, PictureClaim
from crawler.pictures import file_stem
from crawler.readers import larger, same_picture
from crawler.words import kind_of

Entry = tuple[dict[str, Any], list[PictureClaim]]


def to_records(claim: Claim, crumbs: list[str], page: Page) -> list[Entry]:
    """(fields, pictures) per colourway of the page, in the page's order.

    Variants that have pages of their own are left to those pages; a page whose variants all live
    elsewhere gives nothing.
    """
    category = claim.category or _category(crumbs, claim.name)
    if not claim.variants:
        return [(_fields(claim, claim, category), claim.pictures)]
    here = [
        entry for entry in claim.variants if not entry.url or _path(entry.url) == _path(page.url)
    ]
    if not here:
        own = claim.url is None or _path(claim.url) == _path(page.url)
        return (
            [(_fields(claim, claim, category), claim.pictures)]
            if own and claim.pictures and claim.color
            else []
        )
    is_alone = len(claim.variants) == 1 or (len(here) == 1 and len(claim.variants) > 1)
    return [
        (_fields(entry, claim, category), _pictures(entry, claim, here, is_alone)) for entry in here
    ]


def _fields(entry: Claim, group: Claim, category: str | None) -> dict[str, Any]:
    return {
        "brand_text": entry.brand_text or group.brand_text,
        "name": entry.name or group.name,
        "sku": entry.sku or (group.sku if len(group.variants) <= 1 else None),
        "gtin": entry.gtin or (group.gtin if len(group.variants) <= 1 else None),
        "color": entry.color or (group.color if len(group.variants) <= 1 else None),
        "group": group.group or entry.group or (group.name if len(group.variants) > 1 else None),
        "category": entry.category or category,
        "source": group.source,
    }


def _pictures(entry: Claim, group: Claim, here: list[Claim], is_alone: bool) -> list[PictureClaim]:
    """The colourway's own pictures, at the sizes that the gallery offers; the group's if it is alone."""
    if is_alone or not any(other.pictures for other in here):
        others = [p for v in group.variants if v is not entry for p in v.pictures]
        extra = [p for p in group.pictures if not any(same_picture(p, other) for other in others)]
        own = entry.pictures if is_alone else []
        return _merged(own, extra, True)
    named = [p for p in group.pictures if _color_named(p, here) == entry.color]
    named += _after(entry, group, here)
    return [*(own := _merged(entry.pictures, group.pictures, False)), *_others(named, own)]


def _after(entry: Claim, group: Claim, here: list[Claim]) -> list[PictureClaim]:
    """The other angles of a colourway of which a form knows one picture: those behind it in the gallery.

    What stands before the first picture that a colour knows is of the colour that the page opens in.
    """
    if any(len(other.pictures) > 1 for other in group.variants) or len(here) < len(group.variants):
        return []
    owners = [_owner(picture, here) for picture in group.pictures]
    owner = next(filter(None, owners), here[0])
    found = []
    for picture, own in zip(group.pictures, owners, strict=True):
        owner = own or owner
        if own is None and owner is entry and _color_named(picture, here) is None:
            found.append(picture)
    return found


def _owner(picture: PictureClaim, here: list[Claim]) -> Claim | None:
    """The colourway that a picture is known to show."""
    return next((e for e in here if any(same_picture(picture, p) for p in e.pictures)), None)


def _others(named: list[PictureClaim], own: list[PictureClaim]) -> list[PictureClaim]:
    return [claim for claim in named if not any(same_picture(claim, held) for held in own)]


def _color_named(picture: PictureClaim, here: list[Claim]) -> str | None:
    """The colour, of those on the page, that a picture's text or file name names; the longest."""
    told = _plain(f"{picture.alt or ''} {file_stem(picture.urls[0])}")
    colors = sorted((e.color for e in here if e.color), key=lambda color: -len(color))
    return next((color for color in colors if f"-{_plain(color)}-" in f"-{told}-"), None)


def _plain(text: str) -> str:
    return "-".join(re.findall(r"\w+", text.casefold().replace("_", " ")))


def _merged(
    own: list[PictureClaim], shown: list[PictureClaim], takes_all: bool
) -> list[PictureClaim]:
    merged: list[PictureClaim] = []
    for claim in own:
        match = next((other for other in shown if same_picture(claim, other)), None)
        merged.append(larger(claim, match) if match else claim)
    if takes_all:
        merged += [
            claim for claim in shown if not any(same_picture(claim, held) for held in merged)
        ]
    return merged


def _path(url: str) -> str:
    return urldefrag(url)[0].split("?")[0].rstrip("/").split("://")[-1]


def _category(crumbs: list[str], name: str | None) -> str | None:
    """The breadcrumb between the home page and the product's own name."""
    homes = ("home", "홈", "main", "start", "startseite", "accueil")
    kept = [crumb for crumb in crumbs if crumb.casefold() not in homes]
    last = kept[-1].casefold() if kept else ""
    if kept and last in (name or "").casefold() and kind_of(last) is None:
        kept.pop()  # the product itself
    return " > ".join(kept) or None
