"""The journal of one run, and how it becomes data/crawl/items.jsonl: nothing lost, nothing twice.

A run appends to ``var/crawl/<feed>/run.jsonl``, one JSON object a line: which page is done, which
links it gave, each item, each picture on disk. A page's items are lines of their own with "part k
of n": the page is done when all n are there, so there is no moment at which a page counts as done
and an item is missing. Each line is handed to the system at once, so that no kill of the process
takes it back, and synced to disk within a second, since a power cut may: what it takes is read again,
and no line is without its picture, whose file is synced before. Where workers share a crawl, a page
done is synced at once, before the others hear of it.

``items.jsonl`` is never appended to. `merge` writes it anew, sorted, through a temporary file: old
lines, but for pages that this run read again, and for products that a full run no longer found.
It happens when a run ends or is stopped (Ctrl-C), now and then in between, and at the start of a
run that finds a killed one of other arguments. The journal is deleted after the merge of a finished
run; so one that exists at start is an unfinished run, and the same arguments go on with it: pages
done are not fetched again, and links found are taken up where they were left.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from catalogue.manifest import to_line
from crawler.links import uncolored
from crawler.pictures import picture_key


def digest(*texts: str | None) -> bytes:
    """16 bytes for a key, so that sets of 100,000 addresses stay small."""
    joined = "\0".join(text or "" for text in texts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def shown_key(site: str, url: str, picture: str) -> bytes:
    """A key for "this product, in any colour, begins with this picture"."""
    return digest(site, uncolored(url), picture_key(picture))


def cut_torn_line(path: Path) -> int:
    """Cut what follows the last line end of ``path``; return how many bytes were cut.

    A process killed while it wrote leaves half a line, which would spoil the next one. A whole object, as
    after an edit by hand, gets its line end.
    """
    if not path.exists():
        return 0
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end, block = size, 1 << 16
        while end > 0:
            start = max(0, end - block)
            file.seek(start)
            chunk = file.read(end - start)
            place = chunk.rfind(b"\n")
            if place >= 0:
                end = start + place + 1
                break
            end = start
        file.seek(end)
        if _object(file.read()) is not None:
            file.write(b"\n")
            return 0
        file.truncate(end)
        return size - end


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def lines(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(offset, length, object) of each whole line of ``path``; lines that are none are passed over."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for raw in file:
            value = _object(raw) if raw.endswith(b"\n") else None
            if value is not None:
                yield offset, len(raw), value
            offset += len(raw)


class Journal:
    """The append-only file of the run that is going on."""

    def __init__(self, folder: Path, sync_every_s: float = 0.0) -> None:
        self.path = folder / "run.jsonl"
        self._sync_every_s, self._synced_at, self._end = sync_every_s, 0.0, 0
        self.done: set[bytes] = set()
        self.urls: set[bytes] = set()  # canonical addresses of products that gave an item
        self.shown: set[bytes] = set()  # first pictures by product, in any colour: see shown_key
        self._file: IO[bytes] | None = None

    def unfinished(self) -> dict[str, Any] | None:
        """What the unfinished run was about, None where there is no unfinished run."""
        cut_torn_line(self.path)
        first = next(lines(self.path), None)
        header = first[2].get("run") if first else None
        return header if isinstance(header, dict) else None

    def start(self, header: dict[str, Any]) -> None:
        """Begin a new run, dropping the file of an earlier one (merge it first)."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb")
        self._end = 0
        self._append({"run": header}, True)

    def resume(self) -> dict[str, int]:
        """Go on with the unfinished run; return how many items it has, by site."""
        items: dict[str, int] = {}
        for _, _, item in complete_items(self.path):
            items[item["site"]] = items.get(item["site"], 0) + 1
            self.saw(item)
        self.urls |= unchanged_urls(self.path)
        self.done = done_pages(self.path)
        self._file = self.path.open("ab")
        self._end = self._file.seek(0, os.SEEK_END)
        return items

    def saw(self, item: dict[str, Any]) -> None:
        """Note an item's address and first picture, so that no other page gives it again."""
        self.urls.add(digest(item["site"], item["url"]))
        for image in item["images"][:1]:
            self.shown.add(shown_key(item["site"], item["url"], image["url"]))

    def add_unchanged(self, site: str, page: str, urls: list[str]) -> None:
        """A page is as an earlier run read it; ``urls`` are those of its items in the feed."""
        self.done.add(digest(site, page))
        line = {"page": page, "site": site, "parts": 0, "reason": "unchanged", "unchanged": urls}
        self._append(line, True)

    def add_answer(self, answer: dict[str, Any]) -> None:
        """What lets a later run ask for a page on condition; see `crawler.unchanged`."""
        self._append({"answer": answer}, False)

    def add_page(self, site: str, page: str, reason: str) -> None:
        """A page without an item is done, for this reason."""
        self.done.add(digest(site, page))
        self._append({"page": page, "site": site, "parts": 0, "reason": reason}, True)

    def add_home(self, site: str, root: str) -> None:
        """The site's first page led to another host: its shop lives at ``root``."""
        self._append({"home": root, "site": site}, False)

    def add_links(self, site: str, links: list[tuple[str, int, int]]) -> None:
        """Links seen for the first time: (recorded address, kind, depth)."""
        for start in range(0, len(links), 1000):
            self._append({"links": links[start : start + 1000], "site": site}, False)

    def add_item(self, page: str, part: int, parts: int, item: dict[str, Any]) -> None:
        """One item of a page, its pictures fetched."""
        self._append(
            {"page": page, "site": item["site"], "part": part, "parts": parts, "item": item}, True
        )

    def add_picture(self, image: dict[str, Any]) -> tuple[int, int]:
        """A picture is on disk; return (offset, length) of its line."""
        return self._append({"picture": image}, False)

    def known_homes(self) -> Iterator[tuple[str, str]]:
        """(site, root) of the hosts that `add_home` wrote."""
        for _, _, line in lines(self.path):
            if "home" in line:
                yield line["site"], line["home"]

    def known_links(self) -> Iterator[tuple[str, str, int, int]]:
        """(site, recorded address, kind, depth) of the links found before the run was cut off."""
        for _, _, line in lines(self.path):
            for url, kind, depth in line.get("links") or ():
                yield line["site"], url, kind, depth

    def _append(self, value: dict[str, Any], is_synced: bool) -> tuple[int, int]:
        if self._file is None:
            raise RuntimeError("the journal is not open")
        offset = self._end
        raw = to_line(value).encode("utf-8", "surrogatepass") + b"\n"
        self._file.write(raw)
        self._file.flush()
        self._end += len(raw)
        now = time.monotonic()
        if is_synced and now >= self._synced_at + self._sync_every_s:
            os.fsync(self._file.fileno())
            self._synced_at = now
        return offset, len(raw)

    def close(self, is_finished: bool) -> None:
        """Close the file; a finished run's is deleted, after its merge."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if is_finished:
            self.path.unlink(missing_ok=True)


def done_pages(run: Path) -> set[bytes]:
    """Digests of the pages whose parts are all in the journal."""
    parts: dict[bytes, set[int]] = {}
    done: set[bytes] = set()
    for _, _, line in lines(run):
        if "page" not in line:
            continue
        key = digest(line["site"], line["page"])
        parts.setdefault(key, set()).add(line.get("part", -1))
        if line["parts"] == 0 or len(parts[key] - {-1}) >= line["parts"]:
            done.add(key)
            parts[key] = set(parts[key])
    return done


def unchanged_urls(run: Path) -> set[bytes]:
    """Digests of the items' addresses that `Journal.add_unchanged` wrote."""
    return {
        digest(line["site"], url)
        for _, _, line in lines(run)
        for url in line.get("unchanged") or ()
    }


