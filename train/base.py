"""The `base` stage: one ResNet over the pinned photos of all brands.

It is the warm start of every brand's net, the space of the gate and of similar shoes, and, while
its pin covers all brands, the joint rival. Its only input is the pinned pixels, so that adding a
brand leaves it, and every net started from it, untouched.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import torch

from catalogue.errors import CatalogueError
from catalogue.manifest import write_json
from train.data import load_pack
from train.fit import temperature_on_val, write_curve
from train.loop import Settings, fingerprint, run
from train.model import Description, ShoeNet, save_net
from train.seed import derived_seed, make_deterministic

# Nothing else trains while the base does. Fixed, whatever the machine has: the count changes bytes.
THREADS = 2


def fit_base(
    settings: Settings, pin_folder: Path, model_folder: Path, metrics_path: Path, curve_path: Path, work: Path
) -> None:  # fmt: skip
    """Train the base from scratch and write model, metrics and curve.

    Raises:
        CatalogueError: the pin cannot be read or holds fewer than two products.
    """
    make_deterministic(THREADS)
    pack = load_pack(pin_folder)
    trained_labels = {int(pack.label_index[i]) for i in pack.rows("train")}
    if len(trained_labels) < 2:
        raise CatalogueError(
            f"{pin_folder}: {len(trained_labels)} product(s) to train on; at least 2 are needed. "
            "Crawl more of the shop, or lower ingest.min-brand-products and "
            "ingest.min-brand-photos in params.yaml and run `solemap brands --write`, "
            "then `solemap base --repin` and `dvc repro`."
        )
    torch.manual_seed(derived_seed("base", settings.seed))
    net = ShoeNet(settings.arch, len(pack.labels))
    checkpoint = work / f"base-{fingerprint(pack, settings, 'scratch')}"
    curve = run(net, pack, settings, checkpoint)
    (model_folder / "model.json").unlink(missing_ok=True)  # never beside weights of another run
    save_net(
        model_folder / "weights.safetensors",
        net.eval(),
        Description(
            arch=settings.arch,
            size=int(pack.pixels.shape[-1]),
            crop=pack.crop,
            background=pack.background,
            labels=pack.labels,
            data_sha256=pack.sha256,
            params=asdict(settings),
        ),
    )
    summary = {
        "products": len(pack.labels),
        "brands": len({label.partition("/")[0] for label in pack.labels}),
        "photos": {split: len(pack.rows(split)) for split in ("train", "val")},
        "temperature": temperature_on_val(net, pack),
    }
    write_json(model_folder / "model.json", summary)
    write_json(metrics_path, {**summary, "val_top1": curve[-1]["val_top1"]})
    write_curve(curve_path, curve)
    shutil.rmtree(checkpoint, ignore_errors=True)
