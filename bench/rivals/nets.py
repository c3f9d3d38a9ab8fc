"""torchvision's networks of the paper's related work, cut like our ResNets into backbone and head."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from catalogue.errors import CatalogueError
from train.model import ARCHITECTURES, ShoeNet

LEAST_SIZE = {"alexnet": 63, "vgg16_bn": 32, "googlenet": 32}  # px; less leaves nothing to pool
RIVALS = (*ARCHITECTURES, *LEAST_SIZE)


class RivalNet(ShoeNet):
    """Any of RIVALS with what the training loop and `infer` ask of a ShoeNet."""

    def __init__(self, arch: str, classes: int, size: int) -> None:
        if arch in ARCHITECTURES:
            super().__init__(arch, classes, size)
            return
        nn.Module.__init__(self)
        if size < LEAST_SIZE[arch]:
            raise CatalogueError(
                f"--size {size}: {arch} needs pictures of at least {LEAST_SIZE[arch]} px. "
                "Raise pack.size in params.yaml and --size, or leave the arm out with --arms."
            )
        from torchvision.models import get_model

        options: dict[str, Any] = (
            {"aux_logits": False, "init_weights": True} if arch == "googlenet" else {}
        )
        backbone = get_model(arch, weights=None, **options)
        if arch == "googlenet":
            self.features: int = backbone.fc.in_features
            backbone.fc = nn.Identity()
        else:
            self.features = backbone.classifier[-1].in_features
            backbone.classifier[-1] = nn.Identity()
        self.backbone = backbone
        self.size = size
        self.head = nn.Linear(self.features, classes)
        self.register_buffer("prototypes", torch.zeros(classes, self.features))
        self.to(memory_format=torch.channels_last)
