"""`solemap import`: pictures that one has already become what a crawl leaves, so that `dvc repro` works next.

Original bytes go to ``images/``, one listing per product and colourway to ``items.jsonl``, under a site
of their own: an import replaces what an earlier one of that site brought, and touches no other. Pictures on
disk are not written again, and the feed is replaced at the end, so a killed import is simply run again.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from catalogue.brand_list import read_thresholds, write_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import to_line, write_manifest
from catalogue.params import read_params, section_of
from crawler import journal
from crawler.run import locked, state_of
from crawler.store import keep
from dataset.files import disk_error
from dataset.layouts import WORDS, Entry, Layout, Picture, Refused
from dataset.picture import UnreadablePicture, open_picture, read_bounded

SOURCE = "import"  # of the listings: not a reader of pages but a person said what they are
_MOST_PICTURES = 2000  # per listing, so that a line of the feed stays far below its limit
_MOST_TOLD = 20  # passed over, told one by one

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


# -- the commands --------------------------------------------------------------------------------

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all formats have."""
    for option in (
        click.option("--site", help="The name it gets in the feed; default the folder's."),
        click.option("--out", type=click.Path(file_okay=False, path_type=Path),
                     default=Path("data/crawl"), show_default=True, help="The crawl folder."),
        click.option("--params", type=click.Path(dir_okay=False, path_type=Path),
                     default=Path("params.yaml"), show_default=True),
        click.option("--brands", type=click.Path(dir_okay=False, path_type=Path),
                     default=Path("brands.yaml"), show_default=True),
        click.option("--state", type=click.Path(file_okay=False, path_type=Path),
                     default=Path("var/crawl"), show_default=True, help="Locks and journals."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("import")
def command() -> None:
    """Start from pictures that you have: they become what a crawl leaves."""


@command.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--layout", default="brand/product", show_default=True,
              help=f"What the folders below DIR are, outermost first; words: {', '.join(WORDS)}.")  # fmt: skip
@click.option("--brand", help="The brand of all pictures, where no folder names it.")
@_options
def imagefolder(
    folder: Path, layout: str, brand: str | None, site: str | None, **places: Path
) -> None:
    """DIR/<brand>/<product>/*.jpg; with --layout split/product torchvision's ImageFolder."""
    from dataset.layouts import read_imagefolder

    try:
        found = read_imagefolder(folder, layout, brand)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--layout") from error
    _import(found, site, folder, **places)


@command.command("csv")
@click.argument("table", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--where", "wanted", multiple=True, metavar="COLUMN=VALUE",
              help="Only rows in which the column is the value; repeatable.")  # fmt: skip
@_options
def table_command(table: Path, wanted: tuple[str, ...], site: str | None, **places: Path) -> None:
    """FILE has the columns image, brand, product, and perhaps sku, gtin, color, group, category, view, position."""
    from dataset.table import read_table

    pairs = [text.partition("=") for text in wanted]
    if bad := [
        text for text, pair in zip(wanted, pairs, strict=True) if not pair[0] or not pair[1]
    ]:
        raise click.BadParameter(f"{bad[0]!r:.80}; it must be COLUMN=VALUE", param_hint="--where")
    where = {column.strip().casefold(): value.strip() for column, _, value in pairs}
    _import(read_table(table, where), site, table.parent, **places)


@command.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@_options
def zappos(folder: Path, site: str | None, **places: Path) -> None:
    """DIR is UT-Zappos50K as unpacked: ut-zap50k-images/<Category>/<SubCategory>/<Brand>/*.jpg."""
    from dataset.layouts import read_zappos

    _import(read_zappos(folder), site, folder, **places)


def _import(
    found: Layout, site: str | None, source: Path,
    out: Path, params: Path, brands: Path, state: Path,
) -> None:  # fmt: skip
    from dataset.progress import ProgressLine

    name = _site_name(site, source, params)
    told = take_in(found, name, out, state, ProgressLine("import", sys.stderr))
    for one in told.refused[:_MOST_TOLD]:
        click.echo(f"passed over: {one.where}: {one.reason}", err=True)
    if more := told.refused[_MOST_TOLD:]:
        path = state_of(out, state) / "import-rejects.jsonl"
        click.echo(f"passed over: {len(more)} more, all of them in {path}", err=True)
    click.echo(
        f"import: {told.pictures} pictures of {told.products} products, {len(told.brands)} brands, "
        f"{len(told.refused)} passed over -> {out / 'items.jsonl'} as site {name}"
    )
    for notice in _notices(told, name, params):
        click.secho(f"NOTICE: {params}: {notice}", err=True, fg="yellow")
    listed = write_brands(out / "items.jsonl", params, brands)
    click.echo(f"{brands}: {len(listed)} brands get a net")
    click.echo("next: dvc repro")


def _notices(told: Imported, site: str, params: Path) -> Iterator[str]:
    """What in params.yaml keeps pictures out of the dataset."""
    chosen = read_thresholds(params).sites
    if chosen and site not in chosen:
        yield (
            f"ingest.sites names {', '.join(chosen)}; add {site!r}, or the dataset goes without these "
            "pictures."
        )
    least = section_of(read_params(params), params, "clean").get("min-side")
    small = sum(n for side, n in told.sides.items() if isinstance(least, int) and 0 < side < least)
    if small:
        yield (
            f"clean.min-side is {least} px, and {small} of {told.pictures} pictures have a shorter side "
            f"(the smallest {min(filter(None, told.sides))} px): they are rejected unless it is lowered."
        )


def _site_name(site: str | None, source: Path, params: Path) -> str:
    """The import's name in the feed.

    Raises:
        CatalogueError: it is no name, or that of a shop that is crawled.
    """
    name = unicodedata.normalize("NFC", site if site is not None else source.resolve().name).strip()
    if not name or len(name) > 100 or not name.isprintable() or "/" in name:
        raise CatalogueError(
            f"{name!r:.120} is no name for a site: 1 to 100 printable characters without '/'. "
            "Give one: --site NAME"
        )
    crawled = section_of(read_params(params), params, "crawl").get("sites")
    if isinstance(crawled, dict) and name in map(str, crawled):
        raise CatalogueError(
            f"{params}: crawl.sites has {name!r}; a crawl would replace what is imported under that "
            "name. Give another one: --site NAME"
        )
    return name
