"""`solemap import`: pictures that one has already become what a crawl leaves, so that `dvc repro` works next."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from catalogue.brand_list import read_thresholds, write_brands
from catalogue.errors import CatalogueError
from catalogue.params import read_params, section_of
from crawler.run import state_of
from dataset.layouts import WORDS, Layout
from solemap.intake import Imported, take_in

_MOST_TOLD = 20  # passed over, told one by one

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all formats have."""
    for option in (
        click.option("--site", help="The name it gets in the feed; default the folder's."),
        click.option("--out", type=click.Path(file_okay=False, path_type=Path),
                     default=Path("data/crawl"), show_default=True, help="The crawl folder."),
        click.option("--params", type=click.Path(dir_okay=False, path_type=Path),
                     default=Path("params.yaml"), show_default=True),
        click.option("--brands", type=click.Path(dir_okay=False, path_type=Path),
                     default=Path("brands.yaml"), show_default=True),
        click.option("--state", type=click.Path(file_okay=False, path_type=Path),
                     default=Path("var/crawl"), show_default=True, help="Locks and journals."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("import")
def command() -> None:
    """Start from pictures that you have: they become what a crawl leaves."""


@command.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--layout", default="brand/product", show_default=True,
              help=f"What the folders below DIR are, outermost first; words: {', '.join(WORDS)}.")  # fmt: skip
@click.option("--brand", help="The brand of all pictures, where no folder names it.")
@_options
def imagefolder(
    folder: Path, layout: str, brand: str | None, site: str | None, **places: Path
) -> None:
    """DIR/<brand>/<product>/*.jpg; with --layout split/product torchvision's ImageFolder."""
    from dataset.layouts import read_imagefolder

    try:
        found = read_imagefolder(folder, layout, brand)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--layout") from error
    _import(found, site, folder, **places)


@command.command("csv")
@click.argument("table", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--where", "wanted", multiple=True, metavar="COLUMN=VALUE",
              help="Only rows in which the column is the value; repeatable.")  # fmt: skip
@_options
def table_command(table: Path, wanted: tuple[str, ...], site: str | None, **places: Path) -> None:
    """FILE has the columns image, brand, product, and perhaps sku, gtin, color, group, category, view, position."""
    from dataset.table import read_table

    pairs = [text.partition("=") for text in wanted]
    if bad := [
        text for text, pair in zip(wanted, pairs, strict=True) if not pair[0] or not pair[1]
    ]:
        raise click.BadParameter(f"{bad[0]!r:.80}; it must be COLUMN=VALUE", param_hint="--where")
    where = {column.strip().casefold(): value.strip() for column, _, value in pairs}
    _import(read_table(table, where), site, table.parent, **places)


@command.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@_options
def zappos(folder: Path, site: str | None, **places: Path) -> None:
    """DIR is UT-Zappos50K as unpacked: ut-zap50k-images/<Category>/<SubCategory>/<Brand>/*.jpg."""
    from dataset.layouts import read_zappos

    _import(read_zappos(folder), site, folder, **places)


def _import(
    found: Layout, site: str | None, source: Path,
    out: Path, params: Path, brands: Path, state: Path,
) -> None:  # fmt: skip
    from dataset.progress import ProgressLine

    name = _site_name(site, source, params)
    told = take_in(found, name, out, state, ProgressLine("import", sys.stderr))
    for one in told.refused[:_MOST_TOLD]:
        click.echo(f"passed over: {one.where}: {one.reason}", err=True)
    if more := told.refused[_MOST_TOLD:]:
        path = state_of(out, state) / "import-rejects.jsonl"
        click.echo(f"passed over: {len(more)} more, all of them in {path}", err=True)
    click.echo(
        f"import: {told.pictures} pictures of {told.products} products, {len(told.brands)} brands, "
        f"{len(told.refused)} passed over -> {out / 'items.jsonl'} as site {name}"
    )
    for notice in _notices(told, name, params):
        click.secho(f"NOTICE: {params}: {notice}", err=True, fg="yellow")
    listed = write_brands(out / "items.jsonl", params, brands)
    click.echo(f"{brands}: {len(listed)} brands get a net")
    click.echo("next: dvc repro")


def _notices(told: Imported, site: str, params: Path) -> Iterator[str]:
    """What in params.yaml keeps pictures out of the dataset."""
    chosen = read_thresholds(params).sites
    if chosen and site not in chosen:
        yield (
            f"ingest.sites names {', '.join(chosen)}; add {site!r}, or the dataset goes without these "
            "pictures."
        )
    least = section_of(read_params(params), params, "clean").get("min-side")
    small = sum(n for side, n in told.sides.items() if isinstance(least, int) and 0 < side < least)
    if small:
        yield (
            f"clean.min-side is {least} px, and {small} of {told.pictures} pictures have a shorter side "
            f"(the smallest {min(filter(None, told.sides))} px): they are rejected unless it is lowered."
        )


def _site_name(site: str | None, source: Path, params: Path) -> str:
    """The import's name in the feed.

    Raises:
        CatalogueError: it is no name, or that of a shop that is crawled.
    """
    name = unicodedata.normalize("NFC", site if site is not None else source.resolve().name).strip()
    if not name or len(name) > 100 or not name.isprintable() or "/" in name:
        raise CatalogueError(
            f"{name!r:.120} is no name for a site: 1 to 100 printable characters without '/'. "
            "Give one: --site NAME"
        )
    crawled = section_of(read_params(params), params, "crawl").get("sites")
    if isinstance(crawled, dict) and name in map(str, crawled):
        raise CatalogueError(
            f"{params}: crawl.sites has {name!r}; a crawl would replace what is imported under that "
            "name. Give another one: --site NAME"
        )
    return name
