"""Groups of near hashes among up to a million, made from the hashes of real shoes on white.

What is made, so that it clumps as real hashes do: a cluster is one picture and its copies; its size is 1 to
30, P(k) ~ k^-1.5 (mean 4.2). Its centre is a real hash moved as far as one of that hash's 20 nearest of
other products is away (``spread`` near), or its nearest one (nearest), or not at all (none: as many
pairs as if all the world's shoes had the poses of these few hundred). Its members are moved as far as real copies are (re-encoded,
resized, margin, cropped, ...; measured at the start). Every move flips as many set bits as clear ones, as
the median in pHash makes it.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench.dataset.duplicates import COPIES, Row, read_rows
from bench.dataset.results import keep
from dataset.canvas import upright_rgb
from dataset.neighbours import Pairs, pairs_within
from dataset.phash import BITS, Hashes, distances, phash
from dataset.picture import canvas_of, encode_canvas

WIDE = 8  # bits, as in params.yaml
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
SAMPLE = 1000  # hashes whose neighbours are looked for by brute force as well
DENSEST = 100_000  # hashes without spread: their pairs grow with the square
LARGEST = 30  # photos of a cluster
_AT_ONCE = 20_000
_ENOUGH = 4_000_000  # pairs before groups are joined: 100 MB

Bits = NDArray[np.bool_]


def hash_of(content: bytes) -> int:
    """pHash of the canvas file of a picture."""
    with Image.open(io.BytesIO(encode_canvas(canvas_of(content)[0], 95))) as canvas:
        return phash(canvas)


def real_hashes(rows: Sequence[Row]) -> tuple[Hashes, list[tuple[str, str]]]:
    """Hashes and products of the photos on white."""
    hashes, products = [], []
    for row in rows:
        content = Path(row.path).read_bytes()
        canvas = canvas_of(content)[0]
        if canvas.getpixel((0, 0)) == (255, 255, 255):
            hashes.append(hash_of(content))
            products.append(row.product)
    return np.array(hashes, np.uint64), products


def copy_distances(rows: Sequence[Row]) -> list[int]:
    """How far real copies' hashes are from their originals', up to the radius."""
    found = []
    for row in rows:
        with Image.open(row.path) as image:
            upright = upright_rgb(image, at_least=None)
        own = hash_of(Path(row.path).read_bytes())
        for kind, make in COPIES.items():
            if kind != "mirrored":
                found.append((own ^ hash_of(make(upright))).bit_count())
    return [bits for bits in found if bits <= WIDE]


def other_distances(hashes: Hashes, products: Sequence[tuple[str, str]], nearest: int) -> list[int]:
    """The distances from each hash to its ``nearest`` ones of other products."""
    numbers = {product: number for number, product in enumerate(dict.fromkeys(products))}
    names = np.array([numbers[product] for product in products])
    found: list[int] = []
    for row, own in enumerate(hashes):
        away = distances(hashes, own)[names != names[row]]
        found += np.sort(away)[:nearest].tolist()
    return found


def made(
    real: Hashes,
    others: Sequence[int],
    copies: Sequence[int],
    count: int,
    seed: int,
    power: float = 1.5,
) -> Hashes:  # fmt: skip
    """``count`` hashes as the module says; a higher ``power`` gives smaller clusters."""
    chance = np.random.default_rng(seed)
    bits = ((real[:, None] >> np.arange(BITS, dtype=np.uint64)) & np.uint64(1)).astype(np.bool_)
    odds = np.arange(1, LARGEST + 1) ** -power
    parts, total = [], 0
    while total < count:
        sizes = chance.choice(np.arange(1, LARGEST + 1), _AT_ONCE, p=odds / odds.sum())
        centres = _moved(bits[chance.integers(0, len(bits), _AT_ONCE)], others, chance)
        members = _moved(np.repeat(centres, sizes, axis=0), copies, chance)
        parts.append((members.astype(np.uint64) << np.arange(BITS, dtype=np.uint64)).sum(axis=1, dtype=np.uint64))  # fmt: skip
        total += len(parts[-1])
    return np.concatenate(parts)[:count]


def _moved(bits: Bits, away: Sequence[int], chance: np.random.Generator) -> Bits:
    """Each row with one of ``away`` bits flipped, half of them set ones."""
    noise = chance.random(bits.shape)
    half = (chance.choice(np.array(away), len(bits)) // 2)[:, None]
    ranks = [np.where(those, noise, 2.0).argsort(axis=1).argsort(axis=1) for those in (bits, ~bits)]
    flipped = (bits & (ranks[0] < half)) | (~bits & (ranks[1] < half))
    return np.asarray(bits ^ flipped)


def searched(hashes: Hashes, sample: NDArray[np.int64]) -> dict[str, Any]:
    """Pairs and groups within the radius, and the recall on a sample of rows."""
    is_sampled = np.zeros(len(hashes), np.bool_)
    is_sampled[sample] = True
    began, cpu = time.perf_counter(), time.process_time()
    groups = np.arange(len(hashes))
    held: list[Pairs] = []
    pairs, seen = 0, 0
    for block in pairs_within(hashes, WIDE):
        pairs += len(block)
        seen += int(is_sampled[block].sum())
        held.append(block)
        if sum(map(len, held)) >= _ENOUGH:
            groups, held = _joined(groups, held), []
    groups = _joined(groups, held)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    wanted = sum(int((distances(hashes, hashes[row]) <= WIDE).sum()) - 1 for row in sample.tolist())
    sizes = np.bincount(groups)
    return {
        "hashes": len(hashes),
        "seconds": round(took_s, 1),
        "cpu_seconds": round(cpu_s, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "pairs": pairs,
        "groups": int((sizes > 1).sum()),
        "largest_group": int(sizes.max()),
        "recall": round(seen / wanted, 6) if wanted else None,
        "neighbours_of_sample": wanted,
    }


def _joined(groups: NDArray[np.int64], held: Sequence[Pairs]) -> NDArray[np.int64]:
    """Group numbers after joining what ``held`` links."""
    if not held:
        return groups
    ends = groups[np.concatenate(held)]
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(len(groups),) * 2)  # fmt: skip
    return np.asarray(connected_components(graph, directed=False)[1][groups], np.int64)


BK_TREE = """
import json, sys, time
from imagededup.handlers.search.bktree import BKTree
hashes = {str(n): h for n, h in enumerate(json.load(sys.stdin))}
began = time.perf_counter()
tree = BKTree(hashes, lambda a, b: bin(int(a, 16) ^ int(b, 16)).count("1"))
built = time.perf_counter() - began
some = list(hashes)[:: max(1, len(hashes) // 50)][:50]
began = time.perf_counter()
found = sum(len(tree.search(query=hashes[one], tol=8)) for one in some)
print(json.dumps({"hashes": len(hashes), "build_s": round(built, 2),
                  "ms_per_query": round((time.perf_counter() - began) / len(some) * 1e3, 1)}))
"""


def bk_tree(python: str, hashes: Hashes) -> dict[str, Any]:
    """imagededup's tree over the same hashes, by an interpreter that has it."""
    text = json.dumps([f"{one:016x}" for one in hashes.tolist()])
    done = subprocess.run([python, "-c", BK_TREE], input=text, capture_output=True, text=True, check=True)  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--most", default=SIZES[-1], show_default=True, help="Hashes.")
@click.option("--imagededup", "python", help="A Python that has imagededup, to compare with.")
@click.option("--seed", default=0, show_default=True)
def scale(folders: tuple[Path, ...], most: int, python: str | None, seed: int) -> None:
    """Search growing numbers of hashes made from the photos of FOLDERS."""
    rows = [row for folder in folders for row in read_rows(folder.resolve()) if row.use]
    real, products = real_hashes(rows)
    studio = [row for row in rows if row.kind == "studio"]
    copies = copy_distances(Random(seed).sample(studio, min(40, len(studio))))
    chance = np.random.default_rng(seed)
    found: dict[str, Any] = {
        "real_hashes_on_white": len(real),
        "bits_of_copies": np.percentile(copies, (10, 50, 90)).tolist(),
    }
    for spread, nearest in (("near", 20), ("nearest", 1), ("none", 0)):
        others = other_distances(real, products, nearest) if nearest else [0]
        found[spread] = {
            "bits_of_others": np.percentile(others, (10, 50, 90)).tolist(),
            "curve": [],
        }
        for count in (size for size in SIZES if size <= (most if nearest else min(most, DENSEST))):
            hashes = made(real, others, copies, count, seed)
            sample = chance.choice(count, min(SAMPLE, count), replace=False)
            found[spread]["curve"].append(searched(hashes, sample))
            click.echo(json.dumps(found[spread]["curve"][-1]))
            if python and spread == "near" and count <= 100_000:
                found.setdefault("imagededup_bk_tree", []).append(bk_tree(python, hashes))
                click.echo(json.dumps(found["imagededup_bk_tree"][-1]))
    keep("scale", found)
    sys.exit(any(one["recall"] < 0.999 for part in ("near", "nearest", "none") for one in found[part]["curve"]))  # fmt: skip
