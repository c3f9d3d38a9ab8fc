"""`python -m dataset`: the dataset stages, one click command each.

Options are spelled as the keys of params.yaml, so that DVC can expand a whole section into them.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import click

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_manifest
from catalogue.params import absent_brands, check_sites
from catalogue.schema import SPLITS, CleanPhoto, Photo
from catalogue.stages import Stages

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
OVERRIDES = click.option(
    "--overrides",
    type=FILE,
    default="overrides.csv",
    show_default=True,
    help="What a person decided; see docs/review.md.",
)
SAME_PRODUCTS = click.option(
    "--same-products", type=FILE, default="data/same_products.jsonl", show_default=True
)


SECTIONS = {name: name for name in ("ingest", "clean", "dedup", "split", "pack")} | {"pin": "pack"}


@click.group(cls=Stages, sections=SECTIONS)
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
        _notice(
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
        _notice(f"NOTICE: {overrides}: no photo begins with {digits}; its line does nothing.")
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


@main.command()
@click.option("--narrow", type=click.IntRange(0, 64), default=4, show_default=True)
@click.option("--wide", type=click.IntRange(0, 64), default=8, show_default=True)
@click.option("--max-group", type=click.IntRange(min=1), default=40, show_default=True)
@click.option("--clean", type=FOLDER, default="data/clean", show_default=True)
@click.option("--out", type=FOLDER, default="data/dedup", show_default=True)
@OVERRIDES
def dedup(narrow: int, wide: int, max_group: int, clean: Path, out: Path, overrides: Path) -> None:
    """One photo per near-duplicate, leakage groups, label conflicts."""
    from dataset.decisions import read_decisions
    from dataset.run_dedup import run_dedup

    if narrow > wide:
        told = f"{narrow} is over dedup.wide, which is {wide}."
        raise click.BadParameter(told, param_hint="--narrow")
    summary = run_dedup(clean, out, narrow, wide, max_group, read_decisions(overrides))
    for line in summary["decisions_without_effect"]:
        _notice(f"NOTICE: {overrides}: {line}: that product does not show that picture.")
    removed, conflicts = summary["removed"], summary["conflicts"]
    click.echo(
        f"dedup: {summary['kept']} of {summary['photos']} photos kept; "
        f"{sum(removed.values())} duplicates removed, {sum(conflicts.values())} photos in label "
        f"conflicts, {summary['leakage_groups']} leakage groups -> {out}"
    )


@main.command()
@click.option("--most", type=click.IntRange(min=1), default=60, show_default=True, help="Cases shown of each kind.")  # fmt: skip
@click.option("--catalogue", type=FILE, default="data/catalogue.jsonl", show_default=True)
@click.option("--crawl", type=FOLDER, default="data/crawl", show_default=True)
@click.option("--clean", type=FOLDER, default="data/clean", show_default=True)
@click.option("--dedup", type=FOLDER, default="data/dedup", show_default=True)
@click.option("--out", type=FOLDER, default="data/review", show_default=True)
@SAME_PRODUCTS
def review(
    most: int,
    catalogue: Path,
    crawl: Path,
    clean: Path,
    dedup: Path,
    out: Path,
    same_products: Path,
) -> None:
    """A page of what was rejected, removed or is in conflict, for a person to decide."""
    from catalogue.manifest import write_text
    from dataset.files import replaced
    from dataset.review import collect, write_thumbs
    from dataset.review_page import page

    groups = collect(clean, dedup, same_products, most)
    wanted = {one.photo_id for group in groups for case in group.cases for one in case.pictures}
    photos = {
        photo.photo_id: photo
        for photo in read_manifest(catalogue, Photo)
        if photo.photo_id in wanted
    }
    with replaced(out) as partial:
        pictured = write_thumbs(partial / "pictures", wanted, photos, crawl)
        write_text(partial / "index.html", page(groups, pictured))
    click.echo(f"review: {sum(group.total for group in groups)} cases; open {out}/index.html")


@main.command()
@click.option("--val", type=click.FloatRange(0, 0.5), default=0.15, show_default=True)
@click.option("--test", type=click.FloatRange(0, 0.5), default=0.25, show_default=True)
@click.option("--unknown-products", type=click.FloatRange(0, 0.9), default=0.1, show_default=True)
@click.option("--unknown-brands", multiple=True, help="In order: val, test, val, ...; repeatable.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--brands", type=FILE, default="brands.yaml", show_default=True)
@click.option("--dedup", type=FOLDER, default="data/dedup", show_default=True)
@click.option("--out", type=FOLDER, default="data/split", show_default=True)
@click.option("--ledger", type=FILE, default="data/split-ledger.jsonl", show_default=True)
@click.option("--root", type=FOLDER, default=".", help="What canvas paths are relative to.")
def split(
    val: float,
    test: float,
    unknown_products: float,
    unknown_brands: tuple[str, ...],
    seed: int,
    brands: Path,
    dedup: Path,
    out: Path,
    ledger: Path,
    root: Path,
) -> None:
    """Whole clusters to train, val and test; unknown products and brands held out; audited."""
    from dataset.run_split import run_split
    from dataset.split import Shares

    shares = Shares(val, test, unknown_products, unknown_brands, seed)
    listed = read_brands(brands)
    summary = run_split(dedup, out, ledger, root, listed, shares)
    unlisted = summary["unlisted"]
    for brand, count in sorted(unlisted.items()):
        _notice(
            f"NOTICE: brand {brand} ({count} photos) is in the data but not in {brands}, so it gets "
            "no net. Run `solemap brands` to see why, `solemap brands --write` to list it."
        )
    where = "params.yaml: split.unknown-brands"
    if told := absent_brands(unknown_brands, summary["photos"], where):
        _notice(told)
    known = ", ".join(f"{summary['listed'].get(name, 0)} {name}" for name in SPLITS)
    click.echo(
        f"split: {known} of listed brands; {sum(unlisted.values())} of unlisted ones; "
        f"{sum(summary['unknown'].values())} of unknown shoes; no leak among {summary['audited']} "
        f"photos -> {out}"
    )


def _notice(text: str) -> None:
    """Loud, but no failure."""
    click.secho(text, err=True, fg="yellow")


@main.command()
@click.option("--brand", required=True, help="A brand of the split folder, or _unknown.")
@click.option("--size", type=click.IntRange(16, 600), default=64, show_default=True)
@click.option("--crop/--no-crop", default=True, show_default=True)
@click.option("--background", type=click.Choice(["keep", "neutral"]), default="keep", show_default=True, help="neutral: white outside the shoe's mask.")  # fmt: skip
@click.option("--split", "split_folder", type=FOLDER, default="data/split", show_default=True)
@click.option("--out", type=FOLDER, default=None, help="Default data/pack/<brand>.")
@click.option("--root", type=FOLDER, default=".", help="What canvas paths are relative to.")
def pack(
    brand: str,
    size: int,
    crop: bool,
    background: str,
    split_folder: Path,
    out: Path | None,
    root: Path,
) -> None:
    """One brand's canvases to an array of pixels at training size."""
    from catalogue.schema import Sample
    from dataset.files import replaced
    from dataset.pack import Packing, write_pack

    manifest = split_folder / f"{brand}.jsonl"
    samples = list(read_manifest(manifest, Sample)) if manifest.exists() else []
    folder = out or Path("data/pack") / brand
    with replaced(folder) as partial:
        packed = write_pack(partial, samples, root, Packing(size, crop, background))
    if not samples:
        click.echo(f"pack: {manifest} has no photo; the pack is empty", err=True)
    masked = sum(photo["is_plain"] for photo in packed["photos"])
    click.echo(
        f"pack: {len(samples)} photos of {len(packed['labels'])} products, "
        f"{masked} with a mask -> {folder}"
    )


