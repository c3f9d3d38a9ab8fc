"""The rivals' own parts, on inputs small enough to check by hand; then two arms and a cut on drawn shoes."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bench.rivals import __main__ as rivals
from bench.rivals import curves, cut
from bench.rivals.chart import chart, page
from bench.rivals.label_mapping import coprime_moduli, decode, mapped
from bench.rivals.nets import RivalNet
from bench.rivals.outside import with_outside
from bench.rivals.project import read_project
from catalogue.errors import CatalogueError
from catalogue.manifest import write_json
from train.model import infer

ROOT = Path(__file__).resolve().parent.parent
NET = {
    "arch": "resnet18",
    "epochs": 1,
    "batch-size": 8,
    "lr": 0.001,
    "weight-decay": 0.05,
    "metric-loss": 0.5,
    "label-smoothing": 0.1,
    "seed": 0,
    "precision": "fp32",
    "size": 32,
}


@pytest.fixture(scope="module")
def project(trained: Path, module_folder: Path) -> Path:
    """The drawn project with params of one epoch."""
    folder = module_folder / "project"
    shutil.copytree(trained, folder)
    params = {
        "base": NET | {"init": "scratch", "refit-epochs": 1},
        "train": NET | {"init": "base"},
        "train-overrides": {},
        "gate": {"ridge": 1.0},
        "index": {"neighbours": 3},
        "evaluate": {"unknown-cost": 1.0},
    }
    write_json(folder / "params.yaml", params)
    return folder


@pytest.mark.parametrize("classes", [2, 6, 7, 179, 1000])
@pytest.mark.parametrize("count", [2, 3])
def test_remainders_by_coprime_moduli_name_one_class(classes: int, count: int) -> None:
    moduli = coprime_moduli(classes, count)
    assert len(moduli) == count
    assert all(math.gcd(a, b) == 1 for i, a in enumerate(moduli) for b in moduli[:i])
    assert len({tuple(number % one for one in moduli) for number in range(classes)}) == classes


def test_the_class_with_the_highest_sum_of_log_probabilities_is_decoded() -> None:
    # class 4 of 6: 4 modulo 2 is 0, 4 modulo 3 is 1
    logits = [torch.tensor([[0.8, 0.2]]).log(), torch.tensor([[0.3, 0.6, 0.1]]).log()]
    scores = decode(logits, (2, 3), 6)
    assert int(scores.argmax()) == 4
    assert torch.allclose(scores[0], torch.tensor([0.24, 0.12, 0.08, 0.06, 0.48, 0.02]))


def test_a_mapped_pack_has_the_remainders_as_labels(project: Path) -> None:
    joint = read_project(project, {}).joint
    pack = mapped(joint, 3)
    assert pack.label_index.tolist() == [label % 3 for label in joint.label_index.tolist()]
    assert len(pack.labels) == 3 and pack.sha256 != joint.sha256


def test_the_joint_pack_holds_every_brands_photos_under_their_labels(project: Path) -> None:
    read = read_project(project, {})
    joint, start = read.joint, 0
    for pack in read.packs.values():
        for row in range(len(pack.split)):
            assert (
                joint.labels[joint.label_index[start + row]] == pack.labels[pack.label_index[row]]
            )
            assert torch.equal(joint.pixels[start + row], pack.pixels[row])
        start += len(pack.split)
    train, both = len(joint.rows("train")), len(joint.rows("train", "val"))
    assert read.budget == train + both + both  # an epoch of base, its refit, an epoch of brand nets


def test_outside_is_one_class_of_as_many_foreign_photos_none_of_test(project: Path) -> None:
    read = read_project(project, {})
    own, pack = read.packs["acme"], with_outside(read, "acme")
    foreign = (pack.label_index == len(own.labels)).nonzero().squeeze(1).tolist()
    assert pack.labels == (*own.labels, "acme/_outside")
    nike = {photo for photo, split in zip(read.packs["nike"].photo_id, read.packs["nike"].split, strict=True) if split != "test"}  # fmt: skip
    assert {pack.photo_id[row] for row in foreign} <= nike
    assert len(foreign) == min(len(nike), len(own.rows("train", "val")))


@pytest.mark.parametrize("arch", ["resnet34", "googlenet", "alexnet"])
def test_rival_nets_answer_as_ours_do(arch: str) -> None:
    net = RivalNet(arch, 5, 64).eval()
    logits, embedding = infer(net, torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
    assert logits.shape == (2, 5) and embedding.shape == (2, net.features)


def test_pictures_too_small_for_a_network_are_refused_before_anything_trains(project: Path) -> None:
    told = CliRunner().invoke(rivals.main, [str(project), "--arms", "resnet18,alexnet"])
    assert told.exit_code == 1 and "--size 32: alexnet needs" in told.output
    assert not (project / "var" / "rivals").exists()
    told = CliRunner().invoke(rivals.main, [str(project), "--arms", "resnet19"])
    assert told.exit_code == 2 and "'resnet19' is not one of joint, label_mapping," in told.output


def test_arms_are_trained_once_and_told_beside_ours(project: Path, tmp_path: Path) -> None:
    words = [str(project), "--arms", "joint,label_mapping,outside,resnet18", "--threads", "1"]
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    told = CliRunner().invoke(rivals.main, [*words, "--out", str(first)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    told = CliRunner().invoke(rivals.main, [*words, "--out", str(again)], catch_exceptions=False)
    assert told.output.count(": from ") == 4  # nothing trained again
    before = first.read_bytes()
    other = CliRunner().invoke(rivals.main, [*words, "--epochs", "7", "--out", str(first)])
    assert other.exit_code == 1 and "measured with other budget_image_passes, base" in other.output
    assert first.read_bytes() == before
    found = json.loads(first.read_text())
    assert found["rivals"] == json.loads(again.read_text())["rivals"]
    budget = found["budget_image_passes"]
    for name, nets in (("joint", 1), ("label_mapping", 2), ("outside", 2), ("resnet18", 1)):
        arm = found["rivals"][name]
        assert arm["nets"] == nets and 0 <= arm["top1"] <= arm["top5"] <= 1
        assert (
            abs(arm["image_passes"] - budget) <= 0.5 * budget
        )  # whole epochs; one here is a third
        assert arm["default_minus_this"]["low"] <= arm["default_minus_this"]["high"]
    assert "ours: max_softmax" in told.output


def test_cuts_keep_what_they_say() -> None:
    rows = {(f"acme/p{p}", f"{p}{n}"): split for p in range(3) for n, split in enumerate(("train", "train", "val", "test"))}  # fmt: skip
    rows |= {(f"zeta/p{p}", f"z{p}{n}"): split for p in range(2) for n, split in enumerate(("train", "test"))}  # fmt: skip
    brands = ("acme", "zeta")
    one = cut.by_pictures(brands, rows, 1)
    assert [rows[key] for key in sorted(one.kept)].count("train") == 5  # one of each product
    assert [rows[key] for key in sorted(one.kept)].count("val") == 0
    assert one.epochs_factor == 11 / 5
    assert cut.by_pictures(brands, rows, 9).kept == set(rows)
    two = cut.by_products(brands, rows, 2)
    assert len({label for label, _ in two.kept}) == 4
    assert two.kept > cut.by_products(brands, rows, 1).kept
    alone = cut.by_brands(brands, rows, 1)
    assert len(alone.brands) == 1
    assert {label.partition("/")[0] for label, _ in alone.kept} == set(alone.brands)


def test_a_point_of_a_curve_is_measured_and_drawn(project: Path, tmp_path: Path) -> None:
    words = [str(project), "--pictures", "1", "--products", "", "--brands", "", "--jobs", "1"]
    out = tmp_path / "curves.json"
    told = CliRunner().invoke(curves.main, [*words, "--out", str(out)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    (point,) = json.loads(out.read_text())["points"]["pictures"]
    assert point["products"] == 6 and point["test_photos"] > 0
    assert set(point["arms"]) >= {"max_softmax", "joint", "color_1nn"}
    assert ">max_softmax</text>" in out.with_suffix(".svg").read_text()
    assert not [path for path in (project / "var" / "curves").iterdir() if path.is_dir()]


def test_a_chart_has_a_point_for_each_share_at_its_height() -> None:
    drawn = page([chart("A & B", "count", {"one": [(1, 0.0), (2, 1.0)], "two": [(1, 0.5), (2, 1.0)]})])  # fmt: skip
    assert drawn.count("<circle") == 4 and "A &amp; B" in drawn
    assert 'points="40.0,260.0 310.0,30.0"' in drawn  # from the lower left to the upper right


def test_a_project_without_test_photos_is_named(project: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(project, bare)
    for path in (bare / "data" / "pack").glob("*/pack.json"):
        path.write_text(path.read_text().replace('"test"', '"train"'))
    with pytest.raises(CatalogueError, match="6 products and 0 test photos"):
        read_project(bare, {})
