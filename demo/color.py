"""Colours: the paints that the brands sell by name, their shades, and linear light.

In: names or sRGB colours. Out: shades, linear light to compute with, and bytes again at the end.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from demo.design import Color
from demo.last import Floats

PAINTS: dict[str, Color] = {
    "White": (244, 244, 240),
    "Bone": (226, 217, 200),
    "Ash": (176, 178, 180),
    "Slate": (88, 98, 110),
    "Black": (34, 34, 37),
    "Ink": (28, 40, 82),
    "Cobalt": (32, 84, 200),
    "Sky": (140, 190, 226),
    "Teal": (16, 128, 130),
    "Mint": (158, 218, 190),
    "Moss": (92, 106, 58),
    "Pine": (30, 82, 58),
    "Lime": (190, 222, 46),
    "Sun": (248, 200, 40),
    "Amber": (226, 140, 36),
    "Coral": (244, 104, 84),
    "Red": (200, 32, 42),
    "Wine": (112, 24, 46),
    "Rose": (236, 168, 184),
    "Plum": (98, 52, 120),
    "Lilac": (190, 170, 226),
    "Sand": (206, 178, 134),
    "Tan": (176, 118, 66),
    "Cocoa": (90, 58, 40),
    "Gum": (186, 126, 70),
}
KOREAN_PAINTS = {
    "White": "화이트", "Bone": "아이보리", "Ash": "그레이", "Slate": "차콜", "Black": "블랙",
    "Ink": "네이비", "Sky": "스카이", "Teal": "청록", "Mint": "민트", "Moss": "카키",
    "Pine": "그린", "Sun": "옐로", "Amber": "오렌지", "Coral": "코랄", "Red": "레드",
    "Wine": "와인", "Rose": "핑크", "Plum": "퍼플", "Lilac": "라일락", "Sand": "베이지",
    "Tan": "탄", "Cocoa": "브라운", "Cobalt": "블루", "Lime": "라임", "Gum": "검",
}  # fmt: skip


def lightened(color: Color, share: float) -> Color:
    """``color`` moved towards white (or, below zero, black)."""
    goal = 255 if share > 0 else 0
    red, green, blue = (round(value + (goal - value) * abs(share)) for value in color)
    return red, green, blue


def linear(color: Color) -> Floats:
    """sRGB to linear light, 0..1 (IEC 61966-2-1)."""
    share = np.asarray(color, np.float64) / 255.0
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


@lru_cache(maxsize=1)
def _curve() -> NDArray[np.uint8]:
    """Linear light in 1/8191 to sRGB bytes."""
    share = np.arange(8192) / 8191.0
    bent = np.where(share <= 0.0031308, share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055)
    return np.round(bent * 255).astype(np.uint8)


def encoded(picture: Floats) -> NDArray[np.uint8]:
    """Linear light to sRGB."""
    return _curve()[(np.clip(picture, 0.0, 1.0) * 8191).astype(np.int16)]
