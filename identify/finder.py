"""The detector as photos are asked: where the shoe is on a ground that is not plain."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from catalogue.errors import CatalogueError
from dataset.canvas import WHITE
from dataset.foreground import Box
from train.detector import Detector, Sides, find_shoe, load_detector

log = logging.getLogger(__name__)
LEAST_SURE = 96  # of 255: a mask may take in some ground rather than cut the shoe


@dataclass(frozen=True)
class Shoe:
    """Where a shoe is in a picture, px."""

    box: Box
    square: Sides  # that ``mask`` covers
    mask: Image.Image  # grey: 255 where it is surely of the shoe

    def without_ground(self, part: Image.Image, sides: Sides) -> Image.Image:
        """``part``, the picture's ``sides`` at any scale, with white for all that is not the shoe."""
        left, top, right, _ = self.square
        unit = (right - left) / self.mask.width
        place = tuple((side - (left, top)[axis % 2]) / unit for axis, side in enumerate(sides))
        over = self.mask.transform(
            part.size, Image.Transform.EXTENT, place, Image.Resampling.BILINEAR
        )
        is_shoe = over.point(lambda level: 255 * (level > LEAST_SURE))
        return Image.composite(part, Image.new("RGB", part.size, WHITE), is_shoe)


class Finder:
    """Finds the shoe in a picture; without a detector it finds none."""

    def __init__(self, found: tuple[Detector, float] | None = None) -> None:
        self._found = found

    @classmethod
    def load(cls, models: Path) -> Finder:
        """The detector in ``models``; what is wrong with it is told once, and photos are answered without."""
        try:
            return cls(load_detector(models / "detector"))
        except CatalogueError as error:
            log.warning("photos that are not on plain ground are answered as a whole: %s", error)
            return cls()

    def find(self, picture: Image.Image) -> Shoe | None:
        """The largest shoe in an RGB picture; None where none is seen well enough."""
        if self._found is None:
            return None
        detector, threshold = self._found
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255  # (3, H, W)
        found = find_shoe(detector, pixels)
        if found is None or found.score < threshold:
            return None
        box = Box(*(round(side) for side in found.box))
        if not box.area:
            return None
        mask = Image.fromarray((found.mask * 255).byte().numpy())
        return Shoe(box, found.square, mask)
