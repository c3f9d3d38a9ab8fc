"""`solemap probe URL`: what the spider would take from one page, reader by reader.

Asks for one page (robots.txt obeyed, one request, never a private address unless it is typed) or
reads a saved one, and follows nothing. ``--sheet`` also fetches the pictures, one after another.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from catalogue.errors import CatalogueError
from crawler import conduct
from crawler.hollow import is_hollow
from crawler.items import Claim, Page, PictureClaim
from crawler.judge import refusal
from crawler.links import page_of
from crawler.listing import Entry, to_records
from crawler.peek import Peek
from crawler.readers import LADDER, read_product

_FIELDS = ("name", "brand_text", "sku", "gtin", "color", "group", "category")
_TILE_PX, _PER_ROW = 200, 5


@dataclass
class Probe:
    """A page and what was found on it."""

    page: Page
    claims: list[tuple[str, Claim]]
    merged: Claim | None
    crumbs: list[str]
    reason: str | None  # why the spider would take nothing
    records: list[Entry]


def probe_page(page: Page) -> Probe:
    """Every reader's claims, and what the spider makes of them."""
    claims = [(name, claim) for name, read in LADDER for claim in read(page)]
    merged, crumbs, is_told = read_product(page)
    directives = conduct.of_page(page, "solemap")
    reason = "noindex" if "noindex" in directives else refusal(page, merged, crumbs, is_told)
    records = to_records(merged, crumbs, page) if merged and reason is None else []
    if reason is None and not records:
        reason = "variants have pages of their own"
    return Probe(page, claims, merged, crumbs, reason, records)


def lines(found: Probe) -> Iterator[str]:
    """The report, line by line."""
    for name, claim in found.claims:
        yield f"{name}"
        yield from _claim_lines(claim, "  ")
    yield f"breadcrumb: {' > '.join(found.crumbs) or '-'}"
    if found.reason is not None:
        yield f"the spider would take nothing: {found.reason}"
    for number, (fields, pictures) in enumerate(found.records, start=1):
        yield f"item {number} of {len(found.records)} (name by {fields['source']})"
        yield from (f"  {key}: {fields[key]}" for key in _FIELDS if fields[key])
        yield from _picture_lines(pictures, "  ")


def _claim_lines(claim: Claim, indent: str) -> Iterator[str]:
    told = [f"{key}: {getattr(claim, key)}" for key in _FIELDS if getattr(claim, key)]
    yield from (indent + line for line in told)
    yield from _picture_lines(claim.pictures, indent)
    for variant in claim.variants:
        yield f"{indent}variant"
        yield from _claim_lines(variant, indent + "  ")


def _picture_lines(pictures: list[PictureClaim], indent: str) -> Iterator[str]:
    for place, picture in enumerate(pictures):
        others = f" (+{len(picture.urls) - 1} sizes)" if len(picture.urls) > 1 else ""
        alt = f"  [{picture.alt}]" if picture.alt else ""
        yield f"{indent}picture {place}: {picture.urls[0]}{others}{alt}"


def expected(found: Probe) -> dict[str, Any]:
    """What `tests/fixtures/sites/<case>/expected.json` says of the page."""
    items = [
        {key: fields[key] for key in (*_FIELDS, "source") if fields[key]}
        | {"pictures": [picture.urls[0] for picture in pictures]}
        for fields, pictures in found.records
    ]
    told: dict[str, Any] = {"url": found.page.url, "items": items}
    return told | ({"refused": found.reason} if found.reason else {})


def save(found: Probe, text: str, folder: Path) -> None:
    """Write the page and the expected record as a test case; look through it before it is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_text(text, "utf-8")
    record = json.dumps(expected(found), ensure_ascii=False, indent=2)
    (folder / "expected.json").write_text(record + "\n", "utf-8")


def sheet(bodies: list[tuple[str, bytes | None]]) -> bytes:
    """A contact sheet (PNG) of pictures, each with its number; a grey tile for one that is none."""
    from PIL import Image, ImageDraw, ImageOps

    rows = max(1, -(-len(bodies) // _PER_ROW))
    canvas = Image.new("RGB", (_TILE_PX * _PER_ROW, _TILE_PX * rows), "white")
    draw = ImageDraw.Draw(canvas)
    for number, (_, body) in enumerate(bodies):
        x, y = _TILE_PX * (number % _PER_ROW), _TILE_PX * (number // _PER_ROW)
        try:
            with Image.open(io.BytesIO(body or b"")) as picture:
                small = ImageOps.contain(picture.convert("RGB"), (_TILE_PX - 8, _TILE_PX - 8))
            canvas.paste(small, (x + 4, y + 4))
        except Exception:  # noqa: BLE001 - Pillow raises many kinds on what is no picture
            draw.rectangle((x + 4, y + 4, x + _TILE_PX - 4, y + _TILE_PX - 4), fill=(200, 200, 200))
        draw.text((x + 6, y + 6), str(number), fill=(200, 0, 0))
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


@click.command("probe")
@click.argument("url")
@click.option("--url", "base", help="The address of a saved page, where URL is its file.")
@click.option("--sheet", "sheet_file", type=click.Path(path_type=Path, dir_okay=False),
              help="Fetch the pictures and write a contact sheet (PNG).")  # fmt: skip
@click.option("--save", "folder", type=click.Path(path_type=Path, file_okay=False),
              help="Write the page and its expected record as a test case.")  # fmt: skip
@click.option("--browser", is_flag=True, help="Read the page as a browser shows it.")
def probe(
    url: str, base: str | None, sheet_file: Path | None, folder: Path | None, browser: bool
) -> None:
    """Show what the spider would take from the page at URL (or in a file), reader by reader."""
    if not url.startswith(("http://", "https://")):
        if browser:
            raise click.UsageError("--browser is for an address; URL is a saved page")
        text, address = _read_file(Path(url)), base or "http://localhost/"
        peek = Peek(address)
    elif base is not None:
        raise click.UsageError("--url is for a saved page; URL is an address already")
    else:
        peek = Peek(url)
        text, address = peek.rendered(url) if browser else peek.page(url)
    found = probe_page(page_of(address, text))
    for line in lines(found):
        click.echo(line)
    if found.reason == "no product" and not browser and is_hollow(found.page):
        click.echo("the page is empty without JavaScript; try --browser")
    if folder is not None:
        save(found, text, folder)
        click.echo(f"written: {folder}/page.html, {folder}/expected.json")
    if sheet_file is not None:
        urls = [picture.urls[0] for _, pictures in found.records for picture in pictures]
        bodies = [(picture, peek.picture(picture)) for picture in urls]
        missing = [picture for picture, body in bodies if body is None]
        sheet_file.write_bytes(sheet(bodies))
        click.echo(f"written: {sheet_file} ({len(urls)} pictures, {len(missing)} not had)")
        for picture in missing:
            click.echo(f"  not had: {picture} ({peek.reasons[picture]})")


def _read_file(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError as error:
        raise CatalogueError(
            f"{path}: not a file that can be read ({error.strerror}). "
            "Give an address (http://…) or a saved page with --url ADDRESS."
        ) from None
