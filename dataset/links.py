"""Which canvases show the same picture: candidates by pHash, verified on pixels and colour.

Four kinds of link. `same`: no difference that a new encoding would not make. `near`: the same
picture again, also slightly cropped or toned; or a sibling colourway's, where the two differ little.
`wide`: so alike that the two may not stand on two sides of a split, also in another tone. `mirror`: one is the other
flipped; such pictures are kept, they only stay together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.neighbours import Pairs, pairs_between, pairs_within
from dataset.phash import distances
from dataset.signature import Signatures, Thumbs
from dataset.verify import NEAR, SAME, TONED_BITS, WIDE, Pictures, differences, toned, within


@dataclass(frozen=True, order=True, slots=True)
class Link:
    """Two canvases, by row; sorts from the strongest to the weakest."""

    distance_bits: int
    residual: float
    first: int  # row of the signatures, smaller than `second`
    second: int
    kind: str  # same | near | wide | mirror


def find_links(signatures: Signatures, thumbs: Thumbs, narrow: int, wide: int) -> list[Link]:
    """Every verified link within ``wide`` bits, near ones within ``narrow``; strongest first.

    Candidates are verified as they are found and forgotten: of shoes on white there are hundreds
    for each link. ``thumbs`` may lie on disk.

    Raises:
        ValueError: not 0 <= narrow <= wide <= 64.
    """
    if not 0 <= narrow <= wide <= 64:
        raise ValueError(f"narrow is {narrow} and wide {wide}; 0 <= narrow <= wide <= 64 bits")
    boxes, wholes = Pictures(thumbs[:, 0]), Pictures(thumbs[:, 1])
    links: list[Link] = []
    for pairs in _straight_pairs(signatures, wide):
        links += _straight_links(pairs, signatures, boxes, wholes, narrow)
    taken = {(link.first, link.second) for link in links}
    mirrored = boxes.mirrored()
    for pairs in pairs_between(signatures.box, signatures.mirror, wide):
        flipped = pairs[pairs[:, 0] != pairs[:, 1]]
        bits = distances(signatures.box[flipped[:, 0]], signatures.mirror[flipped[:, 1]])
        found = differences(flipped, boxes, mirrored)
        for row in np.flatnonzero(within(found, WIDE)).tolist():
            link = _link(flipped, bits, found[:, 0], row, "mirror")
            if (link.first, link.second) not in taken:
                links.append(link)
    return sorted(links)


def _straight_pairs(signatures: Signatures, wide: int) -> Iterator[Pairs]:
    """Pairs whose canvases' or boxes' hashes are near, each once."""
    yield from pairs_within(signatures.phash, wide)
    for pairs in pairs_within(signatures.box, wide):
        canvas = distances(signatures.phash[pairs[:, 0]], signatures.phash[pairs[:, 1]])
        yield pairs[canvas > wide]


def _bits(pairs: Pairs, signatures: Signatures) -> NDArray[np.int64]:
    """The smaller of the two distances of each pair."""
    one, two = pairs[:, 0], pairs[:, 1]
    canvas, box = signatures.phash, signatures.box
    return np.minimum(distances(canvas[one], canvas[two]), distances(box[one], box[two]))


def _straight_links(
    pairs: Pairs, signatures: Signatures, boxes: Pictures, wholes: Pictures, narrow: int
) -> list[Link]:
    bits = _bits(pairs, signatures)
    box, whole = differences(pairs, boxes, boxes), differences(pairs, wholes, wholes)
    is_wide, is_near, is_same = (
        within(box, limits) | within(whole, limits) for limits in (WIDE, NEAR, SAME)
    )
    close = distances(signatures.phash[pairs[:, 0]], signatures.phash[pairs[:, 1]]) <= TONED_BITS
    is_wide[close] |= toned(pairs[close], wholes)
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
