"""The records of an answer: what is printed, sent and shown."""

from __future__ import annotations

from dataclasses import dataclass

from identify.photo import Box


@dataclass(frozen=True)
class Candidate:
    """A product that the photo may show."""

    brand: str
    product: str
    product_name: str
    confidence: float  # 0..1
    photo_id: str | None  # of its nearest picture in the gallery, None where that has none
    brand_name: str  # as shops write it; ``brand`` is its key


@dataclass(frozen=True)
class SimilarShoe:
    """Another product whose picture is near: by base's embedding and colour, or of the same shape by outline."""

    brand: str
    product: str
    product_name: str
    # of cosines, -1..1: embeddings, and colours where they were measured (`identify.added.SHAPE`), or outlines
    similarity: float
    photo_id: str  # its nearest picture
    path: str
    urls: tuple[str, ...]  # pages where it was seen
    brand_name: str


@dataclass(frozen=True)
class Identification:
    """The answer to one photo; field order is that of `solemap identify --json`."""

    photo: str
    error: str | None = None
    arm: str | None = None
    verdict: str | None = None  # known | unknown | not_a_shoe
    brand: str | None = None  # None unless known
    product: str | None = None
    product_name: str | None = None
    confidence: float | None = (
        None  # of the likeliest product, also where it is below the threshold
    )
    box: Box | None = None  # left, top, right, bottom in the upright photo, px
    candidates: tuple[Candidate, ...] = ()
    similar: tuple[SimilarShoe, ...] = ()
    brand_name: str | None = None  # None unless known
    # by outline alone, in whatever colour; none of ``similar``
    same_shape: tuple[SimilarShoe, ...] = ()
