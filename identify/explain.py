"""The class activation map of the deciding ResNet, as a heat map over the photo.

After Zhou et al. 2016, "Learning Deep Features for Discriminative Localization": where the features
are pooled and a linear head follows, a logit is a sum over places. Here the pooling is the maximum, so
that each feature was seen at one place alone. The maps of shifted copies are averaged and smoothed.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from catalogue.errors import CatalogueError
from dataset.canvas import choose_box
from dataset.foreground import Box
from dataset.mask import prepare_with_mask
from identify.asking import WITHOUT_NETS
from identify.finder import Finder
from identify.photo import look_at, photo_on_canvas
from train.data import normalise
from train.evidence import System
from train.model import ShoeNet

STRIDE = 32  # px of the picture per cell of the last feature map: any torchvision ResNet
STEP = 4  # px between the shifted copies
SMOOTH = 9  # px, odd: the side of each box filter over the map
FLOOR = 0.3  # of the hottest place: what is below is not painted
OPACITY = 0.6  # of the hottest place
_COLD, _HOT = np.array([30, 60, 160]), np.array([255, 90, 20])
_BASE_ARMS = (*WITHOUT_NETS, "gallery")


def explain(
    system: System, arm: str, label: str, content: bytes, finder: Finder | None = None
) -> Image.Image:
    """The photo, or what `look_at` sees of it (at most 500x600 px), under a map of what speaks for ``label``.

    The net is the one whose head names the label: the brand's, or base where the arm asks no brand
    net or the brand has none. Where no head names it, what makes the embedding long is shown.

    Raises:
        PhotoError: the bytes are no readable picture.
    """
    base = system.base_description
    seen = look_at(content, finder if base.crop else None)
    prepared = prepare_with_mask(seen.canvas, base.size, base.crop, base.background)
    pixels = torch.from_numpy(prepared.pixels).permute(2, 0, 1)[None]  # (1, 3, S, S)
    net, row = _deciding(system, arm, label)
    heat = _scaled(activation_map(net, row, pixels))
    box, _ = choose_box(seen.canvas, seen.found, base.crop)
    return _painted(seen.canvas, heat, _square(box)).crop(photo_on_canvas(*seen.size))


def _deciding(system: System, arm: str, label: str) -> tuple[ShoeNet, int | None]:
    brand_net = system.brand_nets.get(label.partition("/")[0])
    if arm not in _BASE_ARMS and brand_net is not None and label in brand_net.labels:
        with suppress(CatalogueError):  # left out: its products are known by pictures alone
            return brand_net.net, brand_net.labels.index(label)
    labels = system.base_description.labels
    return system.base, labels.index(label) if label in labels else None


@torch.inference_mode()
def activation_map(net: ShoeNet, row: int | None, pixels: Tensor) -> Tensor:
    """What each place of ``pixels`` (1, 3, S, S) adds to the logit of the head's ``row``, (s, s) as the net sees it.

    That is over the mean of all rows: what speaks for every product explains none, and a logit may
    be the highest and yet negative everywhere. ``row`` None: the features' length instead.
    """
    side = net.size
    offsets = range(-STRIDE // 2, STRIDE // 2, STEP)
    shifts = [(down, right) for down in offsets for right in offsets]
    padded = nn.functional.pad(normalise(pixels, side), (STRIDE,) * 4, mode="replicate")
    copies = torch.cat(
        [
            padded[
                :, :, STRIDE + down : STRIDE + down + side, STRIDE + right : STRIDE + right + side
            ]
            for down, right in shifts
        ]
    )  # (N, 3, S, S)
    fine = evidence_map(net, row, copies)  # (N, S, S)
    total, count = torch.zeros(2, side + 2 * STRIDE, side + 2 * STRIDE)
    for map_of_copy, (down, right) in zip(fine, shifts, strict=True):
        place = (
            slice(STRIDE + down, STRIDE + down + side),
            slice(STRIDE + right, STRIDE + right + side),
        )
        total[place] += map_of_copy
        count[place] += 1
    inner = slice(STRIDE, STRIDE + side)
    found = (total[inner, inner] / count[inner, inner])[None, None]
    for _ in range(3):  # three box filters are nearly a Gaussian
        found = nn.functional.avg_pool2d(found, SMOOTH, 1, SMOOTH // 2, count_include_pad=False)
    smooth: Tensor = found[0, 0]
    return smooth


def evidence_map(net: ShoeNet, row: int | None, pictures: Tensor) -> Tensor:
    """What each place adds to the logit over the mean of all rows: (N, S, S) of pictures (N, 3, S, S).

    Each feature is the maximum of one channel: what it adds was seen where the maximum is. The sum
    over the map is that of all features, standardised, times the row.
    """
    norm = net.backbone.norm
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None  # BatchNorm keeps them
    gain = norm.weight / (variance + norm.eps).sqrt()
    own = None if row is None else net.head.weight[row] - net.head.weight.mean(dim=0)
    count, side = len(pictures), pictures.shape[-1]
    found = torch.zeros(count, side, side)
    first = 0
    for cells in net.backbone.maps(pictures):  # (N, F, s, s)
        width, across = cells.shape[1], cells.shape[3]
        these = slice(first, first + width)
        first += width
        most, place = cells.flatten(2).max(dim=2)  # (N, F)
        standardised = (most - mean[these]) * gain[these]
        added = standardised.square() if own is None else standardised * own[these]
        grid = torch.zeros(count, cells.shape[2] * across).scatter_add_(1, place, added)
        grid = grid.view(count, 1, cells.shape[2], across)
        share = (grid.shape[2] * across) / side**2  # of a cell that each of its pixels holds
        fine = nn.functional.interpolate(grid, size=(side, side), mode="nearest") * share
        found += fine[:, 0]
    return found


def _scaled(cells: Tensor) -> NDArray[np.float32]:
    """0..1: what speaks for the class by more than `FLOOR` of the place that does most."""
    share = cells / cells.max().clamp(min=1e-6)
    return np.asarray(((share - FLOOR) / (1 - FLOOR)).clamp(min=0), dtype=np.float32)


def _square(box: Box) -> Box:
    """The square that `dataset.canvas.cut_square` cuts."""
    side = max(box.width, box.height)
    left = box.left - (side - box.width) // 2
    top = box.top - (side - box.height) // 2
    return Box(left, top, left + side, top + side)


def _painted(canvas: Image.Image, heat: NDArray[np.float32], square: Box) -> Image.Image:
    layer = Image.fromarray(heat).resize((square.width, square.height), Image.Resampling.BICUBIC)
    placed = Image.new("F", canvas.size, 0.0)
    placed.paste(layer, (square.left, square.top))
    strength = np.clip(np.asarray(placed), 0, 1)[:, :, None]  # (H, W, 1)
    color = _COLD + (_HOT - _COLD) * strength
    opacity = OPACITY * strength**0.7
    mixed = np.asarray(canvas) * (1 - opacity) + color * opacity
    return Image.fromarray(np.rint(mixed).astype(np.uint8))
