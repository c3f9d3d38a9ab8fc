"""Crawl feed to catalogue: slugs, product ids, provenance; one record per photo and product.

In: the listings of data/crawl/items.jsonl. Out: `Photo` records without any fetch time, so that a
second crawl that found the same things changes no byte.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

from catalogue.brands import brand_slug
from catalogue.schema import Listing, ListingImage, Photo, Source
from dataset.decisions import Decisions
from dataset.feed import IngestReject
from dataset.names import MAX_NAME, clean_text, is_blank, product_slug, with_color, without_brand
from dataset.records import Product
from dataset.views import view_of


@dataclass(frozen=True, slots=True)
class NamedListing:
    """A listing with its brand, product and name settled."""

    listing: Listing
    brand: str
    product: str
    name: str

    @property
    def key(self) -> Product:
        """Its product, which listings of other pages and sites may share."""
        return self.brand, self.product


def choose_listings(listings: Iterable[Listing], sites: Collection[str]) -> list[Listing]:
    """The latest listing per page and colourway of ``sites`` (none given: of all)."""
    latest: dict[tuple[str, str, str, str], Listing] = {}
    for listing in listings:
        if sites and listing.site not in sites:
            continue
        key = (listing.site, listing.url, listing.sku or "", listing.color or "")
        held = latest.get(key)
        if held is None or _rank(listing) > _rank(held):
            latest[key] = listing
    return [latest[key] for key in sorted(latest)]


def _rank(listing: Listing) -> tuple[str, str]:
    return listing.fetched_at, repr(listing)


def name_listings(listings: Sequence[Listing]) -> list[NamedListing]:
    """Each listing with its slugs; names that meet although page and SKU differ get the SKU.

    Listings without name and SKU are left out.
    """
    named = [_named(listing) for listing in listings if not _is_nameless(listing)]
    meeting: dict[tuple[str, str, str], list[NamedListing]] = defaultdict(list)
    for entry in named:
        meeting[(entry.listing.site, entry.brand, entry.product)].append(entry)
    apart = {id(entry) for entries in meeting.values() for entry in _to_tell_apart(entries)}
    return [_with_sku(entry) if id(entry) in apart else entry for entry in named]


def decided(
    named: Sequence[NamedListing],
    decisions: Decisions,
    becomes: Mapping[Product, Product] = MappingProxyType({}),
) -> list[NamedListing]:
    """``named`` with products that are called one joined, and those rejected left out.

    A person's ``same-as`` goes first, then ``becomes``. A joined product has the target's name where the
    target is there, else it keeps its own. To reject what others became rejects them all.
    """
    names = {product: told[0] for product, told in spellings(named).items()}
    joined = []
    for entry in named:
        same = decisions.same_as.get(entry.key, entry.key)
        target = becomes.get(same, same)
        if not {entry.key, same, target} & decisions.rejected:
            name = names.get(target, entry.name) if target != entry.key else entry.name
            joined.append(replace(entry, brand=target[0], product=target[1], name=name))
    return joined


def nameless(listings: Iterable[Listing]) -> list[IngestReject]:
    """The listings that `name_listings` leaves out, with the reason."""
    return [
        IngestReject(listing.url, "no product name and no SKU on the page")
        for listing in listings
        if _is_nameless(listing)
    ]


def _is_nameless(listing: Listing) -> bool:
    return is_blank(listing.name) and is_blank(listing.sku)


def _named(listing: Listing) -> NamedListing:
    brand = brand_slug(listing.brand_text)
    raw = listing.sku if is_blank(listing.name) else listing.name
    cleaned = clean_text(raw or "")
    name = without_brand(cleaned, brand, clean_text(listing.brand_text or ""))
    full = with_color(name, clean_text(listing.color or "") or None)
    return NamedListing(listing, brand, product_slug(full), full[:MAX_NAME])


def _code(listing: Listing) -> str | None:
    return listing.sku or listing.gtin


def _to_tell_apart(entries: Sequence[NamedListing]) -> list[NamedListing]:
    """Those of one site and product name that are proved to be several products."""
    urls = {entry.listing.url for entry in entries}
    codes = {_code(entry.listing) for entry in entries} - {None}
    if len(urls) < 2 or len(codes) < 2:
        return []
    return [entry for entry in entries if _code(entry.listing)]


def _with_sku(entry: NamedListing) -> NamedListing:
    code = clean_text(_code(entry.listing) or "")
    if not code:
        return entry
    name = f"{entry.name} {code}"[:MAX_NAME]
    return replace(entry, product=product_slug(entry.name, code), name=name)


def spellings(named: Iterable[NamedListing]) -> dict[Product, list[str]]:
    """The different names that meet in one product, the one it gets first.

    That is the most frequent one, then the smallest; products are sorted.
    """
    names: dict[Product, Counter[str]] = defaultdict(Counter)
    for entry in named:
        names[entry.key][entry.name] += 1
    return {
        product: sorted(names[product], key=lambda name: (-names[product][name], name))
        for product in sorted(names)
    }


def pictureless(named: Sequence[NamedListing]) -> dict[Product, list[IngestReject]]:
    """The products without any picture on disk: each of their pages, and what became of its pictures."""
    shown = {entry.key for entry in named if any(map(is_on_disk, entry.listing.images))}
    lost: dict[Product, list[IngestReject]] = defaultdict(list)
    for entry in named:
        if entry.key not in shown:
            why = f"{entry.brand}/{entry.product}: no picture on disk: {fates([entry.listing])}"
            lost[entry.key].append(IngestReject(entry.listing.url, why))
    return dict(lost)


def fates(listings: Iterable[Listing]) -> str:
    """What became of the pictures of ``listings``, counted: ``2 failed (http 404), 1 rejected (empty)``."""
    images = [image for listing in listings for image in listing.images]
    counts = Counter(f"{one.status} ({one.reason or 'no reason told'})"[:100] for one in images)
    told = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count} {fate}" for fate, count in told) or "the page names none"


def to_photos(named: Sequence[NamedListing]) -> Iterator[Photo]:
    """One `Photo` per (photo, brand, product), sorted; several sightings join their sources.

    All photos of a product have one name; see `spellings`. Each is made when it is asked for.
    """
    names = spellings(named)
    sightings = [
        (image.sha256 or "", at, position)
        for at, entry in enumerate(named)
        for position, image in enumerate(entry.listing.images)
        if is_on_disk(image)
    ]
    sightings.sort(key=lambda one: (one[0], named[one[1]].key))
    for _, same in groupby(sightings, key=lambda one: (one[0], named[one[1]].key)):
        yield _joined(
            [
                _photo(named[at], named[at].listing.images[position], names[named[at].key][0])
                for _, at, position in same
            ]
        )


def is_on_disk(image: ListingImage) -> bool:
    """Whether the crawl has the picture's bytes."""
    return image.status in ("stored", "cached") and bool(image.sha256 and image.path)


def _photo(entry: NamedListing, image: ListingImage, name: str) -> Photo:
    listing = entry.listing
    return Photo(
        photo_id=image.sha256 or "",
        path=image.path or "",
        brand=entry.brand,
        product=entry.product,
        product_name=name,
        brand_text=clean_text(listing.brand_text or ""),
        group=listing.group,
        color=clean_text(listing.color or "") or None,
        sku=listing.sku,
        gtin=listing.gtin,
        category=listing.category,
        view=view_of(image.alt, f"{listing.brand_text or ''} {listing.name or ''}"),
        position=image.position,
        sources=(Source(listing.site, listing.url, image.url),),
    )


def _joined(photos: Sequence[Photo]) -> Photo:
    """The sightings of one photo of one product as one record, whatever their order."""
    ordered = sorted(photos, key=lambda photo: (_address(photo.sources[0]), repr(photo)))
    return replace(
        ordered[0],
        view=next((photo.view for photo in ordered if photo.view), None),
        position=min(photo.position for photo in ordered),
        sources=tuple(
            sorted({source for photo in ordered for source in photo.sources}, key=_address)
        ),
    )


def _address(source: Source) -> tuple[str, str, str]:
    return source.site, source.url, source.image_url
