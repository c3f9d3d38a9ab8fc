"""From the crawl to judged photos: ingest, clean."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_manifest
from catalogue.params import check_sites
from catalogue.schema import CleanPhoto, Photo
from dataset.commands.options import FILE, FOLDER, OVERRIDES, SAME_PRODUCTS, notice
from dataset.progress import ProgressLine


@click.command()
@click.option("--sites", multiple=True, help="Only this site enters the dataset; repeatable.")
@click.option(
    "--min-brand-products",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Checked, not used: `solemap brands` and the crawl read it to list brands.",
)
@click.option(
    "--min-brand-photos",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Checked, not used, like --min-brand-products.",
)
@click.option("--feed", type=FILE, default="data/crawl/items.jsonl", show_default=True)
@click.option("--out", type=FILE, default="data/catalogue.jsonl", show_default=True)
@click.option("--rejects", type=FILE, default="data/ingest-rejects.jsonl", show_default=True)
@SAME_PRODUCTS
@OVERRIDES
def ingest(
    sites: tuple[str, ...],
    min_brand_products: int,
    min_brand_photos: int,
    feed: Path,
    out: Path,
    rejects: Path,
    same_products: Path,
    overrides: Path,
) -> None:
    """Crawl feed to catalogue: slugs, product ids, provenance."""
    from dataset.decisions import read_decisions
    from dataset.feed import read_feed
    from dataset.ingest import (
        choose_listings,
        decided,
        fates,
        name_listings,
        nameless,
        pictureless,
        spellings,
        to_photos,
    )
    from dataset.same_product import becomes, find_same_products

    listings, refused = read_feed(feed)
    check_sites(sites, {listing.site for listing in listings}, "params.yaml: ingest.sites")
    chosen = choose_listings(listings, sites)
    decisions = read_decisions(overrides)
    all_named = name_listings(chosen)
    pairs = find_same_products(all_named, decisions)
    named = decided(all_named, decisions, becomes(pairs))
    known = {entry.key for entry in all_named}
    known |= set(decisions.same_as.values())
    lines = decisions.same_as.keys() | decisions.rejected | frozenset().union(*decisions.not_same)
    for product in sorted(lines - known):
        notice(
            f"NOTICE: {overrides}: there is no product {'/'.join(product)}; its line does nothing."
        )
    lost = pictureless(named)
    refused += nameless(chosen) + [reject for pages in lost.values() for reject in pages]
    shown = {entry.key for entry in named} - lost.keys()
    if not shown:
        raise CatalogueError(
            f"{feed}: {len(chosen)} products, but no picture of them on disk ({fates(chosen)}); at "
            "least one is needed. Run `scrapy crawl shoes` again: its last lines say why pictures "
            "failed."
        )
    photos = write_manifest(out, to_photos(named))
    write_manifest(rejects, refused)
    write_manifest(same_products, pairs)
    click.echo(
        f"ingest: {photos} photos of {len(shown)} products, {len({brand for brand, _ in shown})} brands; "
        f"{len(lost)} products without a picture on disk left out -> {out}"
    )
    if refused:
        click.echo(
            f"ingest: {len(refused)} lines and pages left out, reasons in {rejects}", err=True
        )
    joined = sum(pair.kept is not None for pair in pairs)
    if pairs:
        click.echo(
            f"ingest: {joined} pairs of products of different shops are one product, "
            f"{len(pairs) - joined} may be; all in {same_products}, shown by the review stage",
            err=True,
        )
    merged = {product: names for product, names in spellings(named).items() if len(names) > 1}
    for product, names in list(merged.items())[:1]:
        told = ", ".join(f"{name!r:.60}" for name in names[:4])
        click.echo(
            f"ingest: {len(merged)} products are spelled in several ways, for example "
            f"{'/'.join(product)}: {told}; the most frequent one names each",
            err=True,
        )


@click.command()
@click.option("--min-side", type=click.IntRange(min=1), default=120, show_default=True)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=None, help="Processes; default all cores."
)
@click.option("--catalogue", type=FILE, default="data/catalogue.jsonl", show_default=True)
@click.option("--crawl", type=FOLDER, default="data/crawl", show_default=True)
@click.option("--out", type=FOLDER, default="data/clean", show_default=True)
@click.option("--cache", type=FOLDER, default="var/clean", show_default=True)
@OVERRIDES
def clean(
    min_side: int,
    quality: int,
    jobs: int | None,
    catalogue: Path,
    crawl: Path,
    out: Path,
    cache: Path,
    overrides: Path,
) -> None:
    """Decode every photo, put it on a 500x600 canvas, judge it."""
    from dataset.clean import examine_all, verdicts
    from dataset.decisions import read_decisions
    from dataset.facts import FactsCache
    from dataset.files import canvas_file, link_or_copy, replaced
    from dataset.signature import write_signatures

    # Addresses are not needed here, and are half of a record.
    photos = [replace(photo, sources=()) for photo in read_manifest(catalogue, Photo)]
    decided = read_decisions(overrides).of_photos(photo.photo_id for photo in photos)
    for digits in decided.unmatched:
        notice(f"NOTICE: {overrides}: no photo begins with {digits}; its line does nothing.")
    counts = dict.fromkeys(("keep", "review", "reject"), 0)
    canvases = set()

    def counted(judged: Iterable[CleanPhoto]) -> Iterator[CleanPhoto]:
        for one in judged:
            counts[one.verdict] += 1
            if one.path is not None:
                canvases.add(Path(one.path).stem)
            yield one

    progress = ProgressLine("clean", sys.stderr)
    with FactsCache(cache, quality) as finished, replaced(out) as partial:
        facts = examine_all(photos, crawl, finished, quality, jobs or os.cpu_count() or 1, progress)
        judged = verdicts(photos, facts, out, min_side, decided.verdicts)
        write_manifest(partial / "verdicts.jsonl", counted(judged))
        names = sorted(canvases)
        for name in names:
            target = canvas_file(partial / "images", name)
            link_or_copy(canvas_file(finished.canvas_folder, name), target)
        write_signatures(partial, finished.signatures(names), len(names))
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    click.echo(f"clean: {told}; {len(names)} canvases -> {out}")
