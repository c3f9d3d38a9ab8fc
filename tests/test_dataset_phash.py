"""Hashes equal imagehash's; the range search is exact."""

from __future__ import annotations

import imagehash
import numpy as np
from conftest import draw_shoe
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.neighbours import pairs_between, pairs_within
from dataset.phash import distance, mirrored_phash, phash

WORDS = st.lists(st.integers(0, 2**64 - 1), max_size=30)


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


@settings(deadline=None)
@given(WORDS, st.integers(0, 64))
def test_range_search_finds_exactly_the_pairs_within(values: list[int], radius: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    expected = [
        [one, two]
        for one in range(len(values))
        for two in range(one + 1, len(values))
        if distance(values[one], values[two]) <= radius
    ]
    assert pairs_within(hashes, radius).tolist() == expected


@settings(deadline=None)
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
    assert pairs_between(hashes, flipped, radius).tolist() == expected
