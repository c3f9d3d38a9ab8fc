"""The shop's own pictures, drawn once: logo, payment signs, size chart, spacer; and its three files."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

from demo.answer import Answer
from demo.gallery import SPACER

INK, PAPER, ACCENT = (34, 38, 44), (255, 255, 255), (38, 98, 92)
_FOLDER = Path(__file__).parent
_FRESH = {"Cache-Control": "public, max-age=86400"}


@functools.lru_cache(maxsize=32)
def asset(name: str) -> Answer | None:
    """The file ``/assets/<name>``; None where there is none."""
    if name == "style.css":
        return Answer(200, (_FOLDER / name).read_bytes(), "text/css; charset=utf-8", _FRESH)
    if name in ("shop.js", "app.js"):
        return Answer(200, (_FOLDER / name).read_bytes(), "text/javascript; charset=utf-8", _FRESH)
    if name == "spacer.gif":
        return Answer(200, base64.b64decode(SPACER.partition(",")[2]), "image/gif", _FRESH)
    drawn = _DRAWN.get(name)
    return Answer(200, _png(drawn()), "image/png", _FRESH) if drawn else None


def _logo() -> Image.Image:
    image = Image.new("RGBA", (144, 144), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 140, 140), fill=ACCENT)
    draw.arc((34, 18, 110, 126), 90, 270, fill=PAPER, width=8)
    draw.arc((34, 18, 110, 126), 270, 90, fill=PAPER, width=8)
    draw.line((72, 18, 72, 126), fill=PAPER, width=8)
    return image


def _icon() -> Image.Image:
    return _logo().resize((32, 32))


def _sign(kind: str) -> Image.Image:
    image = Image.new("RGB", (192, 120), (246, 246, 244))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((4, 4, 187, 115), 16, outline=INK, width=5)
    if kind == "card":
        draw.rectangle((6, 30, 185, 52), fill=INK)
        draw.rectangle((24, 78, 84, 90), fill=ACCENT)
    elif kind == "bank":
        draw.polygon([(96, 20), (150, 48), (42, 48)], fill=INK)
        for left in (52, 80, 106, 132):
            draw.rectangle((left, 54, left + 9, 88), fill=INK)
        draw.rectangle((42, 92, 150, 100), fill=ACCENT)
    else:
        draw.rounded_rectangle((74, 18, 118, 102), 8, outline=INK, width=6)
        draw.ellipse((91, 84, 101, 94), fill=ACCENT)
    return image


def _size_chart() -> Image.Image:
    image = Image.new("RGB", (640, 360), PAPER)
    draw = ImageDraw.Draw(image)
    rows = [("mm", "EU", "US", "UK")]
    rows += [(str(mm), f"{mm / 6.67 + 1:.1f}", f"{mm / 10 - 18:.1f}", f"{mm / 10 - 19:.1f}")
             for mm in range(230, 300, 10)]  # fmt: skip
    for line, row in enumerate(rows):
        top = 12 + line * 42
        if line % 2:
            draw.rectangle((0, top, 640, top + 42), fill=(240, 242, 241))
        for column, text in enumerate(row):
            draw.text((60 + column * 150, top + 8), text, fill=INK, font_size=22)
    return image


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


_DRAWN: dict[str, Callable[[], Image.Image]] = {
    "logo.png": _logo,
    "icon.png": _icon,
    "size-chart.png": _size_chart,
    **{f"pay-{kind}.png": functools.partial(_sign, kind) for kind in ("card", "bank", "mobile")},
}