def complete_items(run: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(offset, length, item) of the items of done pages; of a part written twice the last."""
    done = done_pages(run)
    last: dict[tuple[bytes, int], tuple[int, int]] = {}
    for offset, length, line in lines(run):
        if "item" in line and (key := digest(line["site"], line["page"])) in done:
            last[key, line["part"]] = (offset, length)
    with run.open("rb") as file:
        for offset, length in sorted(last.values()):
            file.seek(offset)
            yield offset, length, json.loads(file.read(length))["item"]


def merge(
    feed: Path,
    run: Path,
    is_vanished: Callable[[str, str], bool],
    is_replaced: Callable[[str], bool] = lambda site: True,
) -> tuple[int, list[str]]:
    """Write ``feed`` anew from itself and the run; return (items in it, addresses that vanished).

    ``is_vanished(site, url)`` says whether a product that the run did not see is to go, and
    ``is_replaced(site)`` whether those that it read again replace what the feed has of them. Where
    the run has nothing, the feed is left as it is. Only keys and offsets are held in memory.
    """
    rows: list[tuple[tuple[str, str, str, str], Path, int, int]] = []
    seen: set[bytes] = set()
    unchanged = unchanged_urls(run)
    held = {
        digest(site, str(item.get("url")))
        for _, _, item in lines(feed)
        if not is_replaced(site := str(item.get("site")))
    }
    if run.exists():
        for offset, length, item in complete_items(run):
            if (key := digest(item["site"], item["url"])) not in held:
                seen.add(key)
                rows.append((feed_order(item), run, offset, length))
    if not rows and not unchanged:
        return sum(1 for _ in lines(feed)), []
    vanished: list[str] = []
    for offset, length, item in lines(feed):
        site, url = str(item.get("site")), str(item.get("url"))
        key = digest(site, url)
        if key in seen:
            continue
        if key not in held and key not in unchanged and is_vanished(site, url):
            vanished.append(url)
            continue
        rows.append((feed_order(item), feed, offset, length))
    rows.sort(key=lambda row: row[0])
    _write(feed, run, rows)
    return len(rows), sorted(vanished)


def feed_order(item: dict[str, Any]) -> tuple[str, str, str, str]:
    """Site, url, colour and SKU of an item: what a line of the feed is sorted by."""
    site, url, color, sku = (str(item.get(key) or "") for key in ("site", "url", "color", "sku"))
    return site, url, color, sku


def _write(
    feed: Path, run: Path, rows: list[tuple[tuple[str, str, str, str], Path, int, int]]
) -> None:
    feed.parent.mkdir(parents=True, exist_ok=True)
    temporary = feed.with_name(f".{feed.name}.{os.getpid()}.tmp")
    feed.touch()
    with feed.open("rb") as old, run.open("rb") as new, temporary.open("wb") as out:
        for _, source, offset, length in rows:
            file = new if source == run else old
            file.seek(offset)
            raw = file.read(length)
            out.write(
                to_line(json.loads(raw)["item"]).encode("utf-8", "surrogatepass") + b"\n"
                if file is new
                else raw
            )
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(feed)