@main.command()
@click.option("--size", type=click.IntRange(16, 600), default=64, show_default=True)
@click.option("--crop/--no-crop", default=True, show_default=True)
@click.option("--background", type=click.Choice(["keep", "neutral"]), default="keep", show_default=True, help="neutral: white outside the shoe's mask.")  # fmt: skip
@click.option("--brands", type=FILE, default="brands.yaml", show_default=True)
@click.option("--split", "split_folder", type=FOLDER, default="data/split", show_default=True)
@click.option("--out", type=FOLDER, default="data/base", show_default=True)
@click.option("--root", type=FOLDER, default=".", help="What canvas paths are relative to.")
@click.option("--cache", type=FOLDER, default="var/clean", show_default=True)
def pin(
    size: int,
    crop: bool,
    background: str,
    brands: Path,
    split_folder: Path,
    out: Path,
    root: Path,
    cache: Path,
) -> None:
    """The base net's photos, listed once and kept while the dataset grows."""
    from dataset.pack import Packing
    from dataset.pin import pin as make_pin

    roots = [root, cache / "canvas"]
    packing = Packing(size, crop, background)
    pinned, is_new = make_pin(out, split_folder, read_brands(brands), roots, packing)
    told = "pinned" if is_new else "in the pin, which stands"
    click.echo(f"pin: {len(pinned)} photos {told} -> {out}")


