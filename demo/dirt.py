"""What a real shop has besides good pictures: a placeholder, a bag, a cap, copies of pictures.

In: nothing, or a good picture's bytes. Out: pictures. Which product gets which is `demo.drawn`'s choice.
"""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFilter

from demo.design import Color

SIZE = (500, 600)
_OVER = 2  # drawn larger, then reduced: smooth edges


def placeholder() -> Image.Image:
    """The grey card with a crossed-out camera that shops show for want of a picture."""
    image = Image.new("RGB", (SIZE[0] * _OVER, SIZE[1] * _OVER), (236, 238, 240))
    draw = ImageDraw.Draw(image)
    grey = (168, 174, 180)
    draw.rounded_rectangle((320, 480, 680, 730), 30, outline=grey, width=18)
    draw.rectangle((420, 440, 560, 484), fill=grey)
    draw.ellipse((425, 530, 575, 680), outline=grey, width=18)
    draw.line((300, 790, 700, 410), fill=(236, 238, 240), width=44)
    draw.line((300, 790, 700, 410), fill=grey, width=18)
    for left, width in ((380, 70), (470, 30), (520, 100)):
        draw.rectangle((left, 850, left + width, 866), fill=grey)
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def bag(angle: int, body: Color, trim: Color) -> Image.Image:
    """A holdall, seen from one of a few sides."""
    image, draw = _studio()
    skew = (0, 60, -60, 25)[angle % 4]
    dark, light = _shaded(body, 0.72), _shaded(body, 1.18)
    draw.arc((330 + skew, 300, 670 + skew, 820), 180, 360, fill=_shaded(trim, 0.8), width=26)
    draw.polygon([(190, 560), (300 + skew, 500), (790 + skew // 2, 500), (830, 560)], fill=light)
    draw.rounded_rectangle((160, 550, 840, 900), 90, fill=body)
    draw.rounded_rectangle((160, 800, 840, 900), 60, fill=dark)
    draw.rectangle((300 + skew, 550, 350 + skew, 900), fill=trim)
    draw.rectangle((650 + skew, 550, 700 + skew, 900), fill=trim)
    draw.rounded_rectangle((400 + skew, 650, 600 + skew, 840), 20, fill=dark, outline=trim, width=6)
    draw.line((210, 575, 790, 575), fill=_shaded(trim, 0.6), width=8)
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def cap(angle: int, body: Color, trim: Color) -> Image.Image:
    """A cap with a peak, seen from one of a few sides."""
    image, draw = _studio()
    skew = (0, 50, -40, 90)[angle % 4]
    dark = _shaded(body, 0.7)
    draw.pieslice((230, 430, 770, 1010), 180, 360, fill=body)
    draw.polygon([(230, 716), (770, 716), (760, 780), (240, 780)], fill=dark)
    for bend in (-150, 0, 150):
        middle = 500 + bend + skew // 2
        draw.line((500 + skew // 2, 432, middle, 720), fill=dark, width=5)
    draw.ellipse((478 + skew // 2, 414, 522 + skew // 2, 446), fill=trim)
    draw.ellipse((430 + skew, 560, 570 + skew, 690), fill=trim)
    draw.polygon(
        [(560 - skew, 740), (770, 735), (920, 800), (900, 840), (700, 815), (540 - skew, 800)],
        fill=_shaded(trim, 0.85),
    )
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def _studio() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A white picture at twice the size with a soft shadow on its ground."""
    image = Image.new("RGB", (SIZE[0] * _OVER, SIZE[1] * _OVER), (255, 255, 255))
    ImageDraw.Draw(image).ellipse((200, 770, 800, 920), fill=(196, 196, 198))
    image = image.filter(ImageFilter.GaussianBlur(24))
    return image, ImageDraw.Draw(image)


def _shaded(color: Color, by: float) -> Color:
    red, green, blue = (min(255, round(value * by)) for value in color)
    return red, green, blue


def recompressed(content: bytes, quality: int) -> bytes:
    """The picture once more through JPEG."""
    return jpeg(Image.open(io.BytesIO(content)).convert("RGB"), quality)


def resized(content: bytes, share: float) -> bytes:
    """The picture at ``share`` of its size."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    size = (round(image.width * share), round(image.height * share))
    return jpeg(image.resize(size, Image.Resampling.LANCZOS), 90)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """``image`` as a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
