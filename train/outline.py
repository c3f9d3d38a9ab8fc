"""Where a picture's edges are and which way they run: what tells a brand's marks and shapes apart.

Histograms of oriented gradients (Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human
Detection") with signed orientations: a stripe and its gap differ. Colour names the product, but two
brands make shoes of the same colours; edges are sure of the brand more often than of the product.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

CELLS = 8  # a side of the picture
ORIENTATIONS = 8
WIDTH = (
    (CELLS - 1) ** 2 * 4 * ORIENTATIONS
)  # of a descriptor: blocks of 2 x 2 cells, one cell apart
WEAK = 0.02  # a block of weaker edges than this, lightness in 0..1, keeps them weak
CLIP = 0.3  # of a block's length: one strong edge may not be all there is
BATCH = 256


def outline(pixels: Tensor) -> Tensor:
    """Descriptors of uint8 (N, 3, S, S), float32 (N, 1568), L2-normalised."""
    parts = [_described(part) for part in pixels.split(BATCH)]
    return torch.cat([torch.zeros(0, WIDTH), *parts])


def _described(pixels: Tensor) -> Tensor:
    grey = pixels.float().mean(dim=1) / 255  # (N, S, S)
    across = functional.pad(grey[:, :, 2:] - grey[:, :, :-2], (1, 1))
    down = functional.pad(grey[:, 2:] - grey[:, :-2], (0, 0, 1, 1))
    strength = (across.square() + down.square()).sqrt()
    place = (torch.atan2(down, across) / (2 * math.pi) + 0.5) * ORIENTATIONS
    lower = place.floor()
    upper_share = place - lower
    first = lower.long() % ORIENTATIONS
    shares = torch.zeros(len(pixels), ORIENTATIONS, *grey.shape[1:])
    shares.scatter_add_(1, first[:, None], (strength * (1 - upper_share))[:, None])
    second = (first + 1) % ORIENTATIONS
    shares.scatter_add_(1, second[:, None], (strength * upper_share)[:, None])
    cells = functional.adaptive_avg_pool2d(shares, CELLS)  # (N, O, C, C)
    blocks = functional.unfold(cells, 2)  # (N, 4 O, (C - 1)²)
    blocks = (blocks / (blocks.norm(dim=1, keepdim=True) + WEAK)).clamp_max(CLIP)
    return functional.normalize(blocks.flatten(1), dim=1)
