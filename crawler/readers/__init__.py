"""The ladder of readers: each is pure (page in, claims out); here they are merged field by field.

Order is trust. A field comes from the first reader that knows it; ``source`` of the record is the
reader that gave the name. A new reader (RDFa, Shopify, embedded state) is one line in `LADDER`.
"""

from __future__ import annotations

from collections.abc import Callable

from crawler import pictures
from crawler.items import FIELDS, Claim, Page, PictureClaim
from crawler.readers import gallery, html, json_ld, microdata, opengraph

Reader = Callable[[Page], list[Claim]]
LADDER: tuple[tuple[str, Reader], ...] = (
    ("json-ld", json_ld.read),
    ("microdata", microdata.read),
    ("opengraph", opengraph.read),
    ("html", html.read),
)
_GENERIC = 6  # a listing shows this many products or more


def read_product(page: Page) -> tuple[Claim | None, list[str], bool]:
    """(the page's product, its breadcrumb, whether structured data calls it a product).

    None where the page names several products alike, as a listing does, or nothing at all.
    """
    claims: list[Claim] = []
    is_told = False
    for name, read in LADDER:
        found = read(page)
        if name == "html":
            claims += found
            continue
        chosen = _about_this_page(found, page)
        if chosen is not None:
            claims.append(chosen)
            is_told = True
        elif len(found) >= _GENERIC:
            return None, breadcrumb(page), False
    if not claims:
        return None, breadcrumb(page), False
    merged = merge(claims)
    structured = [claim for claim in claims if claim.source != "html"]
    merged.pictures = join_pictures(structured, gallery.read(page, _anchors(structured)))
    return merged, breadcrumb(page), is_told


def breadcrumb(page: Page) -> list[str]:
    """The first breadcrumb that some reader finds."""
    return json_ld.crumbs(page) or microdata.crumbs(page) or html.crumbs(page)


def _about_this_page(claims: list[Claim], page: Page) -> Claim | None:
    """The one product that the page is about: named by address, by heading, or alone."""
    named = [claim for claim in claims if claim.name or claim.variants]
    if len(named) <= 1:
        return named[0] if named else None
    same = [claim for claim in named if claim.url and _path(claim.url) == _path(page.url)]
    heading = (html.heading(page) or "").casefold()
    titled = [claim for claim in same or named if claim.name and claim.name.casefold() in heading]
    chosen = titled or same or (named if len(named) < _GENERIC else [])
    return max(
        chosen, key=lambda claim: (len(claim.pictures), bool(claim.brand_text)), default=None
    )


def _path(url: str) -> str:
    return url.split("#")[0].split("?")[0].rstrip("/").split("://")[-1]


def merge(claims: list[Claim]) -> Claim:
    """One claim of several about the same product: each field from the first that knows it."""
    named = next((claim for claim in claims if claim.name), claims[0])
    merged = Claim(source=named.source)
    for field in FIELDS:
        setattr(
            merged,
            field,
            next((value for claim in claims if (value := getattr(claim, field))), None),
        )
    merged.url = next((claim.url for claim in claims if claim.url), None)
    merged.variants = next((claim.variants for claim in claims if claim.variants), [])
    return merged


def _anchors(claims: list[Claim]) -> list[str]:
    groups = [claim.pictures + [p for v in claim.variants for p in v.pictures] for claim in claims]
    return [url for group in groups for picture in group for url in picture.urls]


def join_pictures(claims: list[Claim], shown: list[PictureClaim]) -> list[PictureClaim]:
    """Structured pictures first, then those that only the gallery shows; each picture once.

    The same picture is recognised by its key, or by a file name that stands once on either side.
    """
    joined: list[PictureClaim] = []
    told = next((claim.pictures for claim in claims if claim.pictures), [])
    for claim in [*told, *shown]:
        claim = PictureClaim(
            tuple(url for url in claim.urls if pictures.is_address(url)), claim.alt
        )
        if not claim.urls:
            continue
        place = next(
            (index for index, held in enumerate(joined) if same_picture(held, claim)), None
        )
        if place is None:
            joined.append(claim)
        else:
            joined[place] = larger(joined[place], claim)
    return joined


def same_picture(one: PictureClaim, other: PictureClaim) -> bool:
    """Whether two claims name the same picture, by key or by a telling file name."""
    if {pictures.picture_key(url) for url in one.urls} & {
        pictures.picture_key(url) for url in other.urls
    }:
        return True
    stems = {stem for stem in map(pictures.file_stem, one.urls) if len(stem) >= 10}
    return bool(stems & set(map(pictures.file_stem, other.urls)))


def larger(held: PictureClaim, new: PictureClaim) -> PictureClaim:
    """Both claims as one, the address that claims most first; held ones win a draw."""
    urls = list(dict.fromkeys([*held.urls, *new.urls]))
    first = max((held.urls[0], new.urls[0]), key=pictures.rank)
    ordered = [first, *(url for url in urls if url != first)]
    return PictureClaim(tuple(pictures.originals_first(ordered)), held.alt or new.alt)
