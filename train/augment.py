"""Batched augmentation that keeps identity: geometry freely, colour only as light changes it.

Colour is the strongest cue between sibling colourways (a colour histogram beats naive nets on real
photos), so there is no hue or saturation jitter. Works on whole batches of packed pixels: per-picture
work in Python starves a small net. In the order in which a photo comes about: ground, shadow, camera,
light, things before the shoe, focus, noise, file. Five of a camera's faults (drawn ground, shadow, tilt,
blur, JPEG) are as frequent as params.yaml says. What the steps are worth: `python -m bench.nets`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from train.data import standardised
from train.jpeg import saved_as_jpeg
from train.scenes import VARIANTS, Draw, grounds

NEW_GROUND_SHARE = 0.2  # of the pictures get another background behind the shoe's mask
SHADOW = 0.5  # of the light that the darkest one takes
SHADOW_SHIFT = 0.1  # of the picture's side
MAX_ROTATION_DEG = 30.0
SCALE = (0.6, 1.35)
ASPECT = (0.8, 1.25)
MAX_SHIFT = 0.15  # of the picture's side
TILT = 0.25  # t, across and down: the ends of a line at distance 1 look 1 / (1 - t) and 1 / (1 + t) long
BRIGHTNESS, CONTRAST, CHANNEL_GAIN = 0.1, 0.1, 0.02
ERASE_SHARE = 0.3  # of the pictures get one patch, each side 15 to 40 % of the picture's
NOISE = 0.02
JPEG_QUALITY = (30, 90)


def augment(
    pixels: Tensor, masks: Tensor, size: int, generator: torch.Generator, camera_share: float = 0.0
) -> Tensor:
    """A random variant of each picture, normalised.

    Args:
        pixels: uint8 (B, 3, S, S).
        masks: uint8 (B, S, S), 255 where the shoe is.
        size: px, the side of what comes out: float (B, 3, size, size).
        generator: on the device of the pictures.
        camera_share: of the pictures that each of a camera's faults changes; of new grounds that are drawn.
    """
    pictures, shoe = pixels.float() / 255, masks.float()[:, None] / 255
    whole = pictures.shape[-1] // size  # sampling every second pixel alone would alias
    if whole > 1:
        pictures, shoe = functional.avg_pool2d(pictures, whole), functional.avg_pool2d(shoe, whole)
    pictures = _on_other_ground(pictures, shoe, camera_share, generator)
    if camera_share:
        pictures = _in_shadow(pictures, shoe, camera_share, generator)
    pictures = _move(pictures, size, camera_share, generator)
    pictures = _relight(pictures, generator)
    pictures = _occlude(pictures, generator)
    if camera_share:
        pictures = _out_of_focus(pictures, camera_share, generator)
    noise = torch.randn(pictures.shape, generator=generator, device=pictures.device) * NOISE
    pictures = (pictures + noise).clamp(0, 1)
    if camera_share:
        pictures = _saved(pictures, camera_share, generator)
    return standardised(pictures)


def _random(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return _random(generator, count) * (high - low) + low


def _some(count: int, share: float, generator: torch.Generator) -> Tensor:
    """Rows of the pictures that a step changes, about ``share`` of them."""
    return (_random(generator, count) < share).nonzero()[:, 0]


def _on_other_ground(pictures: Tensor, masks: Tensor, share: float, generator: torch.Generator) -> Tensor:  # fmt: skip
    """Replace the background of some: studio greys, plain colours, gradients, and of ``share`` drawn scenes."""
    side = pictures.shape[-1]
    rows = _some(len(pictures), NEW_GROUND_SHARE, generator)
    count = len(rows)
    if not count:
        return pictures
    grey = _uniform(count, 0.6, 1.0, generator).view(-1, 1, 1, 1).expand(count, 3, 1, 1)
    top, bottom = (_random(generator, count, 3, 1, 1) for _ in range(2))
    down = torch.linspace(0, 1, side, device=pictures.device).view(1, 1, side, 1)
    kind = _random(generator, count).view(-1, 1, 1, 1)
    plain = torch.where(kind < 0.75, top, top * (1 - down) + bottom * down)
    ground = torch.where(kind < 0.5, grey, plain)
    if share:
        scenes = grounds(Draw(-(-count // VARIANTS), generator), side)[:count]
        is_scene = _random(generator, count).view(-1, 1, 1, 1) < share
        ground = torch.where(is_scene, scenes, ground)
    changed = pictures.clone()
    changed[rows] = pictures[rows] * masks[rows] + ground * (1 - masks[rows])
    return changed


def _in_shadow(pictures: Tensor, masks: Tensor, share: float, generator: torch.Generator) -> Tensor:  # fmt: skip
    """The shoe's soft shadow on the ground beside it, in some."""
    count, side = len(pictures), pictures.shape[-1]
    theta = torch.eye(2, 3, device=pictures.device).repeat(count, 1, 1)
    theta[:, :, 2] = (_random(generator, count, 2) * 2 - 1) * 2 * SHADOW_SHIFT
    coarse = functional.adaptive_avg_pool2d(masks, 32)
    grid = functional.affine_grid(theta, [count, 1, 32, 32], align_corners=False)
    cast = functional.grid_sample(coarse, grid, align_corners=False)
    cast = functional.avg_pool2d(cast, 5, stride=1, padding=2)
    cast = functional.interpolate(cast, side, mode="bilinear", align_corners=False)
    strength = _uniform(count, 0, SHADOW, generator) * (_random(generator, count) < share)
    return pictures * (1 - cast * (1 - masks) * strength.view(-1, 1, 1, 1))


