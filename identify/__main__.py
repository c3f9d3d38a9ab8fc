"""`solemap identify`: names the shoe in each photo, for people or as JSON Lines."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalogue.errors import CatalogueError

if TYPE_CHECKING:
    from identify.identifier import Identification


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--top", type=click.IntRange(1, 100), default=3, show_default=True, help="Candidates."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per photo and line.")
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("models"),
    show_default=True,
)
def identify(photos: tuple[Path, ...], top: int, as_json: bool, models: Path) -> None:
    """Product name, brand and similar shoes for each of PHOTOS.

    Exit code 0 if any photo was answered, 1 if none could be, 2 for wrong usage.
    """
    from identify.identifier import Identification, Identifier
    from identify.photo import PhotoError, read_photo

    try:
        identifier = Identifier.load(models)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    answered = 0
    for path in photos:
        try:
            answer = identifier.identify(read_photo(path), str(path), top)
            answered += 1
        except PhotoError as error:
            message = str(error)
            answer = Identification(
                str(path), error=message if str(path) in message else f"{path}: {message}"
            )
        if as_json:
            click.echo(json.dumps(asdict(answer), ensure_ascii=False))
        else:
            _tell(answer)
    if not answered:
        sys.exit(1)


def _tell(answer: Identification) -> None:
    if answer.error:
        click.secho(answer.error, err=True, fg="red")
        return
    click.secho(answer.photo, bold=True)
    if answer.verdict == "not_a_shoe":
        click.echo("  no shoe: the picture is one colour")
        return
    if answer.verdict == "known":
        told = f"{answer.product_name} by {answer.brand}"
        click.secho(f"  {told}  ({answer.confidence:.0%}, {answer.arm})", fg="green", bold=True)
    else:
        click.secho(
            f"  unknown shoe  (likeliest {answer.confidence:.0%}, {answer.arm})", fg="yellow"
        )
    others = answer.candidates[1:] if answer.verdict == "known" else answer.candidates
    for candidate in others:
        click.echo(
            f"    {candidate.confidence:4.0%}  {candidate.product_name} by {candidate.brand}"
        )
    click.echo("  similar shoes")
    for shoe in answer.similar:
        click.echo(f"    {shoe.similarity:.2f}  {shoe.product_name} by {shoe.brand}  {shoe.path}")


if __name__ == "__main__":
    identify(prog_name="python -m identify")
