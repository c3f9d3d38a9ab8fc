"""64-bit perceptual hashes (pHash) of canvas files, equal to imagehash.phash, and their distance.

A hash is an unsigned integer whose highest bit is the hash's first. Python's own ``hash()`` of an
ImageHash is weak (5,000 random hashes gave 968 values), so integers are kept.
"""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS = 64

Hashes = NDArray[np.uint64]


def phash(image: Image.Image) -> int:
    """imagehash.phash of ``image`` as an unsigned 64-bit integer."""
    bits = np.asarray(imagehash.phash(image).hash, dtype=np.uint8).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def mirrored_phash(image: Image.Image) -> int:
    """`phash` of ``image`` flipped left to right."""
    return phash(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def distance(first: int, second: int) -> int:
    """Hamming distance in bits."""
    return (first ^ second).bit_count()


def distances(first: Hashes, second: Hashes) -> NDArray[np.int64]:
    """Hamming distances in bits, row by row or broadcast."""
    return np.asarray(np.bitwise_count(first ^ second), dtype=np.int64)
