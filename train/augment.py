"""Batched augmentation that keeps identity: geometry freely, colour only as light changes it.

Colour is the strongest cue between sibling colourways (a colour histogram beats naive nets on real
photos), so there is no hue or saturation jitter. Works on whole batches of packed pixels: per-picture
work in Python starves a small net.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from train.data import standardised

MAX_ROTATION_DEG = 20.0
SCALE = (0.75, 1.2)
ASPECT = (0.88, 1.14)
MAX_SHIFT = 0.1  # of the picture's side
BRIGHTNESS, CONTRAST, CHANNEL_GAIN = 0.25, 0.25, 0.04
NEW_GROUND_SHARE = 0.5  # of the pictures get another background behind the shoe's mask
ERASE_SHARE = 0.3  # of the pictures get one patch, each side 15 to 40 % of the picture's
NOISE = 0.02


def augment(pixels: Tensor, masks: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random variant of each picture, normalised.

    Args:
        pixels: uint8 (B, 3, S, S).
        masks: uint8 (B, S, S), 255 where the shoe is.
        size: px, the side of what comes out: float (B, 3, size, size).
    """
    pictures = pixels.float() / 255
    pictures = _on_other_ground(pictures, masks.float()[:, None] / 255, generator)
    pictures = _move(pictures, size, generator)
    pictures = _relight(pictures, generator)
    pictures = _occlude(pictures, generator)
    noise = torch.randn(pictures.shape, generator=generator) * NOISE
    pictures = (pictures + noise).clamp(0, 1)
    return standardised(pictures)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _on_other_ground(pictures: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Replace the background of some: studio greys, plain colours, gradients or blurred blotches."""
    count, _, side, _ = pictures.shape
    grey = _uniform(count, 0.6, 1.0, generator).view(-1, 1, 1, 1).expand(count, 3, 1, 1)
    top, bottom = (torch.rand(count, 3, 1, 1, generator=generator) for _ in range(2))
    down = torch.linspace(0, 1, side).view(1, 1, side, 1)
    blotches = torch.rand(count, 3, 8, 8, generator=generator)
    kind = torch.rand(count, generator=generator).view(-1, 1, 1, 1)
    ground = torch.where(kind < 0.75, top, top * (1 - down) + bottom * down)
    ground = torch.where(kind < 0.5, grey, ground).expand(count, 3, side, side)
    rough = functional.interpolate(blotches, side, mode="bilinear", align_corners=False)
    ground = torch.where(kind < 0.9, ground, rough)
    is_new = torch.rand(count, generator=generator).view(-1, 1, 1, 1) < NEW_GROUND_SHARE
    return torch.where(is_new, pictures * masks + ground * (1 - masks), pictures)


def _move(pictures: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Rotate, scale, shift and mirror; the border colour continues outside the picture."""
    count = len(pictures)
    angle = _uniform(count, -MAX_ROTATION_DEG, MAX_ROTATION_DEG, generator) * math.pi / 180
    zoom = 1 / _uniform(count, *SCALE, generator)
    aspect = _uniform(count, *ASPECT, generator)
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.zeros(count, 2, 3)  # (B, 2, 3), output to input coordinates in -1..1
    theta[:, 0, 0], theta[:, 0, 1] = cosine * mirror * aspect, -sine
    theta[:, 1, 0], theta[:, 1, 1] = sine * mirror * aspect, cosine
    theta[:, :, 2] = (torch.rand(count, 2, generator=generator) * 2 - 1) * 2 * MAX_SHIFT
    whole = pictures.shape[-1] // size  # sampling every second pixel alone would alias
    if whole > 1:
        pictures = functional.avg_pool2d(pictures, whole)
    grid = functional.affine_grid(theta, [count, 3, size, size], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _relight(pictures: Tensor, generator: torch.Generator) -> Tensor:
    count = len(pictures)
    brightness = _uniform(count, 1 - BRIGHTNESS, 1 + BRIGHTNESS, generator).view(-1, 1, 1, 1)
    contrast = _uniform(count, 1 - CONTRAST, 1 + CONTRAST, generator).view(-1, 1, 1, 1)
    gain = _uniform(count * 3, 1 - CHANNEL_GAIN, 1 + CHANNEL_GAIN, generator).view(-1, 3, 1, 1)
    middle = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return ((pictures - middle) * contrast + middle) * brightness * gain


def _occlude(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Cover a patch of some pictures with their own mean colour."""
    count, _, _, side = pictures.shape
    size = (_uniform(count * 2, 0.15, 0.4, generator) * side).view(count, 2)
    start = torch.rand(count, 2, generator=generator) * (side - size)
    is_erased = torch.rand(count, generator=generator) < ERASE_SHARE
    place = torch.arange(side, dtype=torch.float32)
    rows = (place >= start[:, :1]) & (place < start[:, :1] + size[:, :1])  # (B, S)
    columns = (place >= start[:, 1:]) & (place < start[:, 1:] + size[:, 1:])  # (B, S)
    patch = rows[:, :, None] & columns[:, None, :] & is_erased[:, None, None]  # (B, S, S)
    mean = pictures.mean(dim=(2, 3), keepdim=True)  # (B, 3, 1, 1)
    return torch.where(patch[:, None], mean, pictures)
