"""Augmentations that `train/augment.py` does not have: `bench.nets` measures what each would be worth.

Each wraps one step of it; shares and strengths are those that image classifiers are usually trained with.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.io import decode_jpeg, encode_jpeg

from train.augment import NEW_GROUND_SHARE, _move, _occlude, _on_other_ground
from train.scenes import Draw, _ground

SHARE = 0.5  # of the pictures are changed
TILT = 0.25  # of the picture's half side, by which near and far sides differ at most
SHADOW = 0.5  # of the light that the darkest shadow takes
QUALITY = (30, 90)  # of JPEG

Generator = torch.Generator


def with_perspective(pictures: Tensor, size: int, generator: Generator) -> Tensor:
    """As seen by a camera that is not straight before it."""
    count, _, side, _ = pictures.shape
    tilt = (torch.rand(count, 1, 1, 2, generator=generator) * 2 - 1) * TILT
    tilt = tilt * _chosen(count, generator)
    line = (torch.arange(side) + 0.5) / side * 2 - 1
    place = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)[None]  # (1, S, S, 2)
    grid = place / (1 + (place * tilt).sum(dim=3, keepdim=True))
    seen = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return _move(seen, size, generator)


def with_blur(pictures: Tensor, generator: Generator) -> Tensor:
    """Out of focus: a 3 x 3 binomial filter."""
    line = torch.tensor([0.25, 0.5, 0.25])
    filters = (line[:, None] * line).expand(3, 1, 3, 3)
    around = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    blurred = functional.conv2d(around, filters, groups=3)
    chosen = _chosen(len(pictures), generator)
    return _occlude(torch.where(chosen, blurred, pictures), generator)


def with_jpeg(pictures: Tensor, generator: Generator) -> Tensor:
    """Saved once more, badly."""
    chosen = _chosen(len(pictures), generator).flatten().tolist()
    quality = torch.randint(*QUALITY, (len(pictures),), generator=generator).tolist()
    saved = [
        decode_jpeg(encode_jpeg((one.clamp(0, 1) * 255).to(torch.uint8), worth)).float() / 255
        if is_chosen
        else one
        for one, is_chosen, worth in zip(pictures, chosen, quality, strict=True)
    ]
    return _occlude(torch.stack(saved), generator)


def with_shadow(pictures: Tensor, masks: Tensor, generator: Generator) -> Tensor:
    """The shoe's soft shadow on the ground beside it."""
    pictures = _on_other_ground(pictures, masks, generator)
    count, _, side, _ = pictures.shape
    theta = torch.eye(2, 3).repeat(count, 1, 1)
    theta[:, :, 2] = (torch.rand(count, 2, generator=generator) * 2 - 1) * 0.2
    grid = functional.affine_grid(theta, [count, 1, side, side], align_corners=False)
    cast = functional.grid_sample(masks, grid, align_corners=False)
    wide = side // 8 | 1
    cast = functional.avg_pool2d(cast, wide, stride=1, padding=wide // 2)
    strength = torch.rand(count, 1, 1, 1, generator=generator) * SHADOW
    dark = cast * (1 - masks) * strength * _chosen(count, generator)
    return pictures * (1 - dark)


def with_scenes(pictures: Tensor, masks: Tensor, generator: Generator) -> Tensor:
    """Floors, walls and things behind the shoe, as the detector learns from."""
    count, _, side, _ = pictures.shape
    scenes = _ground(Draw(-(-count // 4), generator), side)[:count]
    is_new = torch.rand(count, 1, 1, 1, generator=generator) < NEW_GROUND_SHARE
    return torch.where(is_new, pictures * masks + scenes * (1 - masks), pictures)


def _chosen(count: int, generator: Generator) -> Tensor:
    return torch.rand(count, 1, 1, 1, generator=generator) < SHARE


MORE: dict[str, dict[str, Callable[..., Tensor]]] = {
    "with perspective": {"_move": with_perspective},
    "with blur": {"_occlude": with_blur},
    "with JPEG": {"_occlude": with_jpeg},
    "with shadow": {"_on_other_ground": with_shadow},
    "with drawn scenes": {"_on_other_ground": with_scenes},
}
