"""Training: the same bytes each time, also after kill -9; warm starts; too few products; bad packs."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import draw_shoe
from safetensors.torch import save
from torch import Tensor

from catalogue.errors import CatalogueError
from train.augment import augment
from train.base import fit_base
from train.data import Pack, load_pack
from train.fit import fit_brand, starting_net
from train.loop import Settings, run
from train.model import Description, ShoeNet, load_net, read_description, save_net
from train.twins import WHOLE

ROOT = Path(__file__).resolve().parent.parent
COLORS = [(200, 40, 40), (40, 40, 200), (40, 160, 60), (200, 180, 40)]


def settings(**changed: object) -> Settings:
    values = {
        "arch": "resnet18",
        "epochs": 3,
        "batch_size": 8,
        "lr": 0.001,
        "weight_decay": 0.01,
        "label_smoothing": 0.1,
        "seed": 0,
        "precision": "fp32",
        "size": 32,
    }
    return Settings(**{**values, **changed})  # type: ignore[arg-type]


def make_pack(folder: Path, brand: str, products: int, photos: int = 6, size: int = 32) -> Path:
    """A pack of drawn shoes: the last photo of a product is test, the one before val."""
    folder.mkdir(parents=True)
    rows, pixels = [], []
    for product in range(products):
        for photo in range(photos):
            drawn = draw_shoe(COLORS[product], pose=photo % 6, shape=product, size=size)
            pixels.append(np.asarray(drawn))
            split = {photos - 1: "test", photos - 2: "val"}.get(photo, "train")
            name = f"{brand}{product}{photo}".encode().hex().ljust(64, "0")[:64]
            rows.append({"photo_id": name, "label": product, "split": split})
    np.save(folder / "pixels.npy", np.stack(pixels))
    np.save(folder / "masks.npy", np.full((len(pixels), size, size), 255, np.uint8))
    labels = [f"{brand}/p{product}" for product in range(products)]
    described = {"size": size, "crop": True, "labels": labels, "photos": rows}
    (folder / "pack.json").write_text(json.dumps(described))
    return folder


def fit_one(tmp_path: Path, name: str, pack: Path, init: str, base: Path) -> Path:
    out = tmp_path / name
    fit_brand(
        "acme", settings(), init, pack, base, out, out / "m.json", out / "c.csv", out / "work"
    )
    return out


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_two_runs_give_the_same_bytes_and_leave_no_checkpoint(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack", "acme", 3)
    first, again = (fit_one(tmp_path, name, pack, "scratch", tmp_path) for name in ("a", "b"))
    assert files(first) == files(again)
    nets = {"weights.safetensors", "without-val.safetensors"}
    assert set(files(first)) == {*nets, "model.json", "m.json", "c.csv"}
    description = read_description(first / "weights.safetensors")
    assert (description.labels, description.size) == (("acme/p0", "acme/p1", "acme/p2"), 32)
    assert description.data_sha256 == load_pack(pack).sha256


def test_progressive_sees_small_pictures_first_and_the_refit_whole_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(pixels: Tensor, masks: Tensor, size: int, *others: Any) -> Tensor:
        seen.append(size)
        return augment(pixels, masks, size, *others)

    monkeypatch.setattr("train.loop.augment", spy)
    pinned = make_pack(tmp_path / "pin", "acme", 2, size=64)  # 8 train photos: one step an epoch
    how = settings(size=64, epochs=6, refit_epochs=1, progressive=True)
    base = tmp_path / "base"
    fit_base(how, "scratch", pinned, base, base / "m.json", base / "c.csv", tmp_path / "work")
    assert seen[:6] == [32, 32, 48, 48, 64, 64] and set(seen[6:]) == {64}
    assert read_description(base / "weights.safetensors").size == 64


def test_the_head_starts_from_the_rows_that_the_base_knows(tmp_path: Path) -> None:
    pinned = make_pack(tmp_path / "pin", "acme", 2)
    base = tmp_path / "base"
    refitted = settings(refit_epochs=1)
    fit_base(refitted, "scratch", pinned, base, base / "m.json", base / "c.csv", tmp_path / "work")
    grown = load_pack(make_pack(tmp_path / "pack", "acme", 3))
    net, _ = starting_net(grown, settings(), "base", base / "weights.safetensors")
    base_net, description = load_net(base / "weights.safetensors")
    assert description.labels == ("acme/p0", "acme/p1")
    assert torch.equal(net.head.weight[:2], base_net.head.weight)
    new = net.head.weight[2]
    assert torch.isclose(new.norm(), base_net.head.weight.norm(dim=1).mean())
    with pytest.raises(CatalogueError, match=r"train\.arch.* is resnet34 .* resnet18"):
        starting_net(grown, settings(arch="resnet34"), "base", base / "weights.safetensors")


def test_an_odd_number_of_photos_in_batches_of_two_leaves_none_alone(tmp_path: Path) -> None:
    pinned = make_pack(tmp_path / "pin", "acme", 3, photos=5)  # 9 train photos
    base = tmp_path / "base"
    how = settings(batch_size=2, epochs=1)
    fit_base(how, "scratch", pinned, base, base / "m.json", base / "c.csv", tmp_path / "work")
    assert read_description(base / "weights.safetensors").size == 32


def test_one_product_is_too_few_and_an_empty_pack_too(tmp_path: Path) -> None:
    for name, products, photos in (("one", 1, 6), ("none", 1, 0)):
        folder = tmp_path / name
        if photos:
            make_pack(folder, "acme", products)
        else:
            folder.mkdir()
            np.save(folder / "pixels.npy", np.zeros((0, 32, 32, 3), np.uint8))
            np.save(folder / "masks.npy", np.zeros((0, 32, 32), np.uint8))
            empty = {"size": 32, "crop": True, "labels": [], "photos": []}
            (folder / "pack.json").write_text(json.dumps(empty))
        stale = tmp_path / f"out-{name}" / "weights.safetensors"  # of a run that had enough
        stale.parent.mkdir()
        stale.write_bytes(b"old")
        out = fit_one(tmp_path, f"out-{name}", folder, "scratch", tmp_path)
        assert json.loads((out / "model.json").read_text())["status"] == "too_few"
        assert not (out / "weights.safetensors").exists()


def test_a_damaged_pack_and_a_foreign_model_are_named(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack", "acme", 2)
    (pack / "pixels.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CatalogueError, match="pack: not a readable pack"):
        load_pack(pack)
    (tmp_path / "weights.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(CatalogueError, match="not a model of this program"):
        load_net(tmp_path / "weights.safetensors")


def test_killed_and_started_again_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack", "acme", 3)
    script = (
        "import sys; from pathlib import Path; import train.loop as loop\n"
        "from test_train_fit import settings\nfrom train.fit import fit_brand\n"
        "pack, out = map(Path, sys.argv[1:])\n"
        "loop.CHECKPOINT_EVERY_S = 1e9 if out.name == 'whole' else 0.0\n"
        "fit_brand('acme', settings(epochs=8), 'scratch', pack, Path(), out, out / 'm.json',"
        " out / 'c.csv', out / 'work')\n"
    )

    def start(out: Path) -> subprocess.Popen[bytes]:
        path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        return subprocess.Popen(
            [sys.executable, "-c", script, str(pack), str(out)],
            env={**os.environ, "PYTHONPATH": path},
        )

    assert start(tmp_path / "whole").wait(120) == 0
    killed = start(tmp_path / "killed")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and killed.poll() is None:
        if list((tmp_path / "killed").rglob("checkpoint.safetensors")):
            time.sleep(0.3)
            killed.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    assert killed.wait(30) == -signal.SIGKILL, "it ended before it could be killed"
    assert list((tmp_path / "killed").rglob("checkpoint.safetensors"))
    assert start(tmp_path / "killed").wait(120) == 0
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_a_net_that_goes_astray_is_told_and_not_kept(tmp_path: Path) -> None:
    pack, out = make_pack(tmp_path / "pack", "acme", 2), tmp_path / "out"
    with pytest.raises(CatalogueError, match=r"went astray.*Lower its lr"):
        fit_brand(
            "acme", settings(lr=1e30), "scratch", pack, out, out, out / "m.json", out / "c.csv", out / "work"
        )  # fmt: skip
    assert not (out / "weights.safetensors").exists() and not (out / "model.json").exists()


@pytest.mark.parametrize("what", ["nothing told", "another net's", "cut"])
def test_a_checkpoint_that_is_none_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    pack = make_pack(tmp_path / "pack", "acme", 2)
    whole = fit_one(tmp_path, "whole", pack, "scratch", tmp_path)
    made = []

    def put(net: ShoeNet, pack: Pack, settings: Settings, work: Path, splits: Any) -> Any:
        work.mkdir(parents=True)
        tensors, told = {"net.head.weight": torch.zeros(2, 2)}, {"curve": "[]"}
        content = save(tensors, metadata=None if what == "nothing told" else told)
        (work / "checkpoint.safetensors").write_bytes(content[:-3] if what == "cut" else content)
        made.append(work)
        return run(net, pack, settings, work, splits)

    monkeypatch.setattr("train.fit.run", put)
    (tmp_path / "again/work" / f"acme-{WHOLE}-{'0' * 16}").mkdir(parents=True)  # of other data
    again = fit_one(tmp_path, "again", pack, "scratch", tmp_path)
    assert len(made) == 2 and files(again) == files(whole)
    assert not list((tmp_path / "again/work").iterdir())


@pytest.mark.parametrize("told", [{"arch": ["resnet18"]}, {"input_size": 0}, {"input_size": "32"}])
def test_a_net_that_tells_of_itself_what_cannot_be_is_refused(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    path = tmp_path / "net.safetensors"
    net = ShoeNet("resnet18", 1, 32)
    described = Description("resnet18", 32, 32, True, ("acme/p0",), "")
    save_net(path, net, dataclasses.replace(described, **told))
    with pytest.raises(CatalogueError, match=f"not a model of this program.*{next(iter(told))}"):
        load_net(path)


def test_a_pack_of_foreign_splits_or_labels_is_refused(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "pack", "acme", 2)
    sound = (folder / "pack.json").read_text()
    for was, now in (('"test"', '"Test"'), ("acme/p1", "acme/p0")):
        (folder / "pack.json").write_text(sound.replace(was, now))
        with pytest.raises(CatalogueError, match=r"pack: .*allowed"):
            load_pack(folder)
