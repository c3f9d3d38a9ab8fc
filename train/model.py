"""A ResNet split into backbone and head, and its file: safetensors, never a pickle.

The backbone scales the pictures that it is given, all of a pack's size, to its own input size.

The file's metadata holds one key, since safetensors writes several in a random order and the bytes
of a rerun must be the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes
from train.data import normalise
from train.resnet import ARCHITECTURES, build

MAX_SIZE = 4096  # px
_METADATA_KEY = "solemap"


class Trunk(nn.Module):
    """A ResNet in which each of the four stages is pooled by its maximum.

    The maxima side by side, standardised, are the features. A mark of a few pixels, such as a logo
    or a coloured eyelet, is lost in the mean over the last stage, and a net of few photos has learned
    its early stages better than its last. `widths` are the channels of each stage.
    """

    def __init__(self, arch: str) -> None:
        super().__init__()
        self.stem, self.stages, self.widths = build(arch)
        self.norm = nn.BatchNorm1d(sum(self.widths))

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """What each stage sees in pictures (B, 3, S, S), finest first: (B, width, s, s) each."""
        found, current = [], self.stem(pictures)
        for stage in self.stages:
            current = stage(current)
            found.append(current)
        return found

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, S, S) to features (B, F)."""
        maxima = [one.amax(dim=(2, 3)) for one in self.maps(pictures)]
        features: Tensor = self.norm(torch.cat(maxima, dim=1))
        return features


class ShoeNet(nn.Module):
    """A ResNet whose last layer is ``head``; everything before it is ``backbone``.

    ``size`` is the side in px of the pictures it sees; ``prototypes`` (C, F) holds each class's mean
    embedding, once it is trained.
    """

    prototypes: Tensor

    def __init__(self, arch: str, classes: int, size: int) -> None:
        super().__init__()
        if arch not in ARCHITECTURES:
            raise ValueError(f"arch {arch!r} is not one of {', '.join(ARCHITECTURES)}")
        trunk = Trunk(arch)
        self._assemble(trunk, sum(trunk.widths), classes, size)

    def _assemble(self, backbone: nn.Module, features: int, classes: int, size: int) -> None:
        """Put a head on ``backbone``, which makes ``features`` numbers of a picture."""
        self.backbone = cast(Trunk, backbone)
        self.features = features
        self.size = size
        self.head = nn.Linear(features, classes)
        self.register_buffer("prototypes", torch.zeros(classes, features))
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        """Normalised pictures (B, 3, S, S) to logits (B, C)."""
        logits: Tensor = self.head(self.backbone(pictures))
        return logits


@dataclass(frozen=True)
class Description:
    """What a weight file says of itself."""

    arch: str
    size: int  # px, the side of the pictures it was packed from
    input_size: int  # px, the side that the net sees
    crop: bool  # whether those were cut to the shoe's box
    labels: tuple[str, ...]  # brand/product, in the order of the head's rows
    data_sha256: str
    params: dict[str, Any] = field(default_factory=dict)
    background: str = "keep"  # neutral: white outside the shoe's mask, see dataset.mask


def save_net(path: Path, net: ShoeNet, description: Description) -> None:
    """Write weights and description to ``path``, atomically; equal nets give equal bytes."""
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    metadata = json.dumps(asdict(description), sort_keys=True, ensure_ascii=False)
    write_bytes(path, save(tensors, metadata={_METADATA_KEY: metadata}))


def read_description(path: Path) -> Description:
    """The description in a weight file, without reading its weights.

    Raises:
        CatalogueError: the file is missing, damaged or not ours.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            found = json.loads((file.metadata() or {})[_METADATA_KEY])
        told = Description(**{**found, "labels": tuple(map(str, found["labels"]))})
        if str(told.arch) not in ARCHITECTURES:
            raise ValueError(f"arch {told.arch!r} is not one of {', '.join(ARCHITECTURES)}")
        if not isinstance(told.input_size, int) or not 1 <= told.input_size <= MAX_SIZE:
            raise ValueError(f"input_size {told.input_size!r} is not 1 to {MAX_SIZE} px")
        return told
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CatalogueError(
            f"{path}: not a model of this program ({type(error).__name__}: {error}). "
            "Run `dvc repro` to make it again."
        ) from error


def load_net(path: Path) -> tuple[ShoeNet, Description]:
    """The net in ``path``, ready to answer (evaluation mode).

    Raises:
        CatalogueError: the file is missing, damaged, or its shapes are not those of its architecture.
    """
    description = read_description(path)
    try:
        with torch.device("meta"):  # without drawing weights that are replaced at once
            net = ShoeNet(description.arch, len(description.labels), description.input_size)
        with safe_open(str(path), framework="pt") as file:  # mapped, not read
            found = {name: _own(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        meant = net.state_dict()
        if foreign := [name for name in meant.keys() & found.keys() if found[name].dtype != meant[name].dtype]:  # fmt: skip
            raise ValueError(f"{foreign[0]} is {found[foreign[0]].dtype}")
        net.load_state_dict(found, assign=True)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise CatalogueError(
            f"{path}: the weights do not fit {description.arch} with {len(description.labels)} "
            f"products ({str(error)[:200]}). Run `dvc repro` to make the file again."
        ) from error
    return net.eval(), description


def _own(mapped: Tensor) -> Tensor:
    """A copy, laid out as nets want it: a mapped file may be cut under us, which ends the process.

    Row-major filters take twice as long: 17 ms a ResNet-18 at 64 px instead of 8.5.
    """
    layout = torch.channels_last if mapped.dim() == 4 else torch.contiguous_format
    return mapped.clone(memory_format=layout)


@torch.inference_mode()
def infer(net: ShoeNet, pixels: Tensor, batch: int = 64) -> tuple[Tensor, Tensor]:
    """Logits (N, C) and embeddings (N, F; L2-normalised) of uint8 pixels (N, 3, S, S), in float32.

    Full precision: bfloat16 would let the answer depend on the batch. Runs where the net is.
    """
    device = net.head.weight.device
    features = [torch.zeros(0, net.features, device=device)]
    for part in pixels.split(batch):
        features.append(net.backbone(normalise(part.to(device), net.size)))  # (B, F)
    stacked = torch.cat(features)
    return net.head(stacked).cpu(), nn.functional.normalize(stacked, dim=1).cpu()
