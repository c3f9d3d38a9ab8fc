"""The `base` stage: one ResNet over the pinned photos of all brands.

It is the warm start of every brand's net, the space of the gate and of similar shoes, and, while
its pin covers all brands, the joint rival. Its only input is the pinned pixels, so that adding a
brand leaves it, and every net started from it, untouched.

Two nets come out: ``without-val.safetensors`` has seen train photos alone and is what validation
measures; ``weights.safetensors`` went on with train and val photos and is what answers.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import torch

from catalogue.errors import CatalogueError
from catalogue.manifest import write_json
from train.data import Pack, load_pack
from train.fit import describe, temperature_on_val, write_curve
from train.loop import NO_TEACHER, Settings, check_size, fingerprint, remove_others, run
from train.model import ShoeNet, save_net
from train.seed import derived_seed, make_deterministic
from train.start import load_start
from train.teacher import LR_SHARE, Teacher
from train.twins import SPLITS, WHOLE, WITHOUT_VAL, file_of

log = logging.getLogger(__name__)
# Nothing else trains while the base does. Fixed, whatever the machine has: the count changes bytes.
THREADS = 2
REFIT_LR_SHARE = 0.3  # of the peak: the net is trained, val photos join in


def fit_base(
    settings: Settings, init: str, pin_folder: Path, model_folder: Path, metrics_path: Path, curve_path: Path, work: Path
) -> None:  # fmt: skip
    """Train the base from ``init`` (see `train.start`) and write model, metrics and curve.

    Raises:
        CatalogueError: the pin cannot be read or holds fewer than two products, or ``init`` or the
            teacher cannot be had.
    """
    make_deterministic(THREADS)
    pack = load_pack(pin_folder)
    check_size(settings, pack, "base.size")
    trained_labels = {int(pack.label_index[i]) for i in pack.rows("train")}
    if len(trained_labels) < 2:
        raise CatalogueError(
            f"{pin_folder}: {len(trained_labels)} product(s) to train on; at least 2 are needed. "
            "Crawl more of the shop, or lower ingest.min-brand-products and "
            "ingest.min-brand-photos in params.yaml and run `solemap brands --write`, "
            "then `solemap base --repin` and `dvc repro`."
        )
    teacher = _teacher(pack, settings)  # before anything is removed: it may lack its extra
    torch.manual_seed(derived_seed("base", settings.seed))
    net = ShoeNet(settings.arch, len(pack.labels), settings.size)
    start = load_start(net, settings.arch, init, "base")
    described = describe(pack, settings, init=init)
    checkpoint = work / f"base-{fingerprint(pack, settings, start)}"
    remove_others(checkpoint)
    (model_folder / "model.json").unlink(missing_ok=True)  # never beside weights of another run
    told: dict[str, float] = {}
    if teacher is not None:
        told["teacher_val_top1"] = _train_teacher(teacher, pack, settings, checkpoint / "teacher")
    curve = run(net, pack, settings, checkpoint / WITHOUT_VAL, SPLITS[WITHOUT_VAL], teacher)
    temperature = temperature_on_val(net, pack)
    save_net(file_of(model_folder, WITHOUT_VAL), net.eval(), described)
    if settings.refit_epochs:
        more = replace(
            settings,
            epochs=settings.refit_epochs,
            lr=settings.lr * REFIT_LR_SHARE,
            progressive=False,
        )
        run(net, pack, more, checkpoint / WHOLE, SPLITS[WHOLE], teacher)
    save_net(file_of(model_folder, WHOLE), net.eval(), described)
    summary = {
        "products": len(pack.labels),
        "brands": len({label.partition("/")[0] for label in pack.labels}),
        "photos": {split: len(pack.rows(split)) for split in ("train", "val")},
        "temperature": temperature,
    }
    write_json(model_folder / "model.json", summary)
    write_json(metrics_path, {**summary, **told, "val_top1": curve[-1]["val_top1"]})
    write_curve(curve_path, curve)
    shutil.rmtree(checkpoint, ignore_errors=True)


def _teacher(pack: Pack, settings: Settings) -> Teacher | None:
    """The teacher that ``settings`` name, as its package has it."""
    if settings.teacher == NO_TEACHER:
        return None
    torch.manual_seed(derived_seed("teacher", settings.seed))
    return Teacher(len(pack.labels), int(pack.pixels.shape[-1]))


def _train_teacher(teacher: Teacher, pack: Pack, settings: Settings, work: Path) -> float:
    """Train it on the train photos at the pack's size; its top-1 on the val photos."""
    own = replace(
        settings,
        teacher=NO_TEACHER,
        size=teacher.size,
        epochs=settings.teacher_epochs,
        lr=settings.lr * LR_SHARE,
        progressive=False,
    )
    log.info("the teacher, %s:", settings.teacher)
    try:
        curve = run(teacher, pack, own, work)
    except CatalogueError as error:
        raise CatalogueError(
            f"the teacher, whose lr is {LR_SHARE:g} of the base's: {error}"
        ) from error
    log.info("the base:")
    return curve[-1]["val_top1"]
