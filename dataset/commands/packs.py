"""From splits to what nets train on: pack, pin."""

from __future__ import annotations

from pathlib import Path

import click

from catalogue.brand_list import read_brands
from catalogue.manifest import read_manifest
from dataset.commands.options import FILE, FOLDER


@click.command()
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
    from dataset.pack import Packing, write_pack, write_views

    manifest = split_folder / f"{brand}.jsonl"
    samples = list(read_manifest(manifest, Sample)) if manifest.exists() else []
    folder = out or Path("data/pack") / brand
    with replaced(folder) as partial:
        packed = write_pack(partial, samples, root, Packing(size, crop, background))
        write_views(partial, samples)
    if not samples:
        click.echo(f"pack: {manifest} has no photo; the pack is empty", err=True)
    masked = sum(photo["is_plain"] for photo in packed["photos"])
    click.echo(
        f"pack: {len(samples)} photos of {len(packed['labels'])} products, "
        f"{masked} with a mask -> {folder}"
    )


@click.command()
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
