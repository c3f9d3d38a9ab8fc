"""From judged photos to splits: dedup, review, split."""

from __future__ import annotations

from pathlib import Path

import click

from catalogue.brand_list import read_brands
from catalogue.manifest import read_manifest
from catalogue.params import absent_brands
from catalogue.schema import SPLITS, Photo
from dataset.commands.options import FILE, FOLDER, OVERRIDES, SAME_PRODUCTS, notice


@click.command()
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
        notice(f"NOTICE: {overrides}: {line}: that product does not show that picture.")
    removed, conflicts = summary["removed"], summary["conflicts"]
    click.echo(
        f"dedup: {summary['kept']} of {summary['photos']} photos kept; "
        f"{sum(removed.values())} duplicates removed, {sum(conflicts.values())} photos in label "
        f"conflicts, {summary['leakage_groups']} leakage groups -> {out}"
    )


@click.command()
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


@click.command()
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
        notice(
            f"NOTICE: brand {brand} ({count} photos) is in the data but not in {brands}, so it gets "
            "no net. Run `solemap brands` to see why, `solemap brands --write` to list it."
        )
    where = "params.yaml: split.unknown-brands"
    if told := absent_brands(unknown_brands, summary["photos"], where):
        notice(told)
    known = ", ".join(f"{summary['listed'].get(name, 0)} {name}" for name in SPLITS)
    click.echo(
        f"split: {known} of listed brands; {sum(unlisted.values())} of unlisted ones; "
        f"{sum(summary['unknown'].values())} of unknown shoes; no leak among {summary['audited']} "
        f"photos -> {out}"
    )
