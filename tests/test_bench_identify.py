"""What the bench of identification counts, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.identify.simulated import PRODUCTS, simulate
from bench.identify.unseen import line_of
from identify import Identifier


@pytest.mark.parametrize(
    ("label", "is_one"),
    [
        ("adidas/zx-2k-h02368", True),
        ("adidas/zx-2k", True),
        ("adidas/zx-2k-boost-gy5806", False),
        ("adidas/zx-2k-boost-2-0-gz7823", False),
        ("nike/zx-2k-h02368", False),
    ],
)
def test_a_line_is_its_name_with_or_without_an_article_number(label: str, is_one: bool) -> None:
    assert (line_of("adidas", "ZX 2K").fullmatch(label) is not None) == is_one


def test_simulated_models_are_a_whole_set(tmp_path: Path) -> None:
    simulate(tmp_path / "models", 2, 32)
    made = Identifier.load(tmp_path / "models")
    assert made.product_count == 2 * PRODUCTS and not made.left_out
