"""Picture addresses: which are the same picture, which is the largest, which is none at all.

Pure text; nothing is fetched here. A *key* is an address without what only says its size.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

_SIZE_PARAMETERS = {
    "w", "h", "width", "height", "size", "s", "sz", "resize", "fit", "crop", "scale", "quality", "q", "dpr",
    "wid", "hei", "imwidth", "imheight", "sw", "sh", "sm", "sfrm", "fmt", "format", "auto", "qlt", "op_sharpen",
    "v", "bg", "bgcolor", "rect", "odnwidth", "odnheight", "strip", "canvas", "pad", "type", "max", "maxwidth",
    "maxheight", "optimize", "op_usm", "resmode", "op", "shortedge", "thumb", "thumbnail", "zoom", "f", "ssl",
}  # fmt: skip
_NAMED = "large|small|medium|thumb|thumbnail|grande|master|zoom|compact|pico|icon|big|full|original|orig|xl|xs|lg|md|sm|mini|tiny|detail|default|square|preview|hires|hd|magnify"
_WIDTHS = (
    "100|120|128|150|160|180|200|220|240|250|256|300|320|350|360|375|400|420|450|480|500|512|540|550|600|640|"
    "650|700|720|750|768|800|828|850|900|960|1000|1024|1080|1100|1200|1280|1400|1440|1500|1600|1800|1920|"
    "2000|2048|2400|2500|2560|3000|3840"
)  # numbers that say a size where they end a file name; angles are numbered otherwise
# At the end of a file name: _300x, -600x600, @2x, _large, -large_default, _1024x1024@2x, .300px
_SUFFIX = re.compile(
    rf"(?:[-_.](?:\d{{2,4}}x\d{{0,4}}|x\d{{2,4}}|(?:w|h|s|sw|sh|sl|sx|sy)_?\d{{2,4}}|\d{{2,4}}(?:px|w)|(?:{_WIDTHS}))(?:_crop_\w+)?|@[1-4]x|"
    rf"[-_](?:{_NAMED})(?:_default)?|[-_.]scaled|\._[A-Za-z]{{2}}_?\w*_)+$",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    rf"^(?:t\d{{2,3}}|tn|th|{_NAMED})_(?=\w)", re.IGNORECASE
)  # t50_a.jpg, thumb_a.jpg
_FOLDER = re.compile(
    rf"^(?:[swhc]_?\d{{2,4}}|\d{{2,4}}x\d{{0,4}}(?:x\d+)?|x\d{{2,4}}|(?:{_NAMED}s?)|thumbs|resized?|"
    r"(?:[a-z]{1,2}_[\w.:-]+,)+[a-z]{1,2}_[\w.:-]+|[whcqf]_[\w.:-]+|fit-in|\d{2,4}px)$",
    re.IGNORECASE,
)
# SAP's sizes, and what only lets a host check an address; they differ from size to size
_WIDE_HIGH = re.compile(r"(?:^|[-_.])\d{2,4}Wx\d{2,4}H(?=$|[-_.])", re.IGNORECASE)
_SIGNATURES = {"context", "sig", "signature", "hmac", "token", "hash", "expires"}
_SIZE_WORDS = re.compile(rf"^(?:{_NAMED})$", re.IGNORECASE)
_MAGENTO = re.compile(r"/cache/(?:\d+/)?(?:[a-z_]+/)?(?:\d+x\d*/)?[0-9a-f]{32}(?=/)", re.IGNORECASE)
# These three look at paths in small letters; to pass over case doubles their time.
_IN_NAME = re.compile(
    r"(?<![0-9a-z])(\d{2,4})w?x(\d{0,4})h?(?![0-9a-z])|(?<![0-9a-z])x(\d{2,4})(?![0-9a-z])"
)
_IN_TEXT = re.compile(
    r"(?:^|[/,_-])(?:w|s|sw|sl)_?(\d{2,4})(?=$|[/,._-])|[-_.](\d{2,4})(?:px|w)(?=[./])|[-_](\d{3,4})(?=\.\w+$)|/t(\d{2,3})_"
)
_NO_PICTURE = re.compile(
    r"(?:^|[/_.-])(?:spacer|blank|transparent|pixel|placeholder|loading|loader|lazy|lazyload|dummy|empty|1x1|"
    r"no[-_]?image|noimg|default[-_]?image|image[-_]?coming|ajax-loader|grey|gray)(?=$|[/_.-])"
)
_WORD_WIDTHS = {  # what a size word in an address is taken to mean, in pixels
    word: width
    for width, words in (
        (40, "pico tiny icon xs"),
        (120, "thumb thumbs thumbnail mini preview square"),
        (250, "small sm compact"),
        (500, "medium md default"),
        (1000, "large lg detail"),
        (1100, "grande big xl"),
        (2500, "zoom hires hd full magnify"),
        (3000, "original orig master"),
    )
    for word in words.split()
}
_CANDIDATE = re.compile(
    r"(?:^|(?<=[\s,]))\s*,*\s*(\S{0,2000}[^,\s])\s*(?:,+|\s+([\d.]+)([wxh])?\s*(?:\d+h)?\s*(?:,|$)|$)"
)
_SIGNS = re.compile(r"[/_.-]")
_RESIZED = re.compile(r"[-_](?:\d{2,4}x\d{0,4}|x\d{2,4})(?:_crop_\w+)?(?:@[1-4]x)?$")
_BARE = 1200  # px; an address that says no size is usually the picture as it was uploaded
EXTENSIONS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".avif",
    ".bmp",
    ".tif",
    ".tiff",
    ".jfif",
    ".heic",
)


@lru_cache(maxsize=4096)  # a page names the same few pictures again and again
def is_address(url: str) -> bool:
    """Whether ``url`` may be a real picture: not inline data, a placeholder, a script, a drawing."""
    stripped = url.strip()
    if not stripped or stripped.startswith(("data:", "blob:", "javascript:", "about:", "#")):
        return False
    path = _path_and_query(stripped)[0].lower()
    return not path.endswith(".svg") and not _NO_PICTURE.search(path.rsplit("/", 1)[-1])


def _path_and_query(url: str) -> tuple[str, str]:
    """Both as `urlsplit` gives them, at a fifth of the time: a page has hundreds to look at."""
    path, _, query = url.partition("#")[0].partition("?")
    place = path.find("//")
    if place == 0 or (place > 0 and path[place - 1] == ":"):
        slash = path.find("/", place + 2)
        path = path[slash:] if slash >= 0 else ""
    return path, query


def unquoted(text: str) -> str:
    """``text`` without percent signs, as a reader would write it."""
    return unquote(text) if "%" in text else text


def _quiet(url: str) -> str:
    """``url``, or nothing where it cannot even be split."""
    try:
        urlsplit(url)
    except ValueError:
        return ""
    return url


@lru_cache(maxsize=4096)
def inner(url: str) -> str:
    """The picture address within an image optimiser's (``/_next/image?url=...``), else ``url``."""
    if "?" not in url and "/fetch/" not in url and "/cdn-cgi/image/" not in url:
        return url
    parts = urlsplit(_quiet(url))
    for name, value in parse_qsl(parts.query):
        if name in ("url", "src", "image", "img") and (value.startswith(("http", "/"))):
            return urljoin(url, value)
    match = re.search(r"/(?:cdn-cgi/image|fetch)/[^/]+/(https?:/{1,2}.+)", url)
    return re.sub(r"^(https?:)/+", r"\1//", unquote(match.group(1))) if match else url


