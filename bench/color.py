"""`python -m bench.color PACKS`: how well colour alone names products, ours beside a plain histogram.

PACKS is a project's data/pack after `dvc repro`, e.g. var/real/data/pack after `make real`. Only train and val
photos are looked at. Each asks for its nearest among the others; then val photos among train photos
alone, and among train and the other val photos. Results: bench/results/color.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import torch
from torch import Tensor

from bench.machine import machine
from train.color import color_histogram
from train.data import load_pack
from train.seed import make_deterministic

RESULTS = Path(__file__).resolve().parent / "results" / "color.json"


def plain(pixels: Tensor) -> Tensor:
    """8x8x8 bins of RGB, square roots, without what is near the border's median: (N, 512)."""
    edges = (pixels[:, :, 0], pixels[:, :, -1], pixels[:, :, :, 0], pixels[:, :, :, -1])
    ground = torch.cat(edges, dim=2).float().median(dim=2).values[:, :, None, None]
    is_shoe = (pixels.float() - ground).abs().mean(dim=1) > 24
    level = pixels.long() // 32
    place = ((level[:, 0] * 8 + level[:, 1]) * 8 + level[:, 2]).flatten(1)
    counts = torch.zeros(len(pixels), 512).scatter_add_(1, place, is_shoe.flatten(1).float())
    return (counts / counts.sum(dim=1, keepdim=True).clamp_min(1)).sqrt()


def measure(histogram: Callable[[Tensor], Tensor], packs: Path) -> dict[str, float]:
    """Top-1 of the nearest histogram, three ways."""
    parts, labels, is_val = [], [], []
    for folder in sorted(packs.iterdir()):
        if folder.name.startswith("_") or not folder.is_dir():
            continue
        pack = load_pack(folder)
        rows = pack.rows("train", "val")
        parts.append(histogram(pack.pixels[rows]))
        labels += [pack.labels[index] for index in pack.label_index[rows].tolist()]
        is_val += [pack.split[row] == "val" for row in rows.tolist()]
    place = {label: index for index, label in enumerate(sorted(set(labels)))}
    truth = torch.tensor([place[label] for label in labels])
    val = torch.tensor(is_val)
    similarity = torch.cat(parts) @ torch.cat(parts).T
    similarity.fill_diagonal_(-1)
    others = truth[similarity.argmax(dim=1)] == truth
    train_alone = truth[similarity.where(~val[None], -1.0).argmax(dim=1)] == truth
    found = {
        "train_and_val_among_the_others": others,
        "val_among_train": train_alone[val],
        "val_among_train_and_other_val": others[val],
    }
    return {name: round(float(right.float().mean()), 4) for name, right in found.items()}


@click.command()
@click.argument("packs", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(packs: Path) -> None:
    """Measure both on the packs in PACKS."""
    make_deterministic()
    found = {"plain": measure(plain, packs), "ours": measure(color_histogram, packs)}
    told = {**found, "machine": machine(("numpy", "torch"))}
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    click.echo(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(prog_name="python -m bench.color")
