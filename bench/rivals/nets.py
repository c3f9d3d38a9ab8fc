"""Networks of the paper's related work as torchvision has them, cut like our nets into backbone and head."""

from __future__ import annotations

from typing import Any

from torch import nn

from catalogue.errors import CatalogueError
from train.model import ShoeNet
from train.teacher import pretrained

LEAST_SIZE = {"alexnet": 63, "vgg16_bn": 32, "googlenet": 32}  # px; less leaves nothing to pool


def check_able(arch: str, size: int) -> None:
    """Refuse what would end hours later: pictures that ``arch`` pools to nothing, or weights that are not here.

    Raises:
        CatalogueError: saying what to do.
    """
    if arch == "efficientnet_lite0":
        try:
            pretrained()
        except CatalogueError as error:
            raise CatalogueError(
                f"arm {arch}: {error} Or leave the arm out with --arms."
            ) from error
    if size < LEAST_SIZE.get(arch, 0):
        raise CatalogueError(
            f"--size {size}: {arch} needs pictures of at least {LEAST_SIZE[arch]} px. "
            "Raise pack.size in params.yaml and --size, or leave the arm out with --arms."
        )


class RivalNet(ShoeNet):
    """torchvision's ``arch`` as it is published, with what the training loop and `infer` ask of a net."""

    def __init__(self, arch: str, classes: int, size: int) -> None:
        nn.Module.__init__(self)
        check_able(arch, size)
        from torchvision.models import get_model

        googlenet: dict[str, Any] = {"aux_logits": False, "init_weights": True}
        backbone = get_model(arch, weights=None, **(googlenet if arch == "googlenet" else {}))
        if hasattr(backbone, "fc"):
            features = backbone.fc.in_features
            backbone.fc = nn.Identity()
        else:
            features = backbone.classifier[-1].in_features
            backbone.classifier[-1] = nn.Identity()
        self._assemble(backbone, features, classes, size)
