"""Nets with filters laid out for one photo answer as plain ones do."""

from __future__ import annotations

import copy

import pytest
import torch

from identify.prepacked import PrepackedConv2d, prepack
from train.model import ShoeNet, infer


@pytest.mark.parametrize("arch", ["resnet18", "resnet50", "resnext50_32x4d"])
@pytest.mark.parametrize("size", [32, 96])
def test_answers_differ_by_rounding_alone(arch: str, size: int) -> None:
    torch.manual_seed(0)
    plain = ShoeNet(arch, 7, size)
    with torch.no_grad():
        for module in plain.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # as trained ones are, not 0 and 1
                for values in (module.running_mean, module.bias):
                    assert values is not None
                    values.normal_(0, 0.3)
                for values in (module.running_var, module.weight):
                    assert values is not None
                    values.uniform_(0.5, 2)
    plain.eval()
    own = copy.deepcopy(plain)
    prepack(own)
    assert not any(isinstance(module, torch.nn.Conv2d) for module in own.modules())
    pixels = torch.randint(0, 256, (5, 3, 128, 128), dtype=torch.uint8)
    for of in (pixels[:1], pixels):  # the layout is for one photo, and any number may be asked
        for expected, found in zip(infer(plain, of), infer(own, of), strict=True):
            assert torch.allclose(expected, found, rtol=1e-3, atol=1e-4)


def test_where_torch_has_no_such_operations_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    net = ShoeNet("resnet18", 3, 32).eval()
    prepack(net)
    assert not any(isinstance(module, PrepackedConv2d) for module in net.modules())
