"""The crawl's feed, data/crawl/items.jsonl, read so that a bad line costs only itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.manifest import MAX_LINE_BYTES, from_dict
from catalogue.schema import Listing


@dataclass(frozen=True)
class IngestReject:
    """Something of the crawl that gave no photo: a line of data/ingest-rejects.jsonl."""

    where: str  # file:line, or the page
    reason: str


def read_feed(path: Path) -> tuple[list[Listing], list[IngestReject]]:
    """The listings of a feed, and the lines that are none.

    Raises:
        CatalogueError: the feed is missing, unreadable, or holds no usable line.
    """
    if not path.exists():
        raise CatalogueError(
            f"{path}: there is no crawl yet. "
            "Run `scrapy crawl shoes` first; it writes this file and the pictures beside it."
        )
    listings: list[Listing] = []
    rejects: list[IngestReject] = []
    for number, raw in _lines(path):
        try:
            listings.append(_listing(raw))
        except (TypeError, ValueError, RecursionError) as error:
            rejects.append(IngestReject(f"{path}:{number}", f"not an item: {error}"))
    if not listings:
        found = f"{len(rejects)} lines, none of them an item" if rejects else "no item"
        raise CatalogueError(
            f"{path}: {found}; at least one product is needed. "
            "Run `scrapy crawl shoes` again and read its last lines: they say what was refused."
        )
    return listings, rejects


def _listing(raw: bytes) -> Listing:
    if len(raw) > MAX_LINE_BYTES:
        raise ValueError(f"a line of {len(raw)} bytes, at most {MAX_LINE_BYTES} are read")
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise TypeError(f"a {type(value).__name__}, it must be a JSON object")
    return from_dict(value, Listing)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    yield number, raw
    except OSError as error:
        raise CatalogueError(
            f"{path}: cannot be read ({error.strerror}). Check the file and its permissions."
        ) from error
