"""What several commands share: types of paths, two options, a loud line."""

from __future__ import annotations

from pathlib import Path

import click

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


def notice(text: str) -> None:
    """Loud, but no failure."""
    click.secho(text, err=True, fg="yellow")
