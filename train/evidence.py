"""What the models say of a batch of pictures, before any rule combines it.

`System` holds everything that answers: base, brand nets, gate and gallery. `gather` runs them once;
the rules in ``fusion.py`` are then pure functions of the `Evidence`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from catalogue.errors import CatalogueError
from catalogue.manifest import read_json
from train.color import border_histogram, color_histogram
from train.gallery import Vectors, best_per_label, load_vectors
from train.gate import Gate, load_gate
from train.model import Description, ShoeNet, infer, load_net, read_description
from train.outline import outline
from train.shelf import Shelf
from train.similarity import similarities
from train.twins import WHOLE, file_of

log = logging.getLogger(__name__)
# What every answer rests on beside brand nets: its name among the hashes of system.json, its file in models/.
SHARED = {
    "_base": "base/weights.safetensors",
    "_gallery": "gallery/vectors.safetensors",
    "_gate": "gate/gate.safetensors",
}


@dataclass(frozen=True)
class BrandNet:
    """What one brand's net names and the temperature fitted on its val photos; read when asked."""

    labels: tuple[str, ...]
    temperature: float
    take: Callable[[], ShoeNet]

    @property
    def net(self) -> ShoeNet:
        """The net itself.

        Raises:
            CatalogueError: its file is damaged or was replaced.
        """
        return self.take()


@dataclass(frozen=True)
class System:
    """All models, and ``labels``: every product any of them can name, sorted."""

    base: ShoeNet
    base_description: Description
    brand_nets: Mapping[str, BrandNet]
    gate: Gate
    vectors: Vectors
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Side of the pictures that all nets take, px."""
        return self.base_description.size

    @cached_property
    def brands(self) -> tuple[str, ...]:
        """The brands of all products, sorted."""
        return tuple(sorted({label.partition("/")[0] for label in self.labels}))

    @cached_property
    def brand_index(self) -> Tensor:
        """The number of each product's brand in ``brands``, (P,)."""
        place = {brand: index for index, brand in enumerate(self.brands)}
        brands = (label.partition("/")[0] for label in self.labels)
        return torch.tensor([place[brand] for brand in brands], dtype=torch.int64)

    @cached_property
    def gate_index(self) -> Tensor:
        """The gate's column of each product's brand, (P,); -1 where the gate does not know it."""
        place = {brand: column for column, brand in enumerate(self.gate.brands)}
        brands = (label.partition("/")[0] for label in self.labels)
        return torch.tensor([place.get(brand, -1) for brand in brands], dtype=torch.int64)

    @cached_property
    def gallery_label_columns(self) -> Tensor:
        """The column of each product of the gallery, (labels of the gallery,)."""
        return self.columns(self.vectors.labels)

    @cached_property
    def gallery_columns(self) -> Tensor:
        """The column of each gallery photo's product, (G,)."""
        return self.gallery_label_columns[self.vectors.label_index]

    @cached_property
    def base_columns(self) -> Tensor:
        """The column of each class of the base's own head, (C,)."""
        return self.columns(self.base_description.labels)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {label: index for index, label in enumerate(self.labels)}

    def columns(self, labels: Iterable[str]) -> Tensor:
        """Column numbers of ``labels`` in the score tables, int64."""
        return torch.tensor([self._place[label] for label in labels], dtype=torch.int64)


@dataclass(frozen=True)
class Evidence:
    """Raw answers to N pictures; of brand nets, of those that were asked."""

    brand_logits: Mapping[str, Tensor]  # brand -> (N, C of that brand)
    brand_similarity: Mapping[
        str, Tensor
    ]  # brand -> (N, C): cosine to each class's mean in its net
    base_logits: Tensor  # (N, C of the base)
    embedding: Tensor  # (N, F), L2-normalised
    histogram: Tensor  # (N, D), of colours, L2-normalised
    color: Tensor  # (N, K), the same whitened, L2-normalised
    gate: Tensor  # (N, B) brand probabilities
    embedding_similarity: Tensor  # (N, P): nearest gallery photo of each product
    color_similarity: Tensor  # (N, P)
    mean_color_similarity: Tensor  # (N, P): to the mean of each product's photos
    outline: Tensor  # (N, 2, H), whitened, L2-normalised: of the photo and of its mirror image
    outline_similarity: Tensor  # (N, P): of the two, the nearer
    histogram_similarity: (
        Tensor  # (N, P): of plain colour histograms, a rival's and the confidence's
    )
    border_similarity: Tensor  # (N, P): a check's


