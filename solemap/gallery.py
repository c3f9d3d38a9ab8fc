"""`solemap gallery`: products that are named by their pictures, without training."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from identify.added import Added
    from train.evidence import System

_models = click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("models"),
    show_default=True,
)


@click.group()
def gallery() -> None:
    """Products that are named by their nearest picture, in seconds and without training.

    They lie in models/added, which `dvc repro` leaves alone.
    """


@gallery.command()
@click.option("--brand", required=True, help="As written on the shoe; made a slug.")
@click.option("--product", required=True, help="The product's name.")
@click.option("--url", "urls", multiple=True, help="A page where it is sold.")
@click.argument("photos", nargs=-1, required=True)
@_models
def add(
    brand: str, product: str, urls: tuple[str, ...], photos: tuple[str, ...], models: Path
) -> None:
    """Add PHOTOS (files, folders or patterns) of one product, from as many sides as you have."""
    from catalogue.brands import brand_slug
    from catalogue.slugs import slug
    from identify.added import add_pictures
    from train.gallery import GalleryProduct

    name = " ".join(product.split())
    if not brand.strip() or not name:
        raise click.UsageError("--brand and --product must not be blank")
    canvases = _canvases(photos)
    system = _system(models)
    of = brand_slug(brand)
    new = GalleryProduct(
        f"{of}/{slug(name)}", of, slug(name), name[:200], urls, " ".join(brand.split())[:200]
    )
    found = add_pictures(models, new, canvases, system, _packs(models))
    count = sum(photo.label == new.label for photo in found.photos)
    click.echo(f"{new.product_name} by {new.brand_name}: {count} pictures")
    click.echo(_rule(found))


@gallery.command("list")
@_models
def show(models: Path) -> None:
    """The added products, and how near a photo must be to be named."""
    found = _added(models)
    if found is None:
        click.echo("nothing was added; see `solemap gallery add --help`")
        return
    counts = Counter(photo.label for photo in found.photos)
    for product in found.products:
        click.echo(
            f"{counts[product.label]:4} pictures  {product.product_name} by {product.brand_name or product.brand}"
        )
    click.echo(_rule(found))


@gallery.command()
@click.option("--brand", required=True)
@click.option("--product", required=True, help="The product's name, as it was added.")
@_models
def remove(brand: str, product: str, models: Path) -> None:
    """Take an added product and its pictures out."""
    from catalogue.brands import brand_slug
    from catalogue.slugs import slug
    from identify.added import remove_product

    label = f"{brand_slug(brand)}/{slug(' '.join(product.split()))}"
    count = remove_product(models, label)
    click.echo(f"{label}: {count} pictures removed")


def _canvases(photos: tuple[str, ...]) -> dict[str, bytes]:
    """photo_id -> canvas file of every photo; all are read before anything is written.

    Raises:
        PhotoError: one of them cannot be read.
    """
    from dataset.picture import encode_canvas
    from identify.photo import CANVAS_QUALITY, PhotoError, decode_photo
    from identify.sources import sources_of

    found = {}
    for source in sources_of(photos, ()):
        content = source.read()
        try:
            canvas, _ = decode_photo(content)
        except PhotoError as error:
            raise PhotoError(f"{source.name}: {error} Nothing was added.") from error
        found[hashlib.sha256(content).hexdigest()] = encode_canvas(canvas, CANVAS_QUALITY)
    return found


def _system(models: Path) -> System:
    from identify.identifier import Identifier

    return Identifier.load(models).system


def _packs(models: Path) -> Path:
    return models.parent / "data" / "pack"


def _added(models: Path) -> Added | None:
    from identify.added import FOLDER, load_added

    if not (models / FOLDER).exists():
        return None
    return load_added(models, _system(models), _packs(models))


def _rule(found: Added) -> str:
    if found.naming is None:
        return (
            "They are shown as similar shoes but not named: the validation photos in data/pack do not "
            "say how near is near enough (fewer than 20, or nearness did not tell right from wrong). "
            "Crawl more, or train longer, and run `dvc repro`, then `solemap gallery list`."
        )
    if found.naming.threshold > 1:
        return (
            "They are shown as similar shoes but not named. No photo is near enough: of "
            f"{found.naming.photos} validation photos the nearest picture was wrong too often, "
            "however alike. Train longer, or on larger pictures."
        )
    return (
        f"Named where the nearest picture is one of theirs and its similarity at least "
        f"{found.naming.threshold:.3f}: so near, {found.naming.photos} validation photos were right "
        "more often than wrong."
    )
