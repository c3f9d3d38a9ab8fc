"""Colour histograms of a picture: the shoe's, a rival and a cue; the border's, a check on the data."""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 8  # per channel
BORDER_BINS = 64  # per channel: studios differ by a few grey levels
RING = 2  # px of border that are looked at
BACKGROUND_DISTANCE = 24.0  # mean absolute difference from the border colour, of 255


def color_histogram(pixels: Tensor) -> Tensor:
    """Square roots of a joint RGB histogram, uint8 (N, 3, S, S) to float32 (N, 512), L2-normalised.

    Pixels near the border colour do not count, so that the background does not tell the source;
    a picture that is all border counts whole. The dot product of two is the Bhattacharyya
    coefficient of the histograms.
    """
    border = torch.cat(
        [pixels[:, :, 0], pixels[:, :, -1], pixels[:, :, :, 0], pixels[:, :, :, -1]], dim=2
    )  # (N, 3, 4 S)
    background = border.float().median(dim=2).values[:, :, None, None]  # (N, 3, 1, 1)
    is_shoe = (pixels.float() - background).abs().mean(dim=1) > BACKGROUND_DISTANCE  # (N, S, S)
    is_shoe |= ~is_shoe.any(dim=2).any(dim=1)[:, None, None]
    level = (pixels.long() * BINS) // 256
    bin_index = (level[:, 0] * BINS + level[:, 1]) * BINS + level[:, 2]  # (N, S, S)
    counts = torch.zeros(len(pixels), BINS**3)
    counts.scatter_add_(1, bin_index.flatten(1), is_shoe.flatten(1).float())
    return (counts / counts.sum(dim=1, keepdim=True)).sqrt()


def border_histogram(pixels: Tensor) -> Tensor:
    """Square roots of the border ring's channel histograms, (N, 3, S, S) to (N, 192), L2-normalised.

    It sees the background alone. Where it names brands better than chance, the source of a picture
    tells the brand, and a net may have learned studios instead of shoes.
    """
    ring = torch.cat(
        [
            pixels[:, :, :RING].flatten(2),
            pixels[:, :, -RING:].flatten(2),
            pixels[:, :, :, :RING].flatten(2),
            pixels[:, :, :, -RING:].flatten(2),
        ],
        dim=2,
    )  # (N, 3, 8 S)
    level = (ring.long() * BORDER_BINS) // 256 + BORDER_BINS * torch.arange(3)[None, :, None]
    counts = torch.zeros(len(pixels), 3 * BORDER_BINS)
    flat = level.flatten(1)
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.float32))
    return (counts / counts.sum(dim=1, keepdim=True)).sqrt()
