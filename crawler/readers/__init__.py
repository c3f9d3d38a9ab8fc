"""The ladder of readers: each is pure (page in, claims out); here they are merged field by field.

Order is trust. A field comes from the first reader that knows it; ``source`` of the record is the
reader that gave the name. A new reader is one line in `LADDER`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalogue.brands import brand_slug, brand_within, is_known_brand
from crawler import pictures
from crawler.items import FIELDS, Claim, Page, PictureClaim
from crawler.readers import (
    description,
    embedded,
    gallery,
    html,
    json_ld,
    magento,
    microdata,
    opengraph,
    picture_lists,
    rdfa,
    rules,
    shopify,
    woocommerce,
)
from crawler.words import without_shop

Reader = Callable[[Page], list[Claim]]
LADDER: tuple[tuple[str, Reader], ...] = (
    ("rules", rules.read),
    ("json-ld", json_ld.read),
    ("microdata", microdata.read),
    ("rdfa", rdfa.read),
    ("shopify", shopify.read),
    ("woocommerce", woocommerce.read),
    ("embedded-json", embedded.read),
    ("embedded-json", magento.read),
    ("opengraph", opengraph.read),
    ("html", html.read),
)
_GENERIC = 6  # a listing shows this many products or more


def read_product(page: Page) -> tuple[Claim | None, list[str], bool]:
    """(the page's product, its breadcrumb, whether structured data calls it a product).

    None where the page names several products alike, as a listing does, or nothing at all.
    """
    claims: list[Claim] = []
    for name, read in LADDER:
        found = read(page)
        if name == "html":
            claims += found
            continue
        chosen = _about_this_page(found, page)
        if chosen is not None:
            claims.append(chosen)
        elif len(found) >= _GENERIC:
            return None, breadcrumb(page), False
    if not claims:
        return None, breadcrumb(page), False
    merged = merge(claims, opengraph.shop_name(page), json_ld.shop_names(page))
    structured = [claim for claim in claims if claim.source != "html"]
    merged.pictures = _pictures(page, structured)
    if len(merged.variants) < 2:  # of several colourways, nobody says which one it shows
        merged.pictures += description.read(page, merged.pictures)
    return merged, breadcrumb(page), bool(structured)


def _pictures(page: Page, structured: list[Claim]) -> list[PictureClaim]:
    """What structured data names, then what the gallery shows, then what lists in scripts add."""
    if structured and structured[0].source == "rules" and rules.are_final(page):
        return join_pictures(structured[:1], [])
    anchors = _anchors(structured)
    shown = gallery.read(page, anchors)
    known = anchors + [url for claim in shown for url in claim.urls]
    return join_pictures(structured, [*shown, *picture_lists.read(page, known)])


def breadcrumb(page: Page) -> list[str]:
    """The first breadcrumb that some reader finds."""
    return json_ld.crumbs(page) or microdata.crumbs(page) or rdfa.crumbs(page) or html.crumbs(page)


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


def merge(claims: list[Claim], shop: str | None = None, others: Sequence[str] = ()) -> Claim:
    """One claim of several about the same product: each field from the first that knows it.

    ``shop`` is what the shop calls itself, ``others`` what it may be called besides. Where the brand
    that the first claim gives is the shop's own name, a known brand goes before it, of another claim
    or of the product's name.
    """
    shops = {brand_slug(name) for name in (shop, *others) if name}
    named = next((claim for claim in claims if claim.name), claims[0])
    merged = Claim(source=named.source)
    for field in FIELDS:
        told = [value for claim in claims if (value := getattr(claim, field))]
        setattr(merged, field, next(iter(told), None))
        if field == "brand_text" and told and brand_slug(told[0]) in shops:
            known = next(filter(is_known_brand, told), None)
            merged.brand_text = known or brand_within(named.name or "") or told[0]
    if merged.name:
        merged.name = without_shop(merged.name, shop)
    merged.url = next((claim.url for claim in claims if claim.url), None)
    merged.variants = _variants(claims)
    return merged


def _variants(claims: list[Claim]) -> list[Claim]:
    """The variants of the first reader that has any, each with the pictures that others know of it."""
    told = [claim.variants for claim in claims if claim.variants]
    first = told[0] if told else []
    for other in (variant for variants in told[1:] for variant in variants if variant.color):
        for variant in first:
            if (variant.color or "").casefold() == (other.color or "").casefold():
                held = variant.pictures
                held += [p for p in other.pictures if not any(same_picture(p, h) for h in held)]
    return first


def _anchors(claims: list[Claim]) -> list[str]:
    groups = [claim.pictures + [p for v in claim.variants for p in v.pictures] for claim in claims]
    return [url for group in groups for picture in group for url in picture.urls]


def join_pictures(claims: list[Claim], shown: list[PictureClaim]) -> list[PictureClaim]:
    """Structured pictures first, then those that only the gallery shows; each picture once.

    The same picture is recognised by its key, or by a file name that stands once on either side.
    """
    joined: list[PictureClaim] = []
    places: dict[str, int] = {}  # the first claim of each sign
    told = [picture for c in claims if c.source != "opengraph" for picture in c.pictures]
    # a picture for sharing may be a logo, so it counts only where there is no other
    shared = [] if told else [picture for c in claims for picture in c.pictures]
    for claim in [*told, *shared, *shown]:
        claim = PictureClaim(
            tuple(url for url in claim.urls if pictures.is_address(url)), claim.alt
        )
        if not claim.urls:
            continue
        signs = _signs(claim)
        place = min((places[sign] for sign in signs if sign in places), default=len(joined))
        if place == len(joined):
            joined.append(claim)
        else:
            joined[place] = larger(joined[place], claim)
        for sign in signs:
            places[sign] = min(place, places.get(sign, place))
    return joined


def same_picture(one: PictureClaim, other: PictureClaim) -> bool:
    """Whether two claims name the same picture, by key or by a telling file name."""
    return not _signs(one).isdisjoint(_signs(other))


def _signs(claim: PictureClaim) -> set[str]:
    """What tells a picture: the keys of its addresses, and file names that are long enough to say something."""
    stems = map(pictures.file_stem, claim.urls)
    keys = {f"key {pictures.picture_key(url)}" for url in claim.urls}
    return keys | {f"name {stem}" for stem in stems if len(stem) >= 10}


def larger(held: PictureClaim, new: PictureClaim) -> PictureClaim:
    """Both claims as one, the address that claims most first; held ones win a draw."""
    urls = list(dict.fromkeys([*held.urls, *new.urls]))
    first = max((held.urls[0], new.urls[0]), key=pictures.rank)
    ordered = [first, *(url for url in urls if url != first)]
    return PictureClaim(tuple(pictures.originals_first(ordered)), held.alt or new.alt)
