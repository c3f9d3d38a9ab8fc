"""Grounds to photograph a shoe on, drawn as nothing that the detector learns from is drawn.

Planks, cobbles, grass, a rug, a street, a shelf, gravel, lights out of focus, a phone's screen; and two real photos
(a temple, a flower) that scikit-learn brings along. Each takes a generator and gives 1000 x 750 px.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.spatial import cKDTree

SIZE = (1000, 750)
Draws = np.random.Generator
Color = tuple[int, int, int]


def planks(draws: Draws) -> Image.Image:
    """A wooden floor, its planks running away from the camera."""
    image, draw = _blank(draws)
    wood = np.array(_color(draws))
    edges = np.linspace(-900, 1900, 22)
    for left, right in pairwise(edges):
        shade = _shaded(wood, draws.uniform(0.75, 1.2))
        far = [500 + (x - 500) * 0.35 for x in (right, left)]
        draw.polygon(
            [(left, 750), (right, 750), (far[0], 0), (far[1], 0)],
            fill=shade,
            outline=_shaded(wood, 0.5),
        )
        for _ in range(12):
            share, bend = draws.uniform(0, 1), draws.uniform(-4, 4)
            start = (left + share * (right - left), 750)
            end = (far[1] + share * (far[0] - far[1]) + bend, 0)
            draw.line((start, end), fill=_shaded(np.array(shade), 0.9))
    return image.filter(ImageFilter.GaussianBlur(0.8))


def cobbles(draws: Draws) -> Image.Image:
    """Stones of a pavement: each pixel is of the nearest centre."""
    centres = draws.uniform(-20, 1020, (int(draws.integers(60, 500)), 2))
    down, across = np.mgrid[: SIZE[1], : SIZE[0]]
    away, number = cKDTree(centres).query(np.stack([across, down], axis=-1), k=2)
    stone = np.array(_color(draws)) * draws.uniform(0.6, 1.2, (len(centres), 1))
    joint = np.clip((away[..., 1] - away[..., 0]) / 6, 0.3, 1)[..., None]
    return _grained(stone[number[..., 0]] * joint, draws, 14)


def grass(draws: Draws) -> Image.Image:
    """Blades in a few greens, over soil."""
    image, draw = _blank(draws)
    green = np.array([draws.uniform(40, 120), draws.uniform(90, 190), draws.uniform(20, 80)])
    for _ in range(9000):
        x, y = draws.uniform(-20, 1020), draws.uniform(-20, 770)
        length = 8 + 40 * y / 750
        lean = draws.normal(0, 0.4) * length
        draw.line(
            (x, y, x + lean, y - length), fill=_shaded(green, draws.uniform(0.5, 1.5)), width=2
        )
    return image


def rug(draws: Draws) -> Image.Image:
    """Zigzags and diamonds, woven."""
    image, draw = _blank(draws)
    step = int(draws.integers(30, 120))
    colors = [_color(draws) for _ in range(4)]
    for row, y in enumerate(range(-step, 750 + step, step)):
        for column, x in enumerate(range(-step, 1000 + step, step)):
            diamond = [
                (x, y + step / 2),
                (x + step / 2, y),
                (x + step, y + step / 2),
                (x + step / 2, y + step),
            ]
            draw.polygon(diamond, fill=colors[(row + column) % 4], outline=colors[row % 4])
    return _grained(
        np.asarray(
            image.rotate(draws.uniform(-25, 25), Image.Resampling.BICUBIC, fillcolor=colors[0])
        ),
        draws,
        10,
    )


def street(draws: Draws) -> Image.Image:
    """Houses with windows, a road with its line, a lamp post and a bin."""
    image, draw = _blank(draws)
    horizon = int(draws.integers(150, 400))
    draw.rectangle((0, 0, 1000, horizon), fill=(150, 190, 230))
    x = -50
    while x < 1000:
        width, top = int(draws.integers(80, 260)), int(draws.integers(0, horizon - 60))
        draw.rectangle((x, top, x + width, horizon), fill=_color(draws))
        for window in range(x + 12, x + width - 20, 40):
            for floor in range(top + 15, horizon - 25, 45):
                draw.rectangle((window, floor, window + 20, floor + 25), fill=_color(draws))
        x += width + int(draws.integers(0, 30))
    road = int(draws.integers(60, 120))
    draw.rectangle((0, horizon, 1000, 750), fill=(road, road, road + 5))
    draw.polygon([(480, horizon), (500, horizon), (650, 750), (450, 750)], fill=(220, 220, 200))
    post = int(draws.integers(0, 1000))
    draw.rectangle((post, 0, post + 18, horizon + 160), fill=(50, 55, 50))
    draw.rounded_rectangle(
        (post + 120, horizon - 40, post + 240, horizon + 190), 20, fill=_color(draws)
    )
    return _grained(np.asarray(image.filter(ImageFilter.GaussianBlur(1.2))), draws, 8)


def shelf(draws: Draws) -> Image.Image:
    """Books, cups and balls on boards against a wall."""
    image, draw = _blank(draws)
    for board in range(180, 800, 190):
        x = 0
        while x < 1000:
            width, height = int(draws.integers(18, 90)), int(draws.integers(60, 150))
            kind, color = draws.integers(4), _color(draws)
            if kind < 2:
                draw.rectangle(
                    (x, board - height, x + width, board), fill=color, outline=(30, 30, 30)
                )
            elif kind == 2:
                draw.ellipse((x, board - width, x + width, board), fill=color)
            else:
                draw.rounded_rectangle((x, board - width, x + width, board), width // 4, fill=color)
                draw.arc(
                    (x + width - 8, board - width, x + width + 24, board - 8),
                    -90,
                    90,
                    fill=color,
                    width=7,
                )
            x += width + int(draws.integers(2, 60))
        draw.rectangle((0, board, 1000, board + 22), fill=(120, 85, 50))
    return _grained(np.asarray(image), draws, 6)


def gravel(draws: Draws) -> Image.Image:
    """Pebbles over pebbles."""
    image, draw = _blank(draws)
    base = np.array(_color(draws))
    for _ in range(3500):
        x, y, r = draws.uniform(0, 1000), draws.uniform(0, 750), draws.uniform(4, 26)
        draw.ellipse(
            (x - r, y - r * 0.7, x + r, y + r * 0.7), fill=_shaded(base, draws.uniform(0.4, 1.5))
        )
    return _grained(np.asarray(image.filter(ImageFilter.GaussianBlur(1))), draws, 8)


def lights(draws: Draws) -> Image.Image:
    """A night out of focus above a dark floor."""
    image, draw = _blank(draws)
    draw.rectangle((0, 0, 1000, 750), fill=(20, 20, 35))
    for _ in range(60):
        x, y, r = draws.uniform(0, 1000), draws.uniform(0, 450), draws.uniform(10, 50)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_color(draws))
    return _grained(np.asarray(image.filter(ImageFilter.GaussianBlur(6))), draws, 6)


def screen(draws: Draws) -> Image.Image:
    """A dark page with a bar, pictures and lines of words."""
    image, draw = _blank(draws)
    draw.rectangle((0, 0, 1000, 750), fill=(28, 30, 34))
    draw.rectangle((0, 0, 1000, 60), fill=_color(draws))
    for y in range(90, 740, 24):
        x = 30.0
        while x < 960:
            width = draws.uniform(10, 90)
            draw.rectangle((x, y, x + width, y + 9), fill=(190, 190, 195))
            x += width + 10
    left, top = int(draws.integers(40, 300)), int(draws.integers(90, 200))
    draw.rectangle((left, top, left + 620, top + 520), fill=_color(draws))
    return image


def photographs() -> list[Callable[[Draws], Image.Image]]:
    """A ground of real photos without a shoe, cut at random; none where scikit-learn's are not at hand."""
    try:
        from sklearn.datasets import load_sample_images

        pictures = [Image.fromarray(one) for one in load_sample_images().images]
    except (ImportError, OSError):
        return []

    def photograph(draws: Draws) -> Image.Image:
        picture = pictures[int(draws.integers(len(pictures)))]
        width = int(draws.integers(300, picture.width))
        left = int(draws.integers(0, picture.width - width))
        top = int(draws.integers(0, max(1, picture.height - width * 3 // 4)))
        part = picture.crop((left, top, left + width, top + width * 3 // 4))
        return part.resize(SIZE, Image.Resampling.BICUBIC)

    return [photograph]


DRAWN = (planks, cobbles, grass, rug, street, shelf, gravel, lights, screen)


def _blank(draws: Draws) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", SIZE, _color(draws))
    return image, ImageDraw.Draw(image)


def _color(draws: Draws) -> Color:
    grey, vivid = draws.uniform(40, 220), draws.uniform(0, 1) ** 2
    red, green, blue = (
        int(np.clip(grey + vivid * draws.uniform(-130, 130), 0, 255)) for _ in range(3)
    )
    return red, green, blue


def _shaded(color: np.ndarray, by: float) -> Color:
    red, green, blue = (int(np.clip(value * by, 0, 255)) for value in color)
    return red, green, blue


def _grained(pixels: np.ndarray, draws: Draws, strength: float) -> Image.Image:
    noisy = np.asarray(pixels, np.float64) + draws.normal(0, strength, (SIZE[1], SIZE[0], 1))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
