"""The records that stages exchange, one class per manifest; see docs/data.md for the files.

Unknown values are None, never invented. Field order is the order on disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHA256 = re.compile(r"[0-9a-f]{64}")
SLUG = re.compile(r"[a-z0-9_][a-z0-9_-]*")
IMAGE_STATUSES = ("stored", "cached", "failed", "rejected")
VERDICTS = ("keep", "review", "reject")
SPLITS = ("train", "val", "test")
Sides = tuple[int, int, int, int]  # left, top, right, bottom; px, left and top included


def check_photo_id(value: str) -> None:
    """Raise ValueError unless ``value`` is a lower-case SHA-256."""
    if not SHA256.fullmatch(value):
        raise ValueError(f"photo_id {value!r:.80} is not a SHA-256 in lower-case hex")


def check_slug(kind: str, value: str) -> None:
    """Raise ValueError unless ``value`` is a slug, safe in a path and in a stage name."""
    if not SLUG.fullmatch(value) or len(value) > 100:
        raise ValueError(
            f"{kind} {value!r:.120} is not a slug (a-z, 0-9, '-' and '_', at most 100)"
        )


@dataclass(frozen=True, slots=True)
class ListingImage:
    """One picture as a product page named it, and what came of fetching it."""

    url: str
    alt: str | None
    position: int
    status: str  # one of IMAGE_STATUSES
    reason: str | None  # why it failed or was rejected
    sha256: str | None  # of the original bytes; None unless they are on disk
    path: str | None  # relative to the crawl folder: images/<aa>/<sha256>.<ext>
    width_px: int | None
    height_px: int | None
    bytes: int | None
    content_type: str | None

    def __post_init__(self) -> None:
        if self.status not in IMAGE_STATUSES:
            raise ValueError(f"status {self.status!r:.80} is not one of {IMAGE_STATUSES}")
        if self.sha256 is not None:
            check_photo_id(self.sha256)


@dataclass(frozen=True, slots=True)
class Listing:
    """One product page and colourway, as the shop said it: a line of data/crawl/items.jsonl."""

    site: str
    url: str
    brand_text: str | None
    name: str | None
    sku: str | None
    gtin: str | None
    color: str | None
    group: str | None  # common to the colourways of one model
    category: str | None
    source: str  # the reader that found the name
    fetched_at: str  # UTC, ISO 8601
    images: tuple[ListingImage, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a photo was seen."""

    site: str
    url: str  # of the product page
    image_url: str


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one product: a line of data/catalogue.jsonl, unique by (photo_id, brand, product)."""

    photo_id: str
    path: str  # the original bytes, relative to the crawl folder
    brand: str
    product: str  # unique within the brand
    product_name: str
    brand_text: str
    group: str | None
    color: str | None
    sku: str | None
    gtin: str | None
    category: str | None
    view: str | None
    position: int  # lowest position on any page; 0 is the first picture
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        check_photo_id(self.photo_id)
        check_slug("brand", self.brand)
        check_slug("product", self.product)


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A photo judged: a line of data/clean/verdicts.jsonl. No addresses, so that none causes a rerun."""

    photo_id: str
    brand: str
    product: str
    product_name: str
    group: str | None
    color: str | None
    sku: str | None
    view: str | None
    position: int
    verdict: str  # one of VERDICTS
    reason: str | None  # why it is not `keep`
    score: float | None  # what the rule measured
    path: str | None  # the canvas file from the repository root, named by its own SHA-256
    width_px: int | None  # of the original picture
    height_px: int | None
    box: Sides | None = None  # of the shoe on the canvas; None where the ground is not plain

    def __post_init__(self) -> None:
        check_photo_id(self.photo_id)
        check_slug("brand", self.brand)
        check_slug("product", self.product)
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict {self.verdict!r:.80} is not one of {VERDICTS}")


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo that trains or measures: a line of data/split/<brand>.jsonl, unique by (photo_id, product)."""

    photo_id: str
    path: str  # the canvas file from the repository root, named by its own SHA-256
    brand: str
    product: str
    product_name: str
    view: str | None
    split: str  # one of SPLITS
    cluster_id: str

    def __post_init__(self) -> None:
        check_photo_id(self.photo_id)
        check_slug("brand", self.brand)
        check_slug("product", self.product)
        if self.split not in SPLITS:
            raise ValueError(f"split {self.split!r:.80} is not one of {SPLITS}")
