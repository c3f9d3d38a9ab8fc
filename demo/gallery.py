"""Pictures of a product as HTML, in the five manners that shops use.

zoom: a link to the original round each picture. lazy: `src` is a spacer and data-src, data-srcset
hold the addresses. picture: `<picture>` with sources. srcset: widths in srcset. data_zoom: the
original in an attribute of the lens script. A strip of 100 px thumbnails repeats every angle.
"""

from __future__ import annotations

import html
from collections.abc import Callable

from demo.media import SIZES_PX, Media, address
from demo.offers import Offer
from demo.stock import Picture
from demo.words import alt_text

SPACER = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
Manner = Callable[[dict[str, str], bool], str]


def gallery(offer: Offer, media: Media, name: str = "gallery") -> str:
    """The large pictures and the strip of thumbnails."""
    figures, thumbs = [], []
    for position, picture in enumerate(offer.product.pictures):
        parts = _parts(offer, picture, position, media)
        is_lazy = position > 1
        shown = _MANNERS[offer.gallery](parts, is_lazy)
        figures.append(f'<figure id="{name}-{position + 1}">{shown}</figure>')
        thumbs.append(
            f'<li><a href="{_thumb_target(offer, parts, name, position)}">'
            f'<img src="{parts["small"]}" alt="{parts["alt"]}" width="72" height="72"></a></li>'
        )
    strip = f'<ul class="thumbs">{"".join(thumbs)}</ul>' if len(thumbs) > 1 else ""
    return f'<div class="gallery">{"".join(figures)}</div>{strip}'


def card_picture(offer: Offer, is_lazy: bool) -> str:
    """The one picture of a product in a listing."""
    if not offer.product.pictures:
        return ""
    picture = offer.product.pictures[0]
    small, middle, large = (
        html.escape(address(picture, size, offer.addressing)) for size in SIZES_PX
    )
    name = html.escape(offer.product.name)
    if is_lazy:
        return (
            f'<img class="lazy" src="{SPACER}" data-src="{middle}" '
            f'data-srcset="{small} 100w, {middle} 300w, {large} 600w" alt="{name}">'
        )
    sizes = 'sizes="(max-width: 600px) 45vw, 280px"'
    srcset = f"{middle} 300w, {large} 600w"
    return f'<img src="{middle}" srcset="{srcset}" {sizes} alt="{name}" loading="lazy">'


def _parts(offer: Offer, picture: Picture, position: int, media: Media) -> dict[str, str]:
    small, middle, large = (address(picture, size, offer.addressing) for size in SIZES_PX)
    original = address(picture, None, offer.addressing)
    width = media.width_px(picture)
    srcset = [f"{middle} 300w"]
    if width > 600:
        srcset.append(f"{large} 600w")
    srcset.append(f"{original} {max(width, 301)}w")
    parts = {
        "small": small,
        "middle": middle,
        "large": large,
        "original": original,
        "srcset": ", ".join(srcset),
        "alt": alt_text(offer.product.name, picture.view, position, offer.language),
    }
    return {name: html.escape(value) for name, value in parts.items()}


def _thumb_target(offer: Offer, parts: dict[str, str], name: str, position: int) -> str:
    return parts["original"] if offer.gallery == "zoom" else f"#{name}-{position + 1}"


def _zoom(parts: dict[str, str], is_lazy: bool) -> str:
    load = ' loading="lazy"' if is_lazy else ""
    return (
        f'<a class="zoom" href="{parts["original"]}">'
        f'<img src="{parts["large"]}" srcset="{parts["middle"]} 300w, {parts["large"]} 600w" '
        f'alt="{parts["alt"]}"{load}></a>'
    )


def _lazy(parts: dict[str, str], is_lazy: bool) -> str:
    source = SPACER if is_lazy else "/assets/spacer.gif"
    return (
        f'<img class="lazy" src="{source}" data-src="{parts["large"]}" '
        f'data-srcset="{parts["srcset"]}" alt="{parts["alt"]}">'
    )


def _picture(parts: dict[str, str], is_lazy: bool) -> str:
    return (
        f'<picture><source media="(min-width: 900px)" srcset="{parts["srcset"]}" sizes="45vw">'
        f'<source srcset="{parts["middle"]}, {parts["large"]} 2x">'
        f'<img src="{parts["middle"]}" alt="{parts["alt"]}"></picture>'
    )


def _srcset(parts: dict[str, str], is_lazy: bool) -> str:
    load = ' loading="lazy"' if is_lazy else ""
    return (
        f'<img src="{parts["middle"]}" srcset="{parts["srcset"]}" sizes="45vw" '
        f'alt="{parts["alt"]}"{load}>'
    )


def _data_zoom(parts: dict[str, str], is_lazy: bool) -> str:
    return (
        f'<img src="{parts["large"]}" data-zoom-image="{parts["original"]}" alt="{parts["alt"]}">'
    )


_MANNERS: dict[str, Manner] = {
    "zoom": _zoom,
    "lazy": _lazy,
    "picture": _picture,
    "srcset": _srcset,
    "data_zoom": _data_zoom,
}
