"""Listings and their pictures out of a crawl folder for good: the feed, the files, and what a crawl remembers.

The feed is replaced last. A forget that was cut off has left the listings in it, so the same command
again finds them and finishes. What was crawled may be crawled again: nothing here bars it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalogue.brands import brand_slug
from crawler.journal import complete_items, digest, lines

_PICTURE = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{1,8}")

Item = dict[str, Any]
IsGone = Callable[[Item], bool]  # whether an item is to be forgotten


@dataclass
class Forgetting:
    """What is to go from a crawl folder."""

    listings: int = 0
    sites: set[str] = field(default_factory=set)
    brands: set[str] = field(default_factory=set)
    urls: set[bytes] = field(default_factory=set)  # digests of (site, address)
    pictures: set[str] = field(default_factory=set)  # SHA-256 of pictures that no other item shows
    shared: int = 0  # pictures that others show, too
    files: list[Path] = field(default_factory=list)  # of ``pictures``
    strays: list[Path] = field(default_factory=list)  # files that no item shows, of earlier crawls


def journals(folder: Path, place: Path) -> list[Path]:
    """The journals of an unfinished crawl into ``folder``; ``place`` is `crawler.run.state_of` it."""
    return [path for path in (place / "run.jsonl", folder / "run.jsonl") if path.exists()]


def crawled_items(folder: Path, place: Path) -> Iterator[Item]:
    """The items of the feed, and those that an unfinished crawl has not put there yet."""
    for _, _, item in lines(folder / "items.jsonl"):
        yield item
    for path in journals(folder, place):
        for _, _, item in complete_items(path):
            yield item


def look(folder: Path, place: Path, is_gone: IsGone) -> Forgetting:
    """What goes if the items that ``is_gone`` picks are forgotten; nothing is changed."""
    found = Forgetting()
    shown: set[str] = set()
    kept: set[str] = set()
    for item in _all_items(folder, place):
        (shown if is_gone(item) else kept).update(_pictures(item))
    for item in crawled_items(folder, place):
        if is_gone(item):
            found.listings += 1
            found.sites.add(str(item.get("site")))
            text = item.get("brand_text")
            found.brands.add(brand_slug(text if isinstance(text, str) else None))
            found.urls.add(_address(item))
    found.pictures, found.shared = shown - kept, len(shown & kept)
    for path in sorted((folder / "images").glob("[0-9a-f][0-9a-f]/*")):
        name = _PICTURE.fullmatch(path.name)
        if name and name[1] not in kept:
            (found.files if name[1] in found.pictures else found.strays).append(path)
    return found


def clear(folder: Path, place: Path, is_gone: IsGone, found: Forgetting) -> Path:
    """Take it out of everything but the feed; the new feed, ready to replace the old one."""
    kept = {name for item in _all_items(folder, place) if not is_gone(item) for name in _pictures(item)}  # fmt: skip

    def stays(line: Item) -> bool:
        if "picture" in line:
            return str(line["picture"].get("sha256")) in kept
        if "item" in line:
            return not is_gone(line["item"])
        told = line.get("answer") or line
        urls = [*(told.get("urls") or ()), *(told.get("unchanged") or ())]
        site = told.get("site")
        return not any(digest(str(site), str(url)) in found.urls for url in urls) and not (
            site is not None and is_gone({"site": site})
        )

    for path in [*journals(folder, place), place / "pages.jsonl"]:
        if path.exists():
            _filtered(path, stays).replace(path)
    # of an import that was cut off, or had faults
    for name in ("import.jsonl", "import-rejects.jsonl"):
        (place / name).unlink(missing_ok=True)
    for path in (*found.files, *found.strays):
        path.unlink(missing_ok=True)
    return _filtered(folder / "items.jsonl", lambda item: not is_gone(item))


def _all_items(folder: Path, place: Path) -> Iterator[Item]:
    """Every item that is written down, those of unfinished pages too."""
    for _, _, item in lines(folder / "items.jsonl"):
        yield item
    for path in journals(folder, place):
        for _, _, line in lines(path):
            if isinstance(line.get("item"), dict):
                yield line["item"]


def _address(item: Item) -> bytes:
    return digest(str(item.get("site")), str(item.get("url")))


def _pictures(item: Item) -> Iterator[str]:
    for image in item.get("images") or ():
        if isinstance(image, dict) and image.get("sha256"):
            yield str(image["sha256"])


def _filtered(path: Path, stays: Callable[[Item], bool]) -> Path:
    """A synced file beside ``path`` with those of its lines that stay."""
    temporary = path.with_name(f".{path.name}.forget.tmp")
    path.touch()
    with path.open("rb") as old, temporary.open("wb") as new:
        for offset, length, line in lines(path):
            if stays(line):
                old.seek(offset)
                new.write(old.read(length))
        new.flush()
        os.fsync(new.fileno())
    return temporary
