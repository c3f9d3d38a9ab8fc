"""`python -m dataset`: the dataset stages, one click command each.

Options are spelled as the keys of params.yaml, so that DVC can expand a whole section into them.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import TextIO

import click

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_manifest
from catalogue.schema import Photo

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


class Stages(click.Group):
    """A group whose commands answer a fault in the data with one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CatalogueError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Stages)
def main() -> None:
    """Turn crawled pictures into a dataset that one can trust."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


class ProgressLine:
    """Done, of how many, rate and time left on stderr: a live line on a terminal, else now and then."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self._what, self._stream = what, stream
        self._started = self._shown = time.monotonic()
        self._first: int | None = None
        self._every_s = 0.2 if stream.isatty() else 10.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = done
            if done:
                click.echo(f"{self._what}: {done} of {total} are done already", err=True)
        elif now - self._shown >= self._every_s or (done == total and done > self._first):
            self._shown = now
            rate = (done - self._first) / max(now - self._started, 1e-9)
            left_s = (total - done) / rate if rate else 0.0
            line = f"{self._what}: {done} of {total}, {rate:.0f}/s, {left_s:.0f} s left"
            is_live = self._stream.isatty()
            click.echo(
                f"\r{line}   " if is_live else line, err=True, nl=not is_live or done == total
            )


@main.command()
@click.option("--sites", multiple=True, help="Only this site enters the dataset; repeatable.")
@click.option("--min-brand-products", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--min-brand-photos", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--feed", type=FILE, default="data/crawl/items.jsonl", show_default=True)
@click.option("--out", type=FILE, default="data/catalogue.jsonl", show_default=True)
@click.option("--rejects", type=FILE, default="data/ingest-rejects.jsonl", show_default=True)
def ingest(
    sites: tuple[str, ...],
    min_brand_products: int,
    min_brand_photos: int,
    feed: Path,
    out: Path,
    rejects: Path,
) -> None:
    """Crawl feed to catalogue: slugs, product ids, provenance."""
    from dataset.feed import read_feed
    from dataset.ingest import choose_listings, name_listings, nameless, to_photos

    listings, refused = read_feed(feed)
    chosen = choose_listings(listings, sites)
    if not chosen:
        known = ", ".join(sorted({listing.site for listing in listings}))
        raise CatalogueError(
            f"params.yaml: ingest.sites is {', '.join(sites)}; the crawl has {known}. "
            "Name one of these, or [] for all."
        )
    refused += nameless(chosen)
    photos = to_photos(name_listings(chosen))
    if not photos:
        raise CatalogueError(
            f"{feed}: {len(chosen)} products, but no picture of them on disk; at least one is "
            "needed. Run `scrapy crawl shoes` again: its last lines say why pictures failed."
        )
    write_manifest(out, photos)
    write_manifest(rejects, refused)
    products = len({(photo.brand, photo.product) for photo in photos})
    click.echo(
        f"ingest: {len(photos)} photos of {products} products, "
        f"{len({photo.brand for photo in photos})} brands -> {out}"
    )
    if refused:
        click.echo(f"ingest: {len(refused)} lines left out, reasons in {rejects}", err=True)


@main.command()
@click.option("--min-side", type=click.IntRange(min=1), default=120, show_default=True)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=None, help="Processes; default all cores."
)
@click.option("--catalogue", type=FILE, default="data/catalogue.jsonl", show_default=True)
@click.option("--crawl", type=FOLDER, default="data/crawl", show_default=True)
@click.option("--out", type=FOLDER, default="data/clean", show_default=True)
@click.option("--cache", type=FOLDER, default="var/clean", show_default=True)
def clean(
    min_side: int,
    quality: int,
    jobs: int | None,
    catalogue: Path,
    crawl: Path,
    out: Path,
    cache: Path,
) -> None:
    """Decode every photo, put it on a 500x600 canvas, judge it."""
    from dataset.clean import examine_all, signatures, verdicts
    from dataset.facts import FactsCache, link_or_copy
    from dataset.folders import replaced

    photos = list(read_manifest(catalogue, Photo))
    progress = ProgressLine("clean", sys.stderr)
    with FactsCache(cache, quality) as finished, replaced(out) as partial:
        facts = examine_all(photos, crawl, finished, quality, jobs or os.cpu_count() or 1, progress)
        judged = verdicts(photos, facts, out, min_side)
        marks = signatures(judged, facts)
        for mark in marks:
            target = partial / "images" / mark.canvas[:2] / f"{mark.canvas}.jpg"
            link_or_copy(finished.canvas_path(mark.canvas), target)
        write_manifest(partial / "verdicts.jsonl", judged)
        write_manifest(partial / "signatures.jsonl", marks)
    counts = dict.fromkeys(("keep", "review", "reject"), 0)
    for photo in judged:
        counts[photo.verdict] += 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    click.echo(f"clean: {told}; {len(marks)} canvases -> {out}")


if __name__ == "__main__":
    main(prog_name="python -m dataset")