@lru_cache(maxsize=4096)
def picture_key(url: str) -> str:
    """What stays of a picture's address when all that says size, format or protocol is dropped.

    >>> picture_key("https://x.kr/a/shoe_300x.jpg?v=1") == picture_key("//x.kr/a/shoe.webp")
    True
    >>> picture_key("http://x.kr/s100/1.jpg?w=80&id=7")
    'x.kr/1?id=7'
    """
    parts = urlsplit(_quiet(inner(url.strip())))
    path = _MAGENTO.sub("", unquote(parts.path))
    folders = path.split("/")
    stem = folders.pop()
    stem = stem[:-5] if stem.lower().endswith((".jpeg", ".webp", ".avif", ".tiff")) else stem
    while stem.lower().endswith(EXTENSIONS):
        stem = stem.rsplit(".", 1)[0]
    stem = _WIDE_HIGH.sub("", stem) or stem
    short = _PREFIX.sub("", _SUFFIX.sub("", stem) or stem)
    if "_default" in path:
        folders = [re.sub(r"-[a-z]+_default$", "", folder) for folder in folders]  # PrestaShop's
    for word in folders:  # /detail/7_detail_01 and /magnify/7_magnify_01
        if _SIZE_WORDS.match(word):
            short = re.sub(rf"(?<![^\W_]){re.escape(word)}[_.-](?=\w)", "", short)
    kept = [folder for folder in folders if folder and not _FOLDER.match(folder)]
    dropped = _SIZE_PARAMETERS | (_SIGNATURES if len(short) > 3 else set())
    told = parse_qsl(parts.query) if parts.query else ()
    query = [(k, v) for k, v in told if k.lower() not in dropped]
    joined = "/".join([parts.netloc.lower().removeprefix("www."), *kept, short])
    return joined + (f"?{urlencode(sorted(query))}" if query else "")


