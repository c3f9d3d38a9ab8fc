"""`solemap brands`: what the crawl holds of each brand, and which of them get a net."""

from __future__ import annotations

from pathlib import Path

import click

from catalogue.brand_list import count_feed, read_brands, read_thresholds, write_brands
from catalogue.params import absent_brands, check_brands, check_sites

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--write", is_flag=True, help="Rewrite brands.yaml by the thresholds.")
@click.option("--feed", type=FILE, default=Path("data/crawl/items.jsonl"), show_default=True)
@click.option("--params", type=FILE, default=Path("params.yaml"), show_default=True)
@click.option("--brands", "path", type=FILE, default=Path("brands.yaml"), show_default=True)
def brands(write: bool, feed: Path, params: Path, path: Path) -> None:
    """Show the brands of the crawl and which of them get a net; --write lists them in brands.yaml."""
    wanted = read_thresholds(params)
    found = count_feed(feed, wanted.sites)
    counts, unknown = found.brands, f"{params}: split.unknown-brands"
    check_sites(wanted.sites, found.sites, f"{params}: ingest.sites")
    check_brands(wanted.unknown_brands, counts, unknown)
    if write:
        write_brands(feed, params, path)
    listed = set(read_brands(path)) if path.exists() else set()
    click.echo(f"{'brand':<24} {'products':>8} {'photos':>8}  net")
    for brand in sorted(counts.keys() | listed):
        count = counts.get(brand)
        why = count.why_unlisted(brand, wanted) if count else "not in the crawl"
        if brand in listed:
            told = f"listed, but {why}" if why else "listed"
        else:
            told = why or "NOT LISTED YET: run `solemap brands --write`, then `dvc repro`"
        products, photos = (len(count.products), len(count.photos)) if count else (0, 0)
        click.echo(f"{brand:<24} {products:>8} {photos:>8}  {told}")
    if notice := absent_brands(wanted.unknown_brands, counts, unknown):
        click.secho(notice, err=True, fg="yellow")
