"""What duplicates are found by: hashes and two small pictures of one canvas file.

The canvas's own pHash finds the same file again. A second pHash, of the shoe's box alone, finds it
resized or with another margin: small pictures are not enlarged on the canvas, so half the size
moves the canvas's hash by 18 bits (median of 150 real photos) and the box's by 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalogue.manifest import write_manifest
from dataset.canvas import choose_box, cut_square, shrunk
from dataset.foreground import Foreground
from dataset.phash import Hashes, mirrored_phash, phash

THUMB = 32  # px; each signature has two, of the box and of the whole canvas
_BOX = 128  # px: the scale at which boxes are hashed and sharpness is measured
_EDGE = 24  # grey levels from pixel to pixel: less is texture or noise

Thumbs = NDArray[np.uint8]  # (..., 2, THUMB, THUMB, 3): box, whole


@dataclass(frozen=True, slots=True)
class Signature:
    """One canvas's marks: a line of data/clean/signatures.jsonl; row n of thumbs.npy is line n's."""

    canvas: str  # SHA-256 of the canvas file
    phash: str  # of the canvas file, 16 hex digits, equal to imagehash.phash
    box: str  # of the shoe's box
    mirror: str  # of the shoe's box flipped left to right
    sharpness: float  # mean absolute Laplacian at the box's edges, at one scale for all


@dataclass(frozen=True)
class Signatures:
    """Many of them as columns, a tenth of the memory of as many records; row n is canvas n's."""

    canvases: list[str]
    phash: Hashes
    box: Hashes
    mirror: Hashes
    sharpness: NDArray[np.float64]

    @classmethod
    def of(cls, records: Iterable[Signature]) -> Signatures:
        """The columns of ``records``, read once."""
        canvases, sharpness = [], array("d")
        hashes = [array("Q"), array("Q"), array("Q")]
        for one in records:
            canvases.append(one.canvas)
            sharpness.append(one.sharpness)
            for column, digits in zip(hashes, (one.phash, one.box, one.mirror), strict=True):
                column.append(int(digits, 16))
        canvas, box, mirror = (np.array(column, np.uint64) for column in hashes)
        return cls(canvases, canvas, box, mirror, np.array(sharpness, np.float64))


def sign(canvas: Image.Image, found: Foreground, name: str) -> tuple[Signature, Thumbs]:
    """The signature of a decoded canvas file whose hash is ``name``, and its thumbs.

    ``found``: what `find_foreground` says of the canvas.
    """
    box = Image.fromarray(shrunk(cut_square(canvas, *choose_box(canvas, found, crop=True)), _BOX))
    whole = canvas.resize((THUMB, THUMB), Image.Resampling.BOX)
    signature = Signature(
        name,
        f"{phash(canvas):016x}",
        f"{phash(box):016x}",
        f"{mirrored_phash(box):016x}",
        _sharpness(box),
    )
    return signature, np.stack([np.asarray(box.reduce(_BOX // THUMB)), np.asarray(whole)])


def write_signatures(folder: Path, found: Iterable[tuple[Signature, Thumbs]], count: int) -> None:
    """signatures.jsonl and thumbs.npy of ``count`` canvases, which come sorted; one at a time in memory."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, 2, THUMB, THUMB, 3)}
    with (folder / "thumbs.npy").open("wb") as rows:
        np.lib.format.write_array_header_1_0(rows, header)

        def written() -> Iterator[Signature]:
            for signature, thumbs in found:
                rows.write(thumbs.tobytes())
                yield signature

        write_manifest(folder / "signatures.jsonl", written())


def _sharpness(box: Image.Image) -> float:
    grey = np.asarray(box.convert("L")).astype(np.int16)
    inner = grey[1:-1, 1:-1]
    across, down = np.abs(inner - grey[1:-1, :-2]), np.abs(inner - grey[:-2, 1:-1])
    bend = np.abs(4 * inner - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:])
    at_edges = bend[np.maximum(across, down) > _EDGE]
    return round(float(at_edges.mean()), 2) if at_edges.size else 0.0
