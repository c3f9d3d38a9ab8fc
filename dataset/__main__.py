"""`python -m dataset`: the dataset stages, one click command each.

Options are spelled as the keys of params.yaml, so that DVC can expand a whole section into them.
"""

from __future__ import annotations

import logging
import sys

import click

from catalogue.stages import Stages
from dataset.commands.exports import export
from dataset.commands.groups import dedup, review, split
from dataset.commands.packs import pack, pin
from dataset.commands.photos import clean, ingest

SECTIONS = {name: name for name in ("ingest", "clean", "dedup", "split", "pack")} | {"pin": "pack"}


@click.group(cls=Stages, sections=SECTIONS)
def main() -> None:
    """Turn crawled pictures into a dataset that one can trust."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


for command in (ingest, clean, dedup, review, split, pack, pin, export):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="python -m dataset")
