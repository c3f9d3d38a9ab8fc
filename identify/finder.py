"""The detector as photos are asked: where the shoe is on a ground that is not plain."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from catalogue.errors import CatalogueError
from dataset.foreground import Box
from train.detector import Detector, find_shoe, load_detector

log = logging.getLogger(__name__)


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

    def find(self, picture: Image.Image) -> Box | None:
        """The box of the largest shoe in an RGB picture, px; None where none is seen well enough."""
        if self._found is None:
            return None
        detector, threshold = self._found
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255  # (3, H, W)
        told = find_shoe(detector, pixels)
        if told is None or told[1] < threshold:
            return None
        return Box(*(round(side) for side in told[0]))
