"""The choice of an arm where there is little or nothing to choose by."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch

from catalogue.errors import CatalogueError
from catalogue.params import read_params
from tests.test_train_fit import make_pack
from train.data import load_pack, load_views
from train.evaluate import _views_seen, evaluate
from train.model import load_net, save_net
from train.report import build_report


def test_without_validation_photos_it_says_so_and_colours_decide(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    packs, models = tmp_path / "pack", tmp_path / "models"
    shutil.copytree(trained / "data/pack", packs)
    for path in packs.glob("*/pack.json"):
        path.write_text(path.read_text("utf-8").replace('"split": "val"', '"split": "train"'))
        told = json.loads(path.read_bytes())
        assert "val" not in {photo["split"] for photo in told["photos"]}
    models.mkdir()
    for folder in (trained / "models").iterdir():
        if folder.is_dir():
            (models / folder.name).symlink_to(folder)
    with caplog.at_level(logging.WARNING):
        summary = evaluate(["acme", "nike"], packs, models, tmp_path / "metrics", 1.0)
    assert "no product has a validation photo" in caplog.text
    told = json.loads((models / "system.json").read_bytes())
    assert told["arm"] == "learned" and told["fitted"]["mean_color"] > 0
    arms = summary["arms_top1"]
    assert arms["learned"] >= arms["color_1nn"] > 0.3


def test_a_view_is_seen_where_training_photos_of_the_product_show_it(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "pack", "acme", 2)  # 4 train photos, one val, one test a product
    views = ["side", "top", None, "side", "heel", "heel", "top", None, None, None, "top", "side"]
    (folder / "views.json").write_text(json.dumps({"views": views}))
    pack = load_pack(folder)
    told = load_views(folder, pack)
    assert told == tuple(views)
    assert _views_seen(pack, told, "val") == [0, 1]  # no train photo of the first shows its heel
    assert _views_seen(pack, told, "test") == [
        1,
        0,
    ]  # its val photo does; of the second, none a side
    (folder / "views.json").write_text(json.dumps({"views": views[1:]}))
    with pytest.raises(CatalogueError, match="12 photos"):
        load_views(folder, pack)


def test_what_shops_call_a_view_is_nothing_that_a_net_is_trained_on(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "pack", "acme", 2)
    before = load_pack(folder).sha256
    (folder / "views.json").write_text(json.dumps({"views": ["옆면"] * 12}))
    assert load_pack(folder).sha256 == before
    stages = read_params(Path(__file__).parents[1] / "dvc.yaml")["stages"]
    reads = {one.rpartition("/")[2] for one in stages["train"]["deps"] if "data/pack" in one}
    assert reads == {"masks.npy", "pack.json", "pixels.npy"}
    assert "view" not in (folder / "pack.json").read_text()


def test_a_net_that_answers_with_no_number_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "models", tmp_path / "models")
    path = tmp_path / "models/brands/nike/weights.safetensors"
    net, description = load_net(path)
    with torch.no_grad():
        net.head.bias[0] = torch.nan
    save_net(path, net, description)
    with pytest.raises(CatalogueError, match="nike"):
        evaluate(
            ["acme", "nike"], trained / "data/pack", tmp_path / "models", tmp_path / "metrics", 1.0
        )


def test_where_nothing_is_measured_no_figure_is_told(trained: Path, tmp_path: Path) -> None:
    for name in ("data", "metrics"):
        shutil.copytree(trained / name, tmp_path / name)
    for path in (tmp_path / "data").glob("pack/*/pack.json"):
        path.write_text(path.read_text("utf-8").replace('"split": "test"', '"split": "train"'))
    models, metrics = tmp_path / "models", tmp_path / "metrics"
    models.mkdir()
    for folder in (trained / "models").iterdir():
        if folder.is_dir():
            (models / folder.name).symlink_to(folder)
    summary = evaluate(["acme", "nike"], tmp_path / "data/pack", models, metrics, 1.0)
    assert set(summary["arms_top1"].values()) == {None}
    told = json.loads((metrics / "system.json").read_bytes())
    assert set(told["at_threshold"].values()) == {None}
    assert set(told["default_against"]["gate"].values()) == {None}
    build_report(tmp_path / "data", models, metrics, trained, tmp_path / "index.html")
    assert "No test photo" in (tmp_path / "index.html").read_text("utf-8")
