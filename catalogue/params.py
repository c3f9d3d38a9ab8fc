"""params.yaml, read as DVC reads it: YAML 1.2, where ``on``, ``no`` and ``yes`` are words, not truths.

Its words name sites and brands; what names nothing is told with the names there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from catalogue.brands import brand_slug
from catalogue.errors import CatalogueError

_REMEDY = "`git checkout params.yaml` brings the original back."


def read_params(path: Path) -> dict[str, Any]:
    """The sections of ``path`` by name.

    Raises:
        CatalogueError: missing, not YAML, or not a mapping of sections.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CatalogueError(f"{path}: no such file; run in the project's folder.") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise CatalogueError(
            f"{path}: not readable as YAML ({' '.join(str(error).split())}). {_REMEDY}"
        ) from None
    if not isinstance(content, dict):
        raise CatalogueError(f"{path}: found {content!r:.60}, it must map sections. {_REMEDY}")
    return {str(name): section for name, section in content.items()}


def section_of(params: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    """One section; an absent or empty one has no keys.

    Raises:
        CatalogueError: it is something else than a mapping.
    """
    section = params.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise CatalogueError(f"{path}: {name} is {section!r:.60}; it must map keys to values.")
    return section


def words_of(value: Any, where: str) -> tuple[str, ...]:
    """A list of words, such as brands or sites; none given is an empty one.

    A bare word is refused: read as a list it would fall apart into its letters.

    Raises:
        CatalogueError: not a list, or an entry is neither text nor a whole number.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise CatalogueError(f'{where}: found {value!r:.60}, it must be a list: ["one", "two"].')
    for entry in value:
        if isinstance(entry, bool) or not isinstance(entry, str | int):
            raise CatalogueError(f"{where}: found the entry {entry!r:.60}; put it in quotes.")
    return tuple(map(str, value))


def check_sites(sites: Iterable[str], crawled: Collection[str], where: str) -> None:
    """Every one of ``sites`` was crawled.

    Raises:
        CatalogueError: one was not; the message names those that were.
    """
    for site in sites:
        if site not in crawled:
            raise CatalogueError(
                f"{where}: {site!r:.80} is not in the crawl, which has "
                f"{', '.join(sorted(crawled)) or 'no site'}{_meant(site, crawled)}. Name these, or "
                "[] for all; another shop is crawled first: `scrapy crawl shoes`."
            )


def check_brands(brands: Iterable[str], found: Collection[str], where: str) -> None:
    """Every one of ``brands`` is a brand's slug, be it among those ``found`` in the data or not.

    Raises:
        CatalogueError: one is what a shop or a person writes instead.
    """
    for brand in brands:
        if brand not in found and brand_slug(brand) != brand:
            raise CatalogueError(
                f"{where}: {brand!r:.80} is not a brand as the data spells it; did you mean "
                f"{brand_slug(brand)}? `solemap brands` shows all of them."
            )


def absent_brands(brands: Iterable[str], found: Collection[str], where: str) -> str | None:
    """The notice that some of ``brands`` are not ``found`` in the data; None where all are."""
    absent = [brand + _meant(brand, found) for brand in brands if brand not in found]
    if not absent:
        return None
    return f"NOTICE: {where}: not in the data, so without effect: {', '.join(absent)}."


def _meant(word: str, names: Collection[str]) -> str:
    close = get_close_matches(word, sorted(names))
    return f" (did you mean {', '.join(close)}?)" if close else ""
