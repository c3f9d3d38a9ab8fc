"""`python -m bench.nets PROJECT`: what each choice in the base net is worth, each left out in turn.

PROJECT is a folder after `dvc repro`, e.g. var/real after `make real`. Its train and val photos are dealt
anew into five parts, near-duplicates together; a net trained on four names the fifth. Test photos are not
looked at. A variant differs from params.yaml and the code in one thing. Minutes on a GPU, hours without;
a variant's result is kept when it ends (PROJECT/var/nets): run the command again after a kill.
Results: bench/results/nets.json.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.io import decode_jpeg, encode_jpeg

import train.augment
from bench.machine import keep_part
from bench.rivals.project import Project, read_project
from catalogue.manifest import read_manifest, write_json
from catalogue.schema import Sample
from train.data import Pack
from train.gallery import best_per_label
from train.loop import Settings, fingerprint, run
from train.model import ShoeNet, infer
from train.seed import derived_seed, make_deterministic
from train.shelf import sha256_of

RESULTS = Path(__file__).resolve().parent / "results" / "nets.json"
PARTS = 5
# What decides results beside the packages: a variant's result is kept as long as it is the same.
SOURCES = (Path(__file__), *sorted(Path(train.augment.__file__).parent.glob("*.py")))
CODE = hashlib.sha256("".join(map(sha256_of, SOURCES)).encode()).hexdigest()
WORN_PX, WORN_QUALITY = 48, 40  # what `joint_worn` names; JPEG
EMA_DECAY = 0.99  # of a step; the last hundred count


class LastMean(ShoeNet):
    """Pooled as torchvision does it: the mean over the last stage alone."""

    def __init__(self, arch: str, classes: int, size: int) -> None:
        super().__init__(arch, classes, size)
        self.features = self.backbone.widths[-1]
        self.backbone.norm = nn.Identity()  # type: ignore[assignment]
        self.backbone.forward = self._pooled  # type: ignore[method-assign]
        self.head = nn.Linear(self.features, classes)
        self.register_buffer("prototypes", torch.zeros(classes, self.features))
        self.to(memory_format=torch.channels_last)

    def _pooled(self, pictures: Tensor) -> Tensor:
        return self.backbone.maps(pictures)[-1].mean(dim=(2, 3))


class AllMean(ShoeNet):
    """Every stage pooled, by its mean."""

    def __init__(self, arch: str, classes: int, size: int) -> None:
        super().__init__(arch, classes, size)
        self.backbone.forward = self._pooled  # type: ignore[method-assign]

    def _pooled(self, pictures: Tensor) -> Tensor:
        means = [one.mean(dim=(2, 3)) for one in self.backbone.maps(pictures)]
        pooled: Tensor = self.backbone.norm(torch.cat(means, dim=1))
        return pooled


@dataclass(frozen=True)
class Variant:
    """One change: of the net, of its settings, or of constants and steps of train/augment.py."""

    net: Callable[[str, int, int], ShoeNet] = ShoeNet
    settings: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    averaged: bool = False  # weights, over the last steps
    flipped: bool = False  # asked twice, the second time mirrored


VARIANTS = {
    "as it is": Variant(),
    "a camera's faults in a seventh": Variant(settings={"camera_share": 0.15}),
    "a camera's faults in half": Variant(settings={"camera_share": 0.5}),
    "mean of the last stage": Variant(net=LastMean),
    "means of all stages": Variant(net=AllMean),
    "no contrastive loss": Variant(settings={"metric_loss": 0.0}),
    "no new background": Variant(augment={"NEW_GROUND_SHARE": 0.0}),
    "half with new backgrounds": Variant(augment={"NEW_GROUND_SHARE": 0.5}),
    "light changed more": Variant(
        augment={"BRIGHTNESS": 0.25, "CONTRAST": 0.25, "CHANNEL_GAIN": 0.04}
    ),
    "moved less": Variant(
        augment={
            "MAX_ROTATION_DEG": 20.0,
            "SCALE": (0.75, 1.2),
            "ASPECT": (0.88, 1.14),
            "MAX_SHIFT": 0.1,
        }
    ),
    "small pictures first": Variant(settings={"progressive": True}),
    "whole pictures from the start": Variant(settings={"progressive": False}),
    "small pictures first + a camera's faults in half": Variant(
        settings={"progressive": True, "camera_share": 0.5}
    ),
    "no label smoothing": Variant(settings={"label_smoothing": 0.0}),
    "averaged weights": Variant(averaged=True),
    "asked mirrored as well": Variant(flipped=True),
}


@contextmanager
def _changed(constants: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(train.augment, name) for name in constants}
    for name, value in constants.items():
        setattr(train.augment, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(train.augment, name, value)


@contextmanager
def _averaging(net: ShoeNet) -> Iterator[None]:
    """Leave in ``net`` the exponential mean of its weights over the steps of training."""
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY), use_buffers=True)
    hook = register_optimizer_step_post_hook(lambda *_: mean.update_parameters(net))
    try:
        yield
    finally:
        hook.remove()
    net.load_state_dict(mean.module.state_dict())


def dealt(project: Project) -> list[int]:
    """The part of each photo of the joint pack, -1 of test photos and of products of one cluster."""
    cluster = {
        sample.photo_id: sample.cluster_id
        for brand in project.packs
        for sample in read_manifest(project.folder / "data/split" / f"{brand}.jsonl", Sample)
    }
    pack = project.joint
    of_product: dict[int, list[str]] = {}
    for row in pack.rows("train", "val").tolist():
        of_product.setdefault(int(pack.label_index[row]), []).append(cluster[pack.photo_id[row]])
    draw, part = random.Random(7), dict[str, int]()
    for _, clusters in sorted(of_product.items()):
        distinct = sorted(set(clusters))
        draw.shuffle(distinct)
        first = draw.randrange(PARTS)
        for place, one in enumerate(distinct if len(distinct) > 1 else ()):
            part.setdefault(one, (first + place) % PARTS)  # colourways may share one
    return [
        part.get(cluster[one], -1) if split in ("train", "val") else -1
        for one, split in zip(pack.photo_id, pack.split, strict=True)
    ]


def _worn(pixels: Tensor) -> Tensor:
    """uint8 (N, 3, S, S) as after a chat: made smaller, blown up again, saved badly."""
    side = pixels.shape[-1]
    small = functional.interpolate(pixels.float(), WORN_PX, mode="area")
    blurred = functional.interpolate(small, side, mode="bilinear").clamp(0, 255).to(torch.uint8)
    return torch.stack([decode_jpeg(encode_jpeg(one, WORN_QUALITY)) for one in blurred])


def measure(variant: Variant, pack: Pack, settings: Settings, held_out: int, work: Path) -> dict[str, int]:  # fmt: skip
    """How many photos of the ``val`` split a net trained on ``train`` names right, in five ways."""
    settings = dataclasses.replace(settings, **variant.settings)
    torch.manual_seed(derived_seed("nets", held_out))
    net = variant.net(settings.arch, len(pack.labels), settings.size)
    if variant.averaged:  # a checkpoint does not hold the mean
        shutil.rmtree(work, ignore_errors=True)
    with _changed(variant.augment), _averaging(net) if variant.averaged else nullcontext():
        run(net, pack, settings, work)
    train_rows, val_rows = pack.rows("train"), pack.rows("val")
    logits, embedding = infer(net.eval(), pack.pixels[val_rows])
    if variant.flipped:
        others = infer(net, pack.pixels[val_rows].flip(3))
        logits = (logits + others[0]) / 2
        embedding = functional.normalize(embedding + others[1], dim=1)
    _, gallery = infer(net, pack.pixels[train_rows])
    truth = pack.label_index[val_rows]
    brands = [label.partition("/")[0] for label in pack.labels]
    brand_of = torch.tensor([sorted(set(brands)).index(brand) for brand in brands])
    within = logits.where(brand_of[None] == brand_of[truth][:, None], -torch.inf)
    nearest = best_per_label(
        embedding @ gallery.T, pack.label_index[train_rows], len(pack.labels)
    ).argmax(dim=1)
    named = logits.argmax(dim=1)
    of_worn, _ = infer(net, _worn(pack.pixels[val_rows]))
    return {
        "photos": len(truth),
        "joint": int((named == truth).sum()),
        "joint_worn": int((of_worn.argmax(dim=1) == truth).sum()),
        "within_brand": int((within.argmax(dim=1) == truth).sum()),
        "brand": int((brand_of[named] == brand_of[truth]).sum()),
        "embedding_knn": int((nearest == truth).sum()),
    }


@click.command()
@click.argument("folder", metavar="PROJECT", type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--variants", default=",".join(VARIANTS), show_default=True, help="Comma-separated.")
@click.option("--parts", type=click.IntRange(1, PARTS), default=3, show_default=True,
              help="How many of the five are held out, one after another.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1))
@click.option("--size", type=click.IntRange(32, 512), help="px")
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
def main(folder: Path, variants: str, parts: int, threads: int, **changed: Any) -> None:
    """Train and measure VARIANTS of the base of PROJECT."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    chosen = [name.strip() for name in variants.split(",")]
    if unknown := [name for name in chosen if name not in VARIANTS]:
        raise click.BadParameter(
            f"{unknown[0]!r} is not one of {', '.join(VARIANTS)}", param_hint="--variants"
        )
    make_deterministic(threads)
    project = read_project(folder, changed)
    part = dealt(project)
    found: dict[str, dict[str, float]] = {}
    for name in chosen:
        total: dict[str, int] = {}
        for held_out in range(parts):
            split = tuple({-1: "", held_out: "val"}.get(one, "train") for one in part)
            pack = dataclasses.replace(project.joint, split=split)
            work = folder / "var/nets" / fingerprint(pack, project.base, f"{name}{held_out}{CODE}")
            path = work.with_suffix(".json")
            if path.exists():
                one = json.loads(path.read_text("utf-8"))
            else:
                one = measure(VARIANTS[name], pack, project.base, held_out, work)
                write_json(path, one)
                shutil.rmtree(work, ignore_errors=True)
            total = {key: total.get(key, 0) + count for key, count in one.items()}
        photos = total.pop("photos")
        found[name] = {"photos": photos, **{key: round(n / photos, 4) for key, n in total.items()}}
        click.echo(f"{name}: {found[name]}")
    shown = f"{project.folder.name}, {project.base.size} px, {project.base.epochs} epochs"
    held = json.loads(RESULTS.read_text("utf-8")).get(shown, {}) if RESULTS.exists() else {}
    told = {"code": CODE, "threads": threads, "base": vars(project.base)}
    if all(held.get(key) == value for key, value in told.items()):
        found = held["variants"] | found
    keep_part(RESULTS, shown, {**told, "variants": found}, ("torch", "torchvision"))


if __name__ == "__main__":
    main(prog_name="python -m bench.nets")
