"""The choice of an arm where there is little or nothing to choose by."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest

from train.evaluate import evaluate


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
