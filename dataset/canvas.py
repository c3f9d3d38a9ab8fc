"""Any decoded picture to an upright sRGB image, to the 500x600 canvas, to the square a net sees.

`dataset.clean` makes canvas files with `upright_rgb` and `fit_canvas`; `prepare` cuts the square from a
canvas. `dataset.pack` and `identify` call `dataset.mask.prepare_with_mask`, which cuts the mask with it,
so that a query is prepared exactly like a training photo.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from dataset.foreground import Box, Foreground, border_color

CANVAS_SIZE = (500, 600)  # px, width and height: the paper's size
MARGIN = 0.06  # of the longer side of the shoe's box, on each side: augmentation may shift it
WHITE = (255, 255, 255)

Pixels = NDArray[np.uint8]
_TURNS: dict[Any, Image.Transpose] = {  # by EXIF's orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright_rgb(image: Image.Image, at_least: tuple[int, int] | None = CANVAS_SIZE) -> Image.Image:
    """The first frame of ``image``, upright by EXIF, in sRGB, transparency on white, mode RGB.

    A JPEG that is not loaded yet is decoded at the smallest of its 1/1, 1/2, 1/4, 1/8 scales that
    still covers the canvas (2.5 times as fast for large pictures); ``at_least=None`` decodes whole.

    Raises:
        Exception: whatever Pillow says of damaged bytes.
    """
    if at_least is not None:
        _decode_small(image, at_least)
    turn = turn_of(image)
    deep = _eight_bit(image.copy() if turn is None else image.transpose(turn))
    return _flattened(_srgb(deep))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """How ``image``, not loaded yet, must be turned to be upright by EXIF; None where it lies right.

    So it does where EXIF is damaged, which says nothing of the pixels, and as a TIFF: Pillow turns those itself.
    """
    if image.format == "TIFF":
        return None
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # noqa: BLE001 - Pillow's readers of untrusted bytes raise what they like
        return None


def is_on_its_side(turn: Image.Transpose | None) -> bool:
    """Whether a turn makes width height."""
    return turn in (
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
    )


def fit_canvas(image: Image.Image) -> Image.Image:
    """``image`` (RGB, upright) centred on a 500x600 canvas, padded with its border colour.

    It is made smaller to fit, never stretched, cropped or enlarged: small pictures stay small, so
    that the canvas shows no detail that the shop did not publish.
    """
    fitted = image.resize(_fitted(image.size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    canvas = Image.new("RGB", CANVAS_SIZE, border_color(np.asarray(image)))
    canvas.paste(
        fitted,
        ((CANVAS_SIZE[0] - fitted.width) // 2, (CANVAS_SIZE[1] - fitted.height) // 2),
    )
    return canvas


def choose_box(
    canvas: Image.Image, found: Foreground, crop: bool
) -> tuple[Box, tuple[int, int, int]]:
    """What a net sees of ``canvas``, and the colour of the padding round it; see `prepare`."""
    if not crop:
        return Box(0, 0, *canvas.size), found.border_color
    return (found.box.grown(MARGIN) if found.is_plain else found.box), found.border_color


def cut_square(image: Image.Image, box: Box, fill: int | tuple[int, int, int]) -> Image.Image:
    """The smallest square round ``box``; what lies outside ``image`` gets ``fill``."""
    side = max(box.width, box.height)
    left = box.left - (side - box.width) // 2
    top = box.top - (side - box.height) // 2
    inside = (max(left, 0), max(top, 0))
    part = image.crop((*inside, min(left + side, image.width), min(top + side, image.height)))
    square = Image.new(image.mode, (side, side), fill)
    square.paste(part, (inside[0] - left, inside[1] - top))
    return square


def shrunk(square: Image.Image, size: int) -> Pixels:
    """``square`` at ``size`` px: (size, size, 3) for RGB, (size, size) for grey."""
    if size < 1:
        raise ValueError(f"size is {size}; it must be at least 1 px")
    resized = square.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(resized, dtype=np.uint8)


def _fitted(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    scale = min(1.0, CANVAS_SIZE[0] / width, CANVAS_SIZE[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _decode_small(image: Image.Image, at_least: tuple[int, int]) -> None:
    """Ask the JPEG decoder for a scale that still covers the fitted size."""
    if image.format not in ("JPEG", "MPO"):
        return
    width, height = image.size
    wanted = at_least[::-1] if is_on_its_side(turn_of(image)) else at_least
    scale = min(1.0, wanted[0] / width, wanted[1] / height)
    image.draft(None, (max(1, round(width * scale)), max(1, round(height * scale))))


def _eight_bit(image: Image.Image) -> Image.Image:
    """16- and 32-bit grey scaled to 8 bits; Pillow itself would clip it to white."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        top = float(values.max(initial=0.0))
        ceiling = 255.0 if top <= 255 else max(top, 65535.0)
        return Image.fromarray((values.clip(0, ceiling) * (255.0 / ceiling)).astype(np.uint8))
    return image


def _srgb(image: Image.Image) -> Image.Image:
    """Colours by the embedded profile to sRGB; a missing or broken profile means sRGB already."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    plain = image.convert("RGB") if alpha is not None else image
    try:
        to_srgb = _to_srgb(profile, plain.mode)
        changed = ImageCms.applyTransform(plain, to_srgb) if to_srgb is not None else None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if changed is None:
        return image
    if alpha is not None:
        changed.putalpha(alpha)
    return changed


@lru_cache(maxsize=8)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the colours of ``profile``, None where that is sRGB already; made once per shop, in 6 ms."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if "sRGB" in (ImageCms.getProfileDescription(source) or ""):
        return None
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")


def _flattened(image: Image.Image) -> Image.Image:
    """Mode RGB, transparent parts white."""
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() == (255, 255):
            return layer.convert("RGB")
        ground = Image.new("RGB", layer.size, WHITE)
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    return image.convert("RGB")
