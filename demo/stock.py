"""catalogue.csv to products: what the shop has to sell.

One row is one picture; rows of one (brand, product_key) make a product, and where the catalogue has
no such key, rows of one (brand, product, colour or code). A row that cannot be shown is reported with file and line, and the rest is served.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalogue.errors import CatalogueError

NEEDED = ("image", "brand", "product")
NAME = "catalogue.csv"


@dataclass(frozen=True)
class Picture:
    """One picture of a product."""

    file: Path
    token: str  # 16 hex digits of its path in the catalogue; the address is made of it
    view: str | None


@dataclass(frozen=True)
class Product:
    """One product in one colourway, its pictures in the order of the catalogue."""

    brand: str
    name: str
    key: str  # unique within the brand
    sku: str | None
    color: str | None
    group: str | None
    category: str | None
    pictures: tuple[Picture, ...]

    @property
    def identity(self) -> str:
        """The text that decides how the shop presents this product."""
        return f"{self.brand}\n{self.key}"


@dataclass(frozen=True)
class Stock:
    """All products of a catalogue, and one line for each row that could not be used."""

    folder: Path
    products: tuple[Product, ...]
    problems: tuple[str, ...]


def read_stock(folder: Path) -> Stock:
    """Read ``folder``/catalogue.csv.

    Raises:
        CatalogueError: there is no such file, it is not UTF-8 text, or lacks a needed column.
    """
    file, inside = folder / NAME, folder.resolve()
    rows: dict[tuple[str, str], list[tuple[dict[str, str], Picture]]] = {}
    latest: dict[tuple[str, str], str] = {}
    problems = []
    for line, row in _rows(file):
        picture = _located(row, folder, inside)
        if isinstance(picture, str):
            problems.append(f"{file}:{line}: {picture}; the row is left out")
            continue
        key = _key(row, latest)
        entries = rows.setdefault((row["brand"], key), [])
        if any(known.token == picture.token for _, known in entries):
            problems.append(f"{file}:{line}: {row['image']} is listed twice for its product")
            continue
        entries.append((row, picture))
    products = tuple(_product(key, entries) for (_, key), entries in rows.items())
    return Stock(folder, products, tuple(problems))


def _key(row: dict[str, str], latest: dict[tuple[str, str], str]) -> str:
    """What tells the row's product from others of its brand; ``latest`` is kept up to date.

    Without product_key the colourways of one name are told apart by colour or code; a row with
    neither belongs to the last product of its name.
    """
    if row.get("product_key"):
        return row["product_key"]
    name, tells = (row["brand"], row["product"]), row.get("color") or row.get("sku")
    if tells or name not in latest:
        latest[name] = f"{row['product']}\n{tells}" if tells else row["product"]
    return latest[name]


def cleaned(text: str) -> str:
    """``text`` on one line, without characters that no page may hold."""
    kept = (" " if character.isspace() else character for character in text)
    return " ".join("".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cs")).split())


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise CatalogueError(
            f"{file}: no such file. --catalogue needs a folder with a {NAME} "
            f"of the columns {', '.join(NEEDED)}."
        ) from None
    except OSError as error:
        raise CatalogueError(f"{file}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(
            f"{file}: byte {error.start} is not UTF-8. Save the table as UTF-8 CSV."
        ) from None
    reader = csv.DictReader(io.StringIO(text.replace("\0", ""), newline=""))
    found = [cleaned(name) for name in reader.fieldnames or ()]
    if missing := [name for name in NEEDED if name not in found]:
        raise CatalogueError(
            f"{file}: column {missing[0]!r} is missing; found {', '.join(found) or 'none'}; "
            f"needed {', '.join(NEEDED)}. Add the column to the first line."
        )
    reader.fieldnames = found
    line = reader.line_num + 1
    try:
        for row in reader:
            yield (
                line,
                {
                    name: cleaned(value) if name != "image" else value.strip()
                    for name, value in row.items()
                    if name and isinstance(value, str)
                },
            )
            line = reader.line_num + 1
    except csv.Error as error:
        raise CatalogueError(f"{file}:{line}: not a CSV row ({error}). Mend that line.") from None


def _located(row: dict[str, str], folder: Path, inside: Path) -> Picture | str:
    """The row's picture, or why it cannot be shown; ``inside`` is ``folder`` resolved."""
    for name in NEEDED:
        if not row.get(name):
            return f"{name} is empty"
    file = folder / row["image"]
    try:
        path = file.resolve()
        if not path.is_relative_to(inside):
            return f"image {row['image']!r:.200} leads out of {folder}"
        if not path.is_file():
            return f"image {row['image']!r:.200} does not exist"
    except (OSError, ValueError) as error:  # a name too long, a loop of links
        return f"image {row['image']!r:.200} cannot be opened ({error})"
    text = path.relative_to(inside).as_posix().encode("utf-8", "surrogateescape")
    return Picture(file, hashlib.sha256(text).hexdigest()[:16], row.get("view") or None)


def _product(key: str, entries: list[tuple[dict[str, str], Picture]]) -> Product:
    def first(column: str) -> str | None:
        return next((row[column] for row, _ in entries if row.get(column)), None)

    row = entries[0][0]
    more = {column: first(column) for column in ("sku", "color", "group", "category")}
    pictures = tuple(picture for _, picture in entries)
    return Product(row["brand"], row["product"], key, **more, pictures=pictures)