def _move(pictures: Tensor, size: int, tilt_share: float, generator: torch.Generator) -> Tensor:
    """Rotate, scale, shift, mirror and tilt; the border colour continues outside the picture."""
    count = len(pictures)
    angle = _uniform(count, -MAX_ROTATION_DEG, MAX_ROTATION_DEG, generator) * math.pi / 180
    zoom = 1 / _uniform(count, *SCALE, generator)
    aspect = _uniform(count, *ASPECT, generator)
    mirror = torch.where(_random(generator, count) < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    # output to input coordinates in -1..1, the camera's tilt first
    theta = torch.zeros(count, 2, 3, device=pictures.device)
    theta[:, 0, 0], theta[:, 0, 1] = cosine * mirror * aspect, -sine
    theta[:, 1, 0], theta[:, 1, 1] = sine * mirror * aspect, cosine
    theta[:, :, 2] = (_random(generator, count, 2) * 2 - 1) * 2 * MAX_SHIFT
    tilt = (_random(generator, count, 2) * 2 - 1) * TILT
    tilt = tilt * (_random(generator, count, 1) < tilt_share)
    line = (torch.arange(size, device=pictures.device) + 0.5) / size * 2 - 1
    place = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=2).view(1, -1, 2)
    place = place / (1 + place @ tilt[:, :, None])  # (B, S * S, 2)
    grid = place @ theta[:, :, :2].transpose(1, 2) + theta[:, None, :, 2]
    grid = grid.view(count, size, size, 2)
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


def _out_of_focus(pictures: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Blur some with a 3 x 3 binomial filter."""
    rows = _some(len(pictures), share, generator)
    line = torch.tensor([0.25, 0.5, 0.25], device=pictures.device)
    filters = (line[:, None] * line).expand(3, 1, 3, 3)
    around = functional.pad(pictures[rows], (1, 1, 1, 1), mode="replicate")
    changed = pictures.clone()
    changed[rows] = functional.conv2d(around, filters, groups=3)
    return changed


def _saved(pictures: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Save some as JPEG once more."""
    rows = _some(len(pictures), share, generator)
    quality = _uniform(len(rows), *JPEG_QUALITY, generator).round()
    changed = pictures.clone()
    changed[rows] = saved_as_jpeg(pictures[rows], quality)
    return changed
