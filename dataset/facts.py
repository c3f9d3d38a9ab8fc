"""The cache of finished pictures under var/clean: a killed run goes on, a rerun decodes nothing.

For one canvas quality and code version: a journal with one line per photo, appended as results
arrive, and beside it the thumbs as fixed-size rows, row n for line n; canvas files lie under their
own hash. What a killed run left torn is cut off. A canvas whose bytes do not hash to its name
counts as not there, so nothing needs an fsync.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from io import BufferedReader, BufferedWriter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogue.errors import CatalogueError
from catalogue.manifest import from_dict
from dataset.files import canvas_file, disk_error
from dataset.picture import CODE_VERSION, Examined, Facts
from dataset.signature import THUMB, Signature, Thumbs

_ROW_SHAPE = (2, THUMB, THUMB, 3)
_ROW_BYTES = 2 * THUMB * THUMB * 3
_MAPPED = 50_000  # rows: 300 MB


class FactsCache:
    """Facts, signatures and canvas files by photo; a context manager that holds the files open.

    In memory is where each photo's line begins, no more: a million are 0.2 GB.
    """

    def __init__(self, folder: Path, quality: int) -> None:
        name = f"facts-v{CODE_VERSION}-q{quality}"
        self.canvas_folder = folder / "canvas"
        self._journal, self._thumbs = folder / f"{name}.jsonl", folder / f"{name}.thumbs"
        self._begins: dict[bytes, int] = {}  # photo_id -> byte of the journal
        self._length = self._rows = 0
        self._files: tuple[BufferedWriter, BufferedWriter] | None = None
        self._lines: BufferedReader

    def __enter__(self) -> FactsCache:
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            self._read()
            self._files = (self._journal.open("ab"), self._thumbs.open("ab"))
            self._files[0].truncate(self._length)
            self._files[1].truncate(self._rows * _ROW_BYTES)
            self._lines = self._journal.open("rb")
        except OSError as error:
            raise disk_error(self._journal, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._files is not None:
            for file in (*self._files, self._lines):
                file.close()

    def find(self, photo_id: str) -> Facts | None:
        """The facts of a photo whose canvas is still there and whole; faults are looked at anew."""
        facts = self.remembered(photo_id)
        if facts is None or facts.canvas is None:
            return None
        try:
            content = canvas_file(self.canvas_folder, facts.canvas).read_bytes()
        except OSError:
            return None
        return facts if hashlib.sha256(content).hexdigest() == facts.canvas else None

    def remembered(self, photo_id: str) -> Facts | None:
        """The facts of a photo, whether its canvas is there or not."""
        begin = self._begins.get(bytes.fromhex(photo_id))
        if begin is None:
            return None
        self._lines.seek(begin)
        parsed = _parsed(self._lines.readline())
        return parsed[0] if parsed else None

    def add(self, found: Examined) -> None:
        """Remember what was found; its canvas file must lie in the canvas folder already."""
        if self._files is None:
            raise ValueError("the cache is not open: use it in a with statement")
        if found.signature is None or found.thumbs is None:
            return
        line = {"facts": asdict(found.facts), "signature": asdict(found.signature)}
        raw = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            # The row first: a journal line promises that its row is there.
            self._files[1].write(found.thumbs.tobytes())
            self._files[1].flush()
            self._files[0].write(raw)
            self._files[0].flush()
        except OSError as error:
            raise disk_error(self._journal, error) from error
        self._remember(found.facts, len(raw))

    def signatures(self, canvases: Sequence[str]) -> Iterator[tuple[Signature, Thumbs]]:
        """Signature and thumbs (2, 32, 32, 3) of each of ``canvases``, in that order."""
        rows = self._rows_of(canvases)
        thumbs: NDArray[np.uint8] | None = None
        for number, canvas in enumerate(canvases):
            if thumbs is None or number % _MAPPED == 0:  # mapped anew, so that pages are given back
                shape = (self._rows, *_ROW_SHAPE)
                thumbs = np.memmap(self._thumbs, np.uint8, mode="r", shape=shape)
            begin, row = rows[canvas]
            self._lines.seek(begin)
            parsed = _parsed(self._lines.readline())
            if parsed is None:
                raise CatalogueError(
                    f"{self._journal}: changed while in use; run the command again."
                )
            yield parsed[1], np.array(thumbs[row])

    def _rows_of(self, canvases: Collection[str]) -> dict[str, tuple[int, int]]:
        """Canvas -> where its line begins, and its row."""
        wanted = dict.fromkeys(canvases, (0, 0))
        begin = 0
        self._lines.seek(0)
        for row, raw in enumerate(self._lines):
            parsed = _parsed(raw)
            if parsed is not None and parsed[1].canvas in wanted:
                wanted[parsed[1].canvas] = begin, row
            begin += len(raw)
        return wanted

    def _read(self) -> None:
        """Take in the journal up to its first torn line or missing row."""
        rows_on_disk = self._thumbs.stat().st_size // _ROW_BYTES if self._thumbs.exists() else 0
        if not self._journal.exists():
            return
        with self._journal.open("rb") as file:
            for raw in file:
                parsed = _parsed(raw)
                if parsed is None or self._rows == rows_on_disk:
                    break
                self._remember(parsed[0], len(raw))

    def _remember(self, facts: Facts, length: int) -> None:
        self._begins[bytes.fromhex(facts.photo_id)] = self._length
        self._length += length
        self._rows += 1


def forget_facts(folder: Path, photo_ids: Collection[str]) -> int:
    """Take photos out of the caches of all qualities and versions; how many canvases went.

    Cut off, it is run again: canvases go first, and a cache is whole or not there.
    """
    for left in [*folder.glob(".facts-*.tmp"), *folder.glob("facts-*.thumbs")]:
        if left.suffix == ".tmp" or not left.with_suffix(".jsonl").exists():
            left.unlink()
    journals = sorted(folder.glob("facts-*.jsonl"))
    gone: set[str] = set()
    kept: set[str] = set()
    for journal in journals:
        for _, facts, _ in _entries(journal):
            (gone if facts.photo_id in photo_ids else kept).add(str(facts.canvas))
    for canvas in gone - kept:
        canvas_file(folder / "canvas", canvas).unlink(missing_ok=True)
    for journal in journals:
        if any(facts.photo_id in photo_ids for _, facts, _ in _entries(journal)):
            _rewrite(journal, photo_ids)
    return len(gone - kept)


def _rewrite(journal: Path, photo_ids: Collection[str]) -> None:
    thumbs = journal.with_suffix(".thumbs")
    lines, rows = (path.with_name(f".{path.name}.tmp") for path in (journal, thumbs))
    with lines.open("wb") as new_lines, rows.open("wb") as new_rows:
        for raw, facts, row in _entries(journal):
            if facts.photo_id not in photo_ids:
                new_lines.write(raw)
                new_rows.write(row)
    journal.unlink()  # row n is line n's: never the new of one beside the old of the other
    rows.replace(thumbs)
    lines.replace(journal)


def _entries(journal: Path) -> Iterator[tuple[bytes, Facts, bytes]]:
    """(line, facts, row of thumbs) of a cache, up to its first torn one."""
    thumbs = journal.with_suffix(".thumbs")
    if not thumbs.exists():
        return
    with journal.open("rb") as lines, thumbs.open("rb") as rows:
        for raw in lines:
            parsed, row = _parsed(raw), rows.read(_ROW_BYTES)
            if parsed is None or len(row) < _ROW_BYTES:
                return
            yield raw, parsed[0], row


def _parsed(raw: bytes) -> tuple[Facts, Signature] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        value = json.loads(raw)
        return from_dict(value["facts"], Facts), from_dict(value["signature"], Signature)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
