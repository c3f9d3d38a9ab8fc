"""Outlines: what they see, what they do not, and their mirror image."""

import torch
from torch import Tensor

from train.outline import WIDTH, outline


def stripes(across: bool, first: int = 40, step: int = 16, side: int = 64) -> Tensor:
    """Dark stripes on white in the left half, uint8 (1, 3, S, S)."""
    picture = torch.full((1, 3, side, side), 255, dtype=torch.uint8)
    for start in range(4, side // 2 if across else side, step):
        if across:
            picture[:, :, :, start : start + 4] = first
        else:
            picture[:, :, start : start + 4, : side // 2] = first
    return picture


def test_which_way_an_edge_runs_counts_and_its_colour_does_not() -> None:
    upright, lying = outline(stripes(across=True)), outline(stripes(across=False))
    assert upright.shape == (1, WIDTH)
    assert torch.allclose(upright.norm(dim=1), torch.ones(1))
    assert float(upright @ lying.T) < 0.5
    assert float(upright @ outline(stripes(across=True, first=90)).T) > 0.98


def test_a_mirrored_picture_is_another_one() -> None:
    """`look` asks for both; see tests/test_identify.py."""
    picture = stripes(across=True)
    assert float(outline(picture.flip(3)) @ outline(picture).T) < 0.7


def test_a_blank_picture_and_none_at_all() -> None:
    blank = torch.full((1, 3, 64, 64), 200, dtype=torch.uint8)
    assert float(outline(blank).abs().sum()) == 0
    assert outline(blank[:0]).shape == (0, WIDTH)


def test_the_size_of_the_picture_does_not_matter() -> None:
    small = stripes(across=True)
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert float(outline(small) @ outline(large).T) > 0.9
