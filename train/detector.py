"""Where the shoe is in a photo on any ground: a small net, saved, loaded, and asked twice or more.

The net sees a photo as a frame of 96 px and says of each fourth pixel whether it is shoe. Where the largest
connected part is, it looks again at the square round it, from as many pixels as the photo has: a
shoe that takes a fifth of the photo is 20 px of the first frame and most of the second.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional

from catalogue.errors import CatalogueError
from catalogue.manifest import write_bytes, write_json

SIZE = 96  # px, the side of a frame
STRIDE = 4  # px of the frame for each cell of the map
WIDTHS = (16, 24, 32, 48)  # channels at 1/2, 1/4, 1/8 and 1/16 of the frame
CLOSER = 0.8  # a closer look at more than so much of the frame would show the same
CLOSER_LOOKS = 3  # at most: each shows what the last one cut off
ROUND = 0.35  # of its longer side on each side of a part: what the second look sees
Sides = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Found:
    """The largest shoe of a picture; all places are in the picture's px."""

    box: Sides
    score: float  # 0..1, how sure its cells are
    square: Sides  # what was looked at last ...
    mask: Tensor  # ... and how likely each part of it is of that shoe, (S, S), 0..1


@dataclass(frozen=True)
class Description:
    """``model.json`` beside the weights: what they are and when their answer counts."""

    status: str  # trained | too_few: no weights
    size: int = SIZE  # px
    threshold: float = 0.0  # of the score
    sha256: str = ""  # of the weights' file


