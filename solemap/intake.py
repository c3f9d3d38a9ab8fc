"""Pictures that one has already become what a crawl leaves: files and listings.

Original bytes go to ``images/``, one listing per product and colourway to ``items.jsonl``, under a site
of their own: an import replaces what an earlier one of that site brought, and touches no other. Pictures on
disk are not written again, and the feed is replaced at the end, so a killed import is simply run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from catalogue.errors import CatalogueError
from catalogue.manifest import to_line, write_manifest
from crawler import journal
from crawler.run import locked, state_of
from crawler.store import keep
from dataset.files import disk_error
from dataset.layouts import Entry, Layout, Picture, Refused
from dataset.picture import UnreadablePicture, open_picture, read_bounded

SOURCE = "import"  # of the listings: not a reader of pages but a person said what they are
_MOST_PICTURES = 2000  # per listing, so that a line of the feed stays far below its limit

Progress = Callable[[int, int], None]  # done, of how many


@dataclass
class Imported:
    """What came of an import."""

    products: int = 0
    pictures: int = 0
    brands: set[str] = field(default_factory=set)
    sides: Counter[int] = field(default_factory=Counter)  # shorter side, px -> pictures
    refused: list[Refused] = field(default_factory=list)


def take_in(layout: Layout, site: str, out: Path, state: Path, progress: Progress) -> Imported:
    """Store the pictures of ``layout`` and put its entries into the feed, in place of the site's.

    Listings that are as they were keep their time, so the same import twice gives the same bytes.
    ``state`` is the folder of locks and journals; one crawl or import at a time writes a feed.

    Raises:
        CatalogueError: a crawl is writing the feed or found the site, no picture can be used, or a
            file cannot be written; the feed stays as it was.
    """
    told = Imported(refused=list(layout.refused))
    feed, place = out / "items.jsonl", state_of(out, state)
    try:
        with locked(feed, place):
            held = _held(feed, site)
            run = place / "import.jsonl"
            with run.open("wb") as file:
                for number, item in enumerate(_items(layout, site, out, told, progress)):
                    item["fetched_at"] = held.get(_digest(item), item["fetched_at"])
                    line = {"page": str(number), "site": site, "part": 0, "parts": 1, "item": item}
                    file.write(to_line(line).encode() + b"\n")
            write_manifest(place / "import-rejects.jsonl", told.refused)
            if not told.pictures:
                raise CatalogueError(
                    f"{told.refused[0].where}: {told.refused[0].reason}; no picture could be taken, "
                    f"all {len(told.refused)} reasons are in {place / 'import-rejects.jsonl'}."
                )
            journal.merge(feed, run, lambda owner, url: owner == site)
            run.unlink()
    except OSError as error:
        raise disk_error(Path(error.filename or feed), error) from error
    return told


def _held(feed: Path, site: str) -> dict[bytes, str]:
    """When the listings of an earlier import were made, by all else that they say.

    Raises:
        CatalogueError: the site's products were crawled.
    """
    found = {}
    for _, _, item in journal.lines(feed):
        if item.get("site") != site:
            continue
        if item.get("source") != SOURCE:
            raise CatalogueError(
                f"{feed}: {site!r} is a site that was crawled, whose products an import would "
                "replace. Give the import another name: --site NAME"
            )
        found[_digest(item)] = str(item.get("fetched_at"))
    return found


def _digest(item: dict[str, Any]) -> bytes:
    return journal.digest(to_line({**item, "fetched_at": None}))


def _items(
    layout: Layout, site: str, out: Path, told: Imported, progress: Progress
) -> Iterator[dict[str, Any]]:
    """The listings, each once its pictures are on disk; entries without any are left out."""
    total = sum(len(entry.pictures) for entry in layout.entries)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    done = 0
    progress(0, total)
    for entry in layout.entries:
        images: list[dict[str, Any]] = []
        for picture in entry.pictures:
            position = len(images) if picture.position is None else picture.position
            image = _stored(picture, out, told.refused)
            done += 1
            progress(done, total)
            if image is not None:
                named = {
                    "url": f"{site}/{quote(picture.address)}",
                    "alt": picture.alt,
                    "position": position,
                }
                images.append({**named, **image, "status": "stored"})
                told.sides[min(image["width_px"] or 0, image["height_px"] or 0)] += 1
        told.products += bool(images)
        told.pictures += len(images)
        if images and entry.brand:
            told.brands.add(entry.brand)
        for start in range(0, len(images), _MOST_PICTURES):
            part = f"?part={start // _MOST_PICTURES + 1}" if start else ""
            chunk = images[start : start + _MOST_PICTURES]
            yield {
                "site": site,
                "url": _address(entry, site) + part,
                "brand_text": entry.brand,
                "name": entry.name,
                "sku": entry.sku,
                "gtin": entry.gtin,
                "color": entry.color,
                "group": entry.group,
                "category": entry.category,
                "source": SOURCE,
                "fetched_at": now,
                "images": chunk,
            }


def _address(entry: Entry, site: str) -> str:
    """What stands for the page's address: one per entry, and none of the web."""
    said = (entry.brand or "", entry.name, entry.sku, entry.color, entry.gtin)
    return "/".join((site, *(quote(part, safe="") for part in said if part is not None)))


def _stored(picture: Picture, out: Path, refused: list[Refused]) -> dict[str, Any] | None:
    """The facts of a picture that is now in the crawl folder; None where it was passed over."""
    try:
        content = read_bounded(picture.path)
        open_picture(content)
    except UnreadablePicture as error:
        reason = str(error)
    except OSError as error:
        reason = f"not readable: {error.strerror}"
    else:
        facts = keep(out, content)
        if facts["sha256"] is not None:
            return facts
        reason = str(facts["reason"])
    refused.append(Refused(picture.where, reason))
    return None
