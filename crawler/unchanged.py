"""Product pages that may be as they were: asked for on condition, so that the shop need not send them.

``pages.jsonl`` in the run's state folder holds, per page that gave items, what the shop said of its
version (ETag, Last-Modified; RFC 9110, section 13) and the links found on it first. A page is asked
for on condition only while the feed holds all its items with every picture on disk, and while the
code that reads pages is the code that read it. Listings are never asked for on condition.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from catalogue.brands import brand_slug
from catalogue.manifest import to_line, write_text
from crawler.journal import digest, lines
from crawler.site import Site

_LONGEST = 256  # characters of an ETag or a date; a longer one is not kept


@cache
def code_hash() -> str:
    """A hash of this package's code: other code may read another item from the same page."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def validators(etag: bytes | None, modified: bytes | None) -> dict[str, str]:
    """What a shop said of a page's version, as far as it can be sent back; empty for nothing."""
    found = {}
    for name, value in (("etag", etag), ("modified", modified)):
        text = (value or b"").decode("latin-1").strip()
        if text and len(text) <= _LONGEST and text.isprintable():
            found[name] = text
    return found


class KnownPages:
    """Pages of earlier runs, by recorded address; offsets are held in memory, not the pages."""

    def __init__(self, state: Path, folder: Path, feed: Path, is_used: bool = True) -> None:
        self.path, self._folder, self._feed = state / "pages.jsonl", folder, feed
        self._pages = {
            digest(line["site"], line["page"]): (offset, length)
            for offset, length, line in self._lines()
            if is_used
        }
        self._items: dict[bytes, list[tuple[int, int]]] = {}
        if not self._pages or not feed.exists():
            self._pages = {}
            return
        for offset, length, item in lines(feed):
            self._items.setdefault(_key(item), []).append((offset, length))
        # kept open: both may be replaced while the run goes on
        self._page_file, self._feed_file = self.path.open("rb"), feed.open("rb")

    def _lines(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        for offset, length, line in lines(self.path):
            if line.get("code") == code_hash() and isinstance(line.get("urls"), list):
                yield offset, length, line

    def conditions(self, site: Site, page: str) -> dict[str, str]:
        """The headers that ask for ``page`` (a recorded address) unless it is as it was."""
        entry = self._entry(site.name, page)
        if entry is None or not self._is_whole(site, entry):
            return {}
        names = (("etag", "If-None-Match"), ("modified", "If-Modified-Since"))
        return {header: str(entry[name]) for name, header in names if name in entry}

    def _is_whole(self, site: Site, entry: dict[str, Any]) -> bool:
        """Whether the feed has what the page gave, of the wanted brands, and the disk its pictures."""
        by_url = [self._items_of(site.name, url) for url in entry["urls"]]
        items = [item for found in by_url for item in found]
        if not items or not all(by_url):
            return False
        brands = {brand_slug(item.get("brand_text")) for item in items}
        if site.brands and not brands <= set(site.brands):
            return False
        return all(self._is_there(image) for item in items for image in item["images"])

    def _is_there(self, image: dict[str, Any]) -> bool:
        try:
            path = self._folder / str(image["path"])
            return bool(image["sha256"]) and path.stat().st_size == image["bytes"]
        except OSError:
            return False

    def is_known(self, site: str, page: str) -> bool:
        """Whether an earlier run read ``page``."""
        return digest(site, page) in self._pages

    def found(
        self, site: str, page: str
    ) -> tuple[list[dict[str, Any]], list[tuple[str, int, int]]]:
        """The items that ``page`` gave and the links that were first found on it."""
        entry = self._entry(site, page)
        if entry is None:
            return [], []
        items = [item for url in entry["urls"] for item in self._items_of(site, url)]
        return items, [(str(url), int(kind), int(depth)) for url, kind, depth in entry["links"]]

    def _entry(self, site: str, page: str) -> dict[str, Any] | None:
        place = self._pages.get(digest(site, page))
        if place is None:
            return None
        self._page_file.seek(place[0])
        entry: dict[str, Any] = json.loads(self._page_file.read(place[1]))
        return entry

    def _items_of(self, site: str, url: str) -> list[dict[str, Any]]:
        found = []
        for offset, length in self._items.get(digest(site, url), ()):
            self._feed_file.seek(offset)
            found.append(json.loads(self._feed_file.read(length)))
        return found

    def write(self, run: Path) -> None:
        """Bring ``pages.jsonl`` up to date by the run's journal; pages whose items left the feed go."""
        entries = {(line["site"], line["page"]): line for _, _, line in self._lines()}
        for _, _, line in lines(run):
            if "answer" in line:
                entry = line["answer"]
                entries[entry["site"], entry["page"]] = entry
        if not entries and not self.path.exists():
            return
        held = {_key(item) for _, _, item in lines(self._feed)}
        kept = [
            to_line(entry)
            for (site, _), entry in sorted(entries.items())
            if all(digest(site, url) in held for url in entry["urls"])
        ]
        write_text(self.path, "".join(line + "\n" for line in kept))

    def close(self) -> None:
        """Close the files that are read from."""
        if self._pages:
            self._page_file.close()
            self._feed_file.close()


def _key(item: dict[str, Any]) -> bytes:
    return digest(str(item.get("site")), str(item.get("url")))
