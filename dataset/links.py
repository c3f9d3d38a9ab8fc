"""Which canvases show the same picture: candidates by pHash, verified on pixels and colour.

Four kinds of link. `same`: no difference that a new encoding would not make. `near`: the same
picture again, also slightly cropped or toned; or a sibling colourway's, where the two differ little.
`wide`: so alike that the two may not stand on two sides of a split. `mirror`: one is the other
flipped; such pictures are kept, they only stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.neighbours import Pairs, pairs_between, pairs_within
from dataset.phash import Hashes, distances
from dataset.signature import Signature, Thumbs
from dataset.verify import NEAR, SAME, WIDE, Pictures, differences, within


@dataclass(frozen=True, order=True)
class Link:
    """Two canvases, by row; sorts from the strongest to the weakest."""

    distance_bits: int
    residual: float
    first: int  # row of the signatures, smaller than `second`
    second: int
    kind: str  # same | near | wide | mirror


def find_links(
    signatures: Sequence[Signature], thumbs: Thumbs, narrow: int, wide: int
) -> list[Link]:
    """Every verified link within ``wide`` bits, near ones within ``narrow``; strongest first.

    Raises:
        ValueError: not 0 <= narrow <= wide <= 64.
    """
    if not 0 <= narrow <= wide <= 64:
        raise ValueError(f"narrow is {narrow} and wide {wide}; 0 <= narrow <= wide <= 64 bits")
    canvas, box, mirror = (_hashes(signatures, name) for name in ("phash", "box", "mirror"))
    straight = np.unique(
        np.concatenate([pairs_within(canvas, wide), pairs_within(box, wide)]), axis=0
    )
    bits = np.minimum(
        distances(canvas[straight[:, 0]], canvas[straight[:, 1]]),
        distances(box[straight[:, 0]], box[straight[:, 1]]),
    )
    box_pictures, whole_pictures = Pictures(thumbs[:, 0]), Pictures(thumbs[:, 1])
    links = _straight_links(straight, bits, box_pictures, whole_pictures, narrow)
    taken = {(link.first, link.second) for link in links}
    flipped = _without_self(pairs_between(box, mirror, wide))
    flipped_bits = distances(box[flipped[:, 0]], mirror[flipped[:, 1]])
    found = differences(flipped, box_pictures, Pictures(thumbs[:, 0, :, ::-1]))
    for row in np.flatnonzero(within(found, WIDE)).tolist():
        link = _link(flipped, flipped_bits, found[:, 0], row, "mirror")
        if (link.first, link.second) not in taken:
            links.append(link)
    return sorted(links)


def _straight_links(
    pairs: Pairs, bits: NDArray[np.int64], boxes: Pictures, wholes: Pictures, narrow: int
) -> list[Link]:
    box, whole = differences(pairs, boxes, boxes), differences(pairs, wholes, wholes)
    is_wide, is_near, is_same = (
        within(box, limits) | within(whole, limits) for limits in (WIDE, NEAR, SAME)
    )
    kinds = np.where(is_same, "same", np.where(is_near, "near", "wide"))
    kinds[bits > narrow] = "wide"
    residual = np.minimum(box[:, 0], whole[:, 0])
    rows = np.flatnonzero(is_wide).tolist()
    return [_link(pairs, bits, residual, row, str(kinds[row])) for row in rows]


def _link(
    pairs: Pairs,
    bits: NDArray[np.int64],
    residual: NDArray[np.float32],
    row: int,
    kind: str,
) -> Link:
    first, second = (int(end) for end in pairs[row])
    return Link(int(bits[row]), round(float(residual[row]), 4), first, second, kind)


def _without_self(pairs: Pairs) -> Pairs:
    return np.asarray(pairs[pairs[:, 0] != pairs[:, 1]])


def _hashes(signatures: Sequence[Signature], name: str) -> Hashes:
    return np.array([int(getattr(one, name), 16) for one in signatures], dtype=np.uint64)
