"""Rows in float16, and the highest scores first."""

from __future__ import annotations

from itertools import islice

import torch
from hypothesis import given
from hypothesis import strategies as st

from train.similarity import EARLY, descending, highest, similarities


@given(st.lists(st.integers(0, 9), max_size=3 * EARLY), st.integers(0, 2 * EARLY))
def test_the_order_is_that_of_a_stable_sort(values: list[int], count: int) -> None:
    scores = torch.tensor(values, dtype=torch.float32)
    expected = sorted(range(len(values)), key=lambda index: -values[index])
    assert highest(scores, count) == expected[:count]
    assert list(islice(descending(scores), count)) == expected[:count]
    assert list(descending(scores)) == expected


def test_one_photo_is_compared_as_many_are() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 30, generator=draw).half()
    asked = torch.randn(4, 30, generator=draw)
    together = similarities(asked, rows)
    for number, one in enumerate(asked):
        assert torch.allclose(similarities(one[None], rows)[0], together[number], atol=0.02)
