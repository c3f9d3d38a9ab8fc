"""Light on what is seen: a studio whose lamps turn with the camera.

In: a part's `Look` at its samples. Out: their linear colour.
"""

from __future__ import annotations

import numpy as np

from demo.camera import View, along, turned
from demo.last import Floats
from demo.materials import Look, Spot

KEY, FILL_LIGHT = (-0.45, 0.75, 0.62), (0.7, 0.15, 0.55)  # right, up, to the camera


def lit(look: Look, spot: Spot, view: View) -> Floats:
    """Key and fill light fixed to the camera, a bright sky, a white floor; Blinn's highlight."""
    side = 1.0 - 2.0 * spot.is_inside
    normal = turned(spot.normal, view.axes)
    normal *= (side / (np.sqrt(np.einsum("ij,ij->i", normal, normal)) + 1e-6))[:, None]
    key, fill = _unit(KEY), _unit(FILL_LIGHT)
    sky = 0.5 + 0.5 * (spot.normal[:, 2] * side)
    light = 0.30 + 0.22 * sky
    light += 0.62 * np.maximum(along(normal, key), 0.0)
    light += 0.20 * np.maximum(along(normal, fill), 0.0)
    light *= 0.72 + 0.28 * np.clip(spot.place[:, 2] / 0.12, 0.0, 1.0)
    half = _unit(tuple(key + np.asarray([0, 0, 1], np.float32)))
    flash = np.maximum(along(normal, half), 0.0) ** np.float32(look.gloss)
    color = look.color * light[:, None]
    color += (np.asarray(look.shine * 0.5, np.float32) * flash)[:, None]
    return np.asarray(np.clip(color, 0.0, 1.0), np.float32)


def _unit(vector: tuple[float, ...]) -> Floats:
    values = np.asarray(vector, np.float32)
    return np.asarray(values / np.linalg.norm(values), np.float32)
