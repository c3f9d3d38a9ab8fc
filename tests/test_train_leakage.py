"""What test photos show must decide nothing; what val photos show, nothing of the nets that val measures.

Photos of one split are turned into their negatives, everything is trained and measured again, and
whatever must not have seen them is compared with the run before.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file, save

from tests.conftest import NET
from train.__main__ import cli

BRANDS = ("acme", "nike")


def spoil(folder: Path, split: str) -> int:
    """Turn the pack's photos of ``split`` into negatives, and test ones over to the next product."""
    path = folder / "pack.json"
    told, pixels = json.loads(path.read_bytes()), np.load(folder / "pixels.npy")
    rows = [row for row, photo in enumerate(told["photos"]) if photo["split"] == split]
    pixels[rows] = 255 - pixels[rows]
    np.save(folder / "pixels.npy", pixels)
    for row in rows if split == "test" else ():
        told["photos"][row]["label"] = (told["photos"][row]["label"] + 1) % len(told["labels"])
    path.write_text(json.dumps(told))
    return len(rows)


def spoiled(trained: Path, folder: Path, split: str) -> Path:
    """A copy of ``trained`` in ``folder`` whose photos of ``split`` were spoiled before all training."""
    shutil.copytree(trained / "data", folder / "data")
    shutil.copy(trained / "brands.yaml", folder)
    count = sum(spoil(pack, split) for pack in (folder / "data/pack").iterdir())
    assert count >= 6
    assert (spoil(folder / "data/base", split) > 0) is (split == "val")
    for words in (
        f"base --init scratch {NET} --refit-epochs 2",
        *(f"fit --brand {brand} --init base {NET}" for brand in BRANDS),
        "gate --ridge 1",
        "index --neighbours 3",
        "evaluate --unknown-cost 1",
    ):
        done = CliRunner().invoke(cli, words.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
    return folder


def differing(one: Path, other: Path, names: list[str]) -> list[str]:
    """Those of ``names`` in the models/ of two projects whose tensors differ."""
    found = []
    for name in names:
        own, others = (load_file(folder / "models" / name) for folder in (one, other))
        if not all(torch.equal(own[key], others[key]) for key in own.keys() | others.keys()):
            found.append(name)
    return found


def told(folder: Path, name: str, *keys: str) -> dict[str, Any]:
    found = json.loads((folder / name).read_bytes())
    return {key: found[key] for key in keys}


def models(kind: str, gallery: str, gate: str) -> list[str]:
    nets = [f"brands/{brand}/{kind}.safetensors" for brand in BRANDS]
    return [
        *nets,
        f"base/{kind}.safetensors",
        f"gallery/{gallery}.safetensors",
        f"gate/{gate}.safetensors",
    ]


def test_test_photos_decide_nothing(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = spoiled(trained, tmp_path, "test")
    everything = models("weights", "vectors", "gate") + models(*["without-val"] * 3)
    assert differing(trained, other, everything) == []
    chosen = ("models/system.json", "arm", "fitted", "threshold")
    validated = ("metrics/val.json", "default", "worth", "arms")
    for name, *keys in (chosen, validated):
        assert told(trained, name, *keys) == told(other, name, *keys)
    for name in (f"models/brands/{BRANDS[0]}/model.json", "models/base/model.json"):
        assert (trained / name).read_bytes() == (other / name).read_bytes()
    measured = ("metrics/system.json", "arms")
    assert told(trained, *measured) != told(other, *measured)  # they were measured, after all


def test_what_validation_measures_never_saw_its_photos(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = spoiled(trained, tmp_path, "val")
    assert differing(trained, other, models(*["without-val"] * 3)) == []
    # what answers has learnt from them, and validation asks the others
    answering = models("weights", "vectors", "gate")
    assert differing(trained, other, answering) == answering
    assert told(trained, "metrics/val.json", "arms") != told(other, "metrics/val.json", "arms")


def scramble(path: Path) -> None:
    """The file in ``path`` with its floating-point rows in reverse order, its metadata as they were."""
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata()
    tensors = {
        name: one.flip(0).contiguous() if one.is_floating_point() and one.ndim else one
        for name, one in load_file(path).items()
    }
    path.write_bytes(save(tensors, metadata=metadata))


def test_validation_asks_what_never_saw_its_photos(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other models that answer, the same that validation measures: the same figures on validation."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "models"):
        shutil.copytree(trained / name, tmp_path / name)
    shutil.copy(trained / "brands.yaml", tmp_path)
    for folder, kind in (("base", "weights"), ("gallery", "vectors"), ("gate", "gate")):
        path = tmp_path / "models" / folder / f"{kind}.safetensors"
        scramble(path)
    for brand in BRANDS:
        scramble(tmp_path / f"models/brands/{brand}/weights.safetensors")
    done = CliRunner().invoke(cli, ["evaluate", "--unknown-cost", "1"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    keys = ("default", "worth", "arms")
    assert told(trained, "metrics/val.json", *keys) == told(tmp_path, "metrics/val.json", *keys)
    assert told(trained, "metrics/system.json", "arms") != told(
        tmp_path, "metrics/system.json", "arms"
    )
