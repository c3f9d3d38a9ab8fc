"""Pictures that are wrong on purpose, drawn or made from good ones, in memory only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dataset.foreground import find_foreground

WORDS = (
    "upper leather rubber outsole cushioned midsole size guide foot length width returns within thirty days "
    "free delivery do not tumble dry water resistant lining made by hand wipe with damp cloth"
).split()
PAGES = ((800, 800), (600, 900), (900, 600), (500, 600))
INKS = (
    ((255, 255, 255), (20, 20, 20)),
    ((245, 245, 240), (60, 60, 60)),
    ((30, 32, 40), (240, 240, 240)),
    ((230, 238, 250), (20, 40, 110)),
    ((255, 255, 255), (110, 110, 110)),
)  # ground, ink
TILE = 300  # px


def size_chart(chance: Random) -> Image.Image:
    """A table of sizes: with or without title, grid and coloured head."""
    (width, height), (ground, ink) = chance.choice(PAGES), chance.choice(INKS)
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    rows, columns = chance.randint(6, 14), chance.randint(3, 7)
    margin = round(width * 0.06)
    top = margin
    if chance.random() < 0.7:
        title = chance.choice(("SIZE GUIDE", "Size chart (mm)", "Shoe sizes"))
        draw.text((margin, margin), title, font=ImageFont.load_default(height * 0.05), fill=ink)
        top = round(height * 0.14)
    tall, wide = (height - margin - top) / rows, (width - 2 * margin) / columns
    line = max(1, width // 500)
    if chance.random() < 0.5:
        middle = tuple((one + two) // 2 for one, two in zip(ground, ink, strict=True))
        draw.rectangle((margin, top, width - margin, top + tall), fill=middle)
    if chance.random() < 0.7:
        for row in range(rows + 1):
            draw.line((margin, top + row * tall, width - margin, top + row * tall), ink, line)
        for column in range(columns + 1):
            at = margin + column * wide
            draw.line((at, top, at, top + rows * tall), ink, line)
    font = ImageFont.load_default(max(8, round(min(tall * 0.5, wide * 0.3))))
    for row in range(rows):
        for column in range(columns):
            place = margin + (column + 0.3) * wide, top + (row + 0.25) * tall
            draw.text(place, _cell(chance, row), font=font, fill=ink)
    return image


def _cell(chance: Random, row: int) -> str:
    if row == 0:
        return chance.choice(("KR", "US", "UK", "EU", "JP", "cm", "Size"))
    whole = chance.choice(((220, 300), (4, 14), (35, 47), (22, 30)))
    return f"{chance.randint(*whole)}{chance.choice(('', '', '.5', '.0'))}"


def text_card(chance: Random) -> Image.Image:
    """A page of print; every second one in blocks of strokes, as Hangul has them."""
    (width, height), (ground, ink) = chance.choice(PAGES), chance.choice(INKS)
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    lines, margin, is_hangul = chance.randint(5, 16), round(width * 0.07), chance.random() < 0.5
    step = (height - 2 * margin) / lines
    size = max(9, round(min(step * 0.55, width * 0.06)))
    for line in range(lines):
        at = float(margin)
        last = width - margin if chance.random() < 0.7 else width * chance.uniform(0.4, 0.9)
        while at < last - 4 * size:
            where = at, margin + line * step
            at += _word(draw, chance, where, size, ink, is_hangul) + size * 0.4
    return image


def _word(
    draw: ImageDraw.ImageDraw,
    chance: Random,
    where: tuple[float, float],
    size: int,
    ink: tuple[int, int, int],
    is_hangul: bool,
) -> float:
    """Draw one word; its width."""
    if not is_hangul:
        word, font = chance.choice(WORDS), ImageFont.load_default(size)
        draw.text(where, word, font=font, fill=ink)
        return float(draw.textlength(word, font=font))
    blocks = chance.randint(2, 4)
    for number in range(blocks):
        _block(draw, chance, where[0] + number * size * 1.02, where[1], size * 0.9, ink)
    return blocks * size * 1.02


def _block(
    draw: ImageDraw.ImageDraw,
    chance: Random,
    x: float,
    y: float,
    side: float,
    ink: tuple[int, int, int],
) -> None:
    thick = max(1, round(side / 11))
    for _ in range(chance.randint(3, 5)):
        kind = chance.random()
        across, down = x + chance.random() * side, y + chance.random() * side
        if kind < 0.4:
            draw.line((x, down, x + side, down), ink, thick)
        elif kind < 0.7:
            draw.line((across, y, across, y + side), ink, thick)
        else:
            left, top = min(across, x + side * 0.6), min(down, y + side * 0.6)
            draw.ellipse((left, top, left + side * 0.4, top + side * 0.4), outline=ink, width=thick)


def collage(chance: Random, pictures: Sequence[Image.Image]) -> Image.Image:
    """Three to nine shoes side by side on white, each with its own ground or none."""
    columns, rows = chance.choice(((2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (3, 3)))
    gap = chance.choice((0, 0, 10, 20))
    size = columns * (TILE + gap) + gap, rows * (TILE + gap) + gap
    image = Image.new("RGB", size, (255, 255, 255))
    for number, picture in enumerate(chance.sample(list(pictures), columns * rows)):
        tile = cut_out(picture)
        tile.thumbnail((TILE, TILE))
        left = gap + number % columns * (TILE + gap) + (TILE - tile.width) // 2
        top = gap + number // columns * (TILE + gap) + (TILE - tile.height) // 2
        image.paste(tile, (left, top))
    return image


def cut_out(picture: Image.Image) -> Image.Image:
    """The box of the shoe with a little of its ground."""
    box = find_foreground(picture).box.grown(0.04)
    right, bottom = min(box.right, picture.width), min(box.bottom, picture.height)
    return picture.crop((max(box.left, 0), max(box.top, 0), right, bottom))


def blurred(picture: Image.Image, share: float) -> Image.Image:
    """Gaussian blur of a sigma of ``share`` of the width."""
    return picture.filter(ImageFilter.GaussianBlur(picture.width * share))


def enlarged(picture: Image.Image, width: int) -> Image.Image:
    """As a shop shows a thumbnail of ``width`` px: made large again."""
    small = picture.resize((width, round(picture.height * width / picture.width)))
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def saved(image: Image.Image) -> bytes:
    """As a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
