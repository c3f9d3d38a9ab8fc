"""`solemap merge`: the folders of several crawls become one, no product twice and no picture lost.

Reads each folder's ``items.jsonl`` and, where a worker was killed, the finished pages of its
``run.jsonl``. What the feeds say is text of other machines: a picture is looked for by its hash
alone, and a line that is no item is told and passed over. Pictures are hard links where that is possible.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import click

from catalogue.brand_list import write_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import MAX_LINE_BYTES, from_dict, to_line
from catalogue.schema import SHA256, Listing
from crawler.journal import complete_items, digest, feed_order
from crawler.run import locked, state_of

_SOURCES = ("items.jsonl", "run.jsonl")  # of a folder: the feed, and the journal of a killed worker
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_FACTS = ("sha256", "path", "width_px", "height_px", "bytes", "content_type")
_MISSING = "missing when crawls were merged"
_MOST_TOLD = 20  # bad lines that are told one by one


@dataclass
class Merged:
    """What came of a merge."""

    products: int = 0
    by_folder: dict[Path, int] = field(default_factory=dict)  # products that were taken from it
    again: int = 0  # lines of products that another line says, later or better
    pictures: int = 0
    linked: int = 0  # of them new in the merged folder
    missing: list[str] = field(default_factory=list)  # addresses of pictures that no folder holds
    bad: list[str] = field(default_factory=list)  # file:line: what is wrong with it


@dataclass(frozen=True)
class _Row:
    """Where the best line of a product stands, and why it is the best."""

    rank: tuple[str, int, bytes]  # latest, then most pictures, then the text
    source: Path  # the file
    offset: int
    length: int


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """Join the crawls in ``folders`` and what ``out`` holds into ``out``.

    Of a product (site, url, color, sku) the line fetched last stays; of several fetched at the same
    time the one with most pictures. Its pictures are taken from any of the folders that has them; one
    that none has is marked as failed. Only keys and offsets are held in memory.

    Raises:
        CatalogueError: no folder holds an item, one cannot be read, or ``out`` cannot be written.
    """
    told = Merged()
    places = list(dict.fromkeys(path.resolve() for path in (*folders, out)))
    try:
        with ExitStack() as stack:
            # kept open: a crawl that goes on may replace them
            names = [place / name for place in places for name in _SOURCES]
            files = {path: stack.enter_context(path.open("rb")) for path in names if path.exists()}
            rows = _best(files, places, told)
            if not rows:
                raise CatalogueError(
                    f"{folders[0]}: no item in any of {len(folders)} folders; {out} was left as it "
                    "is. Name the folders that `scrapy crawl shoes -s SHOES_DIR=DIR` wrote."
                )
            _write(out, files, places, rows, told)
    except OSError as error:
        raise CatalogueError(
            f"{error.filename or out}: {error.strerror or error}; {out / 'items.jsonl'} was left as it "
            "is. Mend that and merge again: pictures that are there are not taken twice."
        ) from error
    return told


def _best(files: Mapping[Path, IO[bytes]], places: list[Path], told: Merged) -> list[_Row]:
    """The best line of each product, in the order of the feed."""
    rows: dict[bytes, tuple[tuple[str, ...], _Row]] = {}
    for path, file in files.items():
        for item, row in _lines(path, file, places, told):
            key = feed_order(item)
            held = rows.get(digest(*key))
            told.again += held is not None
            if held is None or row.rank > held[1].rank:
                rows[digest(*key)] = (key, row)
    return [row for _, row in sorted(rows.values(), key=lambda one: one[0])]


# -- reading -------------------------------------------------------------------------------------


def _lines(
    path: Path, file: IO[bytes], places: list[Path], told: Merged
) -> Iterator[tuple[dict[str, Any], _Row]]:
    """The items of a feed, or of the journal of a worker that did not come to its end."""
    is_journal = path.name == _SOURCES[1]
    found = _journal_lines(path, told) if is_journal else _feed_lines(path, file, told)
    for offset, length, item in found:
        pictures = sum(_found(image, path.parent, places) is not None for image in item["images"])
        text = hashlib.sha256(_checked(item)).digest()
        yield item, _Row((item["fetched_at"], pictures, text), path, offset, length)


def _journal_lines(path: Path, told: Merged) -> Iterator[tuple[int, int, dict[str, Any]]]:
    try:
        for offset, length, item in complete_items(path):
            try:
                _checked(item)
            except (TypeError, ValueError) as error:
                told.bad.append(f"{path}: {item.get('url')!r:.80}: {error}")
                continue
            yield offset, length, item
    except (AttributeError, KeyError, TypeError) as error:
        told.bad.append(f"{path}: not a journal of a crawl ({error!r:.80})")


def _feed_lines(
    path: Path, file: IO[bytes], told: Merged
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    offset = 0
    for number, raw in enumerate(file, start=1):
        try:
            if len(raw) > MAX_LINE_BYTES:
                raise ValueError(f"a line of {len(raw)} bytes; at most {MAX_LINE_BYTES}")
            if raw.strip():
                item = json.loads(raw)
                _checked(item)
                yield offset, len(raw), item
        except (TypeError, ValueError, RecursionError) as error:
            told.bad.append(f"{path}:{number}: not an item: {error}")
        offset += len(raw)


def _checked(item: Any) -> bytes:
    """The line of an item.

    Raises:
        TypeError, ValueError: it is none.
    """
    if not isinstance(item, dict):
        raise TypeError(f"a {type(item).__name__}, it must be a JSON object")
    from_dict(item, Listing)
    return to_line(item).encode("utf-8", "surrogatepass") + b"\n"


# -- pictures ------------------------------------------------------------------------------------


def _relative(image: dict[str, Any]) -> str | None:
    """Where a picture lies in any crawl folder: by its hash, and by no more of ``path`` than the ending."""
    sha256, path = image["sha256"], image["path"]
    if not sha256 or not SHA256.fullmatch(sha256) or not isinstance(path, str):
        return None
    ending = path.rpartition("/")[2].removeprefix(sha256)
    return f"images/{sha256[:2]}/{sha256}{ending}" if _EXTENSION.fullmatch(ending) else None


def _found(image: dict[str, Any], folder: Path, places: list[Path]) -> Path | None:
    """The picture's file, in its own folder or in another one of ``places``."""
    if (relative := _relative(image)) is None:
        return None
    tried = (folder, *(place for place in places if place != folder))
    return next((at / relative for at in tried if _is_whole(at / relative, image["bytes"])), None)


