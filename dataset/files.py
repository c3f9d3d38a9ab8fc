"""Files and folders that are there as a whole or not at all: canvas files, stage outputs, links."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalogue.errors import CatalogueError


def canvas_file(folder: Path, canvas: str) -> Path:
    """``folder``/<aa>/<sha256>.jpg."""
    return folder / canvas[:2] / f"{canvas}.jpg"


def store_canvas(folder: Path, canvas: str, content: bytes) -> None:
    """Write a canvas file under its hash, by way of a temporary file."""
    path = canvas_file(folder, canvas)
    temporary = path.with_name(f".{canvas}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise disk_error(path, error) from error


def link_or_copy(source: Path, target: Path) -> None:
    """``target`` with the bytes of ``source``: a hard link, a copy where links are impossible."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except FileExistsError:
            return
        except OSError:
            shutil.copyfile(source, target)
    except OSError as error:
        raise disk_error(target, error) from error


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """An empty folder beside ``folder`` that takes its place if the block ends well.

    A folder left over by a killed run is emptied first.
    """
    partial, old = (folder.with_name(f".{folder.name}.{part}") for part in ("partial", "old"))
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def disk_error(path: Path, error: OSError) -> CatalogueError:
    """The one message for a full disk, a read-only folder and their like."""
    return CatalogueError(
        f"{path}: could not be written ({error.strerror or error}); what was there is kept. "
        "Free some disk space or fix the folder's permissions, then run the command again."
    )
