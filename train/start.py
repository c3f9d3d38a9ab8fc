"""Weights that a net starts from: none, ImageNet's as torchvision gives them, or a file's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from catalogue.errors import CatalogueError
from train.model import ShoeNet

SCRATCH, IMAGENET = "scratch", "imagenet"
MAX_BYTES = 2**31  # of a weight file
_COUNTER = ".num_batches_tracked"  # old files have none, and nothing reads it
_OF_TORCHVISION = {"conv1": "stem.0", "bn1": "stem.1"} | {
    f"layer{n}": f"stages.{n - 1}" for n in (1, 2, 3, 4)
}


def load_start(net: ShoeNet, arch: str, init: str, section: str) -> str:
    """Fill the net's stem and stages as ``init`` says and return what tells those weights apart.

    Args:
        init: `SCRATCH`, `IMAGENET`, or the path of a .safetensors file whose tensors are named as in
            torchvision's ResNets or in this program's weight files. The head is not taken.
        section: of params.yaml, for messages.

    Raises:
        CatalogueError: the weights cannot be had, or are not those of ``arch``.
    """
    if init == SCRATCH:
        return SCRATCH
    found, told = _imagenet(arch, section) if init == IMAGENET else _file(Path(init), section)
    renamed = {_ours(name): tensor for name, tensor in found.items()}
    own = {
        name: tensor
        for name, tensor in net.backbone.state_dict().items()
        if name.startswith(("stem.", "stages.")) and not name.endswith(_COUNTER)
    }
    lacking = [n for n in own if n not in renamed or renamed[n].shape != own[n].shape]
    if lacking:
        raise CatalogueError(
            f"params.yaml: {section}.init is {init}, whose weights are not those of a {arch}: "
            f"{len(lacking)} of {len(own)} tensors are missing or have another shape, {lacking[0]} for "
            f"one. Set {section}.arch to the architecture of the file, or {section}.init to scratch."
        )
    net.backbone.load_state_dict({name: renamed[name] for name in own}, strict=False)
    return told


def _ours(name: str) -> str:
    name = name.removeprefix("backbone.")
    first, _, rest = name.partition(".")
    return f"{_OF_TORCHVISION[first]}.{rest}" if first in _OF_TORCHVISION else name


def _imagenet(arch: str, section: str) -> tuple[dict[str, Tensor], str]:
    from torchvision.models import get_model_weights

    weights = get_model_weights(arch).DEFAULT
    try:
        found = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        name = weights.url.rpartition("/")[2]
        raise CatalogueError(
            f"params.yaml: {section}.init is imagenet, but {weights.url} cannot be downloaded "
            f"({error}). Put that file at {Path(torch.hub.get_dir()) / 'checkpoints' / name}, or set "
            f"{section}.init to scratch."
        ) from error
    return dict(found), str(weights.url)


def _file(path: Path, section: str) -> tuple[dict[str, Tensor], str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes, {MAX_BYTES} are allowed")
        with safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
            found = {name: file.get_tensor(name) for name in names}
        return found, hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, SafetensorError, ValueError) as error:
        raise CatalogueError(
            f"params.yaml: {section}.init is {path}, which is no readable .safetensors file ({error}). "
            f"{section}.init may be scratch, imagenet or such a file; a .pth file is not read, since it "
            "may run code: convert it with safetensors.torch.save_file."
        ) from error
