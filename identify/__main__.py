"""`solemap identify`: names the shoe in each photo, for people or as JSON Lines."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalogue.errors import CatalogueError

if TYPE_CHECKING:
    from identify.answer import Identification
    from identify.identifier import Identifier
    from identify.sources import Source


@click.command()
@click.argument("photos", nargs=-1)
@click.option("--url", "urls", multiple=True, help="A photo's address; may be given several times.")
@click.option(
    "--top", type=click.IntRange(1, 100), default=3, show_default=True, help="Candidates."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per photo and line.")
@click.option(
    "--explain",
    "explain_in",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a picture of what decided each answer into this folder.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("models"),
    show_default=True,
)
def identify(
    photos: tuple[str, ...],
    urls: tuple[str, ...],
    top: int,
    as_json: bool,
    explain_in: Path | None,
    models: Path,
) -> None:
    """Product name, brand and similar shoes for each of PHOTOS.

    PHOTOS are files, folders, patterns such as 'shoes/*.jpg', or - for standard input.
    Exit code 0 if any photo was answered, 1 if none could be, 2 for wrong usage.
    """
    if not photos and not urls:
        raise click.UsageError("name at least one photo: a file, a folder, -, or --url ADDRESS")
    from identify.identifier import Identifier
    from identify.sources import sources_of

    try:
        identifier = Identifier.load(models)
        if explain_in:
            explain_in.mkdir(parents=True, exist_ok=True)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{explain_in}: {error.strerror}; name a folder") from error
    answered = 0
    for number, source in enumerate(sources_of(photos, urls), start=1):
        explained = explain_in / f"{number:04}-{_stem(source.name)}.png" if explain_in else None
        answer = _answer(identifier, source, top, explained)
        answered += answer.error is None
        if as_json:
            click.echo(json.dumps(asdict(answer), ensure_ascii=False))
        else:
            _tell(answer)
    if not answered:
        sys.exit(1)


def _answer(
    identifier: Identifier, source: Source, top: int, explained: Path | None
) -> Identification:
    from identify.answer import Identification
    from identify.photo import PhotoError

    # a file name need not be UTF-8, as in archives of Korean Windows
    name = source.name.encode("utf-8", "backslashreplace").decode()
    try:
        content = source.read()
        answer = identifier.identify(content, name, top)
        if explained and (image := identifier.explain(content, answer)):
            temporary = explained.with_name(f".{explained.name}.tmp")
            image.save(temporary, "PNG")
            temporary.replace(explained)
    except PhotoError as error:
        told = str(error).encode("utf-8", "backslashreplace").decode()
        return Identification(name, error=told if name in told else f"{name}: {told}")
    return answer


def _stem(name: str) -> str:
    """A file name that tells which photo is explained."""
    return re.sub(r"[^\w-]+", "_", Path(name).stem)[:60] or "photo"


def _tell(answer: Identification) -> None:
    if answer.error:
        click.secho(answer.error, err=True, fg="red")
        return
    click.secho(answer.photo, bold=True)
    if answer.verdict == "not_a_shoe":
        click.echo("  no shoe: the picture is one colour")
        return
    if answer.verdict == "known":
        told = f"{answer.product_name} by {answer.brand_name}"
        click.secho(f"  {told}  ({answer.confidence:.0%}, {answer.arm})", fg="green", bold=True)
    else:
        click.secho(
            f"  unknown shoe  (likeliest {answer.confidence:.0%}, {answer.arm})", fg="yellow"
        )
    others = answer.candidates[1:] if answer.verdict == "known" else answer.candidates
    for candidate in others:
        click.echo(
            f"    {candidate.confidence:4.0%}  {candidate.product_name} by {candidate.brand_name}"
        )
    for title, shoes in (
        ("similar shoes", answer.similar),
        ("of the same shape", answer.same_shape),
    ):
        if shoes:
            click.echo(f"  {title}")
        for shoe in shoes:
            seen = f"  {shoe.urls[0]}" if shoe.urls else ""
            click.echo(
                f"    {shoe.similarity:.2f}  {shoe.product_name} by {shoe.brand_name}  {shoe.path}{seen}"
            )


if __name__ == "__main__":
    identify(prog_name="python -m identify")
