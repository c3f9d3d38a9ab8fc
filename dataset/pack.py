"""Canvas files to one array of pixels at training size, with masks, labels and splits beside it.

What a net is trained on holds no address and no name beyond the slugs that are its labels, so that it is
stale exactly when pixels, labels or splits changed. Views, which shops tell, lie in a file apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from catalogue.errors import CatalogueError
from catalogue.manifest import replacing, write_json
from catalogue.schema import Sample
from dataset.mask import prepare_with_mask


@dataclass(frozen=True)
class Packing:
    """The params of the pack stage."""

    size: int  # px
    crop: bool
    background: str = "keep"  # one of dataset.mask.BACKGROUNDS


def write_pack(
    folder: Path, samples: Iterable[Sample], root: Path, params: Packing
) -> dict[str, Any]:
    """Write pixels.npy, masks.npy and pack.json into ``folder``, each whole; what pack.json says.

    Rows are in order of (label, photo_id) and go to disk one by one: a brand's pixels may be more than
    memory holds. pixels: uint8 (N, S, S, 3), RGB. masks: uint8 (N, S, S), 0 background .. 255
    shoe; 255 where not `is_plain`.

    Raises:
        CatalogueError: a canvas is missing or not a picture.
    """
    ordered = in_order(samples)
    labels = sorted({label_of(sample) for sample in ordered})
    number = {label: index for index, label in enumerate(labels)}
    shape = (len(ordered), params.size, params.size)
    photos = []
    with (
        replacing(folder / "pixels.npy") as pixels,
        replacing(folder / "masks.npy") as masks,
    ):
        _write_header(pixels, (*shape, 3))
        _write_header(masks, shape)
        for sample in ordered:
            canvas = read_canvas(root / sample.path)
            seen = prepare_with_mask(canvas, params.size, params.crop, params.background)
            pixels.write(seen.pixels.tobytes())
            masks.write(seen.mask.tobytes())
            photos.append(
                {
                    "photo_id": sample.photo_id,
                    "label": number[label_of(sample)],
                    "split": sample.split,
                    "is_plain": seen.is_plain,
                }
            )
    described = {**asdict(params), "labels": labels, "photos": photos}
    write_json(folder / "pack.json", described)
    return described


def write_views(folder: Path, samples: Iterable[Sample]) -> None:
    """Write views.json into ``folder``: what each row of `write_pack` shows, as the shop tells it."""
    write_json(folder / "views.json", {"views": [one.view for one in in_order(samples)]})


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """As the rows of a pack are."""
    return sorted(samples, key=lambda one: (label_of(one), one.photo_id))


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


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