def load_system(
    models: Path,
    brands: Iterable[str] | None = None,
    kind: str = WHOLE,
    left_out: dict[str, str] | None = None,
    shelf: Shelf | None = None,
    sha256: Mapping[str, str] | None = None,
) -> System:
    """Load everything under ``models``; ``brands`` are those that must be there, and no others.

    Of brand nets only what their files say of themselves is read; ``shelf`` reads and holds weights
    when they are asked, and refuses a file whose hash is not that in ``sha256`` (by brand).

    ``kind`` WITHOUT_VAL loads what may be measured on validation. With ``left_out``, a brand whose net
    is damaged or another brand's is left out too, and what is wrong with it noted there.

    A brand folder that is not listed is left out with a notice; one without a net (``too_few``)
    is answered by the gallery.

    Raises:
        CatalogueError: a model is missing, damaged or another brand's, or the nets disagree on how
            pictures are packed.
    """
    base, description = load_net(file_of(models / "base", kind))
    listed = None if brands is None else set(brands)
    shelf = Shelf() if shelf is None else shelf
    nets: dict[str, BrandNet] = {}
    there = {folder.name for folder in (models / "brands").glob("*") if folder.is_dir()}
    for extra in sorted(there - listed) if listed is not None else ():
        log.warning(
            "%s: not in brands.yaml, left out; delete the folder if the brand is gone",
            models / "brands" / extra,
        )
    for brand in sorted(there if listed is None else listed):
        try:
            told = (sha256 or {}).get(brand)
            found = _load_brand(models / "brands" / brand, description, kind, shelf, told)
        except CatalogueError as error:
            if left_out is None:
                raise
            left_out[brand] = str(error)
            log.warning("%s is left out: %s", brand, error)
            continue
        if found is not None:
            nets[brand] = found
    vectors = load_vectors(file_of(models / "gallery", kind, "vectors"))
    named = {label for brand_net in nets.values() for label in brand_net.labels}
    labels = tuple(sorted(named | set(vectors.labels) | set(description.labels)))
    return System(
        base=base,
        base_description=description,
        brand_nets=nets,
        gate=load_gate(file_of(models / "gate", kind, "gate")),
        vectors=vectors,
        labels=labels,
    )


def _load_brand(
    folder: Path, base: Description, kind: str, shelf: Shelf, sha256: str | None
) -> BrandNet | None:
    """The net in ``folder``, its weights unread; None where the brand was too thin to train one."""
    model = read_json(folder / "model.json", "`dvc checkout` brings it back, `dvc repro` makes it.")
    if model.get("status") == "too_few":
        return None
    path = file_of(folder, kind)
    found = read_description(path)
    if foreign := [label for label in found.labels if not label.startswith(f"{folder.name}/")]:
        raise CatalogueError(
            f"{folder}: a net of another brand: it names {foreign[0]!r}, all its products must begin "
            f"with {folder.name}/. Run `dvc checkout`, or `dvc repro`, to bring the brand's own back."
        )
    if _packed_as(found) != _packed_as(base):
        raise CatalogueError(
            f"{folder}: trained on {_packed_as(found)} but the base on {_packed_as(base)}; both must "
            "be as in the pack section of params.yaml: run `dvc repro`."
        )
    temperature = model.get("temperature")
    if not isinstance(temperature, float) or not temperature > 0:
        raise CatalogueError(
            f"{folder / 'model.json'}: temperature is {temperature!r}, it must be over 0. "
            "Run `dvc checkout`, or `dvc repro`, to make the file again."
        )
    return BrandNet(found.labels, temperature, partial(shelf.take, path, found, sha256))


def _packed_as(net: Description) -> str:
    return f"{net.size} px pictures (crop: {net.crop}, background: {net.background})"


def gather(system: System, pixels: Tensor) -> Evidence:
    """Run every model and rival on uint8 pixels (N, 3, S, S). Cost: one forward pass per net."""
    return ask(system, look(system, pixels, rivals=True), pixels, system.brand_nets)


