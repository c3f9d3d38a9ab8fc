"""What a person typed to photos: files, folders, patterns, standard input and addresses, in order."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from identify.fetch import Limits, fetch_photo
from identify.photo import PhotoError, read_photo, read_stream

SUFFIXES = (".jpg .jpeg .jpe .jfif .mpo .png .webp .avif .heic .heif .gif .bmp .tif .tiff").split()
STDIN = "-"


@dataclass(frozen=True)
class Source:
    """One photo that was asked for; ``read`` gives its bytes or raises `PhotoError`."""

    name: str
    read: Callable[[], bytes]


def sources_of(words: Iterable[str], urls: Iterable[str]) -> Iterator[Source]:
    """The photos that ``words`` (file, folder, pattern or ``-``) and then ``urls`` stand for."""
    for word in words:
        path = Path(word)
        if word == STDIN:
            yield Source(word, lambda: read_stream(sys.stdin.buffer))
        elif path.is_dir():
            yield from _of_folder(path)
        elif glob.has_magic(word) and not path.exists():
            yield from _of_pattern(word)
        else:
            yield _file(path)
    for url in urls:
        yield Source(url, _fetcher(url))


def _file(path: Path) -> Source:
    return Source(str(path), lambda: read_photo(path))


def _fetcher(url: str) -> Callable[[], bytes]:
    return lambda: fetch_photo(url, Limits(public_only=False))  # typed by the user of this machine


def _of_folder(folder: Path) -> Iterator[Source]:
    """The pictures in ``folder`` and below, by name; hidden ones are left out."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
    if not found:
        yield _nothing(str(folder), f"no pictures in this folder ({' '.join(SUFFIXES)})")
    yield from map(_file, found)


def _of_pattern(pattern: str) -> Iterator[Source]:
    # glob, not Path.glob: that takes no pattern from the root on
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
    found = sorted(path for path in map(Path, matches) if path.is_file())
    if not found:
        yield _nothing(pattern, "no file is named like this")
    yield from map(_file, found)


def _nothing(name: str, told: str) -> Source:
    def refuse() -> bytes:
        raise PhotoError(f"{name}: {told}")

    return Source(name, refuse)
