"""Label conflicts: one picture under several products, each resolved by a stated rule.

The rules, in this order; every conflict is listed with the rule that decided:

0. A person said whose it is (overrides.csv): kept there.
1. Three products or more show it: a logo or a stock picture; dropped from all.
2. The two products share at least two pictures, and half of the smaller one's: one product under
   two names; kept at the product with more photos (of equals, the first by slug).
3. It is the first picture of one of the two and not of the other: kept there.
4. Otherwise nothing tells whose it is, and a wrong label costs more than a photo: dropped from both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from catalogue.schema import CleanPhoto
from dataset.judge import SHARED_BY
from dataset.records import Conflict, Product

ALIAS_LEAST = 2  # shared pictures: a single one is a stock picture more often than an alias
ALIAS_SHARE = 0.5  # of the smaller product's photos


@dataclass(frozen=True)
class Alike:
    """A photo of one product, and all photos that show the same picture, itself included."""

    photo: CleanPhoto
    others: tuple[CleanPhoto, ...]

    @property
    def products(self) -> list[Product]:
        return sorted({product_of(photo) for photo in (self.photo, *self.others)})


def product_of(photo: CleanPhoto) -> Product:
    """The product of a photo as (brand, product)."""
    return photo.brand, photo.product


def label_conflicts(
    photos: Sequence[CleanPhoto],
    same: Mapping[int, Iterable[int]],
    owners: Mapping[str, Product] = MappingProxyType({}),
) -> list[Conflict]:
    """Every photo whose picture another product shows too, with its resolution, sorted.

    Args:
        photos: of all products.
        same: index of a photo -> indices of the photos that show the same picture.
        owners: photo_id -> the product that a person said it shows.
    """
    stars = [
        Alike(photos[one], tuple(photos[other] for other in sorted(same[one])))
        for one in sorted(same)
    ]
    crossing = [star for star in stars if len(star.products) > 1]
    sizes = Counter(product_of(photo) for photo in photos)
    shared = _shared_counts(crossing)
    return sorted(
        (_resolved(star, sizes, shared, owners) for star in crossing),
        key=lambda conflict: (conflict.photo_id, conflict.brand, conflict.product),
    )


def _shared_counts(stars: Iterable[Alike]) -> Counter[tuple[Product, Product]]:
    """(product, other product) -> how many photos of the first the second shows too."""
    counts: Counter[tuple[Product, Product]] = Counter()
    for star in stars:
        own = product_of(star.photo)
        counts.update((own, other) for other in star.products if other != own)
    return counts


def _resolved(
    star: Alike,
    sizes: Mapping[Product, int],
    shared: Mapping[tuple[Product, Product], int],
    owners: Mapping[str, Product],
) -> Conflict:
    products, known = star.products, set(star.products)
    ids = [photo.photo_id for photo in (star.photo, *star.others)]
    decided = next((owners[one] for one in ids if owners.get(one) in known), None)
    owner: Product | None
    if decided is not None:
        owner, reason = decided, f"overrides.csv: it shows {'/'.join(decided)}"
    elif len(products) >= SHARED_BY:
        owner, reason = None, f"shared by {len(products)} products: no one product's photo"
    else:
        owner, reason = _owner(star, products[0], products[1], sizes, shared)
    brand, product = product_of(star.photo)
    return Conflict(
        photo_id=star.photo.photo_id,
        brand=brand,
        product=product,
        products=tuple("/".join(one) for one in products),
        resolution="kept" if owner == (brand, product) else "dropped",
        reason=reason,
        same_as=tuple(sorted({photo.photo_id for photo in star.others})),
    )


def _owner(
    star: Alike,
    one: Product,
    two: Product,
    sizes: Mapping[Product, int],
    shared: Mapping[tuple[Product, Product], int],
) -> tuple[Product | None, str]:
    """Whose the picture is, None for nobody's, and the rule that says so."""
    smaller, larger = sorted((one, two), key=lambda product: (sizes[product], product != two))
    common = min(shared[(one, two)], shared[(two, one)])
    if common >= ALIAS_LEAST and common >= ALIAS_SHARE * sizes[smaller]:
        told = f"one product under two names ({common} pictures shared)"
        return larger, f"{told}: kept at {'/'.join(larger)}"
    first = _shown_first(star)
    if first[one] != first[two]:
        owner = one if first[one] else two
        return owner, f"first picture of {'/'.join(owner)} alone: kept there"
    return None, "nothing tells which of the two products it shows: dropped from both"


def _shown_first(star: Alike) -> dict[Product, bool]:
    positions: dict[Product, list[int]] = defaultdict(list)
    for photo in (star.photo, *star.others):
        positions[product_of(photo)].append(photo.position)
    return {product: min(found) == 0 for product, found in positions.items()}
