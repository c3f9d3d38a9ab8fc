"""What the bench of identification counts, by hand."""

from __future__ import annotations

import pytest

from bench.identify.unseen import line_of


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
