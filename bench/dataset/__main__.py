"""`python -m bench.dataset [PART]`: what is claimed of the dataset stages, measured; figures to bench/results/."""

from __future__ import annotations

import click

from bench.dataset.decisions import decisions
from bench.dataset.disk import disk
from bench.dataset.kills import kills
from bench.dataset.memory import memory
from bench.dataset.scale import scale
from bench.dataset.speed import speed


@click.group()
def main() -> None:
    """Measure the dataset stages."""


for command in (decisions, scale, speed, memory, kills, disk):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="python -m bench.dataset")
