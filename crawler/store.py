"""Pictures to disk: original bytes, once each, named by their SHA-256, synced before they are named."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

from crawler.readers.description import may_be_photo
from crawler.sniff import Sniffed, sniff


def keep(folder: Path, body: bytes, is_loose: bool = False) -> dict[str, Any]:
    """Store ``body`` under ``folder/images/<aa>/`` if it is a whole picture; the entry's facts.

    One that is_loose must have the shape of a photo besides.

    ``status`` is stored (also where another address had brought the same bytes) or rejected.
    """
    found = sniff(body)
    facts = _facts(found, body)
    reason = found.reason
    if reason is None and is_loose and not may_be_photo(found.width_px, found.height_px):
        reason = "no photo (by its shape)"
    if reason is not None:
        return {**facts, "status": "rejected", "reason": reason, "sha256": None, "path": None}
    name = hashlib.sha256(body).hexdigest()
    relative = Path("images") / name[:2] / f"{name}.{found.extension}"
    path = folder / relative
    is_there = path.exists() and path.stat().st_size == len(body)
    if not is_there:
        _write(path, body)
    status = "cached" if is_there else "stored"
    return {**facts, "status": status, "reason": None, "sha256": name, "path": relative.as_posix()}


def _facts(found: Sniffed, body: bytes) -> dict[str, Any]:
    return {
        "width_px": found.width_px,
        "height_px": found.height_px,
        "bytes": len(body),
        "content_type": found.content_type,
    }


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # two addresses may bring the same bytes at the same time
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:  # a full disk
        temporary.unlink(missing_ok=True)
        raise
