"""`train-overrides:` of params.yaml, checked against the options of `fit`."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from catalogue.errors import CatalogueError
from catalogue.params import read_params, section_of


def read_overrides(
    params: Path, brands: Collection[str], command: click.Command
) -> dict[str, dict[str, Any]]:
    """Brand -> {option: value} with values converted as ``command`` would.

    Raises:
        CatalogueError: a brand is not listed, a key is no option, or a value is not allowed.
    """
    section = section_of(read_params(params), params, "train-overrides")
    where = f"{params}: train-overrides"
    options = {
        name.removeprefix("--"): option
        for option in command.params
        for name in option.opts
        if not isinstance(option.type, click.Path) and name != "--brand"
    }
    found: dict[str, dict[str, Any]] = {}
    for raw_brand, own in section.items():
        brand = str(raw_brand)
        if brand not in brands:
            raise CatalogueError(
                f"{where}.{brand}: not in brands.yaml (listed: {', '.join(sorted(brands))}). "
                "Correct the name, or run `solemap brands --write` after a crawl."
            )
        if not isinstance(own, dict) or (unknown := sorted(set(map(str, own)) - options.keys())):
            what = f"{own!r:.80}" if not isinstance(own, dict) else f"the key {unknown[0]!r}"
            raise CatalogueError(
                f"{where}.{brand}: {what}; allowed are {', '.join(sorted(options))}."
            )
        found[brand] = {key: _converted(f"{where}.{brand}.{key}", options[key], value) for key, value in own.items()}  # fmt: skip
    return found


def _converted(where: str, option: click.Parameter, value: object) -> Any:
    if value is None:
        raise CatalogueError(f"{where}: it has no value; give it one, or take the key out.")
    try:
        found = option.type.convert(str(value), option, None)  # 80.9 epochs would become 80
    except click.BadParameter as error:
        raise CatalogueError(f"{where}: {error.message}") from error
    if isinstance(found, float) and not math.isfinite(found):
        raise CatalogueError(f"{where}: {value} is no finite number.")
    return found
