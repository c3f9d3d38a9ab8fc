"""Colour histograms of a picture: the shoe's, a rival and a cue; the border's, a check on the data."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BINS = 16  # per axis
CHROMA_KNEE = 8.0  # CIELAB units: below it chroma is told finely, above it by ratio
CHROMA_REACH = (
    2.2  # of log(1 + |chroma| / knee): about 64 units; more vivid colours share the last bin
)
COMMONNESS = (
    0.35  # power of each bin's share: the few pixels of an accent count almost as much as the upper
)
NOT_BACKGROUND = 14  # largest channel difference from the border colour that is still background
BATCH = 256  # photos at a time: eight corners of 3 S S floats each is what memory holds

BORDER_BINS = 64  # per channel: studios differ by a few grey levels
RING = 2  # px of border that are looked at
BORDER_WIDTH = 3 * BORDER_BINS

# sRGB (D65) to XYZ, IEC 61966-2-1; the white point is the matrix's row sums
_TO_XYZ = torch.tensor(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


def color_histogram(pixels: Tensor) -> Tensor:
    """What colours the shoe has, uint8 (N, 3, S, S) to float32 (N, 4096), L2-normalised.

    A joint histogram over CIELAB with logarithmic chroma, each pixel shared among the eight
    nearest bins, each share raised to a power. Most shoes are nearly grey: equal bins of RGB put
    half of all pixels into a few, and a plain sum is decided by the largest surface. Pixels near
    the border colour do not count, so that the background does not tell the source; a picture
    that is all border counts whole.
    """
    parts = [_histogram(part) for part in pixels.split(BATCH)]
    return torch.cat([torch.zeros(0, BINS**3), *parts])


def _histogram(pixels: Tensor) -> Tensor:
    place = (_axes(pixels) * (BINS - 1)).clamp(0, BINS - 1 - 1e-4)  # (N, 3, S, S)
    lower = place.floor()
    upper_share = place - lower
    lower = lower.long()
    is_shoe = _is_shoe(pixels).float()  # (N, S, S)
    counts = torch.zeros(len(pixels), BINS**3)
    for corner in range(8):
        step = [(corner >> axis) & 1 for axis in range(3)]
        share, bin_index = is_shoe, torch.zeros_like(lower[:, 0])
        for axis, up in enumerate(step):
            own = upper_share[:, axis]
            share = share * (own if up else 1 - own)
            bin_index = bin_index * BINS + lower[:, axis] + up
        counts.scatter_add_(1, bin_index.flatten(1), share.flatten(1))
    shares = counts / counts.sum(dim=1, keepdim=True)
    return functional.normalize(shares**COMMONNESS, dim=1)


def _axes(pixels: Tensor) -> Tensor:
    """Lightness and the two logarithmic chromas of sRGB pixels, each in 0..1: (N, 3, S, S)."""
    rgb = pixels.float() / 255
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("ij,njhw->nihw", _TO_XYZ, linear) / _TO_XYZ.sum(dim=1).view(1, 3, 1, 1)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116)
    lightness = (116 * f[:, 1] - 16) / 100
    chroma = torch.stack([500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], dim=1)
    compressed = chroma.sign() * (1 + chroma.abs() / CHROMA_KNEE).log()
    return torch.cat([lightness[:, None], 0.5 + compressed / (2 * CHROMA_REACH)], dim=1)


def _is_shoe(pixels: Tensor) -> Tensor:
    """What differs from the border's median colour, bool (N, S, S)."""
    border = torch.cat(
        [pixels[:, :, 0], pixels[:, :, -1], pixels[:, :, :, 0], pixels[:, :, :, -1]], dim=2
    )  # (N, 3, 4 S)
    background = border.float().median(dim=2).values[:, :, None, None]  # (N, 3, 1, 1)
    is_shoe = (pixels.float() - background).abs().amax(dim=1) > NOT_BACKGROUND
    return is_shoe | ~is_shoe.any(dim=2).any(dim=1)[:, None, None]


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
    counts = torch.zeros(len(pixels), BORDER_WIDTH)
    flat = level.flatten(1)
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.float32))
    return (counts / counts.sum(dim=1, keepdim=True)).sqrt()
