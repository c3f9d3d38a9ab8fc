"""`solemap base`: the pin of the base net, shown or made anew."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from catalogue.errors import CatalogueError
from catalogue.manifest import read_lines
from solemap.project import DVC, check_project

PIN = Path("data/base/pin.jsonl")
OLD = Path("var/pin.jsonl")


@click.command()
@click.option("--repin", is_flag=True, help="Pin today's photos; `dvc repro` then trains all anew.")
def base(repin: bool) -> None:
    """Show what the base net is pinned to, or pin it to today's photos."""
    listed = check_project()
    if repin:
        _repin()
    if not PIN.exists():
        raise CatalogueError(f"{PIN}: nothing is pinned yet. `dvc repro` pins the first dataset.")
    pinned = [line for _, line in read_lines(PIN)]
    of_brands = {str(line["brand"]) for line in pinned}
    products = {(line["brand"], line["product"]) for line in pinned}
    click.echo(f"{len(pinned)} photos, {len(products)} products, {len(of_brands)} brands")
    if lacking := sorted(set(listed) - of_brands):
        click.echo(
            f"not pinned: {', '.join(lacking)} (their nets start from the base all the same)"
        )
    if repin:
        click.echo("now run `dvc repro`: base and every brand's net train anew")


def _repin() -> None:
    """Run the pin stage without a pin; the old one comes back where it fails."""
    OLD.parent.mkdir(parents=True, exist_ok=True)
    if PIN.exists():
        PIN.replace(OLD)
    # Forced and without DVC's run cache, which would bring the old pin back.
    command = [*DVC, "repro", "--single-item", "--force", "--no-run-cache", "pin"]
    failed = True
    try:
        failed = bool(subprocess.run(command, check=False).returncode)
    finally:  # also after Ctrl-C
        if failed and OLD.exists():
            OLD.replace(PIN)
    if failed:
        raise click.ClickException("the pin stage failed and the old pin stands; see above")
    OLD.unlink(missing_ok=True)
