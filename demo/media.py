"""Pictures by address: originals byte for byte, smaller sizes made on demand and kept in memory.

Two ways of naming a size, as shops have them: ``/media/<token>_300.jpg`` with
``/media/<token>_original.webp``, or ``/media/<token>.webp?w=300`` with no query for the original.
"""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from email.utils import formatdate

from PIL import Image, ImageOps

from demo.answer import Answer
from demo.stock import Picture

SIZES_PX = (100, 300, 600)
CACHE_BYTES = 64 * 1024 * 1024
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".bmp")
_ADDRESS = re.compile(r"/media/([0-9a-f]{16})(?:_(100|300|600|original))?\.[a-z]{3,4}")


def address(picture: Picture, size_px: int | None, addressing: str) -> str:
    """Where the shop shows ``picture`` with its longer side at ``size_px``; None is the original."""
    suffix = picture.file.suffix.lower()
    suffix = suffix if suffix in _SUFFIXES else ".jpg"
    if addressing == "query":
        return f"/media/{picture.token}{suffix}" + (f"?w={size_px}" if size_px else "")
    if size_px is None:
        return f"/media/{picture.token}_original{suffix}"
    return f"/media/{picture.token}_{size_px}.jpg"


class Media:
    """All pictures of the shop; safe to ask from many threads."""

    def __init__(self, pictures: Iterable[Picture]) -> None:
        self._pictures = {picture.token: picture for picture in pictures}
        self._made: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._held_bytes = 0
        self._widths: dict[str, int] = {}
        self._lock = threading.Lock()

    def answer(self, path: str, query: dict[str, str]) -> Answer | None:
        """The picture at this address, None where there is none."""
        found = _ADDRESS.fullmatch(path)
        picture = self._pictures.get(found[1]) if found else None
        if found is None or picture is None:
            return None
        if found[2] is None and "w" in query:
            if query["w"] not in map(str, SIZES_PX):
                return None
            return self._sized(picture, int(query["w"]))
        if found[2] in (None, "original"):
            return self._original(picture)
        return self._sized(picture, int(found[2]))

    def width_px(self, picture: Picture) -> int:
        """The width of the original, 0 where it is no picture; read once."""
        if picture.token not in self._widths:
            try:
                with Image.open(picture.file) as image:
                    width = image.width
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                width = 0
            self._widths[picture.token] = width
        return self._widths[picture.token]

    def _original(self, picture: Picture) -> Answer | None:
        try:
            content = picture.file.read_bytes()
        except OSError:  # taken away while the shop is open
            return None
        return Answer(200, content, content_type(content), _stamps(picture, "original"))

    def _sized(self, picture: Picture, size_px: int) -> Answer | None:
        try:
            key = (picture.token, size_px, picture.file.stat().st_mtime_ns)
        except OSError:
            return None
        with self._lock:
            content = self._made.get(key)
            if content is not None:
                self._made.move_to_end(key)
        if content is None:
            try:
                content = _shrunk(picture, size_px)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                return self._original(picture)  # a corrupt picture is corrupt in every size
            self._keep(key, content)
        return Answer(200, content, "image/jpeg", _stamps(picture, str(size_px)))

    def _keep(self, key: tuple[str, int, int], content: bytes) -> None:
        with self._lock:
            if key in self._made:
                return
            self._made[key] = content
            self._held_bytes += len(content)
            while self._held_bytes > CACHE_BYTES:
                self._held_bytes -= len(self._made.popitem(last=False)[1])


def content_type(content: bytes) -> str:
    """The media type that the first bytes tell, whatever the file is called."""
    if content.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG"):
        return "image/png"
    if content.startswith(b"GIF8"):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return "image/jpeg"


def _shrunk(picture: Picture, size_px: int) -> bytes:
    with Image.open(picture.file) as image:
        image.draft("RGB", (size_px, size_px))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((size_px, size_px))
        if "A" in upright.getbands() or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            ground = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(ground, upright)
        buffer = io.BytesIO()
        upright.convert("RGB").save(buffer, "JPEG", quality=84)
    return buffer.getvalue()


def _stamps(picture: Picture, variant: str) -> dict[str, str]:
    status = picture.file.stat()
    return {
        "ETag": f'"{picture.token}-{variant}-{status.st_size:x}-{status.st_mtime_ns:x}"',
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        "Cache-Control": "public, max-age=86400",
    }
