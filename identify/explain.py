"""The class activation map of the deciding ResNet, as a heat map over the photo.

Zhou et al. 2016, "Learning Deep Features for Discriminative Localization": in a net that ends with
global average pooling, the head's row of a class, times the last feature map, says which places speak
for the class. That map is coarse (2 x 2 for 64 px), so the maps of shifted copies are averaged.
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
from dataset.foreground import Box, find_foreground
from dataset.mask import prepare_with_mask
from identify.photo import decode_photo, photo_on_canvas
from train.data import normalise
from train.evidence import System
from train.model import ShoeNet

STRIDE = 32  # px of the picture per cell of the last feature map: any torchvision ResNet
STEP = 4  # px between the shifted copies
FLOOR = 0.3  # of the hottest place: what is below is not painted
OPACITY = 0.6  # of the hottest place
_COLD, _HOT = np.array([30, 60, 160]), np.array([255, 90, 20])
_BASE_ARMS = ("joint", "embedding_knn", "color_1nn", "border_1nn", "gallery")


def explain(system: System, arm: str, label: str, content: bytes) -> Image.Image:
    """The photo (at most 500x600 px) under a map of what speaks for ``label``.

    The net is the one whose head names the label: the brand's, or base where the arm asks no brand
    net or the brand has none. Where no head names it, what makes the embedding long is shown.

    Raises:
        PhotoError: the bytes are no readable picture.
    """
    canvas, size = decode_photo(content)
    base = system.base_description
    prepared = prepare_with_mask(canvas, base.size, base.crop, base.background)
    pixels = torch.from_numpy(prepared.pixels).permute(2, 0, 1)[None]  # (1, 3, S, S)
    net, row = _deciding(system, arm, label)
    heat = _scaled(activation_map(net, row, pixels))
    box, _ = choose_box(canvas, find_foreground(canvas), base.crop)
    return _painted(canvas, heat, _square(box)).crop(photo_on_canvas(*size))


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
    features = feature_map(net, copies)  # (N, F, s, s)
    if row is None:
        cells = features.square().sum(dim=1, keepdim=True)
    else:
        own = net.head.weight[row] - net.head.weight.mean(dim=0)
        cells = torch.einsum("nfhw,f->nhw", features, own)[:, None]
    fine = nn.functional.interpolate(cells, size=(side, side), mode="bilinear")[:, 0]
    total, count = torch.zeros(2, side + 2 * STRIDE, side + 2 * STRIDE)
    for map_of_copy, (down, right) in zip(fine, shifts, strict=True):
        place = (
            slice(STRIDE + down, STRIDE + down + side),
            slice(STRIDE + right, STRIDE + right + side),
        )
        total[place] += map_of_copy
        count[place] += 1
    inner = slice(STRIDE, STRIDE + side)
    found: Tensor = total[inner, inner] / count[inner, inner]
    return found


def feature_map(net: ShoeNet, pictures: Tensor) -> Tensor:
    """The output of the layers before the pooling, (N, F, s, s)."""
    layers = dict(net.backbone.named_children())
    for name in list(layers)[: list(layers).index("avgpool")]:
        pictures = layers[name](pictures)
    return pictures


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
