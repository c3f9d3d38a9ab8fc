"""Colour histograms: the shoe's does not see the background, the border's sees nothing else."""

from __future__ import annotations

import torch
from conftest import draw_shoe
from torch import Tensor

from train.color import border_histogram, color_histogram


def pixels(**drawn: object) -> Tensor:
    import numpy as np

    image = draw_shoe(size=64, **drawn)  # type: ignore[arg-type]
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None]


def test_each_sees_its_part_alone() -> None:
    white, grey = pixels(), pixels(ground=(235, 235, 235))
    other = pixels(upper=(20, 90, 200))
    assert (color_histogram(white) * color_histogram(grey)).sum() > 0.99
    assert (color_histogram(white) * color_histogram(other)).sum() < 0.9
    assert (border_histogram(white) * border_histogram(grey)).sum() < 0.01
    assert torch.equal(border_histogram(white), border_histogram(other))
    for histogram in (color_histogram, border_histogram):
        assert torch.allclose(histogram(white).norm(dim=1), torch.ones(1), atol=1e-5)
        assert histogram(white[:0]).shape[0] == 0