@lru_cache(maxsize=4096)
def named_width(url: str) -> int:
    """The width in pixels that an address claims, in a parameter, folder or suffix; 0 for none.

    >>> named_width("/a/shoe_300x300.jpg"), named_width("/a.jpg?w=800"), named_width("/s100/a.jpg")
    (300, 800, 100)
    """
    path, query = _path_and_query(url)
    for name, value in parse_qsl(query) if query else ():
        if (
            name.lower() in ("w", "width", "wid", "imwidth", "sw", "s", "size", "sz", "maxwidth")
            and value[:4].isdecimal()
        ):
            return int(value[:4])
    path = path.lower()
    found = [int(match.group(1) or match.group(3)) for match in _IN_NAME.finditer(path)]
    found += [int(next(filter(None, match.groups()))) for match in _IN_TEXT.finditer(path)]
    return found[-1] if found else 0


@lru_cache(maxsize=4096)
def rank(url: str) -> int:
    """The width in pixels that an address promises: by number, by a size word, else as uploaded.

    >>> rank("/a_300x.jpg"), rank("/a_original.webp"), rank("/a.jpg"), rank("/thumb/a.jpg")
    (300, 3000, 1200, 120)
    """
    width = named_width(url)
    if width:
        return width
    words = _SIGNS.split(_path_and_query(url)[0].lower())
    known = [_WORD_WIDTHS[word] for word in words if word in _WORD_WIDTHS]
    return known[-1] if known else _BARE


def srcset(text: str) -> list[tuple[str, float, str]]:
    """(address, number, unit ``w`` or ``x``) of a srcset; commas inside addresses survive.

    >>> srcset("a.jpg 300w, b,c.jpg 600w"), srcset("a.jpg, b.jpg 2x")
    ([('a.jpg', 300.0, 'w'), ('b,c.jpg', 600.0, 'w')], [('a.jpg', 1.0, 'x'), ('b.jpg', 2.0, 'x')])
    """
    found: list[tuple[str, float, str]] = []
    for match in _CANDIDATE.finditer(text[:20_000]):
        try:
            number = float(match.group(2) or 1)
        except ValueError:
            number = 1.0
        found.append((match.group(1), number, "w" if match.group(3) == "w" else "x"))
    return found


@lru_cache(maxsize=4096)
def without_size(url: str) -> str | None:
    """A guess at the original behind a resized address; None where nothing says it was resized.

    >>> without_size("https://x.kr/a/shoe_300x.jpg"), without_size("https://x.kr/a/shoe.jpg")
    ('https://x.kr/a/shoe.jpg', None)
    """
    parts = urlsplit(_quiet(inner(url)))
    folder, _, file = parts.path.rpartition("/")
    stem, dot, extension = file.rpartition(".")
    short = _RESIZED.sub("", stem)
    if short == stem and not parts.query and inner(url) == url:
        return None
    query = [
        (k, v)
        for k, v in parse_qsl(parts.query, keep_blank_values=True)
        if k.lower() not in _SIZE_PARAMETERS or k.lower() == "v"
    ]
    kept = (
        urlencode(query)
        if len(query) != len(parse_qsl(parts.query, keep_blank_values=True))
        else parts.query
    )
    path = f"{folder}/{short}{dot}{extension}" if short and dot else parts.path
    guess = urlunsplit((parts.scheme, parts.netloc, path, kept, ""))
    return guess if guess != url and stem else None


def originals_first(urls: list[str]) -> list[str]:
    """``urls`` with those first that another of them is a resized form of; the order else kept.

    >>> originals_first(["/a.jpg?w=600", "/a.jpg", "/a_300x.jpg"])
    ['/a.jpg', '/a.jpg?w=600', '/a_300x.jpg']
    """
    sources = {without_size(url) for url in urls}
    return sorted(urls, key=lambda url: url not in sources)


def file_stem(url: str) -> str:
    """The last part of `picture_key`, to match one picture on two hosts."""
    return picture_key(url).split("?")[0].rsplit("/", 1)[-1]
