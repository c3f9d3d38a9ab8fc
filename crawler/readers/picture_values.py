"""Pictures in plain data: an image field of any shape to picture claims, each picture once.

Shapes seen: an address, a list of them, objects with ``src``/``url``/``full``, sizes of one picture
by name, edges and nodes of GraphQL, groups by view type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crawler import pictures
from crawler.absolute import absolute
from crawler.items import PictureClaim
from crawler.words import clean

_ALT = ("alt", "altText", "alt_text", "caption", "legend", "label", "title", "name", "description")
_SIZE_WORD = re.compile(
    r"^(?:.*_)?(?:url|src|href|link|path|image|img|file|source|thumb\w*|small\w*|medium\w*|large\w*|full\w*|zoom\w*|"
    r"orig\w*|big|xl|xs|hi-?res|high\w*|low\w*|normal|default|preview|desktop|mobile|tablet|retina|\w*(?:url|src|_default)|"
    r"[wsx]?\d+(?:x\d+)?(?:px|w)?)$",
    re.IGNORECASE,
)
_LARGE_KEY = re.compile(r"zoom|full|orig|large|big|hi-?res|high|master|\bxl", re.IGNORECASE)
_SMALL_KEY = re.compile(r"thumb|small|mini|icon|preview|low|swatch|placeholder", re.IGNORECASE)
_NOT_MEDIA = re.compile(r"video|youtube|vimeo|model|3d", re.IGNORECASE)
_VIEWS = ("hi-res", "hires", "zoom", "full", "xlarge", "large", "pdp", "product", "main")
_MAX = 200  # pictures of one field


def claims(value: Any, base: str) -> list[PictureClaim]:
    """The pictures of an image field, the largest address of each first.

    >>> claims([{"thumb": "/a_100.jpg", "full": "/a.jpg", "caption": "Side"}], "http://x.kr/")
    [PictureClaim(urls=('http://x.kr/a.jpg', 'http://x.kr/a_100.jpg'), alt='Side', is_loose=False)]
    """
    found: list[PictureClaim] = []
    seen: set[str] = set()
    for claim in _each(value, base, 0):
        keys = {pictures.picture_key(url) for url in claim.urls}
        if not keys & seen:
            found.append(claim)
            seen |= keys
        if len(found) >= _MAX:
            break
    return found


def address(value: Any) -> str | None:
    """``value`` if it may be a picture's address: a path or an address, no page, script or video."""
    if (
        not isinstance(value, str)
        or not 5 <= len(value) <= 2000
        or any(c in value for c in "<>{ \n")
    ):
        return None
    text = value.strip()
    path = text.lower().split("?")[0].split("#")[0]
    if "/" not in text or not pictures.is_address(text):
        return None
    if path.endswith(pictures.EXTENSIONS):
        return text
    last = path.rsplit("/", 1)[-1]
    is_hosted = re.search(r"/(?:i|is/image|image|images|img|media|photos?)/", path)
    is_full = text.startswith(("http://", "https://", "//"))
    return text if is_full and is_hosted and not re.search(r"\.[a-z]{2,5}$", last) else None


def _each(value: Any, base: str, depth: int) -> Iterator[PictureClaim]:
    if depth > 6:
        return
    if isinstance(value, str):
        if url := address(value):
            yield PictureClaim((absolute(base, url),))
    elif isinstance(value, list):
        for entry in _best_group(value):
            yield from _each(entry, base, depth + 1)
    elif isinstance(value, dict):
        yield from _of_dict(value, base, depth)


def _of_dict(value: dict[str, Any], base: str, depth: int) -> Iterator[PictureClaim]:
    kind = " ".join(
        str(value.get(key) or "") for key in ("type", "media_type", "mediaType", "mediaContentType")
    )
    if _NOT_MEDIA.search(kind):
        return
    for key in ("edges", "nodes", "node", "images", "items", "values", "data"):
        if isinstance(value.get(key), list) or (key == "node" and isinstance(value.get(key), dict)):
            yield from _each(value[key], base, depth + 1)
            return
    sizes = list(_sizes(value, base, "", 0))
    if sizes:
        sizes.sort(key=lambda pair: -pair[0])
        yield PictureClaim(tuple(dict.fromkeys(url for _, url in sizes)), _alt(value))
        return
    for entry in value.values():  # a picture by the name of its view
        yield from _each(entry, base, depth + 1)


def _sizes(value: dict[str, Any], base: str, above: str, depth: int) -> Iterator[tuple[float, str]]:
    """(promised width, address) of one picture that a dictionary names, at any size."""
    named = [(key, entry) for key, entry in value.items() if _SIZE_WORD.match(key) and depth < 3]
    width = value.get("width") or value.get("large_image_width")
    for key, entry in named:
        if isinstance(entry, dict):
            yield from _sizes(entry, base, f"{above} {key}", depth + 1)
        elif url := address(entry):
            told = width if isinstance(width, int) and key in ("url", "src") else None
            yield _promised(url, f"{above} {key}", told), absolute(base, url)
    if isinstance(value.get("bySize"), dict):
        yield from _sizes(value["bySize"], base, above, depth + 1)
    for key in ("srcset", "srcSet"):
        for url, number, unit in pictures.srcset(str(value.get(key) or "")):
            if address(url):
                yield (number if unit == "w" else 0), absolute(base, url)


def _promised(url: str, key: str, width: int | None) -> float:
    if width:
        return width
    named = pictures.named_width(url)
    if _SMALL_KEY.search(key):
        return min(named or 120, 300)
    return max(named, 2000) if _LARGE_KEY.search(key) else pictures.rank(url)


def _alt(value: dict[str, Any]) -> str | None:
    texts = (value.get(key) for key in _ALT)
    return next((clean(text) for text in texts if isinstance(text, str) and clean(text)), None)


def _best_group(value: list[Any]) -> list[Any]:
    """Of groups of one gallery by view type the largest; any other list as it is."""
    kinds = [
        str(entry.get("viewType") or entry.get("view_type") or "").lower()
        for entry in value
        if isinstance(entry, dict) and isinstance(entry.get("images"), list)
    ]
    if len(kinds) != len(value) or not any(kinds):
        return value
    wanted = next((view for view in _VIEWS if view in kinds), kinds[0])
    groups = [entry for entry, kind in zip(value, kinds, strict=True) if kind == wanted]
    plain = [entry for entry in groups if not entry.get("variationAttributes")]
    return (plain or groups)[:1]
