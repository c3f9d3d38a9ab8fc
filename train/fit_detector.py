"""The `detector` stage: cut-outs of the pinned photos in, a net that finds a shoe on any ground out.

Frames are made as they are learned from (`train.scenes`), of train photos alone. Composites of val photos, at three
times the frame's pixels, choose the score from which a box counts, and are measured.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from catalogue.manifest import write_json
from train.data import Pack, load_pack
from train.detector import SIZE, STRIDE, Detector, Sides, find_shoe, largest_part, save_detector
from train.scenes import CutOuts, compose
from train.seed import derived_seed, generator, make_deterministic

log = logging.getLogger(__name__)
LEAST = 40  # cut-outs to learn from
MOST = 3000  # held in memory, 0.26 GB at 128 px
VAL_SCALE = 3  # the second look needs more pixels than a frame has
RIGHT = 0.5  # intersection over union of a box that is right
SPECK = (
    0.002  # of the frame: what is seen of a shoe, behind things and outside, is no shoe any more
)


@dataclass(frozen=True)
class Settings:
    """The keys of ``detector:`` in params.yaml."""

    steps: int
    batch_size: int
    lr: float  # peak
    val_frames: int
    seed: int


@dataclass(frozen=True)
class Trial:
    """What was found in one composite."""

    score: float  # 0 where nothing was found
    overlap: float | None  # of the box with the largest shoe's; None where no shoe is there


def fit_detector(
    settings: Settings, pin_folder: Path, model_folder: Path, metrics_path: Path
) -> str:
    """Train, choose the threshold, write model and metrics; the status.

    Raises:
        CatalogueError: the pin cannot be read.
    """
    make_deterministic()
    pack = load_pack(pin_folder)
    learned, held_out = cut_outs(pack, "train"), cut_outs(pack, "val")
    counts = {"cut_outs": {"train": len(learned), "val": len(held_out)}}
    if len(learned) < LEAST or not len(held_out):
        log.warning(
            "%s: %d train and %d val photos with a trusted mask; at least %d and 1 are needed to learn where a shoe "
            "is on other ground. Photos that are not on plain ground are answered as a whole.",
            pin_folder, len(learned), len(held_out), LEAST,
        )  # fmt: skip
        save_detector(model_folder, None)
        write_json(metrics_path, {**counts, "status": "too_few"})
        return "too_few"
    detector = train(learned, settings)
    trials = try_out(detector, held_out, settings.val_frames, derived_seed("val", settings.seed))
    threshold = best_threshold(trials)
    save_detector(model_folder, detector, threshold)
    write_json(metrics_path, {**counts, "status": "trained", **measured(trials, threshold)})
    return "trained"


def cut_outs(pack: Pack, split: str) -> CutOuts:
    """The pack's photos of ``split`` whose mask is trusted; evenly taken where they are too many."""
    is_trusted = pack.masks.flatten(1).amin(dim=1) < 255  # else it is 255 throughout
    rows = pack.rows(split)
    rows = rows[is_trusted[rows]]
    rows = rows[:: max(1, -(-len(rows) // MOST))]
    return CutOuts.of(pack.pixels[rows], pack.masks[rows])


def train(learned: CutOuts, settings: Settings) -> Detector:
    """A detector after ``steps`` batches of composites; equal settings and cut-outs give equal weights."""
    torch.manual_seed(derived_seed("detector", settings.seed))
    detector = Detector().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(detector.parameters(), lr=settings.lr, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.lr, total_steps=settings.steps, pct_start=0.1, cycle_momentum=False
    )
    randomness = generator("scenes", settings.seed)
    for step in range(settings.steps):
        frames, shoe = compose(learned, SIZE, settings.batch_size, randomness)
        loss = map_loss(detector(frames), functional.avg_pool2d(shoe, STRIDE))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        rate.step()
        if step % 100 == 99:
            log.info("step %d/%d  loss %.3f", step + 1, settings.steps, loss.detach())
    return detector.eval()


def map_loss(logits: Tensor, shoe: Tensor) -> Tensor:
    """Cross-entropy of each cell, and Dice of each frame (Milletari et al. 2016): small shoes count as large ones."""
    probability = logits.sigmoid()
    both = (probability * shoe).sum(dim=(1, 2, 3))
    dice = 1 - (2 * both + 1) / ((probability + shoe).sum(dim=(1, 2, 3)) + 1)
    return functional.binary_cross_entropy_with_logits(logits, shoe) + dice.mean()


def try_out(detector: Detector, held_out: CutOuts, frames: int, seed: int) -> list[Trial]:
    """Composites of shoes and scenes that were not learned from, and what is found in them."""
    randomness = generator(seed)
    found: list[Trial] = []
    while len(found) < frames:
        pictures, shoes = compose(held_out, SIZE * VAL_SCALE, 16, randomness)
        found += [
            trial
            for picture, shoe in zip(pictures, shoes, strict=True)
            if (trial := _trial(detector, picture, shoe[0])) is not None
        ]
    return found[:frames]


def _trial(detector: Detector, picture: Tensor, shoe: Tensor) -> Trial | None:
    part = largest_part(functional.max_pool2d(shoe[None], 3)[0] > 0.5)
    share = float(part.float().mean())
    if 0 < share < SPECK:
        return None  # neither a shoe nor none
    told = find_shoe(detector, picture)
    score = told.score if told else 0.0
    if not share:
        return Trial(score, None)
    rows, columns = part.any(dim=1).nonzero() * 3, part.any(dim=0).nonzero() * 3
    truth = float(columns[0]), float(rows[0]), float(columns[-1] + 3), float(rows[-1] + 3)
    return Trial(score, overlap(told.box, truth) if told else 0.0)


def overlap(one: Sides, other: Sides) -> float:
    """Intersection over union of two boxes.

    >>> overlap((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    both = max(across, 0) * max(down, 0)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (sum(areas) - both)


def best_threshold(trials: list[Trial]) -> float:
    """The score from which boxes gain most: right ones count for it, wrong and false ones against."""
    ordered = sorted((trial for trial in trials if trial.score > 0), key=lambda one: -one.score)
    best, best_gain, gain = 1.0, 0, 0
    for trial in ordered:
        gain += 1 if (trial.overlap or 0.0) >= RIGHT else -1
        if gain > best_gain:
            best, best_gain = trial.score, gain
    return best


def measured(trials: list[Trial], threshold: float) -> dict[str, float | int]:
    """Shares, of frames with a shoe and without one."""
    there = [trial for trial in trials if trial.overlap is not None]
    empty = [trial for trial in trials if trial.overlap is None]
    boxes = [trial for trial in there if trial.score >= threshold]
    right = sum((trial.overlap or 0.0) >= RIGHT for trial in boxes)
    return {
        "threshold": round(threshold, 4),
        "frames": len(there),
        "right": round(right / max(1, len(there)), 4),  # IoU of at least RIGHT
        "wrong": round((len(boxes) - right) / max(1, len(there)), 4),
        "empty_frames": len(empty),
        "false_boxes": round(sum(t.score >= threshold for t in empty) / max(1, len(empty)), 4),
    }
