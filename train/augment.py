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

MAX_ROTATION_DEG = 15.0
SCALE = (0.8, 1.15)
MAX_SHIFT = 0.08  # of the picture's side
BRIGHTNESS, CONTRAST, CHANNEL_GAIN = 0.2, 0.2, 0.04
ERASE_SHARE = 0.3  # of the pictures get one patch, each side 15 to 40 % of the picture's
NOISE = 0.02


def augment(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """A random variant of each picture, normalised: uint8 (B, 3, S, S) to float (B, 3, S, S)."""
    pictures = pixels.float() / 255
    pictures = _move(pictures, generator)
    pictures = _relight(pictures, generator)
    pictures = _occlude(pictures, generator)
    noise = torch.randn(pictures.shape, generator=generator) * NOISE
    pictures = (pictures + noise).clamp(0, 1)
    return standardised(pictures)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _move(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate, scale, shift and mirror; the border colour continues outside the picture."""
    count = len(pictures)
    angle = _uniform(count, -MAX_ROTATION_DEG, MAX_ROTATION_DEG, generator) * math.pi / 180
    zoom = 1 / _uniform(count, *SCALE, generator)
    aspect = _uniform(count, 0.92, 1.08, generator)
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    theta = torch.zeros(count, 2, 3)  # (B, 2, 3), output to input coordinates in -1..1
    theta[:, 0, 0], theta[:, 0, 1] = cosine * mirror * aspect, -sine
    theta[:, 1, 0], theta[:, 1, 1] = sine * mirror * aspect, cosine
    theta[:, :, 2] = (torch.rand(count, 2, generator=generator) * 2 - 1) * 2 * MAX_SHIFT
    grid = functional.affine_grid(theta, list(pictures.shape), align_corners=False)  # (B, S, S, 2)
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
