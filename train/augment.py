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

MAX_ROTATION_DEG = 30.0
SCALE = (0.6, 1.35)
ASPECT = (0.8, 1.25)
MAX_SHIFT = 0.15  # of the picture's side
BRIGHTNESS, CONTRAST, CHANNEL_GAIN = 0.1, 0.1, 0.02
NEW_GROUND_SHARE = 0.2  # of the pictures get another background behind the shoe's mask
ERASE_SHARE = 0.3  # of the pictures get one patch, each side 15 to 40 % of the picture's
NOISE = 0.02


def augment(pixels: Tensor, masks: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random variant of each picture, normalised.

    Args:
        pixels: uint8 (B, 3, S, S).
        masks: uint8 (B, S, S), 255 where the shoe is.
        size: px, the side of what comes out: float (B, 3, size, size).
        generator: on the device of the pictures.
    """
    pictures = pixels.float() / 255
    pictures = _on_other_ground(pictures, masks.float()[:, None] / 255, generator)
    pictures = _move(pictures, size, generator)
    pictures = _relight(pictures, generator)
    pictures = _occlude(pictures, generator)
    noise = torch.randn(pictures.shape, generator=generator, device=pictures.device) * NOISE
    pictures = (pictures + noise).clamp(0, 1)
    return standardised(pictures)


def _random(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return _random(generator, count) * (high - low) + low


def _on_other_ground(pictures: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Replace the background of some: studio greys, plain colours, gradients or blurred blotches."""
    count, _, side, _ = pictures.shape
    grey = _uniform(count, 0.6, 1.0, generator).view(-1, 1, 1, 1).expand(count, 3, 1, 1)
    top, bottom = (_random(generator, count, 3, 1, 1) for _ in range(2))
    down = torch.linspace(0, 1, side, device=pictures.device).view(1, 1, side, 1)
    blotches = _random(generator, count, 3, 8, 8)
    kind = _random(generator, count).view(-1, 1, 1, 1)
    ground = torch.where(kind < 0.75, top, top * (1 - down) + bottom * down)
    ground = torch.where(kind < 0.5, grey, ground).expand(count, 3, side, side)
    rough = functional.interpolate(blotches, side, mode="bilinear", align_corners=False)
    ground = torch.where(kind < 0.9, ground, rough)
    is_new = _random(generator, count).view(-1, 1, 1, 1) < NEW_GROUND_SHARE
    return torch.where(is_new, pictures * masks + ground * (1 - masks), pictures)


def _move(pictures: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Rotate, scale, shift and mirror; the border colour continues outside the picture."""
    count = len(pictures)
    angle = _uniform(count, -MAX_ROTATION_DEG, MAX_ROTATION_DEG, generator) * math.pi / 180
    zoom = 1 / _uniform(count, *SCALE, generator)
    aspect = _uniform(count, *ASPECT, generator)
    mirror = torch.where(_random(generator, count) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    # output to input coordinates in -1..1
    theta = torch.zeros(count, 2, 3, device=pictures.device)
    theta[:, 0, 0], theta[:, 0, 1] = cosine * mirror * aspect, -sine
    theta[:, 1, 0], theta[:, 1, 1] = sine * mirror * aspect, cosine
    theta[:, :, 2] = (_random(generator, count, 2) * 2 - 1) * 2 * MAX_SHIFT
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
    start = _random(generator, count, 2) * (side - size)
    is_erased = _random(generator, count) < ERASE_SHARE
    place = torch.arange(side, dtype=torch.float32, device=pictures.device)
    rows = (place >= start[:, :1]) & (place < start[:, :1] + size[:, :1])  # (B, S)
    columns = (place >= start[:, 1:]) & (place < start[:, 1:] + size[:, 1:])  # (B, S)
    patch = rows[:, :, None] & columns[:, None, :] & is_erased[:, None, None]  # (B, S, S)
    mean = pictures.mean(dim=(2, 3), keepdim=True)  # (B, 3, 1, 1)
    return torch.where(patch[:, None], mean, pictures)
