"""params.yaml, read as DVC reads it: YAML 1.2, where ``on``, ``no`` and ``yes`` are words, not truths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

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
