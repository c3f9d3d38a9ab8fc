"""The brands of brands.yaml, the generated list of the brands that get a net."""

from __future__ import annotations

import re
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.schema import SLUG

_ENTRY = re.compile(r'\s*-\s*(?:"([^"]*)"|\'([^\']*)\'|([^\s#]+))\s*(?:#.*)?')


def read_listed(path: Path) -> list[str]:
    """The brands that ``path`` lists, in its order.

    Raises:
        CatalogueError: the file is missing, or a line is neither the key nor an entry.
    """
    remedy = "Run `solemap brands --write`; the crawl writes the file at its end, too."
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: not readable ({error}). {remedy}") from error
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.split("#")[0].strip() or re.fullmatch(r"brands:\s*(\[\s*\])?", line.strip()):
            continue
        entry = _ENTRY.fullmatch(line)
        brand = next((one for one in entry.groups() if one is not None), "") if entry else ""
        if not SLUG.fullmatch(brand):
            raise CatalogueError(
                f'{path}:{number}: {line!r:.80}; a line is `  - "brand"`. {remedy}'
            )
        found.append(brand)
    return found
