"""Augmentation is seeded, keeps shape and colour; the histogram ignores the background."""

from __future__ import annotations

import pytest
import torch
from conftest import draw_shoe
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

import train.augment
from train.augment import (
    NEW_GROUND_SHARE,
    SHADOW,
    _in_shadow,
    _move,
    _on_other_ground,
    augment,
)
from train.color import color_histogram
from train.data import normalise


def picture(**how: object) -> torch.Tensor:
    drawn: Image.Image = draw_shoe(size=64, **how)  # type: ignore[arg-type]
    tensor: torch.Tensor = pil_to_tensor(drawn)
    return tensor


def masks(pixels: torch.Tensor) -> torch.Tensor:
    return (pixels.amin(dim=1) < 250).to(torch.uint8) * 255


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_same_seed_gives_the_same_variants_and_another_gives_others(share: float) -> None:
    pixels = torch.stack([picture()] * 4)
    first, again, other = (
        augment(pixels, masks(pixels), 48, torch.Generator().manual_seed(seed), share)
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == normalise(pixels, 48).shape and not torch.equal(first[0], first[1])


def test_light_changes_but_a_red_shoe_stays_red() -> None:
    red, blue = picture(upper=(200, 40, 40)), picture(upper=(40, 40, 200))

    def redness(normalised: torch.Tensor) -> torch.Tensor:
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        middle = (normalised * std + mean)[:, :, 16:48, 16:48]  # the ground outweighs a small shoe
        channels = middle.mean(dim=(2, 3))  # (B, 3)
        return channels[:, 0] - channels[:, 2]

    generator = torch.Generator().manual_seed(0)
    shoes = [torch.stack([one] * 64) for one in (red, blue)]
    whole = torch.full((64, 64, 64), 255, dtype=torch.uint8)  # no ground to replace
    of_red, of_blue = (redness(augment(shoe, whole, 64, generator, 0.5)) for shoe in shoes)
    middle = float(redness(normalise(torch.stack([red, blue]), 64)).mean())
    assert (of_red > middle).float().mean() > 0.95 and (of_blue < middle).float().mean() > 0.95


def test_the_ground_of_some_is_replaced_and_the_shoe_never() -> None:
    count = 256
    pixels = torch.full((count, 3, 32, 32), 255, dtype=torch.uint8)
    pixels[:, :, 8:24, 8:24] = torch.tensor([200, 40, 40], dtype=torch.uint8).view(3, 1, 1)
    shoe = torch.zeros(count, 32, 32, dtype=torch.uint8)
    shoe[:, 8:24, 8:24] = 255
    pictures = _on_other_ground(
        pixels.float() / 255, shoe[:, None].float() / 255, 0.5, torch.Generator().manual_seed(0)
    )
    assert torch.equal(pictures[:, :, 8:24, 8:24], (pixels.float() / 255)[:, :, 8:24, 8:24])
    is_new = (pictures[:, :, 0, 0] != 1).any(dim=1)
    assert 0.5 < int(is_new.sum()) / (NEW_GROUND_SHARE * count) < 1.5
    assert len(pictures[is_new][:, :, 0, 0].unique(dim=0)) > 10


def test_a_shadow_falls_beside_the_shoe_and_never_on_it() -> None:
    pixels = torch.full((64, 3, 64, 64), 0.8)
    shoe = torch.zeros(64, 1, 64, 64)
    shoe[:, :, 24:40, 24:40] = 1
    seen = _in_shadow(pixels, shoe, 0.5, torch.Generator().manual_seed(0))
    assert torch.equal(seen[:, :, 24:40, 24:40], pixels[:, :, 24:40, 24:40])
    is_darker = (seen < 0.79).any(dim=(1, 2, 3))
    assert 0.5 < int(is_darker.sum()) / (0.5 * 64) < 1.3
    assert float(seen.amin()) >= 0.8 * (1 - SHADOW)
    whole = torch.ones(64, 1, 64, 64)  # no mask: the ground is not known
    assert torch.equal(_in_shadow(pixels, whole, 1.0, torch.Generator().manual_seed(0)), pixels)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_tilted_camera_sees_parallel_edges_run_together(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = {
        "MAX_ROTATION_DEG": 0.0,
        "SCALE": (1.0, 1.0),
        "ASPECT": (1.0, 1.0),
        "MAX_SHIFT": 0.0,
    }
    for name, value in straight.items():
        monkeypatch.setattr(train.augment, name, value)
    pictures = torch.zeros(64, 1, 64, 64)
    pictures[:, :, 16:48] = 1  # a band from the left edge to the right one
    seen = _move(pictures, 64, share, torch.Generator().manual_seed(0))
    widths = seen.sum(dim=2)[:, 0]  # (B, 64) of each column
    difference = (widths[:, 0] - widths[:, -1]).abs()
    if share:
        # 32 px divided by 1 + t and 1 - t at the ends, |t| evenly up to TILT: on average 8 px apart
        assert 5 < float(difference.mean()) < 11
    else:
        assert torch.equal(seen, pictures)


def test_the_histogram_does_not_see_the_ground() -> None:
    white, grey, other = (
        color_histogram(picture(**how)[None])[0]
        for how in ({}, {"ground": (225, 225, 225)}, {"upper": (30, 160, 60)})
    )
    assert float(white @ grey) > 0.9 > float(white @ other)
    assert torch.allclose(white.norm(), torch.tensor(1.0))
