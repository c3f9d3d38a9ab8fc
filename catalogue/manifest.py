"""JSON Lines manifests: sorted and atomic when written, errors with file and line when read."""

from __future__ import annotations

import dataclasses
import heapq
import json
import os
import types
import typing
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from sys import intern
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeVar

from catalogue.errors import CatalogueError, ManifestError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Record = TypeVar("Record")
MAX_LINE_BYTES = 4 * 1024 * 1024
_LONG = 64  # characters: hashes, paths and addresses, which come once, have as many and more
_RUN = 100_000  # lines sorted in memory


def to_line(record: Any) -> str:
    """One record (a dataclass instance or a dict) as a line of JSON, keys in field order."""
    fields = record if isinstance(record, dict) else dataclasses.asdict(record)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_json(
    path: Path, remedy: str = "Rerun the stage that wrote it: `dvc repro`."
) -> dict[str, Any]:
    """The JSON object in ``path``.

    Raises:
        CatalogueError: the file is missing or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CatalogueError(f"{path}: not readable ({error}). {remedy}") from error
    if not isinstance(value, dict):
        raise CatalogueError(f"{path}: holds no JSON object. {remedy}")
    return value


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` by way of a temporary file: the old content or the new, never half."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` by way of a synced temporary file in the same folder."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file that becomes ``path`` if the block ends well; a killed one's is written over."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _open_alone(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise CatalogueError(
            f"{path}: could not be written ({error.strerror or error}); nothing was changed. "
            "Free some disk space or fix the folder's permissions, then run the command again."
        ) from error


def _open_alone(path: Path) -> BinaryIO:
    """``path``, empty, for this process alone as long as it is open; another's writing is waited for."""
    while True:
        file = path.open("ab")
        if fcntl is not None:
            with suppress(OSError):  # some network disks have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            # Who was waited for has given the file its final name by now.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.truncate(0)
                return file
        file.close()


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, atomically."""
    encoder = json.JSONEncoder(ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    with replacing(path) as file:
        file.writelines(part.encode() for part in encoder.iterencode(value))
        file.write(b"\n")


def write_manifest(path: Path, records: Iterable[Any]) -> int:
    """Write one line per record, sorted by line text, so that order of arrival leaves no trace; how many.

    ``records`` are taken one by one; what is sorted lies in temporary files beyond 64 MB or so. Half a
    character, as shops leave it where they cut a text off at an emoji, becomes a question mark.
    """
    with replacing(path) as file, ExitStack() as stack:
        runs: list[Iterable[bytes]] = []
        count = 0
        for lines in _sorted_runs(records):
            count += len(lines)
            if len(lines) < _RUN:
                runs.append(lines)
                continue
            run = stack.enter_context(TemporaryFile(dir=path.parent))
            run.writelines(lines)
            run.seek(0)
            runs.append(run)
        file.writelines(heapq.merge(*runs))
    return count


def _sorted_runs(records: Iterable[Any]) -> Iterator[list[bytes]]:
    # UTF-8 sorts as its characters do.
    lines = (to_line(record).encode(errors="replace") + b"\n" for record in records)
    while run := sorted(islice(lines, _RUN)):
        yield run


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` of a JSON Lines file.

    Raises:
        CatalogueError: the file is missing or cannot be opened.
        ManifestError: a line is not UTF-8, not JSON, not an object, or over 4 MiB.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise CatalogueError(
            f"{path}: no such file. It is made by an earlier step: run `dvc repro`, "
            "and before the first one `scrapy crawl shoes`."
        ) from None
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read ({error.strerror}).") from error
    remedy = "A line must be one JSON object in UTF-8: rerun the step that wrote the file."
    with file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            if len(raw) > MAX_LINE_BYTES:
                raise ManifestError(path, number, f"a line of {len(raw)} bytes", remedy)
            try:
                value = json.loads(raw)
            except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
                raise ManifestError(path, number, f"not JSON ({error})", remedy) from None
            if not isinstance(value, dict):
                raise ManifestError(path, number, f"a {type(value).__name__}", remedy)
            yield number, value


def read_manifest(path: Path, record_type: type[Record]) -> Iterator[Record]:
    """Yield each line of ``path`` as a ``record_type``, its fields checked against the annotations.

    Unknown keys are an error, since a misspelt field would otherwise be lost; a missing key is
    one unless the field has a default.

    Raises:
        CatalogueError: see `read_lines`.
        ManifestError: a field is missing, unknown or of the wrong type.
    """
    for number, value in read_lines(path):
        try:
            yield from_dict(value, record_type)
        except (TypeError, ValueError) as error:
            raise ManifestError(
                path,
                number,
                str(error),
                "Manifests are generated: rerun the step that wrote it instead of editing it.",
            ) from None


def from_dict(value: dict[str, Any], record_type: type[Record]) -> Record:
    """Build ``record_type`` from a JSON object.

    Raises:
        TypeError: a field is missing, unknown or of the wrong type.
        ValueError: the record refuses the values.
    """
    hints = _hints(record_type)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, record_type))}
    if unknown := sorted(value.keys() - fields.keys()):
        raise TypeError(f"unknown field {unknown[0]!r} (known: {', '.join(fields)})")
    checked = {}
    for name, field in fields.items():
        if name in value:
            checked[name] = _checked(name, value[name], hints[name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise TypeError(f"field {name!r} is missing")
    return record_type(**checked)


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(record_type: type) -> dict[str, Any]:
    if record_type not in _HINTS:
        _HINTS[record_type] = typing.get_type_hints(record_type)
    return _HINTS[record_type]


def _checked(name: str, value: Any, hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType or origin is typing.Union:
        if value is None:
            return None
        (hint,) = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        origin = typing.get_origin(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"field {name!r} is {value!r:.80}; it must be a list")
        elements = typing.get_args(hint)
        if elements[-1] is not Ellipsis and len(value) != len(elements):
            raise TypeError(
                f"field {name!r} is {value!r:.80}; it must have {len(elements)} entries"
            )
        return tuple(_checked(name, entry, elements[0]) for entry in value)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise TypeError(f"field {name!r} is {value!r:.80}; it must be an object")
        return from_dict(value, typing.cast(type, hint))
    wanted = (int, float) if hint is float else (hint,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise TypeError(f"field {name!r} is {value!r:.80}; it must be of type {hint.__name__}")
    # Names, colours and reasons come again on many lines: one copy of each is kept.
    return intern(value) if type(value) is str and len(value) < _LONG else value
