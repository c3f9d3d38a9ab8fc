"""Our JPEG on tensors beside Pillow's codec."""

from __future__ import annotations

import io

import pytest
import torch
from conftest import draw_shoe
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

from train.jpeg import saved_as_jpeg


@pytest.mark.parametrize("quality", [10, 30, 60, 75, 90, 100])  # at 50 white lies between two steps
def test_pictures_look_as_pillow_saves_them(quality: int) -> None:
    image = draw_shoe(size=96, upper=(200, 40, 40)).resize((84, 59))  # no multiple of a block
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=2)
    saved = pil_to_tensor(Image.open(file)).float()
    picture = pil_to_tensor(image).float()
    ours = saved_as_jpeg(picture[None] / 255, torch.tensor([float(quality)]))[0] * 255
    change = (saved - picture).abs().mean()
    assert (ours - saved).abs().mean() < 0.5 + 0.1 * change


def test_each_picture_has_its_own_quality() -> None:
    pictures = torch.rand(3, 3, 40, 24, generator=torch.Generator().manual_seed(0))
    saved = saved_as_jpeg(pictures, torch.tensor([5.0, 50.0, 100.0]))
    away = (saved - pictures).abs().mean(dim=(1, 2, 3)).tolist()
    assert away == sorted(away, reverse=True) and saved.shape == pictures.shape
    alone = saved_as_jpeg(pictures[1:2], torch.tensor([50.0]))
    assert torch.allclose(saved[1:2], alone, atol=1.01 / 255)
    assert float(saved.amin()) >= 0 and float(saved.amax()) <= 1
