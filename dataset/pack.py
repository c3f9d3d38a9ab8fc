"""Canvas files to one array of pixels at training size, with labels and splits beside it.

A pack holds no address and no name beyond the slugs that are its labels, so that a net trained on
it is stale exactly when pixels, labels or splits changed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes, write_json
from catalogue.schema import Sample
from dataset.canvas import prepare
from dataset.files import replaced

Pixels = NDArray[np.uint8]  # (N, S, S, 3)


def pack_samples(
    samples: Iterable[Sample], root: Path, size: int, crop: bool
) -> tuple[Pixels, dict[str, Any]]:
    """The pixels and the pack.json of ``samples``, rows in order of (label, photo_id).

    Raises:
        CatalogueError: a canvas is missing or not a picture.
    """
    ordered = sorted(samples, key=lambda one: (label_of(one), one.photo_id))
    labels = sorted({label_of(sample) for sample in ordered})
    pixels = np.empty((len(ordered), size, size, 3), np.uint8)
    for row, sample in enumerate(ordered):
        pixels[row] = prepare(read_canvas(root / sample.path), size, crop)
    number = {label: index for index, label in enumerate(labels)}
    photos = [
        {
            "photo_id": sample.photo_id,
            "label": number[label_of(sample)],
            "split": sample.split,
            "view": sample.view,
        }
        for sample in ordered
    ]
    return pixels, {"size": size, "crop": crop, "labels": labels, "photos": photos}


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


def write_pack(folder: Path, pixels: Pixels, described: dict[str, Any]) -> None:
    """Write ``folder`` as a whole: pixels.npy and pack.json, the same bytes for the same input."""
    with replaced(folder) as partial:
        write_pack_files(partial, pixels, described)


def write_pack_files(folder: Path, pixels: Pixels, described: dict[str, Any]) -> None:
    """pixels.npy and pack.json into an existing folder, each whole."""
    buffer = io.BytesIO()
    np.save(buffer, pixels, allow_pickle=False)
    write_bytes(folder / "pixels.npy", buffer.getvalue())
    write_json(folder / "pack.json", described)


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