def look(system: System, pixels: Tensor, cues: bool = True, rivals: bool = False) -> Evidence:
    """What is known of pixels (N, 3, S, S) before any brand net is asked: base, gate, gallery.

    Without ``cues``, colours and outlines, which cost a quarter of a net: as if the gallery had none.
    With ``rivals``, plain histograms and borders, too, of which each gallery photo has kilobytes.
    """
    base_logits, embedding = infer(system.base, pixels)
    vectors, products = system.vectors, len(system.labels)

    def nearest(similarity: Callable[[], Tensor], columns: Tensor, wanted: bool = cues) -> Tensor:
        if not wanted:
            return torch.full((len(pixels), products), -1.0)
        return best_per_label(similarity(), columns, products)

    histogram = color_histogram(pixels) if cues or rivals else torch.zeros(0, 0)
    color = vectors.color_whitening(histogram) if cues else torch.zeros(0, 0)
    outlines = outline_of(vectors, pixels) if cues else torch.zeros(0, 0)
    photos = system.gallery_columns

    return Evidence(
        brand_logits={},
        brand_similarity={},
        base_logits=base_logits,
        embedding=embedding,
        histogram=histogram,
        color=color,
        gate=system.gate.brand_probabilities(embedding),
        embedding_similarity=best_per_label(
            similarities(embedding, vectors.embedding), photos, products
        ),
        color_similarity=nearest(lambda: similarities(color, vectors.color), photos),
        mean_color_similarity=nearest(
            lambda: similarities(color, vectors.color_of_label), system.gallery_label_columns
        ),
        outline=outlines,
        outline_similarity=nearest(lambda: by_outline(outlines, vectors.outline), photos),
        histogram_similarity=nearest(
            lambda: similarities(histogram, vectors.histogram), photos, rivals
        ),
        border_similarity=nearest(
            lambda: border_histogram(pixels) @ vectors.border.T, photos, rivals
        ),
    )


def outline_of(vectors: Vectors, pixels: Tensor) -> Tensor:
    """(N, 2, H): a shop shows the right shoe or the left one."""
    sides = (vectors.outline_whitening(outline(side)) for side in (pixels, pixels.flip(3)))
    return torch.stack(tuple(sides), dim=1)


def by_outline(outlines: Tensor, gallery: Tensor) -> Tensor:
    """The likeness of ``outlines`` (N, 2, H) to pictures of the gallery (G, H), (N, G)."""
    sides = (similarities(side, gallery) for side in outlines.unbind(dim=1))
    return torch.stack(tuple(sides)).amax(dim=0)


def with_histograms_of(system: System, known: Evidence, product: int) -> Evidence:
    """``known`` of one photo with its histogram compared to those of one product's photos, column ``product``."""
    rows = system.gallery_columns == product
    similarity = torch.full_like(known.histogram_similarity, -1.0)
    if rows.any():
        similarity[0, product] = similarities(known.histogram, system.vectors.histogram[rows]).max()
    return replace(known, histogram_similarity=similarity)


def ask(
    system: System,
    known: Evidence,
    pixels: Tensor,
    brands: Iterable[str],
    left_out: dict[str, str] | None = None,
) -> Evidence:
    """``known`` with the answers of ``brands``' nets to the same pixels, asked side by side.

    One thread a net. For ten ResNet-18 and one photo of 64 px, a net takes 8.7 ms of a processor so;
    weights stacked by `torch.func` and `vmap`, which are grouped convolutions, take 29.
    With ``left_out``, a brand whose net cannot be read gives no answer, and the reason is noted there.

    Raises:
        CatalogueError: a net's file is damaged or was replaced.
    """

    def answer(brand: str) -> tuple[Tensor, Tensor] | None:
        try:
            net = system.brand_nets[brand].net
        except CatalogueError as error:
            if left_out is None:
                raise
            left_out[brand] = str(error)
            log.warning("%s is left out: %s", brand, error)
            return None
        logits, embedding = infer(net, pixels)
        return logits, embedding @ net.prototypes.T

    asked = list(brands)
    if len(asked) == 1:
        answers = [answer(asked[0])]
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = list(pool.map(answer, asked))
    found = {brand: own for brand, own in zip(asked, answers, strict=True) if own is not None}
    return replace(
        known,
        brand_logits={**known.brand_logits, **{brand: own[0] for brand, own in found.items()}},
        brand_similarity={**known.brand_similarity, **{brand: own[1] for brand, own in found.items()}},
    )  # fmt: skip
