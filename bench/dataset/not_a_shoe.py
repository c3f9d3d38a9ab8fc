"""Whether a cheap measure tells a bag or a cap from a shoe: none does; this shows by how much it fails.

    python -m bench.dataset.not_a_shoe DIR [DIR ...]

Of every fourth good photo of each DIR (as in bench.dataset.judge) and of the drawn shop with its bags and
caps: the mask's share of its box, its share of its convex hull, the box's width by height, and the share
of mask pixels at an edge. Prints the ranges, and what a limit that finds all bags and caps would cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import ConvexHull

from bench.dataset.judge import ROOT, Picture, read_pictures
from dataset.foreground import find_foreground
from dataset.mask import soft_mask
from dataset.picture import canvas_of
from demo.drawn import drawn_catalogue

NAMES = ("share of the box", "share of the hull", "width by height", "share at an edge")
EDGE = 24  # grey levels, at half scale


def shape(canvas: Image.Image) -> list[float] | None:
    """The four measures; None without a mask."""
    mask = soft_mask(canvas, find_foreground(canvas))
    if mask is None:
        return None
    half = mask[::2, ::2] > 127
    rows, columns = np.nonzero(half)
    high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    hull = ConvexHull(np.stack([columns, rows], axis=1)).volume
    grey = np.asarray(canvas.convert("L").reduce(2)).astype(np.int16)
    steps = np.abs(np.diff(grey, axis=1))[:-1] + np.abs(np.diff(grey, axis=0))[:, :-1]
    area = half.sum()
    return [
        area / (high * wide),
        area / hull,
        wide / high,
        float((steps > EDGE)[half[:-1, :-1]].mean()),
    ]


def shapes(pictures: Iterable[Picture]) -> NDArray[np.float64]:
    found = (shape(canvas_of(one.path.read_bytes())[0]) for one in pictures)
    return np.array([one for one in found if one is not None])


def told(name: str, found: NDArray[np.float64]) -> None:
    print(f"{name}: {len(found)} with a mask")
    for column, measure in enumerate(NAMES):
        low, middle, high = np.percentile(found[:, column], [0, 50, 100])
        print(f"  {measure:<20} {low:.3f} .. {middle:.3f} .. {high:.3f}")


def cost(shoes: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    """False alarms of the limit that finds all ``others``, one measure at a time, from either end."""
    for column, measure in enumerate(NAMES):
        above = int((shoes[:, column] >= others[:, column].min()).sum())
        below = int((shoes[:, column] <= others[:, column].max()).sum())
        alarms = min(above, below)
        precision = len(others) / (len(others) + alarms)
        print(f"  {measure:<20} {alarms} of {len(shoes)} shoes too, precision {precision:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="folders with a catalogue.csv")
    folders: Sequence[Path] = parser.parse_args().folders
    good = [
        one
        for folder in folders
        for one in [p for p in read_pictures(folder.resolve()) if p.set == "good"][::4]
    ]
    drawn = list(read_pictures(drawn_catalogue(ROOT / "var" / "drawn", 2, 3, 6), is_drawn=True))
    shoes = shapes(good)
    others = shapes(one for one in drawn if one.note == "no shoe")
    told("real shoes", shoes)
    told("drawn shoes", shapes(one for one in drawn if one.set == "drawn"))
    told("drawn bags and caps", others)
    print("the limit that finds all bags and caps fires on")
    cost(shoes, others)


if __name__ == "__main__":
    main()
