"""Composites, the net that finds a shoe in them, and its files; trained on drawn shoes, small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from conftest import draw_shoe
from torch import Tensor

from catalogue.errors import CatalogueError
from train.__main__ import cli
from train.detector import Detector, find_shoe, framed, largest_part, load_detector, save_detector
from train.fit_detector import (
    Settings,
    Trial,
    best_threshold,
    fit_detector,
    measured,
    overlap,
    train,
    try_out,
)
from train.scenes import CutOuts, compose
from train.seed import generator, make_deterministic

SMALL = Settings(steps=2, batch_size=4, lr=0.004, val_frames=4, seed=0)


def drawn(shapes: range, size: int = 64) -> tuple[Tensor, Tensor]:
    """Pixels (N, 3, S, S) and masks (N, S, S) of drawn shoes in a few colours and poses."""
    pictures = [
        np.asarray(draw_shoe((red, 60 + 40 * shape, 210 - red), pose=pose, shape=shape, size=size))
        for shape in shapes
        for pose in (0, 1, 2, 5)
        for red in (30, 130, 220)
    ]
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return pixels, (pixels.amin(dim=1) < 250).to(torch.uint8) * 255


def write_pin(folder: Path, shapes: range) -> Path:
    """A pack of drawn shoes, every fourth for validation."""
    pixels, masks = drawn(shapes)
    folder.mkdir(parents=True)
    np.save(folder / "pixels.npy", pixels.permute(0, 2, 3, 1).numpy())
    np.save(folder / "masks.npy", masks.numpy())
    photos = [
        {"photo_id": f"{n:064}", "label": 0, "split": "train" if n % 4 else "val"}
        for n in range(len(pixels))
    ]
    told = {"size": 64, "crop": True, "background": "keep", "labels": ["acme/runner"], "photos": photos}  # fmt: skip
    (folder / "pack.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def learned() -> Detector:
    """A detector that learned from drawn shoes for some seconds."""
    make_deterministic()
    return train(CutOuts.of(*drawn(range(4))), Settings(140, 16, 0.004, 0, 0))


def test_a_composite_says_where_its_shoe_is() -> None:
    red = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    red[:, 0] = 255
    cut_outs = CutOuts.of(red, torch.full((1, 32, 32), 255, dtype=torch.uint8))
    frames, shoe = compose(cut_outs, 96, 64, generator("composite"))
    assert frames.shape == (64, 3, 96, 96) and shoe.shape == (64, 1, 96, 96)
    assert float(frames.amin()) >= 0 and float(frames.amax()) <= 1
    is_there = shoe[:, 0].flatten(1).amax(dim=1) > 0.99
    assert 32 < int(is_there.sum()) < 64  # some frames have no shoe
    inside = (frames * (shoe > 0.99)).sum(dim=(0, 2, 3)) / (shoe > 0.99).sum()
    assert inside[0] > 0.5 and inside[1] < 0.2 and inside[2] < 0.2
    again, _ = compose(cut_outs, 96, 64, generator("composite"))
    assert torch.equal(frames, again)


def test_the_largest_part_is_one_whose_cells_touch() -> None:
    mask = torch.tensor(
        [[1, 1, 0, 0, 1], [0, 0, 1, 0, 1], [0, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1]]
    ).bool()
    assert largest_part(mask).nonzero().tolist() == [[0, 4], [1, 4], [2, 4], [3, 4], [4, 4]]
    mask[0, 4] = mask[1, 4] = False
    assert largest_part(mask).sum() == 3  # two equal ones: one of them
    assert not largest_part(torch.zeros(3, 3, dtype=torch.bool)).any()


def test_a_frame_is_the_square_with_the_mean_colour_round_the_picture() -> None:
    picture = torch.ones(3, 48, 96)
    picture[:, :, 48:] = 0
    frame = framed(picture, (0.0, -24.0, 96.0, 72.0))  # twice as high as the picture
    assert frame.shape == (3, 96, 96)
    assert torch.allclose(frame[:, :20], torch.full((3, 20, 96), 0.5))
    assert float(frame[:, 30:70, :40].amin()) > 0.99 and float(frame[:, 30:70, 56:].amax()) < 0.01


def test_the_threshold_gains_most() -> None:
    assert overlap((0, 0, 2, 2), (2, 2, 3, 3)) == 0
    trials = [Trial(0.9, 0.8), Trial(0.8, 0.6), Trial(0.7, None), Trial(0.6, 0.5), Trial(0.5, 0.9)]
    trials += [Trial(0.4, 0.2), Trial(0.3, None), Trial(0.2, 0.7), Trial(0.0, 0.0)]
    assert best_threshold(trials) == 0.5
    assert measured(trials, 0.5) == {
        "threshold": 0.5,
        "frames": 7,
        "right": round(4 / 7, 4),
        "wrong": 0.0,
        "empty_frames": 2,
        "false_boxes": 0.5,
    }
    assert best_threshold([Trial(0.9, None)]) == 1.0  # better no box at all


def test_it_tells_drawn_shoes_from_scenes_it_never_saw(learned: Detector) -> None:
    frames, shoe = compose(CutOuts.of(*drawn(range(4, 6))), 96, 64, generator("other scenes"))
    with torch.inference_mode():
        sure = learned(frames).sigmoid()
        unlearned = Detector().eval()(frames).sigmoid()
    cells = torch.nn.functional.avg_pool2d(shoe, 4)
    is_shoe, is_ground = cells > 0.9, cells < 0.1
    assert sure[is_shoe].mean() > 4 * sure[is_ground].mean()
    assert unlearned[is_shoe].mean() < 2 * unlearned[is_ground].mean()
    trials = try_out(learned, CutOuts.of(*drawn(range(4, 6))), 12, seed=7)
    assert len(trials) == 12 and any(trial.overlap is not None for trial in trials)


def test_a_box_is_told_in_the_pictures_own_pixels(learned: Detector) -> None:
    shoe = np.asarray(draw_shoe((220, 100, 40), size=120))
    picture = np.full((300, 500, 3), (90, 120, 90), np.uint8)
    part = picture[150:270, 330:450]
    part[shoe.min(axis=2) < 250] = shoe[shoe.min(axis=2) < 250]
    found = find_shoe(learned, torch.from_numpy(picture).permute(2, 0, 1).float() / 255)
    assert found is not None
    rows, columns = (np.flatnonzero((shoe.min(axis=2) < 250).any(axis=axis)) for axis in (1, 0))
    truth = (330.0 + columns[0], 150.0 + rows[0], 331.0 + columns[-1], 151.0 + rows[-1])
    assert overlap(found.box, truth) > 0.6, (found, truth)


def test_equal_settings_give_equal_bytes(tmp_path: Path) -> None:
    pin = write_pin(tmp_path / "pin", range(5))
    for name in ("one", "two"):
        told = fit_detector(SMALL, pin, tmp_path / name, tmp_path / name / "metrics.json")
        assert told == "trained"
    for file in ("weights.safetensors", "model.json", "metrics.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    other = Settings(steps=2, batch_size=4, lr=0.004, val_frames=4, seed=1)
    fit_detector(other, pin, tmp_path / "two", tmp_path / "two" / "metrics.json")
    weights = [(tmp_path / one / "weights.safetensors").read_bytes() for one in ("one", "two")]
    assert weights[0] != weights[1]


def test_too_few_cut_outs_are_told_and_leave_no_net(tmp_path: Path) -> None:
    pin, models = write_pin(tmp_path / "pin", range(1)), tmp_path / "models"
    save_detector(models / "detector", Detector(), 0.5)  # of a run before
    words = (
        f"detector --steps 2 --batch-size 4 --lr 0.004 --val-frames 4 --seed 0 --pin {pin} "
        f"--models {models} --metrics {tmp_path}"
    )
    done = CliRunner().invoke(cli, words.split(), catch_exceptions=False)
    assert done.exit_code == 0 and "detector: too_few" in done.stderr
    assert [one.name for one in (models / "detector").iterdir()] == ["model.json"]
    assert load_detector(models / "detector") is None
    assert json.loads((tmp_path / "detector.json").read_text())["cut_outs"] == {
        "train": 9,
        "val": 3,
    }


def test_a_saved_detector_answers_as_before(tmp_path: Path, learned: Detector) -> None:
    save_detector(tmp_path, learned, 0.25)
    loaded = load_detector(tmp_path)
    assert loaded is not None and loaded[1] == 0.25
    frames, _ = compose(CutOuts.of(*drawn(range(1))), 96, 2, generator("frames"))
    with torch.inference_mode():
        assert torch.equal(loaded[0](frames), learned(frames))


@pytest.mark.parametrize("fault", ["missing", "cut", "other", "nonsense", "shape"])
def test_a_damaged_detector_is_refused_with_the_remedy(tmp_path: Path, fault: str) -> None:
    save_detector(tmp_path, Detector(), 0.5)
    weights, model = tmp_path / "weights.safetensors", tmp_path / "model.json"
    if fault == "missing":
        model.unlink()
    elif fault == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif fault == "other":
        told = json.loads(model.read_text())
        model.write_text(json.dumps(told | {"sha256": "0" * 64}))
    elif fault == "nonsense":
        model.write_text('{"status": 3, "colour": "red"}')
    else:
        wrong = Detector()
        wrong.head = torch.nn.Conv2d(1, 1, 1)
        save_detector(tmp_path, wrong, 0.5)
    with pytest.raises(CatalogueError, match=r"not a readable detector.*dvc repro detector"):
        load_detector(tmp_path)
