"""The pictures that an answer shows: the gallery's, then those that were added without training."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from dataset.mask import prepare_with_mask
from identify.added import Added, mixed, similarity
from identify.answer import Candidate, SimilarShoe
from train.evidence import Evidence, System, by_outline
from train.gallery import GalleryPhoto, GalleryProduct
from train.model import infer
from train.similarity import descending, similarities

SAME_BASE = 0.99  # cosine of a picture's embedding with itself; other bases are far below


class Shown:
    """All pictures, a row each, and the products they show."""

    def __init__(
        self,
        system: System,
        photos: list[GalleryPhoto],
        products: dict[str, GalleryProduct],
        added: Added | None,
        project: Path,
    ) -> None:
        self._system, self._project = system, project
        self.naming = added.naming if added else None
        self._photos = [*photos, *(added.photos if added else ())]
        self._first_added = len(photos)
        own = {one.label: one for one in added.products} if added else {}
        self.products = {**own, **products}
        vectors = system.vectors
        self._embedding, self._color = vectors.embedding, vectors.color
        if added:
            self._embedding = torch.cat([vectors.embedding, added.embedding.half()])
            self._color = torch.cat(
                [vectors.color, vectors.color_whitening(added.histogram).half()]
            )
        self._rows: dict[str, list[int]] = {}
        for row, photo in enumerate(self._photos):
            self._rows.setdefault(photo.label, []).append(row)
        self._paths = {photo.photo_id: photo.path for photo in self._photos}

    def picture(self, photo_id: str) -> Path | None:
        """The file of a picture; None for an id that is not here."""
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
                return float(similarities(embedding[None], self._embedding[[row]])) > SAME_BASE
        return True

    def candidate(self, label: str, confidence: float, embedding: Tensor) -> Candidate:
        """The product ``label`` with that of its pictures which is nearest to ``embedding`` (F,)."""
        brand, _, product = label.partition("/")
        rows, told = self._rows.get(label, []), self.products.get(label)
        nearest = (
            rows[int(similarities(embedding[None], self._embedding[rows]).argmax())]
            if rows
            else None
        )
        return Candidate(
            brand=brand,
            product=product,
            product_name=told.product_name if told else product,
            confidence=round(min(max(confidence, 0.0), 1.0), 4),
            photo_id=None if nearest is None else self._photos[nearest].photo_id,
            brand_name=(told.brand_name if told else "") or brand,
        )

    def named_by_picture(self, embedding: Tensor, color: Tensor) -> Candidate | None:
        """The added product whose picture is nearest of all and near enough, None if it is not.

        ``embedding`` (1, F) and ``color`` (1, K) of the photo.
        """
        if self.naming is None:
            return None
        scores = similarity(embedding, color, self._embedding, self._color)[0]  # (G + A,)
        row = int(scores.argmax())
        nearest = float(scores[row])
        if row < self._first_added or nearest < self.naming.threshold:
            return None
        label = self._photos[row].label
        return self.candidate(label, self.naming.confidence(nearest), embedding[0])

    def similar(
        self, evidence: Evidence, excluded: str | None, most: int
    ) -> tuple[SimilarShoe, ...]:
        """The nearest picture of each of the ``most`` products nearest to one photo's ``evidence``.

        By embedding, and by colour where the arm has measured it. No picture of a product is nearer
        than its nearest shape and its nearest colours would be together, which are known already:
        products are gone through from the highest such bound until no other can be among the nearest.
        """
        bounds = evidence.embedding_similarity[0]  # (P,)
        if evidence.color.numel():
            bounds = mixed(bounds, evidence.color_similarity[0])
        added = {photo.label for photo in self._photos[self._first_added :]} - {excluded}
        found = {label: self._nearest(label, evidence) for label in added}
        for column in descending(bounds):
            label = self._system.labels[column]
            if label in found or label == excluded or label not in self._rows:
                continue
            nearest = sorted(found.values())[:most]
            if len(nearest) == most and float(bounds[column]) < -nearest[-1][0]:
                break
            found[label] = self._nearest(label, evidence)
        nearest = sorted(found.values())[:most]
        return tuple(self._similar(row, -distance) for distance, row in nearest)

    def of_same_shape(
        self, evidence: Evidence, excluded: Collection[str | None], most: int
    ) -> tuple[SimilarShoe, ...]:
        """The ``most`` products of nearest outline, each by its picture of nearest outline.

        None where the arm does not measure outlines; those of pictures added without training are not known.
        """
        if not evidence.outline.numel():
            return ()
        found = []
        for column in descending(evidence.outline_similarity[0]):
            label = self._system.labels[column]
            rows = [row for row in self._rows.get(label, []) if row < self._first_added]
            if label in excluded or not rows:
                continue
            nearness = by_outline(evidence.outline, self._system.vectors.outline[rows])[0]  # (R,)
            found.append(self._similar(rows[int(nearness.argmax())], float(nearness.max())))
            if len(found) == most:
                break
        return tuple(found)

    def _nearest(self, label: str, evidence: Evidence) -> tuple[float, int]:
        """The nearest picture of ``label``: its similarity, negated, and its row."""
        rows = self._rows[label]
        if evidence.color.numel():
            own = similarity(evidence.embedding, evidence.color, self._embedding[rows], self._color[rows])[0]  # fmt: skip
        else:
            own = similarities(evidence.embedding, self._embedding[rows])[0]
        return -float(own.max()), rows[int(own.argmax())]

    def _similar(self, row: int, nearness: float) -> SimilarShoe:
        photo = self._photos[row]
        product = self.products[photo.label]
        return SimilarShoe(
            brand=product.brand,
            product=product.product,
            product_name=product.product_name,
            similarity=round(nearness, 4),
            photo_id=photo.photo_id,
            path=photo.path,
            urls=product.urls,
            brand_name=product.brand_name or product.brand,
        )
