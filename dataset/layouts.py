"""Pictures that somebody has already, read by the layout of their folders: whose shoe each file shows.

In: a folder of pictures, or the table of `dataset.table`. Out: entries, one per product and colourway,
and what was passed over with its reason. Nothing is decoded here, and no link is followed out of the folder.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from catalogue.brands import brand_at_head
from catalogue.errors import CatalogueError

WORDS = ("brand", "product", "color", "category", "group", "sku", "split", "any")
_SKIPPED = (
    "__MACOSX",
    "Thumbs.db",
    "desktop.ini",
)  # what systems leave behind, as hidden files are
_ZAPPOS = ("ut-zap50k-images", "ut-zap50k-images-square")
_ZAPPOS_LAYOUT = ("category", "subcategory", "brand")


@dataclass(frozen=True)
class Refused:
    """Something that was passed over: a line of import-rejects.jsonl."""

    where: str  # the file, or file:line of the table
    reason: str


@dataclass(frozen=True)
class Picture:
    """One picture's file, not yet opened."""

    path: Path
    where: str  # for messages: the file, or file:line of the table
    address: str  # its path within the dataset, with '/'
    alt: str | None = None  # what is said of it; `dataset.views` reads the view from it
    position: int | None = None  # None: in the order given


@dataclass
class Entry:
    """One product and colourway with its pictures; the fields are those of a listing, as found."""

    brand: str | None
    name: str
    sku: str | None = None
    gtin: str | None = None
    color: str | None = None
    group: str | None = None
    category: str | None = None
    pictures: list[Picture] = field(default_factory=list)


@dataclass
class Layout:
    """What a dataset holds, in a fixed order."""

    entries: list[Entry]
    refused: list[Refused]


def read_imagefolder(folder: Path, layout: str, brand: str | None = None) -> Layout:
    """The pictures below ``folder``, whose subfolders mean what the words of ``layout`` say.

    Args:
        layout: words of `WORDS` joined by '/', outermost folder first, such as ``brand/product``, or
            ``split/product`` for torchvision's ImageFolder. ``split`` and ``any`` are not kept.
        brand: of all pictures, where the layout has no brand. Without both, it is the known brand
            that the product's name begins with, else none.

    Raises:
        CatalogueError: no such folder, or no picture lies as deep as the layout says.
        ValueError: the layout has an unknown word, or no product.
    """
    words = layout.strip("/").split("/")
    if unknown := [word for word in words if word not in WORDS]:
        raise ValueError(f"the layout {layout!r:.80} has {unknown[0]!r:.40}; words are {WORDS}")
    if "product" not in words:
        raise ValueError(f"the layout {layout!r:.80} has no 'product', which names the shoes")
    found = Layout([], [])
    entries: dict[tuple[str | None, ...], Entry] = {}
    for path, folders in _files(folder, found.refused, len(words), layout):
        said = {word: name for word, name in zip(words, folders, strict=True) if word != "any"}
        name, whose = said["product"], said.get("brand") or brand
        if whose is None and (headed := brand_at_head(re.sub(r"[_\W]+", " ", name).strip())):
            whose = headed[0]
        sku, color = said.get("sku"), said.get("color")
        entry = entries.setdefault(
            (whose, name, sku, color), Entry(whose, name, sku=sku, color=color)
        )
        entry.group = entry.group or said.get("group")
        entry.category = entry.category or said.get("category")
        entry.pictures.append(_picture(folder, path, _alt(path.stem)))
    found.entries = list(entries.values())
    return _checked(found, folder, f"--layout {layout}")


def read_zappos(folder: Path) -> Layout:
    """UT-Zappos50K: ``<Category>/<SubCategory>/<Brand>/<product>.<colour>.jpg``.

    ``folder`` is the folder of pictures, or the one that holds it. The numbers are all that is known
    of a product: the first is its name and SKU, and its colourways are one product, since the dataset
    has one picture of each.

    Raises:
        CatalogueError: no such folder, or another layout.
    """
    root = next((folder / name for name in _ZAPPOS if (folder / name).is_dir()), folder)
    told = "<Category>/<SubCategory>/<Brand>/<product>.<colour>.jpg"
    found = Layout([], [])
    entries: dict[tuple[str, str], Entry] = {}
    for path, folders in _files(root, found.refused, len(_ZAPPOS_LAYOUT), told):
        category, kind, brand = map(unquote, folders)  # "Ltd." is "Ltd%2E" there
        product = path.name.partition(".")[0]
        entry = entries.setdefault(
            (brand, product),
            Entry(brand, product, sku=product, category=f"{category} > {kind}"),
        )
        entry.pictures.append(_picture(root, path, None))
    found.entries = list(entries.values())
    return _checked(found, root, told)


def inside(root: Path, path: Path) -> bool:
    """Whether ``path`` is below ``root`` (resolved) once all links and dots in it are followed."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # a loop of links, a zero byte
        return False


def _files(
    root: Path, refused: list[Refused], depth: int, layout: str
) -> Iterator[tuple[Path, Sequence[str]]]:
    """The files that lie ``depth`` folders deep, and the names of these folders, in natural order."""
    if not root.is_dir():
        raise CatalogueError(f"{root}: no such folder; it must hold the pictures, as {layout}.")

    def unreadable(error: OSError) -> None:
        refused.append(Refused(str(error.filename), f"not readable: {error.strerror}"))

    real = root.resolve()
    for place, names, files in os.walk(root, onerror=unreadable):
        names[:] = sorted(filter(_is_wanted, names), key=_natural)
        for name in [name for name in names if (Path(place) / name).is_symlink()]:
            names.remove(name)
            refused.append(Refused(_told(Path(place) / name), "a link to a folder, not followed"))
        folders = Path(place).relative_to(root).parts
        for name in sorted(filter(_is_wanted, files), key=_natural):
            path = Path(place) / name
            if len(folders) != depth:
                reason = f"{len(folders)} folders deep, and {layout} has {depth}"
            elif not _is_text(str(path.relative_to(root))):
                reason = "its name is not UTF-8"
            elif path.is_symlink() and not inside(real, path):
                reason = "a link that leads out of the folder"
            else:
                yield path, [unicodedata.normalize("NFC", part) for part in folders]
                continue
            refused.append(Refused(_told(path), reason))


def _picture(root: Path, path: Path, alt: str | None) -> Picture:
    address = unicodedata.normalize("NFC", path.relative_to(root).as_posix())
    return Picture(path, _told(path), address, alt)


def _alt(stem: str) -> str:
    """A file's name as an alt text: a single word in it may name the view, as in 01-side.jpg."""
    word = re.fullmatch(r"[\W\d_]*([^\W\d_]+)[\W\d_]*", stem)
    return f"{word[1]} view" if word else stem


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name not in _SKIPPED


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _told(path: Path) -> str:
    """``path`` for a message: no byte that is no text, no character that moves a terminal's cursor."""
    text = os.fsencode(path).decode(errors="backslashreplace")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A sort key that puts 2.jpg before 10.jpg."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part[:18]), part) if part.isdecimal() else (-1, part) for part in parts], name


def _checked(found: Layout, root: Path, layout: str) -> Layout:
    if not found.entries:
        first = f"; {found.refused[0].where}: {found.refused[0].reason}" if found.refused else ""
        raise CatalogueError(f"{root}: no picture that lies as {layout} says{first}.")
    return found
