"""Photos to answers: verdict, brand, product name, confidence, candidates and similar shoes.

The arm, its temperature and the threshold are those that `evaluate` chose on validation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catalogue.errors import CatalogueError
from identify.photo import Box, Prepared, prepare_photo
from train.evidence import System, gather, load_system
from train.fusion import RULES
from train.gallery import GalleryPhoto, GalleryProduct, load_names
from train.seed import make_deterministic


@dataclass(frozen=True)
class Candidate:
    """A product that the photo may show."""

    brand: str
    product: str
    product_name: str
    confidence: float  # 0..1


@dataclass(frozen=True)
class SimilarShoe:
    """Another product whose picture is near in base's embedding."""

    brand: str
    product: str
    product_name: str
    similarity: float  # cosine, -1..1
    path: str  # its nearest picture
    urls: tuple[str, ...]  # pages where it was seen


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


class Identifier:
    """All models of a folder, loaded once; answers do not depend on what was asked before."""

    def __init__(
        self,
        system: System,
        settings: dict[str, Any],
        photos: list[GalleryPhoto],
        products: dict[str, GalleryProduct],
        neighbours: int,
    ) -> None:
        self._system, self._photos, self._products = system, photos, products
        self._arm = str(settings["arm"])
        self._temperature = float(settings["temperature"])
        self._threshold = float(settings["threshold"])
        self._neighbours = neighbours

    @classmethod
    def load(cls, models: Path) -> Identifier:
        """Load the models that `dvc repro` left in ``models``.

        Raises:
            CatalogueError: there are none, or one is damaged.
        """
        make_deterministic()
        chosen = models / "system.json"
        if not chosen.exists():
            raise CatalogueError(
                f"{chosen}: no models yet. Run `scrapy crawl shoes` and `dvc repro` first "
                "(`make demo` does both with drawn shoes), `dvc checkout` if they were made before, "
                "or name another folder with --models."
            )
        try:
            settings = json.loads(chosen.read_bytes())
            neighbours = int(json.loads((models / "gallery/index.json").read_bytes())["neighbours"])
            if settings["arm"] not in RULES:
                raise ValueError(f"arm {settings['arm']!r} is not one of {', '.join(RULES)}")
            brands = [str(brand) for brand in settings["brands"]]
            system = load_system(models, brands)
            return cls(system, settings, *load_names(models / "gallery"), neighbours)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CatalogueError(
                f"{models}: not a complete set of models ({type(error).__name__}: {error}). "
                "Run `dvc repro` to make it again."
            ) from error

    def identify(self, content: bytes, photo: str = "", top: int = 5) -> Identification:
        """The answer to a photo's bytes, with the ``top`` likeliest products.

        Raises:
            PhotoError: the bytes are no readable picture.
        """
        base = self._system.base_description
        prepared = prepare_photo(content, base.size, base.crop, base.background)
        return self._answer(photo, prepared, top)

    def _answer(self, photo: str, prepared: Prepared, top: int) -> Identification:
        if prepared.is_blank:
            return Identification(photo, arm=self._arm, verdict="not_a_shoe")
        pixels = torch.from_numpy(prepared.pixels).permute(2, 0, 1)[None]  # (1, 3, S, S)
        evidence = gather(self._system, pixels)
        scores = RULES[self._arm](evidence, self._system, self._temperature)[0]  # (P,)
        order = scores.argsort(descending=True, stable=True)[: max(top, 1)].tolist()
        best = self._candidate(order[0], scores)
        is_known = float(scores[order[0]]) >= self._threshold
        excluded = self._system.labels[order[0]] if is_known else None
        return Identification(
            photo=photo,
            arm=self._arm,
            verdict="known" if is_known else "unknown",
            brand=best.brand if is_known else None,
            product=best.product if is_known else None,
            product_name=best.product_name if is_known else None,
            confidence=best.confidence,
            box=prepared.box,
            candidates=tuple(self._candidate(index, scores) for index in order[:top]),
            similar=self._similar(evidence.embedding[0], excluded),
        )

    def _candidate(self, index: int, scores: Tensor) -> Candidate:
        label = self._system.labels[index]
        brand, _, product = label.partition("/")
        confidence = round(min(max(float(scores[index]), 0.0), 1.0), 4)
        return Candidate(brand, product, self._name(label), confidence)

    def _name(self, label: str) -> str:
        found = self._products.get(label)
        return found.product_name if found else label.partition("/")[2]

    def _similar(self, embedding: Tensor, excluded: str | None) -> tuple[SimilarShoe, ...]:
        """The nearest picture of each of the nearest other products."""
        similarity = self._system.vectors.embedding @ embedding  # (G,)
        found: dict[str, SimilarShoe] = {}
        for row in similarity.argsort(descending=True, stable=True).tolist():
            photo = self._photos[row]
            if photo.label == excluded or photo.label in found:
                continue
            product = self._products[photo.label]
            found[photo.label] = SimilarShoe(
                brand=product.brand,
                product=product.product,
                product_name=product.product_name,
                similarity=round(float(similarity[row]), 4),
                path=photo.path,
                urls=product.urls,
            )
            if len(found) == self._neighbours:
                break
        return tuple(found.values())
