"""`solemap brands`: what the crawl holds of each brand, and which of them get a net."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import click

from catalogue.brand_list import count_feed, read_brands, read_thresholds, write_brands
from catalogue.manifest import read_manifest
from catalogue.params import absent_brands, check_brands, check_sites
from catalogue.schema import Photo

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--write", is_flag=True, help="Rewrite brands.yaml by the thresholds.")
@click.option("--feed", type=FILE, default=Path("data/crawl/items.jsonl"), show_default=True)
@click.option("--params", type=FILE, default=Path("params.yaml"), show_default=True)
@click.option("--catalogue", type=FILE, default=Path("data/catalogue.jsonl"), show_default=True, help="For the views.")  # fmt: skip
@click.option("--brands", "path", type=FILE, default=Path("brands.yaml"), show_default=True)
def brands(write: bool, feed: Path, params: Path, catalogue: Path, path: Path) -> None:
    """Show the brands of the crawl and which of them get a net; --write lists them in brands.yaml."""
    wanted = read_thresholds(params)
    found = count_feed(feed, wanted.sites)
    counts, unknown = found.brands, f"{params}: split.unknown-brands"
    check_sites(wanted.sites, found.sites, f"{params}: ingest.sites")
    check_brands(wanted.unknown_brands, counts, unknown)
    if write:
        write_brands(feed, params, path)
    listed = set(read_brands(path)) if path.exists() else set()
    views = views_per_product(catalogue) if catalogue.exists() else {}
    click.echo(f"{'brand':<24} {'products':>8} {'photos':>8} {'views':>5}  net")
    for brand in sorted(counts.keys() | listed):
        count = counts.get(brand)
        why = count.why_unlisted(brand, wanted) if count else "not in the crawl"
        if brand in listed:
            told = f"listed, but {why}" if why else "listed"
        else:
            told = why or "NOT LISTED YET: run `solemap brands --write`, then `dvc repro`"
        products, photos = (len(count.products), len(count.photos)) if count else (0, 0)
        seen = f"{views[brand]:.1f}" if views.get(brand) else "–"
        click.echo(f"{brand:<24} {products:>8} {photos:>8} {seen:>5}  {told}")
    click.echo(
        "products: pages and colourways with a picture; views: different ones per product on average, "
        "where the shop names them (after ingest)"
    )
    click.echo(
        f"a net from {wanted.min_products} products and {wanted.min_photos} photos on "
        f"({params}: ingest.min-brand-products, ingest.min-brand-photos)"
    )
    if notice := absent_brands(wanted.unknown_brands, counts, unknown):
        click.secho(notice, err=True, fg="yellow")


def views_per_product(catalogue: Path) -> dict[str, float]:
    """Brand -> how many different views its products have on average; 0 where no view is told."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for photo in read_manifest(catalogue, Photo):
        seen = found[photo.brand][photo.product]
        if photo.view is not None:
            seen.add(photo.view)
    return {
        brand: sum(map(len, products.values())) / len(products) for brand, products in found.items()
    }
