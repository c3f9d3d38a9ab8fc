"""The records of data/dedup/ and data/split/, beside those of `catalogue.schema`."""

from __future__ import annotations

from dataclasses import dataclass

Product = tuple[str, str]  # brand, product


@dataclass(frozen=True, slots=True)
class Kept:
    """A photo that goes on: a line of data/dedup/kept.jsonl, unique by photo_id."""

    photo_id: str
    path: str  # the canvas file, named by its own SHA-256
    brand: str
    product: str
    product_name: str
    group: str | None
    view: str | None
    cluster_id: str  # of the leakage group: may span products and brands


@dataclass(frozen=True, slots=True)
class Removed:
    """A duplicate within its product: a line of data/dedup/removed.jsonl."""

    photo_id: str
    brand: str
    product: str
    keeper: str  # photo_id of the kept photo of the same product
    kind: str  # exact: the same canvas pixels | near: verified within the narrow radius
    distance: int  # bits between it and its keeper
    residual: float  # see dataset.verify; 0 for exact


@dataclass(frozen=True, slots=True)
class Conflict:
    """One photo that shows what another product shows: a line of data/dedup/conflicts.jsonl."""

    photo_id: str
    brand: str
    product: str
    products: tuple[str, ...]  # <brand>/<product> of all that show it, sorted
    resolution: str  # kept | dropped
    reason: str
    same_as: tuple[str, ...]  # photo ids of the like pictures, sorted


@dataclass(frozen=True, slots=True)
class DroppedLink:
    """A link that would have made a leakage group too large: a line of dropped_links.jsonl."""

    first: str  # photo_id
    second: str
    distance: int
    residual: float
    kind: str  # same | near | wide | mirror
    size: int  # photos the group would have had


@dataclass(frozen=True, slots=True)
class SameProduct:
    """Two products that may be one: a line of data/same_products.jsonl."""

    product: str  # <brand>/<product>, before anything was joined; the smaller of the two
    other: str
    names: tuple[str, ...]  # of the two, in this order; so are sites and pictures
    sites: tuple[str, ...]
    rule: str  # gtin, sku, pictures, names: see dataset.same_product
    evidence: tuple[str, ...]
    is_sure: bool  # whether the rule may be applied without a person
    kept: str | None  # the product that both became; None: proposed only
    pictures: tuple[str, ...]  # photo_id of each one's first picture, empty where it has none
