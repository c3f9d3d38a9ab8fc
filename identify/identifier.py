"""Photos to answers: verdict, brand, product name, confidence, candidates and similar shoes.

The arm, what is fitted for it and the threshold are those that `evaluate` chose on validation.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from catalogue.errors import CatalogueError
from dataset.mask import prepare_with_mask
from identify.added import Added, load_added, similarity
from identify.explain import explain
from identify.photo import Box, Prepared, prepare_photo
from train.evidence import Evidence, System, gather, load_system
from train.fusion import RULES
from train.gallery import GalleryPhoto, GalleryProduct, load_names
from train.model import infer
from train.seed import make_deterministic

SAME_BASE = 0.99  # cosine of a picture's embedding with itself; other bases are far below
log = logging.getLogger(__name__)
ADDED_ARM = "gallery"  # an added product, named by its nearest picture; see identify.added


@dataclass(frozen=True)
class Candidate:
    """A product that the photo may show."""

    brand: str
    product: str
    product_name: str
    confidence: float  # 0..1
    photo_id: str | None  # of its nearest picture in the gallery, None where that has none


@dataclass(frozen=True)
class SimilarShoe:
    """Another product whose picture is near in base's embedding."""

    brand: str
    product: str
    product_name: str
    similarity: float  # cosine, -1..1
    photo_id: str  # its nearest picture
    path: str
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
        added: Added | None = None,
        left_out: dict[str, str] | None = None,
        project: Path = Path(),
    ) -> None:
        self._system = system
        self._arm = str(settings["arm"])
        self._fitted = {str(name): float(value) for name, value in settings["fitted"].items()}
        self._threshold = float(settings["threshold"])
        self._neighbours = neighbours
        self._naming = added.naming if added else None
        self._project = project
        # The gallery's rows, then the added ones.
        self._photos = [*photos, *(added.photos if added else ())]
        self._first_added = len(photos)
        self._products = {**{one.label: one for one in added.products}, **products} if added else products  # fmt: skip
        self._embedding, self._color = system.vectors.embedding, system.vectors.color
        if added:
            self._embedding = torch.cat([self._embedding, added.embedding])
            self._color = torch.cat([self._color, added.color])
        self._rows: dict[str, list[int]] = {}
        for row, photo in enumerate(self._photos):
            self._rows.setdefault(photo.label, []).append(row)
        self._paths = {photo.photo_id: photo.path for photo in self._photos}
        self.left_out = left_out or {}  # brand -> what is wrong with its net

    @classmethod
    def load(cls, models: Path) -> Identifier:
        """Load the models that `dvc repro` left in ``models``.

        A brand whose net is damaged or another brand's is left out with a notice; its products are
        then known by their pictures alone.

        Raises:
            CatalogueError: there are none, or one that all brands need is damaged.
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
            left_out: dict[str, str] = {}
            system = load_system(models, brands, left_out=left_out)
            added = load_added(models, system, models.parent / "data" / "pack")
            if added:  # their pictures lie below models, wherever that is
                photos = [replace(one, path=str(models / one.path)) for one in added.photos]
                added = replace(added, photos=tuple(photos))
            names = load_names(models / "gallery")
            return cls(
                system, settings, *names, neighbours, added, left_out, models.absolute().parent
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CatalogueError(
                f"{models}: not a complete set of models ({type(error).__name__}: {error}). "
                "Run `dvc repro` to make it again."
            ) from error

    @property
    def system(self) -> System:
        """The models themselves."""
        return self._system

    @property
    def brands(self) -> tuple[str, ...]:
        """The brands of all products in the gallery, sorted."""
        return tuple(sorted({product.brand for product in self._products.values()}))

    @property
    def product_count(self) -> int:
        """How many products can be named or shown."""
        return len(self._products)

    def picture(self, photo_id: str) -> Path | None:
        """The file of a gallery picture; None for an id that is not in the gallery."""
        path = self._paths.get(photo_id)
        return None if path is None else self._project / path

    def agrees(self) -> bool:
        """Whether the gallery was measured with this base: one of its pictures, measured anew.

        True where none of the pictures is on disk.
        """
        base = self._system.base_description
        for row, photo in enumerate(self._photos[: self._first_added]):
            path = self._project / photo.path
            if path.exists():
                with Image.open(path) as canvas:
                    seen = prepare_with_mask(canvas, base.size, base.crop, base.background)
                pixels = torch.from_numpy(seen.pixels).permute(2, 0, 1)[None]
                embedding = infer(self._system.base, pixels)[1][0]
                return float(self._embedding[row] @ embedding) > SAME_BASE
        return True

    def identify(self, content: bytes, photo: str = "", top: int = 5) -> Identification:
        """The answer to a photo's bytes, with the ``top`` likeliest products.

        Raises:
            PhotoError: the bytes are no readable picture.
        """
        base = self._system.base_description
        prepared = prepare_photo(content, base.size, base.crop, base.background)
        return self._answer(photo, prepared, top)

    def explain(self, content: bytes, answer: Identification) -> Image.Image | None:
        """The photo under a heat map of what speaks for ``answer``; None where no shoe is seen.

        Raises:
            PhotoError: the bytes are no readable picture.
        """
        if answer.verdict == "not_a_shoe" or not answer.candidates:
            return None
        likeliest = answer.candidates[0]
        return explain(self._system, answer.arm or "", f"{likeliest.brand}/{likeliest.product}", content)  # fmt: skip

    def _answer(self, photo: str, prepared: Prepared, top: int) -> Identification:
        if prepared.is_blank:
            return Identification(photo, arm=self._arm, verdict="not_a_shoe")
        pixels = torch.from_numpy(prepared.pixels).permute(2, 0, 1)[None]  # (1, 3, S, S)
        evidence = gather(self._system, pixels)
        embedding = evidence.embedding[0]
        candidates, arm = self._ranked(evidence, top), self._arm
        is_known = candidates[0].confidence >= self._threshold
        if named := self._named_by_picture(evidence.embedding, evidence.color):
            left = 1 - named.confidence  # for all other products together
            others = [
                replace(one, confidence=round(one.confidence * left, 4))
                for one in candidates
                if (one.brand, one.product) != (named.brand, named.product)
            ]
            candidates, arm, is_known = [named, *others][:top], ADDED_ARM, True
        best = candidates[0]
        return Identification(
            photo=photo,
            arm=arm,
            verdict="known" if is_known else "unknown",
            brand=best.brand if is_known else None,
            product=best.product if is_known else None,
            product_name=best.product_name if is_known else None,
            confidence=best.confidence,
            box=prepared.box,
            candidates=tuple(candidates),
            similar=self._similar(embedding, f"{best.brand}/{best.product}" if is_known else None),
        )

    def _ranked(self, evidence: Evidence, top: int) -> list[Candidate]:
        """The ``top`` likeliest products by the chosen arm, likeliest first."""
        scores = RULES[self._arm](evidence, self._system, self._fitted)[0]  # (P,)
        order = scores.argsort(descending=True, stable=True)[:top].tolist()
        return [
            self._candidate(self._system.labels[i], float(scores[i]), evidence.embedding[0])
            for i in order
        ]

    def _named_by_picture(self, embedding: Tensor, color: Tensor) -> Candidate | None:
        """The added product whose picture is nearest of all and near enough, None if it is not."""
        if self._naming is None:
            return None
        scores = similarity(embedding, color, self._embedding, self._color)[0]  # (G + A,)
        row = int(scores.argmax())
        nearest = float(scores[row])
        if row < self._first_added or nearest < self._naming.threshold:
            return None
        label = self._photos[row].label
        return self._candidate(label, self._naming.confidence(nearest), embedding[0])

    def _candidate(self, label: str, confidence: float, embedding: Tensor) -> Candidate:
        brand, _, product = label.partition("/")
        rows = self._rows.get(label, [])
        nearest = rows[int((self._embedding[rows] @ embedding).argmax())] if rows else None
        return Candidate(
            brand=brand,
            product=product,
            product_name=self._name(label),
            confidence=round(min(max(confidence, 0.0), 1.0), 4),
            photo_id=None if nearest is None else self._photos[nearest].photo_id,
        )

    def _name(self, label: str) -> str:
        found = self._products.get(label)
        return found.product_name if found else label.partition("/")[2]

    def _similar(self, embedding: Tensor, excluded: str | None) -> tuple[SimilarShoe, ...]:
        """The nearest picture of each of the nearest other products."""
        nearness = self._embedding @ embedding  # (G + A,)
        found: dict[str, SimilarShoe] = {}
        for row in nearness.argsort(descending=True, stable=True).tolist():
            photo = self._photos[row]
            if photo.label == excluded or photo.label in found:
                continue
            product = self._products[photo.label]
            found[photo.label] = SimilarShoe(
                brand=product.brand,
                product=product.product,
                product_name=product.product_name,
                similarity=round(float(nearness[row]), 4),
                photo_id=photo.photo_id,
                path=photo.path,
                urls=product.urls,
            )
            if len(found) == self._neighbours:
                break
        return tuple(found.values())