def _is_whole(path: Path, size: int | None) -> bool:
    """Whether a file of the stated size is there; a link that leads elsewhere is none."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == (
        found.st_size if size is None else size
    )


def _place(file: Path, to: Path) -> None:
    """Make ``to`` the same file, or a copy of it on another device."""
    to.parent.mkdir(parents=True, exist_ok=True)
    temporary = to.with_name(f".{to.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(file, temporary)
    except OSError:
        try:
            with file.open("rb") as source, temporary.open("wb") as copy:
                shutil.copyfileobj(source, copy)
                copy.flush()
                os.fsync(copy.fileno())
        except OSError:  # a full disk
            temporary.unlink(missing_ok=True)
            raise
    temporary.replace(to)


# -- writing -------------------------------------------------------------------------------------


def _write(
    out: Path, files: Mapping[Path, IO[bytes]], places: list[Path], rows: list[_Row], told: Merged
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    feed = out / "items.jsonl"
    temporary = feed.with_name(f".{feed.name}.{os.getpid()}.tmp")
    seen: set[str] = set()
    try:
        with temporary.open("wb") as file:
            for row in rows:
                files[row.source].seek(row.offset)
                line = json.loads(files[row.source].read(row.length))
                item, folder = line.get("item", line), row.source.parent
                item["images"] = [
                    _taken(image, folder, places, out, seen, told) for image in item["images"]
                ]
                file.write(_checked(item))
                told.by_folder[folder] = told.by_folder.get(folder, 0) + 1
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(feed)
    finally:
        temporary.unlink(missing_ok=True)
    told.products = len(rows)


def _taken(
    image: dict[str, Any], folder: Path, places: list[Path], out: Path, seen: set[str], told: Merged
) -> dict[str, Any]:
    """The picture's entry after it was brought into ``out``, or as failed where nobody has it."""
    if image["sha256"] is None:
        return image
    file, relative = _found(image, folder, places), _relative(image)
    if file is None or relative is None:
        told.missing.append(image["url"])
        return image | dict.fromkeys(_FACTS) | {"status": "failed", "reason": _MISSING}
    if relative not in seen:
        seen.add(relative)
        told.pictures += 1
        if not _is_whole(out / relative, image["bytes"]):
            _place(file, out / relative)
            told.linked += 1
    return image | {"path": relative}


# -- the command ---------------------------------------------------------------------------------

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("merge")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True,
                type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--out", type=_FOLDER, default=Path("data/crawl"), show_default=True,
              help="The merged crawl; what it holds already stays in it.")  # fmt: skip
@click.option("--params", type=_FILE, default=Path("params.yaml"), show_default=True)
@click.option("--brands", type=_FILE, default=Path("brands.yaml"), show_default=True)
@click.option("--state", type=_FOLDER, default=Path("var/crawl"), show_default=True,
              help="Where crawls keep their locks.")  # fmt: skip
def command(folders: tuple[Path, ...], out: Path, params: Path, brands: Path, state: Path) -> None:
    """Join the crawl folders DIR... (of several machines) into one, then write brands.yaml."""
    empty = [path for path in folders if not any((path / name).exists() for name in _SOURCES)]
    if len(empty) == len(folders):
        raise CatalogueError(
            f"{empty[0]}: neither items.jsonl nor run.jsonl in it; it must be a folder that "
            "`scrapy crawl shoes -s SHOES_DIR=DIR` wrote."
        )
    for folder in empty:
        click.echo(f"{folder}: passed over, no product was crawled into it")
    with locked(out / "items.jsonl", state_of(out, state)):
        told = merge(folders, out)
    for line in _report(told, folders, out):
        click.echo(line)
    write_brands(out / "items.jsonl", params, brands)
    click.echo("next: dvc repro")


def _report(told: Merged, folders: Sequence[Path], out: Path) -> Iterator[str]:
    for line in told.bad[:_MOST_TOLD]:
        yield f"passed over: {line}"
    if len(told.bad) > _MOST_TOLD:
        yield f"passed over: {len(told.bad) - _MOST_TOLD} more lines"
    for folder in dict.fromkeys((*folders, out)):
        if count := told.by_folder.get(folder.resolve()):
            yield f"{folder}: {count} products"
    if told.missing:
        yield (
            f"{len(told.missing)} pictures are in no folder, or not in their full size, and are marked "
            f"as failed ({told.missing[0]!r:.120} …); crawl again to fetch them"
        )
    yield (
        f"{told.products} products in {out / 'items.jsonl'} ({told.again} lines said one again), "
        f"{told.pictures} pictures ({told.linked} new)"
    )
