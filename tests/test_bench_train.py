"""The speed benches run through on drawn shoes, and their figures are of what they say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.train import results
from bench.train.data import image_folder, packed, read_samples
from bench.train.many import many
from bench.train.rates import REFERENCE, run, until
from catalogue.errors import CatalogueError
from train.data import load_pack


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the benches keep their figures during a test."""
    monkeypatch.setattr(results, "RESULTS", tmp_path / "train.json")
    return tmp_path / "train.json"


def part(kept: Path, name: str) -> dict[str, Any]:
    found = json.loads(kept.read_text())[name]
    assert isinstance(found, dict)
    return found


def test_both_sides_get_the_same_pictures(trained: Path, tmp_path: Path) -> None:
    samples = read_samples(trained, None)
    folder = image_folder(samples, trained, tmp_path / "folder")
    pack = load_pack(packed(samples, trained, tmp_path / "pack", 48))
    for split in ("train", "val"):
        links = sorted((folder / split).rglob("*.jpg"))
        assert sorted(one.stem for one in links) == sorted(pack.photo_id[row] for row in pack.rows(split))  # fmt: skip
        assert all(one.exists() for one in links)
        assert len(list((folder / split).iterdir())) == len(pack.labels) == 6
    assert not len(pack.rows("test")) and pack.pixels.shape[-1] == 48
    assert len(read_samples(trained, 5)) == 5


def test_a_project_without_photos_is_named(trained: Path, tmp_path: Path) -> None:
    shutil.copy(trained / "brands.yaml", tmp_path)
    (tmp_path / "data" / "split").mkdir(parents=True)
    for brand in ("acme", "nike"):
        (tmp_path / "data" / "split" / f"{brand}.jsonl").write_text("")
    with pytest.raises(CatalogueError, match="no photos in data/split"):
        read_samples(tmp_path, None)


def test_the_reference_script_counts_its_pictures(trained: Path, tmp_path: Path) -> None:
    folder = image_folder(read_samples(trained, None), trained, tmp_path / "folder")
    words = ["--size", "32", "--batch-size", "8", "--epochs", "2", "--channels-last", "--evaluate"]
    first, second = run([str(REFERENCE), "--data", str(folder), *words])
    photos = len(list((folder / "train").rglob("*.jpg")))
    assert first["pictures"] == second["pictures"] == photos // 8 * 8  # the last batch is dropped
    assert 0 < first["seconds"] < second["seconds"] and 0 <= second["accuracy"] <= 1


def test_time_to_accuracy_is_measured_on_both_sides(trained: Path, kept: Path) -> None:
    words = [str(trained), "--size", "32", "--epochs", "1", "--threads", "1", "--batch-size", "8", "--limit", "24"]  # fmt: skip
    told = CliRunner().invoke(until, words, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    found = part(kept, "until")
    assert found["photos"] == 24 and found["reference_seconds"] > 0
    if found["our_seconds"] is not None:
        assert found["our_seconds"] >= found["packing_seconds"]


def test_many_tiny_brands_are_trained_and_leave_dvc_nothing_to_do(tmp_path: Path, kept: Path) -> None:  # fmt: skip
    words = ["--brands", "3", "--sample", "1", "--work", str(tmp_path / "work")]
    told = CliRunner().invoke(many, words, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    found = part(kept, "many")
    assert found["left_for_dvc_repro"] == 0 and found["nets_alone_seconds"] > 0
    assert len(list((tmp_path / "work" / "models" / "brands").glob("*/weights.safetensors"))) == 3
