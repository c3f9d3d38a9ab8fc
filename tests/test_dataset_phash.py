"""Hashes equal imagehash's; the range search is exact."""

from __future__ import annotations

from collections.abc import Iterator

import imagehash
import numpy as np
import pytest
from conftest import draw_shoe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset import neighbours
from dataset.neighbours import Pairs, pairs_between, pairs_within
from dataset.phash import distance, mirrored_phash, phash

# Near ones and far ones: random words alone would hold no pair within a few bits.
NEAR = st.builds(
    lambda bits: sum(1 << bit for bit in bits), st.sets(st.integers(0, 63), max_size=6)
)
WORDS = st.lists(st.integers(0, 2**64 - 1) | NEAR, max_size=30)


@pytest.fixture(params=[0, neighbours._FEW], ids=["by parts", "all pairs"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of the search on few hashes."""
    monkeypatch.setattr(neighbours, "_FEW", request.param)


def listed(blocks: Iterator[Pairs]) -> list[list[int]]:
    return sorted(pair for block in blocks for pair in block.tolist())


def test_phash_is_imagehashs_as_an_integer() -> None:
    for pose in range(4):
        image = draw_shoe(pose=pose)
        assert f"{phash(image):016x}" == str(imagehash.phash(image))


def test_known_answer() -> None:
    assert f"{phash(draw_shoe()):016x}" == str(imagehash.phash(draw_shoe()))
    assert distance(0, 2**64 - 1) == 64 and distance(0b1011, 0b0010) == 2


def test_mirrored_twice_is_the_same() -> None:
    image = draw_shoe(pose=1)
    assert mirrored_phash(image.transpose(0)) == phash(image)


@pytest.mark.usefixtures("few")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS, st.integers(0, 64))
def test_range_search_finds_exactly_the_pairs_within(values: list[int], radius: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    expected = [
        [one, two]
        for one in range(len(values))
        for two in range(one + 1, len(values))
        if distance(values[one], values[two]) <= radius
    ]
    assert listed(pairs_within(hashes, radius)) == expected


@pytest.mark.usefixtures("few")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS, st.integers(0, 8))
def test_search_between_keeps_the_lower_half(values: list[int], radius: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    flipped = hashes ^ np.uint64(1)
    expected = [
        [one, two]
        for one in range(len(values))
        for two in range(one, len(values))
        if distance(values[one], values[two] ^ 1) <= radius
    ]
    assert listed(pairs_between(hashes, flipped, radius)) == expected
