"""Photos to answers: verdict, brand, product name, confidence, candidates and similar shoes.

The arm, what is fitted for it and the threshold are those that `evaluate` chose on validation.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from catalogue.errors import CatalogueError
from identify.added import load_added
from identify.answer import Candidate, Identification
from identify.asking import evidence_for
from identify.explain import explain
from identify.finder import Finder
from identify.photo import Prepared, prepare_photo
from identify.prepacked import prepack
from identify.shown import Shown
from train.evidence import SHARED, Evidence, System, load_system
from train.fusion import RULES
from train.gallery import load_names
from train.seed import make_deterministic
from train.shelf import MOST_BYTES, Shelf, sha256_of
from train.similarity import highest

ADDED_ARM = "gallery"  # an added product, named by its nearest picture; see identify.added


class Identifier:
    """All models of a folder; answers do not depend on what was asked before.

    Brand nets are read when a photo needs them; those last used stay in memory.
    """

    def __init__(
        self,
        system: System,
        settings: dict[str, Any],
        shown: Shown,
        neighbours: int,
        left_out: dict[str, str],
        shelf: Shelf,
        finder: Finder,
    ) -> None:
        self._system, self._shown, self._shelf = system, shown, shelf
        self.finder = finder  # of the shoe on ground that is not plain
        self.arm = str(settings["arm"])
        self.fitted = {str(name): float(value) for name, value in settings["fitted"].items()}
        self.threshold = float(settings["threshold"])
        self._neighbours = neighbours
        self.left_out = left_out  # brand -> what is wrong with its net; grows when one is read

    @classmethod
    def load(cls, models: Path, most_bytes: int = MOST_BYTES) -> Identifier:
        """Load the models that `dvc repro` left in ``models``.

        A brand whose net is damaged or another brand's is left out with a notice, now or when its
        weights are read; its products are then known by their pictures alone.

        Args:
            most_bytes: of brand nets' weights that are held in memory.

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
            hashes = {str(name): str(told) for name, told in settings.get("sha256", {}).items()}
            left_out: dict[str, str] = {}
            shelf = Shelf(most_bytes, prepack)
            system = load_system(models, brands, left_out=left_out, shelf=shelf, sha256=hashes)
            _check_shared(models, hashes)
            prepack(system.base)
            added = load_added(models, system, models.parent / "data" / "pack")
            if added:  # as of trained pictures, a path from the project
                photos = [
                    replace(one, path=f"{models.absolute().name}/{one.path}")
                    for one in added.photos
                ]
                added = replace(added, photos=tuple(photos))
            names = load_names(models / "gallery")
            shown = Shown(system, *names, added, models.absolute().parent)
            return cls(system, settings, shown, neighbours, left_out, shelf, Finder.load(models))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
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
        return tuple(sorted({product.brand for product in self._shown.products.values()}))

    @property
    def product_count(self) -> int:
        """How many products can be named or shown."""
        return len(self._shown.products)

    def picture(self, photo_id: str) -> Path | None:
        """The file of a gallery picture; None for an id that is not in the gallery."""
        return self._shown.picture(photo_id)

    def agrees(self) -> bool:
        """Whether the gallery was measured with this base; see `Shown.agrees`."""
        return self._shown.agrees()

    def warm(self) -> None:
        """Read brand nets, as many as memory may hold, so that the first photos do not wait for them.

        They go on answering when their files are replaced.
        """
        for brand, own in self._system.brand_nets.items():
            if self._shelf.is_full:
                return
            try:
                own.take()
            except CatalogueError as error:
                self.left_out[brand] = str(error)

    def identify(self, content: bytes, photo: str = "", top: int = 5) -> Identification:
        """The answer to a photo's bytes, with the ``top`` likeliest products.

        Raises:
            PhotoError: the bytes are no readable picture.
        """
        base = self._system.base_description
        prepared = prepare_photo(content, base.size, base.crop, base.background, self.finder)
        return self.answer(prepared, photo, top)

    def explain(self, content: bytes, answer: Identification) -> Image.Image | None:
        """The photo under a heat map of what speaks for ``answer``; None where no shoe is seen.

        Raises:
            PhotoError: the bytes are no readable picture.
        """
        if answer.verdict == "not_a_shoe" or not answer.candidates:
            return None
        likeliest = answer.candidates[0]
        label = f"{likeliest.brand}/{likeliest.product}"
        return explain(self._system, answer.arm or "", label, content, self.finder)

    def answer(self, prepared: Prepared, photo: str = "", top: int = 5) -> Identification:
        """The answer to a photo that `prepare_photo` made ready."""
        if prepared.is_empty:
            return Identification(photo, arm=self.arm, verdict="not_a_shoe")
        pixels = torch.from_numpy(prepared.pixels).permute(2, 0, 1)[None]  # (1, 3, S, S)
        by_pixels = self._shown.naming is not None
        evidence = evidence_for(
            self._system, pixels, self.arm, self.fitted, self.left_out, by_pixels
        )
        candidates, arm = self._ranked(evidence, top), self.arm
        is_known = candidates[0].confidence >= self.threshold
        if named := self._shown.named_by_picture(evidence.embedding, evidence.color):
            left = 1 - named.confidence  # for all other products together
            others = [
                replace(one, confidence=round(one.confidence * left, 4))
                for one in candidates
                if (one.brand, one.product) != (named.brand, named.product)
            ]
            candidates, arm, is_known = [named, *others][:top], ADDED_ARM, True
        best = candidates[0]
        label = f"{best.brand}/{best.product}" if is_known else None
        similar = self._shown.similar(evidence, label, self._neighbours)
        told = {label, *(f"{one.brand}/{one.product}" for one in similar)}
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
            similar=similar,
            brand_name=best.brand_name if is_known else None,
            same_shape=self._shown.of_same_shape(evidence, told, self._neighbours),
        )

    def _ranked(self, evidence: Evidence, top: int) -> list[Candidate]:
        """The ``top`` likeliest products by the chosen arm, likeliest first."""
        scores = RULES[self.arm](evidence, self._system, self.fitted)[0]  # (P,)
        return [
            self._shown.candidate(self._system.labels[i], float(scores[i]), evidence.embedding[0])
            for i in highest(scores, top)
        ]


def _check_shared(models: Path, hashes: dict[str, str]) -> None:
    """Refuse a base, gate or gallery that is not the evaluated one: every answer rests on all three."""
    for name, path in SHARED.items():
        if sha256_of(models / path) != hashes.get(name):
            raise CatalogueError(
                f"{models / path}: not the file that was evaluated. Wait for `dvc repro` to end, run "
                "it, or `dvc checkout` to bring the evaluated one back."
            )
