"""What the models say of a batch of pictures, before any rule combines it.

`System` holds everything that answers: base, brand nets, gate and gallery. `gather` runs them once;
the rules in ``fusion.py`` are then pure functions of the `Evidence`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catalogue.errors import CatalogueError
from train.color import border_histogram, color_histogram
from train.gallery import Vectors, best_per_label, load_vectors
from train.gate import Gate, load_gate
from train.model import Description, ShoeNet, infer, load_net
from train.outline import mirrored_similarity
from train.twins import WHOLE, file_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BrandNet:
    """One brand's net and the temperature fitted on its val photos."""

    net: ShoeNet
    labels: tuple[str, ...]
    temperature: float


@dataclass(frozen=True)
class System:
    """All models, and ``labels``: every product any of them can name, sorted."""

    base: ShoeNet
    base_description: Description
    brand_nets: dict[str, BrandNet]
    gate: Gate
    vectors: Vectors
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Side of the pictures that all nets take, px."""
        return self.base_description.size

    @property
    def brand_index(self) -> Tensor:
        """The number of each product's brand, (P,), brands counted in order of their slugs."""
        brands = [label.partition("/")[0] for label in self.labels]
        place = {brand: index for index, brand in enumerate(sorted(set(brands)))}
        return torch.tensor([place[brand] for brand in brands], dtype=torch.int64)

    def columns(self, labels: Iterable[str]) -> Tensor:
        """Column numbers of ``labels`` in the score tables, int64."""
        place = {label: index for index, label in enumerate(self.labels)}
        return torch.tensor([place[label] for label in labels], dtype=torch.int64)


@dataclass(frozen=True)
class Evidence:
    """Raw answers to N pictures."""

    brand_logits: dict[str, Tensor]  # brand -> (N, C of that brand)
    brand_similarity: dict[str, Tensor]  # brand -> (N, C): cosine to each class's mean in its net
    base_logits: Tensor  # (N, C of the base)
    embedding: Tensor  # (N, F), L2-normalised
    color: Tensor  # (N, D), L2-normalised
    gate: Tensor  # (N, B) brand probabilities
    embedding_similarity: Tensor  # (N, P): nearest gallery photo of each product
    color_similarity: Tensor  # (N, P)
    mean_color_similarity: Tensor  # (N, P): to the mean histogram of each product's photos
    outline_similarity: Tensor  # (N, P)
    border_similarity: Tensor  # (N, P)


def load_system(
    models: Path,
    brands: Iterable[str] | None = None,
    kind: str = WHOLE,
    left_out: dict[str, str] | None = None,
) -> System:
    """Load everything under ``models``; ``brands`` are those that must be there, and no others.

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
    nets: dict[str, BrandNet] = {}
    there = {folder.name for folder in (models / "brands").glob("*") if folder.is_dir()}
    for extra in sorted(there - listed) if listed is not None else ():
        log.warning(
            "%s: not in brands.yaml, left out; delete the folder if the brand is gone",
            models / "brands" / extra,
        )
    for brand in sorted(there if listed is None else listed):
        try:
            found = _load_brand(models / "brands" / brand, description, kind)
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


def _load_brand(folder: Path, base: Description, kind: str) -> BrandNet | None:
    """The net in ``folder``, None where the brand was too thin to train one."""
    model = _read_json(folder / "model.json")
    if model.get("status") == "too_few":
        return None
    net, found = load_net(file_of(folder, kind))
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
    return BrandNet(net, found.labels, temperature)


def _packed_as(net: Description) -> str:
    return f"{net.size} px pictures (crop: {net.crop}, background: {net.background})"


def gather(system: System, pixels: Tensor) -> Evidence:
    """Run every model on uint8 pixels (N, 3, S, S). Cost: one forward pass per net."""
    base_logits, embedding = infer(system.base, pixels)
    vectors = system.vectors
    label_columns = system.columns(vectors.labels)
    photo_columns = label_columns[vectors.label_index]  # (G,)

    def nearest(similarity: Tensor) -> Tensor:
        return best_per_label(similarity, photo_columns, len(system.labels))

    color = color_histogram(pixels)
    brand_logits, brand_similarity = {}, {}
    for brand, brand_net in system.brand_nets.items():
        brand_logits[brand], own = infer(brand_net.net, pixels)
        brand_similarity[brand] = own @ brand_net.net.prototypes.T
    return Evidence(
        brand_logits=brand_logits,
        brand_similarity=brand_similarity,
        base_logits=base_logits,
        embedding=embedding,
        color=color,
        gate=system.gate.brand_probabilities(embedding),
        embedding_similarity=nearest(embedding @ vectors.embedding.T),
        color_similarity=nearest(color @ vectors.color.T),
        mean_color_similarity=best_per_label(
            color @ vectors.color_of_label.T, label_columns, len(system.labels)
        ),
        outline_similarity=nearest(mirrored_similarity(pixels, vectors.outline)),
        border_similarity=nearest(border_histogram(pixels) @ vectors.border.T),
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CatalogueError(
            f"{path}: cannot be read ({error}). `dvc checkout` brings it back, `dvc repro` makes it."
        ) from error
    return found if isinstance(found, dict) else {}
