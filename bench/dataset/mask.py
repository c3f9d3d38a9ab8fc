"""How good the shoe's mask is, and what the background tells of the brand with it and without.

    python -m bench.dataset.mask DIR [DIR ...]

Each DIR holds a catalogue.csv (as in bench.dataset.judge). Pictures with a transparent background are
put on white, on white and on light grey with a soft shadow, and on white with their contrast lowered;
their alpha channel is the truth. All pictures: how many get a mask, and the share whose brand a nearest
neighbour names (among other products) that sees only the border, with either `pack.background`. Writes
bench/results/mask.json: figures only.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from dataset.canvas import fit_canvas
from dataset.foreground import find_foreground
from dataset.mask import prepare_with_mask, soft_mask
from dataset.picture import canvas_of, encode_canvas
from train.color import border_histogram
from train.fusion import BORDER_TIE

ROOT = Path(__file__).resolve().parents[2]
WHITE, GREY = (255, 255, 255), (234, 236, 238)
QUALITY, SIZE = 95, 64
SHADOW = 90  # of 255, at its darkest
GROUNDS: dict[str, tuple[tuple[int, int, int], bool, float]] = {
    "white": (WHITE, False, 1.0),
    "white, shadow": (WHITE, True, 1.0),
    "light grey, shadow": (GREY, True, 1.0),
    "white, 30 % of the contrast": (WHITE, False, 0.3),
    "white, 15 % of the contrast": (WHITE, False, 0.15),
    "white, 8 % of the contrast": (WHITE, False, 0.08),
}
Row = tuple[Path, str, str, str]  # picture, folder, brand, product


def read_rows(folders: Sequence[Path]) -> Iterator[Row]:
    for folder in folders:
        with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("use") != "0":
                    product = row.get("product_key") or row["product"]
                    yield folder / row["image"], folder.name, row["brand"], product


def canvas_file(image: Image.Image) -> Image.Image:
    """The canvas of ``image`` as the clean stage leaves it."""
    with Image.open(io.BytesIO(encode_canvas(fit_canvas(image), QUALITY))) as decoded:
        decoded.load()
        return decoded


def on_ground(
    shoe: Image.Image, color: tuple[int, int, int], has_shadow: bool, contrast: float
) -> Image.Image:
    """A cut-out (RGBA) on plain ground, its colours moved towards white."""
    alpha = shoe.getchannel("A")
    ground = Image.new("RGB", shoe.size, color)
    if has_shadow and (box := alpha.getbbox()):
        shadow, high = Image.new("L", shoe.size, 0), box[3] - box[1]
        ends = (box[0] + 10, box[3] - high * 0.08, box[2] - 10, box[3] + high * 0.06)
        ImageDraw.Draw(shadow).ellipse(ends, fill=SHADOW)
        shadow = shadow.filter(ImageFilter.GaussianBlur(shoe.width * 0.02))
        ground.paste((0, 0, 0), mask=shadow)
    pale = 255 - (255 - np.asarray(shoe.convert("RGB"), np.float64)) * contrast
    ground.paste(Image.fromarray(pale.astype(np.uint8)), mask=alpha)
    return ground


def against_alpha(shoes: Sequence[Image.Image], name: str) -> dict[str, Any]:
    """Of the shoes on one kind of ground: untrusted masks, and what the trusted ones lose and add."""
    cut, added, seconds, untrusted = [], [], 0.0, 0
    for shoe in shoes:
        canvas = canvas_file(on_ground(shoe, *GROUNDS[name]))
        started = time.process_time()
        mask = soft_mask(canvas, find_foreground(canvas))
        seconds += time.process_time() - started
        if mask is None:
            untrusted += 1
            continue
        alpha = fit_canvas(shoe.getchannel("A").convert("RGB"))
        truth = _solid(np.asarray(alpha)[:, :, 0])
        covered = mask > 127
        cut.append((truth & ~covered).sum() / truth.sum())
        added.append((covered & ~truth).sum() / truth.sum())
    return {
        "shoes": len(shoes),
        "untrusted": untrusted,
        "cut_mean": _rounded(np.mean(cut)) if cut else None,
        "cut_most": _rounded(np.max(cut)) if cut else None,
        "cut_over_5_percent": sum(float(share) > 0.05 for share in cut),
        "cut_over_20_percent": sum(float(share) > 0.2 for share in cut),
        "added_mean": _rounded(np.mean(added)) if added else None,
        "cpu_ms": round(seconds / max(len(shoes), 1) * 1e3, 1),
    }


def _solid(alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The alpha channels themselves miss white parts inside shoes."""
    return np.asarray(ndimage.binary_fill_holes(alpha > 127))


def _rounded(value: Any) -> float:
    return round(float(value), 5)


def on_all(rows: Sequence[Row]) -> dict[str, Any]:
    """Per folder how many pictures get a mask; the border rival's share of brands with either background."""
    fates: dict[str, Counter[str]] = {folder: Counter() for _, folder, _, _ in rows}
    seen: dict[str, list[NDArray[np.uint8]]] = {"keep": [], "neutral": []}
    for path, folder, _, _ in rows:
        canvas = canvas_file_of(path)
        for background, pixels in seen.items():
            prepared = prepare_with_mask(canvas, SIZE, True, background)
            pixels.append(prepared.pixels)
        is_plain = find_foreground(canvas).is_plain
        fates[folder]["mask" if prepared.is_plain else "not trusted" if is_plain else "not plain"] += 1  # fmt: skip
    return {
        "masks": {folder: dict(found.most_common()) for folder, found in fates.items()},
        "border_names_brand": {
            background: border_rival(np.stack(pixels), rows) for background, pixels in seen.items()
        },
    }


def canvas_file_of(path: Path) -> Image.Image:
    return canvas_file(canvas_of(path.read_bytes())[0])


def border_rival(pixels: NDArray[np.uint8], rows: Sequence[Row]) -> float:
    """Share of pictures whose brand has most of the nearest border histograms among other products.

    Equal ones are many; as in `train.fusion.border_1nn`, those within `BORDER_TIE` vote.
    """
    histograms = border_histogram(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    names, brands = np.unique([brand for _, _, brand, _ in rows], return_inverse=True)
    products = np.array([f"{brand}/{product}" for _, _, brand, product in rows])
    similarity = (histograms @ histograms.T).numpy()
    similarity[products[:, None] == products[None, :]] = -1
    tied = similarity >= similarity.max(axis=1, keepdims=True) - BORDER_TIE
    votes = tied @ np.eye(len(names))[brands]
    return round(float((votes.argmax(axis=1) == brands).mean()), 4)


def cut_outs(rows: Sequence[Row]) -> list[Image.Image]:
    found = []
    for path, *_ in rows:
        with Image.open(path) as image:
            if (
                image.mode in ("RGBA", "LA", "P")
                and image.convert("RGBA").getchannel("A").getextrema()[0] == 0
            ):
                found.append(image.convert("RGBA"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="folders with a catalogue.csv")
    parser.add_argument("--every", type=int, default=1, help="only each n-th picture")
    chosen = parser.parse_args()
    rows = [row for folder in chosen.folders for row in list(read_rows([folder]))[:: chosen.every]]
    shoes = cut_outs(rows)
    results = {
        "every": chosen.every,
        "against_alpha": {name: against_alpha(shoes, name) for name in GROUNDS if shoes},
        **on_all([row for row in rows if "noisy" not in row[1]]),
        "noisy": on_all([row for row in rows if "noisy" in row[1]])["masks"]
        if any("noisy" in row[1] for row in rows)
        else {},
    }
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (ROOT / "bench" / "results" / "mask.json").write_text(text, "utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
