"""From splits to the layouts of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from catalogue.errors import CatalogueError
from dataset.commands.options import FILE, FOLDER, notice


@click.group()
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
    notice(f"Before you hand it on: the pictures belong to others; read {out / 'README.md'}.")
