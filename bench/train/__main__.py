"""`python -m bench.train all PROJECT`: how fast training is; figures to bench/results/train.json.

PROJECT is a folder after `dvc repro base`, e.g. var/real after `make real`. `all` runs the parts one after another
with their defaults, for hours: each alone is `python -m bench.train PART PROJECT`.
"""

from __future__ import annotations

from pathlib import Path

import click

from bench.train.many import many
from bench.train.rates import speed, until
from bench.train.side_by_side import jobs


@click.group()
def main() -> None:
    """Measure training."""


@main.command("all")
@click.argument("project", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def everything(context: click.Context, project: Path) -> None:
    """All parts with their defaults."""
    for part in (speed, until, jobs):
        context.invoke(part, project=project)
    context.invoke(jobs, project=project, count=10, copies=10, epochs=2, size=64, all_ways=False)
    context.invoke(many)


for command in (speed, until, jobs, many):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="python -m bench.train")
