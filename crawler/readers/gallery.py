"""The product's own pictures in the HTML: found by structure near the heading, not by class names."""

from __future__ import annotations

import re
from typing import Any

from crawler import pictures
from crawler.items import Page, PictureClaim
from crawler.readers import heading as main_heading
from crawler.readers import picture_elements
from crawler.readers.picture_elements import Found

_PARTS = re.compile(r"([/_.=?&,-])")  # of an address; the signs are kept


def read(page: Page, anchors: list[str]) -> list[PictureClaim]:
    """The gallery, in the page's order; ``anchors`` are picture addresses known to belong.

    A picture named in several sizes, also by several elements, comes once.
    """
    heading = main_heading.element(page)
    every = picture_elements.find(page, heading)
    own = [entry for entry in every if not entry.is_elsewhere and entry.is_picture]
    anchor = _anchor(own, anchors, heading)
    if anchor is None:
        return []
    members = _same_gallery(anchor, own, heading)
    held = {pictures.picture_key(url) for entry in members for url in entry.widths}
    stems = {stem for entry in members for stem in map(pictures.file_stem, entry.widths)}
    # a layer that enlarges them stands in a part of its own
    others = [
        entry
        for entry in every
        if entry not in members
        and entry.may_name(stems)
        and entry.is_picture
        and any(pictures.picture_key(url) in held for url in entry.widths)
    ]
    return like_sizes(_joined([*members, *others]))


def like_sizes(claims: list[PictureClaim]) -> list[PictureClaim]:
    """``claims``, each that is named only small with the address it would have, were it named large.

    How a shop spells sizes is told by the picture that it names in both: where ``/small/a.jpg`` is
    ``/big/a.jpg``, ``/small/b.jpg`` is tried as ``/big/b.jpg``. What is not there costs one request.
    """
    changes = dict.fromkeys(
        change for claim in claims for url in claim.urls[1:] if (change := _change(url, claim.urls))
    )
    found = []
    for claim in claims:
        first = claim.urls[0]
        guesses = (
            first[: first.rfind(small)] + large + first[first.rfind(small) + len(small) :]
            for small, large in changes
            if small in first and large not in first
        )
        guess = next(guesses, None)
        found.append(PictureClaim((guess, *claim.urls), claim.alt) if guess else claim)
    return found


def _change(small: str, urls: tuple[str, ...]) -> tuple[str, str] | None:
    """What has to be put for what in ``small`` to get the largest address of the same picture.

    Whole parts between signs, with a sign on either side; and it must make the picture larger.
    """
    parts, others = _PARTS.split(small), _PARTS.split(urls[0])
    if len(parts) != len(others) or pictures.rank(small) >= pictures.rank(urls[0]):
        return None
    places = [n for n, pair in enumerate(zip(parts, others, strict=True)) if pair[0] != pair[1]]
    if len(places) != 1 or not 0 < places[0] < len(parts) - 1:
        return None
    at = places[0]
    return "".join(parts[at - 1 : at + 2]), "".join(others[at - 1 : at + 2])


def _anchor(own: list[Found], anchors: list[str], heading: Any) -> Found | None:
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
    name = " ".join("".join(heading.itertext()).split()).casefold()
    for entry in own:
        if entry.alt and len(name) > 2 and name in entry.alt.casefold():
            return entry
    order = {element: index for index, element in enumerate(heading.getroottree().iter())}
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
