"""The cache of finished pictures under var/clean: a killed run goes on, a rerun decodes nothing.

One journal per canvas parameter and code version, one line per photo, appended as results arrive;
canvas files lie beside it under their own hash. A torn last line is dropped. A canvas whose bytes
do not hash to its name counts as not there, so nothing needs an fsync.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from io import BufferedWriter
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.manifest import from_dict
from dataset.picture import CODE_VERSION, Facts


class FactsCache:
    """Facts and canvas files by photo id; a context manager that holds the journal open."""

    def __init__(self, folder: Path, quality: int) -> None:
        self._canvases = folder / "canvas"
        self._journal = folder / f"facts-v{CODE_VERSION}-q{quality}.jsonl"
        self._facts: dict[str, Facts] = {}
        self._file: BufferedWriter | None = None

    def __enter__(self) -> FactsCache:
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            length = 0
            for raw, facts in _whole_lines(self._journal):
                self._facts[facts.photo_id] = facts
                length += len(raw)
            self._file = self._journal.open("ab")
            self._file.truncate(length)
        except OSError as error:
            raise _disk_error(self._journal, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def find(self, photo_id: str) -> Facts | None:
        """The facts of a photo whose canvas is still there and whole; faults are looked at anew."""
        facts = self._facts.get(photo_id)
        if facts is None or facts.canvas is None:
            return None
        try:
            content = self.canvas_path(facts.canvas).read_bytes()
        except OSError:
            return None
        return facts if hashlib.sha256(content).hexdigest() == facts.canvas else None

    def add(self, facts: Facts) -> None:
        """Remember ``facts``; their canvas must have been stored with `store_canvas`."""
        if self._file is None:
            raise ValueError("the cache is not open: use it in a with statement")
        try:
            self._file.write(json.dumps(asdict(facts), separators=(",", ":")).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise _disk_error(self._journal, error) from error
        self._facts[facts.photo_id] = facts

    def canvas_path(self, canvas: str) -> Path:
        """Where the canvas file with this hash lies in the cache."""
        return canvas_file(self._canvases, canvas)

    @property
    def canvas_folder(self) -> Path:
        """The folder that `store_canvas` writes into, also from a worker process."""
        return self._canvases


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
        raise _disk_error(path, error) from error


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
        raise _disk_error(target, error) from error


def _whole_lines(path: Path) -> Iterator[tuple[bytes, Facts]]:
    """The lines of the journal up to the first one that is torn or of another shape."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            try:
                facts = from_dict(json.loads(raw), Facts)
            except (TypeError, ValueError, AttributeError):
                return
            if not raw.endswith(b"\n"):
                return
            yield raw, facts


def _disk_error(path: Path, error: OSError) -> CatalogueError:
    return CatalogueError(
        f"{path}: could not be written ({error.strerror or error}); what is finished is kept. "
        "Free some disk space or fix the folder's permissions, then run the command again."
    )
