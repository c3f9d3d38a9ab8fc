"""A table of pictures (CSV) as entries: columns image, brand, product, and what else of a listing it has."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from catalogue.errors import CatalogueError
from dataset.layouts import Entry, Layout, Picture, Refused, inside

NEEDED = ("image", "brand", "product")
KNOWN = (*NEEDED, "sku", "gtin", "color", "group", "category", "view", "position")
_MAX_BYTES = 1 << 30
_MAX_CELL = 2000  # characters
_DELIMITERS = ",;\t"


def read_table(path: Path, where: Mapping[str, str]) -> Layout:
    """The rows of a CSV file whose columns equal ``where`` (empty: all rows), as entries.

    Comma, semicolon or tab; columns in any order and case, unknown ones ignored. Image paths are
    relative to the file and must not lead out of its folder. Rows of one brand, product, SKU, GTIN
    and colour are one entry, its pictures in the order of ``position``, then of the rows.

    Raises:
        CatalogueError: the file or its header cannot be used, or no row is left.
    """
    found = Layout([], [])
    entries: dict[tuple[str | None, ...], Entry] = {}
    unmet = 0
    for number, row in _rows(path, where, found.refused):
        if any(row.get(column, "") != value for column, value in where.items()):
            unmet += 1
            continue
        told = f"{path}:{number}"
        try:
            picture = _picture(path.parent, told, row)
        except ValueError as error:
            found.refused.append(Refused(told, str(error)))
            continue
        cells = {key: row.get(key) or None for key in KNOWN}
        key = tuple(cells[name] for name in ("brand", "product", "sku", "gtin", "color"))
        entry = entries.setdefault(
            key, Entry(cells["brand"], row["product"], cells["sku"], cells["gtin"], cells["color"])
        )
        entry.group = entry.group or cells["group"]
        entry.category = entry.category or cells["category"]
        entry.pictures.append(picture)
    if not entries:
        first = f"; {found.refused[0].where}: {found.refused[0].reason}" if found.refused else ""
        raise CatalogueError(f"{path}: no row to import, {unmet} are not as --where says{first}.")
    for entry in entries.values():
        entry.pictures.sort(key=lambda one: 0 if one.position is None else one.position)
    found.entries = list(entries.values())
    return found


def _rows(
    path: Path, where: Mapping[str, str], refused: list[Refused]
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by column in lower case) of each row that can be read."""
    text = _text(path)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = _columns(path, next(reader, []), where)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refused.append(Refused(f"{path}:{reader.line_num}", f"not CSV ({error})"))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            told = f"{len(cells)} cells in a table of {len(columns)} columns"
            refused.append(Refused(f"{path}:{reader.line_num}", told))
            continue
        row = dict(zip(columns, map(_clean, cells), strict=False))
        if len(cells) > (place := columns.index("image")):
            row["image"] = cells[place].strip()  # a file's name is found as it is spelled
        yield reader.line_num, row


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise CatalogueError(f"{path}: over {_MAX_BYTES} bytes; split the table.")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CatalogueError(f"{path}:{line}: not UTF-8; save the table as UTF-8.") from error


def _columns(path: Path, head: Sequence[str], where: Mapping[str, str]) -> list[str]:
    columns = [_clean(cell).casefold() for cell in head]
    for name in (*NEEDED, *where):
        if columns.count(name) != 1:
            fault = "several columns" if name in columns else "no column"
            raise CatalogueError(
                f"{path}:1: {fault} {name!r:.40}; found {', '.join(columns)!r:.300}. Needed are "
                f"{', '.join(NEEDED)} and what --where names; also used: {', '.join(KNOWN[3:])}."
            )
    return columns


def _clean(cell: str) -> str:
    return unicodedata.normalize("NFC", cell.strip())


def _picture(root: Path, told: str, row: Mapping[str, str]) -> Picture:
    """The picture of a row.

    Raises:
        ValueError: the row cannot be used; the message says why.
    """
    for name in KNOWN:
        if len(row.get(name, "")) > _MAX_CELL:
            raise ValueError(f"{name} of {len(row[name])} characters, at most {_MAX_CELL}")
    if not row.get("product"):
        raise ValueError("no product")
    if not row.get("image"):
        raise ValueError("no image")
    path = root / row["image"]
    if not inside(root.resolve(), path):
        raise ValueError(f"{row['image']!r:.200} leads out of the table's folder")
    position = row.get("position") or None
    if position is not None and not (position.isdecimal() and len(position) < 7):
        raise ValueError(f"position {position!r:.40}; it must be a whole number, 0 or more")
    address = _clean(path.resolve().relative_to(root.resolve()).as_posix())
    alt = f"{row['view']} view" if row.get("view") else None
    return Picture(path, told, address, alt, int(position) if position else None)
