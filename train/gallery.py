"""Photos one may retrieve: base embeddings, colours and outlines of train and val photos.

``models/gallery/vectors.safetensors`` holds what is measured, ``without-val.safetensors`` the same
for validation: train photos alone, seen by the base that has not seen val photos. ``photos.jsonl``
(row by row of the former) and ``products.jsonl`` hold names, picture paths and shop addresses, which
may change without a pixel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, to_line, write_bytes, write_manifest, write_text
from train.twins import WHOLE, file_of
from train.whitening import Whitening

_HALVES = ("embedding", "color", "outline", "histogram")
_OTHERS = ("border", "label_index")
_WHITENED = ("color", "outline")


@dataclass(frozen=True)
class GalleryProduct:
    """A product as a person wants to read it; a line of products.jsonl."""

    label: str
    brand: str
    product: str
    product_name: str
    urls: tuple[str, ...]
    brand_name: str = ""  # as most pictures' shops write it; none in galleries of older versions


@dataclass(frozen=True)
class GalleryPhoto:
    """A row of the gallery: a line of photos.jsonl, in row order."""

    photo_id: str
    label: str
    path: str


@dataclass(frozen=True)
class Vectors:
    """One row per gallery photo, all but ``border`` in float16; ``label_index`` (G,) into ``labels``.

    `train.similarity` compares them.
    """

    embedding: Tensor  # (G, F), L2-normalised
    color: Tensor  # (G, K), L2-normalised: histograms by `color_whitening`
    outline: Tensor  # (G, H), L2-normalised: outlines by `outline_whitening`
    histogram: Tensor  # (G, D), L2-normalised: of colours: a rival compares all, the confidence its answer's
    border: Tensor  # (G, E), L2-normalised: of the background alone
    label_index: Tensor  # (G,)
    color_whitening: Whitening
    outline_whitening: Whitening
    labels: tuple[str, ...]

    @cached_property
    def color_of_label(self) -> Tensor:
        """The mean colours of each label's photos, (labels, K), L2-normalised, float16."""
        sums = torch.zeros(len(self.labels), self.color.shape[1])
        sums.index_add_(0, self.label_index, self.color.float())
        return torch.nn.functional.normalize(sums, dim=1).half()


def save_vectors(path: Path, vectors: Vectors) -> None:
    """Write the vectors to ``path`` atomically."""
    tensors = {name: getattr(vectors, name).half().contiguous() for name in _HALVES}
    tensors |= {name: getattr(vectors, name).contiguous() for name in _OTHERS}
    for name in _WHITENED:
        whitening: Whitening = getattr(vectors, f"{name}_whitening")
        tensors[f"{name}_mean"] = whitening.mean.contiguous()
        tensors[f"{name}_projection"] = whitening.projection.contiguous()
    write_bytes(path, save(tensors, metadata={"labels": json.dumps(vectors.labels)}))


def load_vectors(path: Path) -> Vectors:
    """Read what `save_vectors` wrote.

    Raises:
        CatalogueError: missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            labels = tuple(json.loads(file.metadata()["labels"]))
            tensors = {name: file.get_tensor(name) for name in (*_HALVES, *_OTHERS)}
            color, outline = (
                Whitening(file.get_tensor(f"{name}_mean"), file.get_tensor(f"{name}_projection"))
                for name in _WHITENED
            )
        rows, index = len(tensors["label_index"]), tensors["label_index"]
        if foreign := [name for name, one in tensors.items() if len(one) != rows]:
            raise ValueError(f"{foreign[0]} has not a row for each of {rows} photos")
        if rows and not 0 <= index.min() <= index.max() < len(labels):
            raise ValueError(f"a photo is of none of its {len(labels)} products")
        return Vectors(**tensors, color_whitening=color, outline_whitening=outline, labels=labels)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CatalogueError(
            f"{path}: not a readable gallery ({error}). Run `dvc repro index` to make it again."
        ) from error


def save_names(folder: Path, photos: list[GalleryPhoto], products: list[GalleryProduct]) -> None:
    """Write photos.jsonl (row order) and products.jsonl (sorted)."""
    write_text(folder / "photos.jsonl", "".join(to_line(photo) + "\n" for photo in photos))
    write_manifest(folder / "products.jsonl", products)


def load_names(folder: Path) -> tuple[list[GalleryPhoto], dict[str, GalleryProduct]]:
    """The gallery's photos in row order, and its products by label.

    Raises:
        CatalogueError: a file is missing or damaged, or they do not belong to the vectors.
    """
    photos = list(read_manifest(folder / "photos.jsonl", GalleryPhoto))
    found = read_manifest(folder / "products.jsonl", GalleryProduct)
    products = {product.label: product for product in found}
    vectors = load_vectors(file_of(folder, WHOLE, "vectors"))
    rows = [vectors.labels[index] for index in vectors.label_index.tolist()]
    if [photo.label for photo in photos] != rows or set(rows) - products.keys():
        raise CatalogueError(
            f"{folder}: {len(rows)} vectors of {len(vectors.labels)} products, but photos.jsonl has "
            f"{len(photos)} and products.jsonl {len(products)}, or they are not the same ones. "
            "Run `dvc checkout`, or `dvc repro index`, to make them agree again."
        )
    return photos, products


def best_per_label(similarity: Tensor, label_index: Tensor, labels: int) -> Tensor:
    """The highest similarity of each label's photos: (N, G) to (N, labels), -1 where it has none."""
    best = torch.full((len(similarity), labels), -1.0)
    index = label_index[None].expand_as(similarity)
    return best.scatter_reduce(1, index, similarity, reduce="amax", include_self=True)
