"""`solemap forget`: a site or a product out of the crawl for good, and what is left to do told."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

import click

from catalogue.brand_list import (
    Thresholds,
    count_feed,
    listed_brands,
    read_brands,
    read_thresholds,
    write_brands,
)
from catalogue.brands import brand_slug
from catalogue.errors import CatalogueError
from catalogue.manifest import from_dict, read_lines
from catalogue.params import check_brands
from catalogue.schema import Listing
from crawler.forget import Forgetting, IsGone, clear, crawled_items, look
from crawler.journal import digest
from crawler.run import locked, state_of
from dataset.decisions import read_decisions
from dataset.files import disk_error
from dataset.ingest import NamedListing, choose_listings, name_listings
from dataset.names import product_slug
from dataset.records import Product
from dataset.same_product import becomes, find_same_products

PIN = Path("data/base/pin.jsonl")
EXPORTS = (Path("data/brands"), Path("data/parquet"))  # where exports go by default
CHECKPOINTS = Path("var/train")
ADDED = Path("models/added/added.safetensors")
# what a brand has that is in no stage any more once brands.yaml does not list it
OF_BRAND = (
    "data/pack/{}",
    "data/overrides/{}.json",
    "models/brands/{}",
    "metrics/train/{}.json",
    "metrics/curves/{}.csv",
)


def of_site(site: str, folder: Path, place: Path) -> IsGone:
    """Picks the items of ``site``.

    Raises:
        CatalogueError: there is none.
    """
    sites = {str(item.get("site")) for item in crawled_items(folder, place)}
    if site not in sites:
        raise CatalogueError(
            f"--site: {site!r:.80} is not in {folder / 'items.jsonl'}, which has "
            f"{', '.join(sorted(sites)) or 'no site'}{_meant(site, sites)}."
        )
    return lambda item: item.get("site") == site


def of_product(product: Product, folder: Path, place: Path, overrides: Path) -> IsGone:
    """Picks the items that ingest makes ``product`` of, or joins into it: a person's or a rule's word.

    Raises:
        CatalogueError: there is none.
    """
    decisions = read_decisions(overrides)
    named = list(_named(folder, place))
    joined = becomes(find_same_products(named, decisions))

    def names_of(entry: NamedListing) -> set[Product]:
        same = decisions.same_as.get(entry.key, entry.key)
        return {entry.key, same, joined.get(same, same)}

    keys = {
        _key(entry.listing.site, entry.listing.url, entry.listing.sku, entry.listing.color)
        for entry in named
        if product in names_of(entry)
    }
    if not keys:
        names = {"/".join(entry.key) for entry in named}
        raise CatalogueError(
            f"--product: {'/'.join(product)!r:.120} is none of the {len(names)} products in "
            f"{folder / 'items.jsonl'}{_meant('/'.join(product), names)}. data/catalogue.jsonl and the "
            "report name them."
        )
    return lambda item: (
        _key(*(str(item.get(key) or "") for key in ("site", "url", "sku", "color"))) in keys
    )


def _named(folder: Path, place: Path) -> Iterator[NamedListing]:
    """The listings with their products, as they are now and as an unfinished crawl will leave them."""
    listings = []
    for item in crawled_items(folder, place):
        try:
            listings.append(from_dict(item, Listing))
        except (TypeError, ValueError):  # a line that ingest refuses
            continue
    yield from name_listings(choose_listings(listings, ()))


def _key(site: str, url: str, sku: str | None, color: str | None) -> bytes:
    return digest(site, url, sku, color)


def _meant(word: str, names: Iterable[str]) -> str:
    close = get_close_matches(word, sorted(names))
    return f" (did you mean {', '.join(close)}?)" if close else ""


def _pinned(photo_ids: set[str]) -> int:
    """How many of the photos the base net is pinned to."""
    if not PIN.exists():
        return 0
    return sum(line.get("photo_id") in photo_ids for _, line in read_lines(PIN))


# -- the command ---------------------------------------------------------------------------------

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--site", help="All that was crawled or imported under this name.")
@click.option(
    "--product",
    metavar="BRAND/PRODUCT",
    help="One product, by its slugs or its name, on all sites.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--crawl", type=_FOLDER, default=Path("data/crawl"), show_default=True)
@click.option("--state", type=_FOLDER, default=Path("var/crawl"), show_default=True)
@click.option("--cache", type=_FOLDER, default=Path("var/clean"), show_default=True)
@click.option("--params", type=_FILE, default=Path("params.yaml"), show_default=True)
@click.option("--brands", "brand_list", type=_FILE, default=Path("brands.yaml"), show_default=True)
@click.option("--overrides", type=_FILE, default=Path("overrides.csv"), show_default=True)
def forget(
    site: str | None, product: str | None, yes: bool, crawl: Path, state: Path, cache: Path,
    params: Path, brand_list: Path, overrides: Path,
) -> None:  # fmt: skip
    """Take a site or a product out for good: listings, pictures, and what is remembered of them."""
    if (site is None) == (product is None):
        raise click.UsageError("give one of --site NAME and --product BRAND/PRODUCT")
    brand, slash, name = (product or "").partition("/")
    if product is not None and not (brand and slash and name):
        raise click.BadParameter("it must be BRAND/PRODUCT", param_hint="--product")
    if product is not None:
        brand, name = (
            brand_slug(brand),
            product_slug(name),
        )  # of slugs these are the slugs themselves
        product = f"{brand}/{name}"
    wanted, place = read_thresholds(params), state_of(crawl, state)
    check_brands(wanted.unknown_brands, (), f"{params}: split.unknown-brands")
    if not (crawl / "items.jsonl").exists():
        raise CatalogueError(f"{crawl / 'items.jsonl'}: there is no crawl, so nothing to forget.")
    try:
        with locked(crawl / "items.jsonl", place):
            is_gone = (
                of_site(site, crawl, place)
                if site is not None
                else of_product((brand, name), crawl, place, overrides)
            )
            found = look(crawl, place, is_gone)
            _show(site or str(product), found, crawl, cache)
            if not yes:
                click.confirm("Forget it?", abort=True)
            pinned = _pinned(found.pictures)
            is_empty = _forget(crawl, place, is_gone, found, cache, (wanted, params, brand_list))
    except OSError as error:
        raise disk_error(Path(error.filename or crawl), error) from error
    for line in _next(site, product, pinned, is_empty):
        click.echo(line)


def _forget(
    crawl: Path, place: Path, is_gone: IsGone, found: Forgetting, cache: Path,
    listing: tuple[Thresholds, Path, Path],
) -> bool:  # fmt: skip
    """Take it out, the feed last; whether no brand is left that gets a net."""
    from dataset.facts import forget_facts

    wanted, params, brand_list = listing
    canvases = forget_facts(cache, found.pictures | {path.stem for path in found.strays})
    feed = clear(crawl, place, is_gone, found)
    before = read_brands(brand_list) if brand_list.exists() else []
    after = listed_brands(count_feed(feed, wanted.sites).brands, wanted)
    gone = found.brands & set(before) - set(after)
    for path in [Path(form.format(brand)) for brand in sorted(gone) for form in OF_BRAND]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if after:
        write_brands(feed, params, brand_list)
    feed.replace(crawl / "items.jsonl")
    click.echo(
        f"forgotten: {found.listings} listings, {len(found.files) + len(found.strays)} picture files, "
        f"{canvases} cached canvases"
    )
    if gone:
        click.echo(f"brands without a net now, their packs and nets deleted: {', '.join(sorted(gone))}")  # fmt: skip
    return not after


def _show(what: str, found: Forgetting, crawl: Path, cache: Path) -> None:
    click.echo(
        f"{what}: {found.listings} listings of {', '.join(sorted(found.sites))} "
        f"({', '.join(sorted(found.brands))}) in {crawl / 'items.jsonl'}"
    )
    click.echo(
        f"  {len(found.files)} picture files in {crawl / 'images'} and their canvases in {cache}; "
        f"{found.shared} pictures that other listings show, too, stay"
    )
    if found.strays:
        click.echo(f"  {len(found.strays)} more picture files that no listing shows any more")


def _next(site: str | None, product: str | None, pinned: int, is_empty: bool) -> Iterator[str]:
    """What is left to do, in order."""
    if product is not None:
        yield (
            "A crawl finds it again. To leave it out then, too, add this line to overrides.csv:\n"
            f"{product},reject,,"
        )
    else:
        yield (
            f"A crawl or an import of {site} brings it back: where params.yaml names it, take it off "
            "crawl.sites and ingest.sites."
        )
    for path in (path for path in EXPORTS if path.exists()):
        yield f"{path} is an export, a copy: delete it, or export again after `dvc repro`."
    if ADDED.exists():
        yield (
            f"{ADDED.parent} has products that were added by pictures: `solemap gallery list` names them, "
            "`solemap gallery remove` takes one out."
        )
    if CHECKPOINTS.exists() and any(CHECKPOINTS.glob("*-*")):
        yield f"{CHECKPOINTS} has checkpoints of trainings that were cut off: delete what learnt from it."
    if is_empty:
        yield (
            "No brand with enough pictures is left, so `dvc repro` has nothing to build: `make clean` deletes "
            "all that was built, DVC's cache too. Or crawl or import something else."
        )
        return
    yield "next, in this order:"
    if pinned:
        yield f"  dvc repro split           # the base net is pinned to {pinned} of the photos:"
        yield "  solemap base --repin      # without this it keeps them, and every net starts from it"
    yield "  dvc repro                 # the dataset without it; nets that learnt from it train anew"
    yield "  dvc gc --workspace        # old versions out of DVC's cache; with --cloud out of a remote"
