"""ResNets (He et al. 2016, doi:10.1109/CVPR.2016.90; the stride in the 3x3 convolution) without their head.

Layers, names and drawn weights are torchvision's, which a test compares for every architecture. Its own
module would do, but importing it loads torch's compiler: 1.4 s of the 3 s in which `solemap
identify` is ready, in every stage and worker as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Blocks per stage; whether each has three convolutions, the outer 1x1; their groups' width."""

    blocks: tuple[int, int, int, int]
    is_bottleneck: bool = True
    groups: int = 1
    group_width: int = 64


ARCHITECTURES = {
    "resnet18": Shape((2, 2, 2, 2), is_bottleneck=False),
    "resnet34": Shape((3, 4, 6, 3), is_bottleneck=False),
    "resnet50": Shape((3, 4, 6, 3)),
    "resnet101": Shape((3, 4, 23, 3)),
    "resnet152": Shape((3, 8, 36, 3)),
    "resnext50_32x4d": Shape((3, 4, 6, 3), groups=32, group_width=4),
    "resnext101_32x8d": Shape((3, 4, 23, 3), groups=32, group_width=8),
    "resnext101_64x4d": Shape((3, 4, 23, 3), groups=64, group_width=4),
    "wide_resnet50_2": Shape((3, 4, 6, 3), group_width=128),
    "wide_resnet101_2": Shape((3, 4, 23, 3), group_width=128),
}


class Block(nn.Module):
    """Two or three convolutions whose result is added to what they were given."""

    def __init__(self, before: int, planes: int, stride: int, shape: Shape) -> None:
        super().__init__()
        after = planes * 4 if shape.is_bottleneck else planes
        shortcut = None
        if stride != 1 or before != after:  # drawn first, as torchvision does
            shortcut = nn.Sequential(_conv(before, after, 1, stride), nn.BatchNorm2d(after))
        if shape.is_bottleneck:
            inner = planes * shape.group_width // 64 * shape.groups
            convolutions = [
                _conv(before, inner, 1),
                _conv(inner, inner, 3, stride, shape.groups),
                _conv(inner, after, 1),
            ]
        else:
            convolutions = [_conv(before, planes, 3, stride), _conv(planes, planes, 3)]
        for number, convolution in enumerate(convolutions, start=1):
            self.add_module(f"conv{number}", convolution)
            self.add_module(f"bn{number}", nn.BatchNorm2d(convolution.out_channels))
        self._steps = len(convolutions)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, given: Tensor) -> Tensor:
        current = given
        for number in range(1, self._steps + 1):
            current = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(current))
            if number < self._steps:
                current = self.relu(current)
        current += given if self.downsample is None else self.downsample(given)
        found: Tensor = self.relu(current)
        return found


def build(arch: str) -> tuple[nn.Sequential, nn.ModuleList, tuple[int, ...]]:
    """The stem, the four stages and their widths of ``arch``, weights drawn anew."""
    shape = ARCHITECTURES[arch]
    stem = nn.Sequential(
        nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    stages, widths, before = nn.ModuleList(), [], 64
    for number, blocks in enumerate(shape.blocks):
        planes, stage = 64 << number, []
        for position in range(blocks):
            stride = 2 if number and not position else 1
            stage.append(Block(before, planes, stride, shape))
            before = planes * 4 if shape.is_bottleneck else planes
        stages.append(nn.Sequential(*stage))
        widths.append(before)
    nn.Linear(
        before, 1
    )  # a head that torchvision draws before the loop below: the same numbers follow
    for part in (stem, stages):
        for module in part.modules():
            # on the meta device it draws nothing, and torch would load its compiler for that
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return stem, stages, tuple(widths)


def _conv(before: int, after: int, size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, stride, padding=size // 2, groups=groups, bias=False)