@main.group()
def export() -> None:
    """The dataset in the layout of other tools."""


@export.command()
@click.option("--split", "split_folder", type=FOLDER, default="data/split", show_default=True)
@click.option("--out", type=FOLDER, default="data/brands", show_default=True)
@click.option("--root", type=FOLDER, default=".", help="What canvas paths are relative to.")
def imagefolder(split_folder: Path, out: Path, root: Path) -> None:
    """OUT/<brand>/<split>/<product>/<photo>.jpg, as hard links: torchvision's ImageFolder."""
    from dataset.export import export_imagefolder

    counts = export_imagefolder(split_folder, root, out)
    click.echo(f"export: {sum(counts.values())} photos of {len(counts)} brands -> {out}")


@export.command()
@click.option("--split", "split_folder", type=FOLDER, default="data/split", show_default=True)
@click.option("--catalogue", type=FILE, default="data/catalogue.jsonl", show_default=True)
@click.option("--out", type=FOLDER, default="data/parquet", show_default=True)
@click.option("--root", type=FOLDER, default=".", help="What canvas paths are relative to.")
@click.option("--shard-mb", type=click.IntRange(min=1), default=500, show_default=True, help="MB of pictures in a file.")  # fmt: skip
@click.option("--licence", "stated", multiple=True, metavar="SITE=TEXT", help="What the card says of a site's pictures; unknown for others.")  # fmt: skip
def parquet(
    split_folder: Path,
    catalogue: Path,
    out: Path,
    root: Path,
    shard_mb: int,
    stated: tuple[str, ...],
) -> None:
    """OUT/data/<split>-*.parquet and a dataset card: what Hugging Face `datasets` loads."""
    licences = {site: text for site, _, text in (one.partition("=") for one in stated)}
    if not all(site and text for site, text in licences.items()):
        raise click.BadParameter("it must be SITE=TEXT", param_hint="--licence")
    try:
        from dataset.parquet import export_parquet
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise CatalogueError(
            'export parquet: pyarrow is not installed; run `pip install -e ".[parquet]"`.'
        ) from None

    shards = export_parquet(split_folder, catalogue, root, out, shard_mb * 1_000_000, licences)
    told = ", ".join(
        f"{sum(shard.rows for shard in shards if shard.split == split)} {split}"
        for split in dict.fromkeys(shard.split for shard in shards)
    )
    click.echo(f"export: {told} photos in {len(shards)} files -> {out}")
    _notice(f"Before you hand it on: the pictures belong to others; read {out / 'README.md'}.")


if __name__ == "__main__":
    main(prog_name="python -m dataset")
