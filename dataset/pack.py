"""Canvas files to one array of pixels at training size, with masks, labels and splits beside it.

A pack holds no address and no name beyond the slugs that are its labels, so that a net trained on
it is stale exactly when pixels, labels or splits changed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes, write_json
from catalogue.schema import Sample
from dataset.files import replaced
from dataset.mask import prepare_with_mask


@dataclass(frozen=True)
class Packing:
    """The params of the pack stage."""

    size: int  # px
    crop: bool
    background: str = "keep"  # one of dataset.mask.BACKGROUNDS


@dataclass(frozen=True)
class Pack:
    """What a pack's folder holds; row i of the arrays is photo i of the description."""

    pixels: NDArray[np.uint8]  # (N, S, S, 3), RGB
    masks: NDArray[np.uint8]  # (N, S, S), 0 background .. 255 shoe; 255 where not is_plain
    described: dict[str, Any]  # pack.json


def pack_samples(samples: Iterable[Sample], root: Path, params: Packing) -> Pack:
    """The pack of ``samples``, rows in order of (label, photo_id).

    Raises:
        CatalogueError: a canvas is missing or not a picture.
    """
    ordered = sorted(samples, key=lambda one: (label_of(one), one.photo_id))
    labels = sorted({label_of(sample) for sample in ordered})
    number = {label: index for index, label in enumerate(labels)}
    pixels = np.empty((len(ordered), params.size, params.size, 3), np.uint8)
    masks = np.empty((len(ordered), params.size, params.size), np.uint8)
    photos = []
    for row, sample in enumerate(ordered):
        canvas = read_canvas(root / sample.path)
        seen = prepare_with_mask(canvas, params.size, params.crop, params.background)
        pixels[row], masks[row] = seen.pixels, seen.mask
        photos.append(
            {
                "photo_id": sample.photo_id,
                "label": number[label_of(sample)],
                "split": sample.split,
                "view": sample.view,
                "is_plain": seen.is_plain,
            }
        )
    return Pack(pixels, masks, {**asdict(params), "labels": labels, "photos": photos})


def label_of(sample: Sample) -> str:
    """<brand>/<product>."""
    return f"{sample.brand}/{sample.product}"


def read_canvas(path: Path) -> Image.Image:
    """A canvas file, decoded.

    Raises:
        CatalogueError: it is missing or damaged.
    """
    try:
        with Image.open(path) as canvas:
            canvas.load()
            return canvas
    except OSError as error:
        raise CatalogueError(
            f"{path}: not a readable canvas ({error}). Rerun the clean stage: `dvc repro clean`."
        ) from error


def write_pack(folder: Path, pack: Pack) -> None:
    """Write ``folder`` as a whole, the same bytes for the same input."""
    with replaced(folder) as partial:
        write_pack_files(partial, pack)


def write_pack_files(folder: Path, pack: Pack) -> None:
    """pixels.npy, masks.npy and pack.json into an existing folder, each whole."""
    for name, array in (("pixels.npy", pack.pixels), ("masks.npy", pack.masks)):
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        write_bytes(folder / name, buffer.getvalue())
    write_json(folder / "pack.json", pack.described)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CatalogueError: the file is missing or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(
            f"{path}: not readable ({error}). Rerun the stage that wrote it."
        ) from error
    if not isinstance(value, dict):
        raise CatalogueError(f"{path}: holds no JSON object. Rerun the stage that wrote it.")
    return value
