"""Each arm: what it trains within the budget, and its scores of the test photos over all products."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.rivals.label_mapping import coprime_moduli, decode, mapped
from bench.rivals.nets import RivalNet
from bench.rivals.outside import own_scores, with_outside
from bench.rivals.project import TRAINED, Project
from catalogue.errors import CatalogueError
from train.data import Pack
from train.fit import starting_net
from train.loop import Settings, fingerprint, run
from train.metrics import top_k
from train.model import ShoeNet, infer
from train.seed import derived_seed
from train.teacher import LR_SHARE as TEACHER_LR_SHARE
from train.teacher import Teacher
from train.twins import WHOLE, file_of

ARMS = (
    "joint",  # our own network over all products, with the whole budget
    "label_mapping",
    "outside",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "vgg16_bn",
    "alexnet",
    "googlenet",
    "efficientnet_lite0",  # with ImageNet's weights, which no other has
)
CODE = ("arms.py", "label_mapping.py", "nets.py", "outside.py", "project.py")  # decides results
# Of the base's peak learning rate. Without batch normalisation (AlexNet) the rate of a ResNet diverges; weights
# of ImageNet are to be kept.
LR_SHARES = {"alexnet": 0.1, "vgg16_bn": 0.3, "efficientnet_lite0": TEACHER_LR_SHARE}
NETS: dict[str, Callable[[str, int, int], ShoeNet]] = {
    "joint": ShoeNet,
    "efficientnet_lite0": lambda _, classes, size: Teacher(classes, size),
}


@dataclass
class Trained:
    """An arm's scores (N, P) of the test photos in ``project.joint``'s order, and what they cost."""

    scores: Tensor
    parameters: int
    image_passes: int
    epochs: int
    nets: int


def train_arm(name: str, project: Project, work: Path) -> Trained:
    """Train arm ``name`` within the project's budget; goes on from checkpoints in ``work``."""
    if name == "label_mapping":
        return _label_mapping(project, work)
    if name == "outside":
        return _outside(project, work)
    settings = project.base
    if name != "joint":
        settings = replace(settings, arch=name, lr=settings.lr * LR_SHARES.get(name, 1.0))
    net, trained = _train_one(
        NETS.get(name, RivalNet), project.joint, settings, project.budget, work / name
    )
    trained.scores = _logits(net, project).softmax(dim=1)
    return trained


def identity(name: str, project: Project) -> str:
    """Names what an arm's result depends on: data, params, code and, where it starts from it, base."""
    base = file_of(project.folder / "models" / "base", WHOLE)
    depends = [Path(__file__).with_name(code) for code in CODE]
    depends += [base] if name == "outside" and base.exists() else []
    digest = hashlib.sha256(repr(project.train).encode())
    digest.update(version("timm").encode() if name == "efficientnet_lite0" else b"")
    for path in depends:
        digest.update(path.read_bytes())
    return f"{name}-{fingerprint(project.joint, project.base, digest.hexdigest())}"


def _train_one(
    kind: Callable[[str, int, int], ShoeNet],
    pack: Pack,
    settings: Settings,
    passes: int,
    work: Path,
) -> tuple[ShoeNet, Trained]:
    """A net of all labels of ``pack`` on train and val photos, in as many epochs as ``passes`` allow."""
    photos = len(pack.rows(*TRAINED))
    epochs = max(1, round(passes / photos))
    settings = replace(settings, epochs=epochs, refit_epochs=0, progressive=False)
    torch.manual_seed(derived_seed("rival", settings.seed))
    net = kind(settings.arch, len(pack.labels), settings.size)
    _run(net, pack, settings, work)
    return net, Trained(
        scores=torch.zeros(0),
        parameters=_parameters(net),
        image_passes=settings.epochs * photos,
        epochs=settings.epochs,
        nets=1,
    )


def _label_mapping(project: Project, work: Path, count: int = 2) -> Trained:
    """One of our ResNets a modulus, each with its part of the budget."""
    moduli = coprime_moduli(len(project.joint.labels), count)
    # no contrastive loss: products of one remainder have nothing in common
    settings = replace(project.base, metric_loss=0.0)
    whole, logits = Trained(torch.zeros(0), 0, 0, 0, 0), []
    for modulus in moduli:
        pack, passes = mapped(project.joint, modulus), project.budget // count
        net, one = _train_one(ShoeNet, pack, settings, passes, work / str(modulus))
        logits.append(_logits(net, project))
        whole = _sum(whole, one)
    whole.scores = decode(logits, moduli, len(project.joint.labels))
    return whole


def _outside(project: Project, work: Path) -> Trained:
    """Every brand's net from the base, with one more class; the highest probability wins."""
    base = file_of(project.folder / "models" / "base", WHOLE)
    if not base.exists():
        raise CatalogueError(
            f"{base}: missing; the arm `outside` starts its nets from it. Run `dvc repro base` there, "
            "or leave the arm out with --arms."
        )
    whole = Trained(torch.zeros(0), 0, project.base_passes, 0, 0)
    scores = []
    for brand in project.packs:
        pack = with_outside(project, brand)
        photos, own = len(pack.rows(*TRAINED)), len(project.packs[brand].rows(*TRAINED))
        epochs = max(1, round(project.train.epochs * own / max(1, photos)))
        settings = replace(project.train, epochs=epochs, freeze_norm=True)
        net, _ = starting_net(pack, settings, "base", base, TRAINED)
        _run(net, pack, settings, work / brand)
        scores.append(own_scores(_logits(net, project)))
        whole = _sum(whole, Trained(torch.zeros(0), _parameters(net), epochs * photos, epochs, 1))
    whole.scores = torch.cat(scores, dim=1)
    return whole


def _sum(whole: Trained, one: Trained) -> Trained:
    return Trained(
        scores=whole.scores,
        parameters=whole.parameters + one.parameters,
        image_passes=whole.image_passes + one.image_passes,
        epochs=max(whole.epochs, one.epochs),
        nets=whole.nets + one.nets,
    )


def _run(net: ShoeNet, pack: Pack, settings: Settings, work: Path) -> None:
    run(net, pack, settings, work, TRAINED)
    shutil.rmtree(work, ignore_errors=True)


def _logits(net: ShoeNet, project: Project) -> Tensor:
    joint = project.joint
    logits, _ = infer(net.eval(), joint.pixels[joint.rows("test")])
    return logits.cpu()


def _parameters(net: ShoeNet) -> int:
    return sum(one.numel() for one in net.parameters())


def figures(scores: Tensor, project: Project) -> dict[str, Any]:
    """Top-1, top-5, brand and within-brand top-1 on the test photos."""
    joint = project.joint
    truth = joint.label_index[joint.rows("test")]
    names = [label.partition("/")[0] for label in joint.labels]
    place = {name: number for number, name in enumerate(sorted(set(names)))}
    brand = torch.tensor([place[name] for name in names])
    own_brand = brand[None, :] == brand[truth][:, None]  # (N, P)
    found = {
        "top1": top_k(scores, truth, 1),
        "top5": top_k(scores, truth, 5),
        "brand_top1": float((brand[scores.argmax(dim=1)] == brand[truth]).float().mean()),
        "within_brand_top1": top_k(scores.where(own_brand, -1.0), truth, 1),
    }
    return {key: round(value, 4) for key, value in found.items()}
