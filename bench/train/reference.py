"""A training script in the manner of torchvision's references/classification/train.py, for `bench.train`.

ImageFolder, RandomResizedCrop and a flip, DataLoader, SGD with momentum 0.9 and weight decay 1e-4, rate 0.1 a
256 pictures, cosine to zero; evaluation on a centre crop. Its own switches: --channels-last, --amp
(bfloat16 on a CPU). With --timm, timm's loader, augmentation, optimizer and schedule instead (its train.py
is in no package). Imports nothing of this project. Prints a JSON line an epoch: seconds since the start
of training, pictures, accuracy.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn


def main() -> None:
    """Train as the words say."""
    options = _options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    make = _timm if options.timm else _torchvision
    net, train, val, optimizer, schedule, loss_function = make(options, device)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    net = net.to(device).to(memory_format=layout)
    kind = torch.float16 if device.type == "cuda" else torch.bfloat16
    scaler = torch.amp.GradScaler(device.type, enabled=options.amp and device.type == "cuda")
    began = time.perf_counter()
    for epoch in range(options.epochs):
        net.train()
        pictures_seen = 0
        for pictures, labels in train:
            pictures, labels = pictures.to(device), labels.to(device)
            pictures = pictures.contiguous(memory_format=layout)
            with torch.autocast(device.type, kind, enabled=options.amp):
                loss = loss_function(net(pictures), labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            pictures_seen += len(labels)
        schedule.step(epoch + 1)
        trained_s = time.perf_counter() - began
        told: dict[str, Any] = {"epoch": epoch + 1, "seconds": trained_s, "pictures": pictures_seen}
        if options.evaluate:
            told["accuracy"] = _accuracy(net, val, device)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


@torch.inference_mode()
def _accuracy(net: nn.Module, val: Iterable[Any], device: torch.device) -> float:
    net.eval()
    right = count = 0
    for pictures, labels in val:
        right += int((net(pictures.to(device)).argmax(dim=1).cpu() == labels.cpu()).sum())
        count += len(labels)
    return right / max(1, count)


class _Cosine:
    """The half cosine of torch, stepped with the epoch as timm's schedules are."""

    def __init__(self, optimizer: torch.optim.Optimizer, epochs: int) -> None:
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    def step(self, epoch: int) -> None:
        self._schedule.step()


def _torchvision(options: argparse.Namespace, device: torch.device) -> tuple[Any, ...]:
    from torchvision import transforms
    from torchvision.datasets import ImageFolder
    from torchvision.models import get_model

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    end = [
        transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float),
        transforms.Normalize(mean, std),
    ]
    size = options.size
    changed = [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()]
    whole = [transforms.Resize(size * 256 // 224), transforms.CenterCrop(size)]
    sets = {
        "train": ImageFolder(str(options.data / "train"), transforms.Compose([*changed, *end])),
        "val": ImageFolder(
            str(options.data / "val"), transforms.Compose([*whole, *end]), allow_empty=True
        ),
    }
    loaders = {
        name: torch.utils.data.DataLoader(
            one,
            batch_size=options.batch_size,
            shuffle=name == "train",
            num_workers=options.workers,
            persistent_workers=options.workers > 0,
            drop_last=name == "train" and len(one) > options.batch_size,
        )
        for name, one in sets.items()
    }
    net = get_model(options.arch, weights=None, num_classes=len(sets["train"].classes))
    optimizer = torch.optim.SGD(
        net.parameters(), lr=0.1 * options.batch_size / 256, momentum=0.9, weight_decay=1e-4
    )
    schedule = _Cosine(optimizer, options.epochs)
    return net, loaders["train"], loaders["val"], optimizer, schedule, nn.CrossEntropyLoss()


def _timm(options: argparse.Namespace, device: torch.device) -> tuple[Any, ...]:
    import timm
    from timm.data import create_dataset, create_loader
    from timm.loss import LabelSmoothingCrossEntropy
    from timm.optim import create_optimizer_v2
    from timm.scheduler import CosineLRScheduler

    loaders = {}
    for name in ("train", "val"):
        one = create_dataset("", root=str(options.data), split=name)
        loaders[name] = create_loader(
            one,
            input_size=(3, options.size, options.size),
            batch_size=options.batch_size,
            is_training=name == "train",
            num_workers=options.workers,
            use_prefetcher=False,
            persistent_workers=options.workers > 0,
            device=device,
        )
    classes = len({path.name for path in (options.data / "train").iterdir()})
    net = timm.create_model(options.arch, num_classes=classes)
    optimizer = create_optimizer_v2(
        net, opt="sgd", lr=0.1 * options.batch_size / 256, momentum=0.9, weight_decay=2e-5
    )
    schedule = CosineLRScheduler(optimizer, t_initial=options.epochs)
    return net, loaders["train"], loaders["val"], optimizer, schedule, LabelSmoothingCrossEntropy()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder with train/ and val/")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--amp", action="store_true")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--timm", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
