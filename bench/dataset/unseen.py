"""`python -m bench.dataset.unseen STAGE ...`: a dataset stage on canvas files that hold a number and a hash, no picture.

All that a stage does with records, files and numbers is done; only what a decoded picture would tell is made
up: the pHash written in the file, a small picture of noise for the audit, grey pixels for a pack.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dataset.audit_looks
import dataset.pack
from dataset.audit_looks import SMALL


def content(number: int, phash: int) -> bytes:
    """What such a file holds."""
    return b"canvas %d %016x" % (number, phash)


def look(path: Path) -> tuple[int, NDArray[np.uint8]]:
    """Of a file with `content`, what the audit sees of a picture: no two small pictures are alike."""
    held = path.read_bytes()
    noise = hashlib.shake_256(held).digest(SMALL * SMALL * 3)
    return int(held.split()[-1], 16), np.frombuffer(noise, np.uint8).reshape(SMALL, SMALL, 3)


def grey(canvas: object, size: int, *_: object) -> Any:
    """What a pack gets of a picture."""
    pixels = np.full((size, size, 3), 128, np.uint8)
    return SimpleNamespace(pixels=pixels, mask=pixels[:, :, 0], is_plain=False)


if __name__ == "__main__":
    from dataset.__main__ import main

    dataset.audit_looks._look = look
    dataset.pack.read_canvas = Path.read_bytes  # type: ignore[assignment]
    dataset.pack.prepare_with_mask = grey  # type: ignore[attr-defined, assignment]
    main(prog_name="python -m dataset")
