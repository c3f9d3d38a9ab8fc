"""The `train` stage: one brand's pack and the base in, one brand's ResNet out.

``models/brands/<brand>/`` holds ``model.json`` and two nets: ``without-val.safetensors`` has seen train
photos alone and is what validation measures; ``weights.safetensors`` was trained in the same way on
train and val photos and is what answers: at four photos a product every photo counts. A brand too
thin to train gets ``model.json`` with ``status: too_few`` alone and is answered by the gallery.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from catalogue.errors import CatalogueError
from catalogue.manifest import write_json, write_text
from train.calibrate import fit_temperature
from train.data import Pack, load_pack
from train.loop import Settings, check_size, fingerprint, remove_others, run
from train.model import Description, ShoeNet, infer, load_net, save_net
from train.seed import derived_seed, make_deterministic
from train.start import load_start
from train.twins import SPLITS, WITHOUT_VAL, file_of

MIN_PRODUCTS = 2  # a net of one class always answers 1.0


def fit_brand(
    brand: str,
    settings: Settings,
    init: str,
    pack_folder: Path,
    base_folder: Path,
    model_folder: Path,
    metrics_path: Path,
    curve_path: Path,
    work: Path,
) -> str:
    """Train the net of ``brand`` and write its model, metrics and curve; return its status.

    Raises:
        CatalogueError: the pack or the base cannot be read.
    """
    make_deterministic()
    pack = load_pack(pack_folder)
    check_size(settings, pack, f"train.size (or train-overrides.{brand}.size)")
    trained_labels = {int(pack.label_index[i]) for i in pack.rows("train")}
    summary = {
        "brand": brand,
        "products": len(pack.labels),
        "photos": {split: len(pack.rows(split)) for split in ("train", "val", "test")},
    }
    if len(trained_labels) < MIN_PRODUCTS:
        for kind in SPLITS:
            file_of(model_folder, kind).unlink(missing_ok=True)
        write_json(model_folder / "model.json", {**summary, "status": "too_few"})
        write_json(metrics_path, {**summary, "status": "too_few"})
        write_curve(curve_path, [])
        return "too_few"

    (model_folder / "model.json").unlink(missing_ok=True)  # never beside weights of another run
    checkpoints = []
    for kind, splits in SPLITS.items():
        start = file_of(base_folder, kind)
        net, start_sha256 = starting_net(pack, settings, init, start, splits)
        checkpoints.append(work / f"{brand}-{kind}-{fingerprint(pack, settings, start_sha256)}")
        remove_others(checkpoints[-1])
        curve = run(net, pack, settings, checkpoints[-1], splits)
        if kind == WITHOUT_VAL:
            summary |= {"status": "trained", "temperature": temperature_on_val(net, pack)}
            write_json(metrics_path, {**summary, "val_top1": curve[-1]["val_top1"]})
            write_curve(curve_path, curve)
        described = describe(pack, settings, init=init)
        save_net(file_of(model_folder, kind), net.eval(), described)
    write_json(model_folder / "model.json", summary)
    for checkpoint in checkpoints:
        shutil.rmtree(checkpoint, ignore_errors=True)
    return "trained"


def describe(pack: Pack, settings: Settings, **params: str) -> Description:
    """What the weight file of a net trained on ``pack`` says of itself."""
    return Description(
        arch=settings.arch,
        size=int(pack.pixels.shape[-1]),
        input_size=settings.size,
        crop=pack.crop,
        background=pack.background,
        labels=pack.labels,
        data_sha256=pack.sha256,
        params={**asdict(settings), **params},
    )


def starting_net(
    pack: Pack, settings: Settings, init: str, path: Path, splits: Sequence[str] = ("train",)
) -> tuple[ShoeNet, str]:
    """The net to start from, the base's in ``path``, and the hash of the weights it took.

    ``base`` takes the base's backbone and, for each product it knows, its head's row: nets that
    start from one trunk and one head and move little stay comparable across brands. A product new
    since the base was pinned gets the mean embedding of its training photos, at the rows' scale.
    """
    torch.manual_seed(derived_seed("start", settings.seed))
    net = ShoeNet(settings.arch, len(pack.labels), settings.size)
    if init != "base":
        return net, load_start(net, settings.arch, init, "train")
    base, description = load_net(path)
    if description.arch != settings.arch:
        raise CatalogueError(
            f"params.yaml: train.arch, or the brand's in train-overrides, is {settings.arch} but {path} is a {description.arch}: "
            "with `init: base` both must be the same; change one of them, or use `init: scratch`."
        )
    net.backbone.load_state_dict(base.backbone.state_dict())
    known = {label: row for row, label in enumerate(description.labels)}
    scale = base.head.weight.norm(dim=1).mean()
    rows = pack.rows(*splits)
    _, embedding = infer(base, pack.pixels[rows])
    with torch.no_grad():
        for index, label in enumerate(pack.labels):
            if label in known:
                net.head.weight[index] = base.head.weight[known[label]]
                net.head.bias[index] = base.head.bias[known[label]]
                continue
            own = embedding[pack.label_index[rows] == index]
            if len(own):
                mean = own.mean(dim=0)
                net.head.weight[index] = mean / mean.norm() * scale
            net.head.bias[index] = base.head.bias.mean()
    return net, hashlib.sha256(path.read_bytes()).hexdigest()


def temperature_on_val(net: ShoeNet, pack: Pack) -> float:
    """The temperature fitted on the pack's val photos, rounded so that it reads well in JSON."""
    rows = pack.rows("val")
    logits, _ = infer(net.eval(), pack.pixels[rows])
    return round(fit_temperature(logits, pack.label_index[rows], low=0.25, high=4.0), 6)


def write_curve(path: Path, curve: list[dict[str, float]]) -> None:
    """The curve as CSV for `dvc plots`: a header, then a row an epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["epoch", "train_loss", "val_top1"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(curve)
    write_text(path, text.getvalue())
