"""`train-overrides:` takes every key of `train:`, and no value that `fit` would misread."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from catalogue.errors import CatalogueError
from catalogue.params import read_params
from train.__main__ import fit
from train.overrides import read_overrides

ROOT = Path(__file__).resolve().parent.parent


def overrides(folder: Path, of_acme: object) -> dict[str, dict[str, object]]:
    path = folder / "params.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump({"train-overrides": {"acme": of_acme}}, file)
    return read_overrides(path, ["acme"], fit)


def test_every_key_of_train_may_be_a_brands_own(tmp_path: Path) -> None:
    section = read_params(ROOT / "params.yaml")["train"]
    assert overrides(tmp_path, section) == {"acme": section}


@pytest.mark.parametrize(
    "own",
    [
        {"epochs": None}, {"init": None}, {"epochs": 80.9}, {"lr": float("nan")},
        {"packs": "elsewhere"}, {"brand": "zeta"}, 3,
    ],
)  # fmt: skip
def test_what_fit_would_misread_is_refused(tmp_path: Path, own: object) -> None:
    with pytest.raises(CatalogueError, match=r"train-overrides\.acme"):
        overrides(tmp_path, own)
