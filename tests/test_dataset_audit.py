"""The audit's comparison of pictures: as every pair looked at one by one, whatever the blocks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import imagehash
import numpy as np
import pytest
from conftest import draw_shoe
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import dataset.audit_looks as audit_looks
from dataset.audit_looks import APART, CLOSE_BITS, SMALL, UNLIKE, Looks, compare, read_looks

Pair = tuple[int, float, int, int]


def one_by_one(
    looks: Looks, side: np.ndarray, brand: np.ndarray
) -> tuple[dict[int, Pair], set[tuple[int, int]]]:
    """What `compare` promises, of all pairs in a plain loop."""
    nearest: dict[int, Pair] = {}
    same = set()
    for two in range(len(side)):
        for one in range(two):
            if side[one] == side[two]:
                continue
            bits = (int(looks.hashes[one]) ^ int(looks.hashes[two])).bit_count()
            first, second = (looks.smalls[row].astype(float) for row in (one, two))
            flat = first.std() == 0 or second.std() == 0
            unlike = 1.0 if flat else 1.0 - float(np.corrcoef(first, second)[0, 1])
            if brand[one] == brand[two]:
                pair = (bits, round(unlike, 9), one, two)
                nearest[int(brand[one])] = min(pair, nearest.get(int(brand[one]), pair))
            alike = np.abs(first - second).max() <= APART and unlike <= UNLIKE
            if bits <= CLOSE_BITS and alike:
                same.add((one, two))
    return nearest, same


def clumped(seed: int, count: int, clumps: int, flips: int) -> tuple[Looks, np.ndarray, np.ndarray]:
    """Hashes and small pictures near a few centres, some equal, some of one colour."""
    chance = np.random.default_rng(seed)
    centres = chance.integers(0, 2**63, clumps).astype(np.uint64)
    pictures = chance.integers(0, 256, (clumps, SMALL * SMALL * 3))
    pictures[0] = 128
    of = chance.integers(0, clumps, count)
    hashes = centres[of]
    for _ in range(flips):
        hashes = hashes ^ (np.uint64(1) << chance.integers(0, 64, count).astype(np.uint64))
    noise = chance.integers(-14, 15, (count, 1)) * chance.integers(0, 2, pictures[of].shape)
    smalls = (pictures[of] + noise).clip(0, 255).astype(np.uint8)
    return Looks(hashes, smalls), chance.integers(0, 3, count), chance.integers(0, 4, count)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 60),
    clumps=st.integers(1, 20),
    flips=st.integers(0, 4),
    block=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_blocks_find_what_a_loop_over_all_pairs_finds(
    seed: int, count: int, clumps: int, flips: int, block: int
) -> None:
    looks, side, brand = clumped(seed, count, clumps, flips)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_looks, "_BLOCK", block)
        patch.setattr(audit_looks, "_FEW", min(block, 50))
        nearest, same = compare(looks, side, brand)
    wanted, wanted_same = one_by_one(looks, side, brand)
    assert same == wanted_same
    assert nearest.keys() == wanted.keys()
    for code, (bits, unlike, *_) in wanted.items():
        assert nearest[code][0] == bits
        assert nearest[code][1] == pytest.approx(unlike, abs=1e-8)


def test_the_cases_hold_pairs_of_every_kind() -> None:
    """Else the test above compares little."""
    bits, copies = set(), 0
    for seed in range(20):
        nearest, same = one_by_one(*clumped(seed, 40, 8, seed % 5))
        bits |= {pair[0] > CLOSE_BITS for pair in nearest.values()}
        copies += len(same)
    assert bits == {True, False} and copies > 20


def test_the_nearest_pair_does_not_depend_on_blocks() -> None:
    looks, side, brand = clumped(5, 400, 6, 1)
    found = []
    for block in (1, 100, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(audit_looks, "_BLOCK", block)
            patch.setattr(audit_looks, "_FEW", block)
            found.append(compare(looks, side, brand))
    assert found[0] == found[1] == found[2]


def test_looks_lie_on_disk_and_are_imagehashs(tmp_path: Path) -> None:
    paths = []
    for pose in range(3):
        paths.append(tmp_path / f"{pose}.png")
        draw_shoe(pose=pose).save(paths[-1])
    with TemporaryFile() as scratch:
        looks = read_looks(paths, scratch)
        for row, path in enumerate(paths):
            image = Image.open(path)
            assert int(looks.hashes[row]) == int(str(imagehash.phash(image)), 16)
            small = np.asarray(image.resize((SMALL, SMALL), Image.Resampling.BOX))
            assert (looks.smalls[row] == small.ravel()).all()
        assert isinstance(looks.smalls, np.memmap)
        assert len(read_looks([], scratch).hashes) == 0