class Detector(nn.Module):
    """Frames (B, 3, S, S) of 0..1 to logits of "shoe here", (B, 1, S/4, S/4)."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth, last = WIDTHS
        self.to_half = _layer(3, half, 2, 5)
        self.to_quarter = _layer(half, quarter, 2)
        self.to_eighth = _layer(quarter, eighth, 2)
        self.to_last = nn.Sequential(
            _layer(eighth, last, 2), _layer(last, last), _layer(last, last)
        )
        self.up_eighth = nn.Conv2d(last, eighth, 1)
        self.mixed_eighth = _layer(eighth, eighth)
        self.up_quarter = nn.Conv2d(eighth, quarter, 1)
        self.mixed_quarter = _layer(quarter, quarter)
        self.head = nn.Conv2d(quarter, 1, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        centred = ((frames - 0.5) * 4).contiguous(memory_format=torch.channels_last)
        quarter = self.to_quarter(self.to_half(centred))  # (B, C, S/4, S/4)
        eighth = self.to_eighth(quarter)  # (B, C, S/8, S/8)
        wide = functional.interpolate(self.up_eighth(self.to_last(eighth)), scale_factor=2.0)
        eighth = self.mixed_eighth(eighth + wide)
        wide = functional.interpolate(self.up_quarter(eighth), scale_factor=2.0)
        logits: Tensor = self.head(self.mixed_quarter(quarter + wide))
        return logits


def _layer(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


@torch.inference_mode()
def find_shoe(detector: Detector, picture: Tensor) -> Found | None:
    """The largest shoe of ``picture`` (3, H, W; 0..1); None where not one cell is rather shoe than not."""
    _, height, width = picture.shape
    side = float(max(height, width))
    whole = (width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2
    found = first = _look(detector, picture, whole)
    for _ in range(CLOSER_LOOKS):
        if found is None:
            return None
        left, top, right, bottom = found.box
        reach = max(right - left, bottom - top) * (0.5 + ROUND)
        if 2 * reach > CLOSER * side:
            return first
        x, y = (left + right) / 2, (top + bottom) / 2
        found = _look(detector, picture, (x - reach, y - reach, x + reach, y + reach))
        if found is not None and not _goes_on(found, width, height):
            return found
    return None  # a piece of something larger


def _goes_on(found: Found, width: int, height: int) -> bool:
    """Whether what was found reaches an edge of what was looked at, where the picture goes on."""
    left, top, right, bottom = found.square
    near = (right - left) / SIZE * STRIDE
    return (
        (left > 0 and found.box[0] < left + near)
        or (top > 0 and found.box[1] < top + near)
        or (right < width and found.box[2] > right - near)
        or (bottom < height and found.box[3] > bottom - near)
    )


def _look(detector: Detector, picture: Tensor, square: Sides) -> Found | None:
    left, top, right, _ = square
    cells = detector(framed(picture, square)[None])  # (1, 1, S/4, S/4)
    part = largest_part(cells[0, 0] > 0)  # (S/4, S/4)
    if not part.any():
        return None
    near = functional.max_pool2d(part[None, None].float(), 3, 1, 1)  # the outline's own cells too
    near = functional.interpolate(near, scale_factor=float(STRIDE))
    fine = functional.interpolate(cells, scale_factor=float(STRIDE), mode="bilinear")
    mask = (fine.sigmoid() * near)[0, 0]  # (S, S)
    rows, columns = ((mask > 0.5).any(dim=axis).nonzero() for axis in (1, 0))
    if not len(rows):
        return None
    unit = (right - left) / SIZE
    _, height, width = picture.shape
    box = (
        max(left + float(columns[0]) * unit, 0.0),
        max(top + float(rows[0]) * unit, 0.0),
        min(left + float(columns[-1] + 1) * unit, float(width)),
        min(top + float(rows[-1] + 1) * unit, float(height)),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return Found(box, float(cells[0, 0][part].sigmoid().mean()), square, mask)


def framed(picture: Tensor, square: Sides) -> Tensor:
    """The ``square`` of ``picture`` (3, H, W) at 96 px, (3, S, S); outside the picture it is its mean colour."""
    left, top, right, bottom = (round(side) for side in square)
    side = max(right - left, bottom - top, 1)
    _, height, width = picture.shape
    inner = picture[
        :, max(top, 0) : min(top + side, height), max(left, 0) : min(left + side, width)
    ]
    whole = picture.mean(dim=(1, 2), keepdim=True).expand(3, side, side).clone()
    down, across = max(-top, 0), max(-left, 0)
    whole[:, down : down + inner.shape[1], across : across + inner.shape[2]] = inner
    shrunk: Tensor = functional.interpolate(whole[None], SIZE, mode="bilinear", antialias=True)[0]
    return shrunk


def largest_part(mask: Tensor) -> Tensor:
    """The connected part of ``mask`` (H, W) with most cells, corners count as touching; empty if none.

    Each cell takes the highest number near it until nothing changes: a part then has one number.
    """
    numbers = torch.arange(1, mask.numel() + 1).view(mask.shape) * mask
    while True:
        spread = functional.max_pool2d(numbers[None, None].float(), 3, 1, 1)[0, 0].long() * mask
        if torch.equal(spread, numbers):
            break
        numbers = spread
    counts = numbers.flatten().bincount()
    counts[0] = 0
    return mask & (numbers == counts.argmax())


def save_detector(folder: Path, detector: Detector | None, threshold: float = 0.0) -> None:
    """Write weights and ``model.json``; None says that there were too few cut-outs to train one."""
    weights = folder / "weights.safetensors"
    (folder / "model.json").unlink(missing_ok=True)  # never beside weights of another run
    if detector is None:
        weights.unlink(missing_ok=True)
        write_json(folder / "model.json", asdict(Description("too_few")))
        return
    content = save({name: value.contiguous() for name, value in detector.state_dict().items()})
    write_bytes(weights, content)
    told = Description("trained", SIZE, round(threshold, 4), hashlib.sha256(content).hexdigest())
    write_json(folder / "model.json", asdict(told))


def load_detector(folder: Path) -> tuple[Detector, float] | None:
    """The net of ``folder`` and its threshold; None where too few cut-outs were there to train one.

    Raises:
        CatalogueError: it is missing, damaged, or another than ``model.json`` says.
    """
    try:
        told = Description(**json.loads((folder / "model.json").read_bytes()))
        if told.status == "too_few":
            return None
        content = (folder / "weights.safetensors").read_bytes()
        if hashlib.sha256(content).hexdigest() != told.sha256 or told.size != SIZE:
            raise ValueError("the weights are not those that model.json describes")
        with torch.device("meta"):
            detector = Detector()
        detector.load_state_dict(load(content), assign=True)
        return detector.eval().to(memory_format=torch.channels_last), float(told.threshold)
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        told_short = " ".join(str(error).split())[:200]
        raise CatalogueError(
            f"{folder}: not a readable detector ({told_short}). "
            "Run `dvc repro detector` to make it again."
        ) from error
