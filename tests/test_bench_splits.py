"""What is told of several splits, by hand: means over splits, pairs over all their photos."""

from __future__ import annotations

from typing import Any

from bench.splits import FIGURES, summary
from bench.stages import _commands


def split(default: str, top1: dict[str, float], *photos: tuple[str, list[str]]) -> dict[str, Any]:
    return {
        "default": default,
        "counts": {},
        "arms": {arm: {key: None if key == "ece" else value for key in FIGURES} for arm, value in top1.items()},
        "photos": [[truth, right, right, 0.75] for truth, right in photos],
    }  # fmt: skip


def test_figures_are_means_over_splits_and_gains_pair_the_photos_of_all() -> None:
    told = summary(
        [
            split("gate", {"gate": 1.0, "joint": 0.5}, ("a/1", ["gate", "joint"]), ("a/2", ["gate"])),
            split("joint", {"gate": 0.5, "joint": 0.75}, ("a/1", ["joint"]), ("b/1", ["gate", "joint"])),
        ]
    )  # fmt: skip
    assert told["test_photos"] == 4 and told["test_products"] == 3
    assert told["arms"]["gate"]["top1"] == {"mean": 0.75, "low": 0.5, "high": 1.0}
    assert told["arms"]["gate"]["ece"] is None
    # the default is right four times of four: gate in the first split, joint in the second
    assert told["default_minus"]["gate"]["difference"] == 0.25
    assert told["default_minus"]["joint"]["difference"] == 0.25
    assert told["calibration"]["ece"] == 0.25  # four of four at a confidence of 0.75
    assert 0 < told["calibration"]["ece_by_chance"] < 0.4
    assert told["within_brand"] == {"gate - joint": told["within_brand"]["gate - joint"]}
    assert told["within_brand"]["gate - joint"]["difference"] == 0.0


def test_a_stages_command_is_what_dvc_would_run() -> None:
    stage = {"cmd": "python -m dataset split ${split}"}
    params = {"split": {"val": 0.15, "unknown-brands": ["nike", "on"], "strict": False}}
    told = " ".join(next(_commands(stage, params, ())))
    assert (
        told
        == "python -m dataset split --val 0.15 --unknown-brands nike --unknown-brands on --no-strict"
    )
