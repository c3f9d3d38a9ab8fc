"""Our ResNets beside torchvision's: names, shapes, drawn weights, outputs, gradients' order."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torchvision.models import get_model

from train.resnet import ARCHITECTURES, build

PARTS = {"conv1": "stem.0", "bn1": "stem.1"} | {f"layer{n}": f"stages.{n - 1}" for n in (1, 2, 3, 4)}  # fmt: skip


def named(resnet: torch.nn.Module) -> dict[str, Tensor]:
    """torchvision's tensors under our names, without its head."""
    told = {}
    for name, tensor in resnet.state_dict().items():
        first, _, rest = name.partition(".")
        if first != "fc":
            told[f"{PARTS[first]}.{rest}"] = tensor
    return told


def ours(arch: str) -> tuple[torch.nn.ModuleDict, tuple[int, ...]]:
    stem, stages, widths = build(arch)
    return torch.nn.ModuleDict({"stem": stem, "stages": stages}), widths


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_names_and_shapes_are_torchvisions(arch: str) -> None:
    with torch.device("meta"):
        net, widths = ours(arch)
        theirs = get_model(arch, weights=None, num_classes=1)
    meant = {name: tensor.shape for name, tensor in named(theirs).items()}
    assert {name: tensor.shape for name, tensor in net.state_dict().items()} == meant
    assert list(net.state_dict()) == list(meant)  # the optimizer's order, too
    assert widths[-1] == theirs.fc.in_features


@pytest.mark.parametrize("arch", ["resnet18", "resnet50", "resnext50_32x4d"])
def test_the_same_seed_draws_the_same_net(arch: str) -> None:
    torch.manual_seed(3)
    net, _ = ours(arch)
    after = torch.rand(1)
    torch.manual_seed(3)
    theirs = get_model(arch, weights=None, num_classes=1)
    assert torch.equal(after, torch.rand(1))
    meant = named(theirs)
    assert all(torch.equal(own, meant[name]) for name, own in net.state_dict().items())
    pictures = torch.rand(2, 3, 64, 64)
    current, other = net["stem"](pictures), theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(pictures))))  # fmt: skip
    for own, layer in zip(net["stages"], (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4), strict=True):  # fmt: skip
        current, other = own(current), layer(other)
        assert torch.equal(current, other)


def test_an_answer_needs_neither_torchvision_nor_the_compiler() -> None:
    """3 s to import."""
    code = (
        "import sys, torch, identify.identifier; from train.model import ShoeNet, infer;"
        "from train.seed import make_deterministic; make_deterministic();"
        "infer(ShoeNet('resnet18', 2, 64).eval(), torch.zeros(1, 3, 64, 64, dtype=torch.uint8));"
        "torch.set_default_device('meta'); ShoeNet('resnet18', 2, 64);"
        "assert torch.are_deterministic_algorithms_enabled();"
        "sys.exit(bool({'torchvision', 'torch._dynamo', 'torch._inductor'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
