"""What saving as JPEG does to a batch of pictures, on tensors: baseline JPEG, 4:2:0, without its lossless half.

Source of formulas and tables: ITU-T T.81 (1992), annexes A and K; JFIF 1.02 for the colours;
libjpeg's `jpeg_quality_scaling` for the quality, without its rounding to integers below 50.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99, 99, 99, 99, 99, 99, 99, 99),) * 4,
)
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
UNIT = 16  # px: a block of the halved chroma


def saved_as_jpeg(pictures: Tensor, quality: Tensor) -> Tensor:
    """``pictures`` of 0..1, (B, 3, H, W), as they look after JPEG of ``quality`` 1..100, (B,)."""
    height, width = pictures.shape[-2:]
    padding = (0, -width % UNIT, 0, -height % UNIT)
    whole = functional.pad(pictures.clamp(0, 1), padding, mode="replicate")
    coded = _mixed((whole * 255).round(), TO_YCBCR)
    luma, chroma = coded[:, :1] - 128, functional.avg_pool2d(coded[:, 1:], 2)
    luma = _rounded(luma, _steps(LUMA, quality)) + 128
    chroma = _rounded(chroma, _steps(CHROMA, quality))
    chroma = functional.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    shown = _mixed(torch.cat([luma, chroma], dim=1), TO_RGB)[:, :, :height, :width]
    return shown.round().clamp(0, 255) / 255


def _mixed(pictures: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return functional.conv2d(
        pictures, torch.tensor(matrix, device=pictures.device)[:, :, None, None]
    )


def _steps(table: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """The quantisation table of each picture, (B, 1, 1, 1, 8, 8)."""
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).view(-1, 1, 1, 1, 1, 1)
    steps = torch.tensor(table, dtype=torch.float32, device=quality.device)
    return ((steps * scale + 50) / 100).floor().clamp(1, 255)


def _rounded(planes: Tensor, steps: Tensor) -> Tensor:
    """Each block of 8 x 8 of ``planes`` (B, C, H, W) with its cosine coefficients rounded to ``steps``."""
    count, channels, height, width = planes.shape
    cosines = _cosines(planes.device)
    blocks = planes.view(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = cosines @ blocks @ cosines.T
    blocks = cosines.T @ ((coefficients / steps).round() * steps) @ cosines
    return blocks.transpose(3, 4).reshape(planes.shape)


def _cosines(device: torch.device) -> Tensor:
    """The orthonormal discrete cosine transform of eight values, (8, 8)."""
    place = torch.arange(8, device=device)
    waves = torch.cos(math.pi / 8 * place[:, None] * (place + 0.5)) / 2
    waves[0] /= math.sqrt(2)
    return waves
