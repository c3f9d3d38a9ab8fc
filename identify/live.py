"""The models that are on disk now: replaced ones are picked up while the old ones go on answering.

`dvc repro` replaces models one after another for minutes, so a change is taken for whole when
``system.json``, which is written last, is the newest file, or when nothing has changed for a while;
and never when the gallery was measured with another base.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from catalogue.errors import CatalogueError
from identify.identifier import Identifier
from train.shelf import MOST_BYTES

log = logging.getLogger(__name__)
EVERY_S = 2.0
PATIENCE_S = 30.0  # without a change: then the newest file need not be system.json
_PATTERNS = (
    "system.json",
    "base/*",
    "brands/*/*",
    "gate/*",
    "gallery/*",
    "detector/*",
    "added/*.safetensors",
)

Fingerprint = dict[str, tuple[int, int, int]]  # path -> mtime in ns, size, inode


class LiveModels:
    """An `Identifier` that follows its folder; ``current`` never blocks."""

    def __init__(
        self, models: Path, patience_s: float = PATIENCE_S, most_bytes: int = MOST_BYTES
    ) -> None:
        self._models, self._patience_s, self._most_bytes = models, patience_s, most_bytes
        self._loaded = fingerprint(models)
        self._seen, self._since = self._loaded, time.monotonic()
        self._refused: Fingerprint | None = None
        self._over = threading.Event()
        self.current = Identifier.load(models, most_bytes)
        self.fault: str | None = None  # why newer models on disk are not used

    def start(self) -> None:
        """Look for changes every two seconds until `stop`."""
        threading.Thread(target=self._watch, name="models", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _watch(self) -> None:
        try:
            self.current.warm()
        except Exception:  # nets are then read when a photo asks for them
            log.exception("brand nets could not be read ahead")
        while not self._over.wait(EVERY_S):
            try:
                self.look()
            except Exception:  # a bug must not end the watch; what was loaded goes on answering
                log.exception("newer models could not be loaded")
                self._refused, self.fault = self._seen, "newer models could not be loaded"

    def look(self) -> bool:
        """Load what has changed, if it is whole; whether ``current`` is another one now."""
        now = fingerprint(self._models)
        if now in (self._loaded, self._refused):
            return False
        if now != self._seen:
            self._seen, self._since = now, time.monotonic()
            return False
        has_waited = time.monotonic() - self._since >= self._patience_s
        if not (has_waited or _is_whole(now) or _trained(now) == _trained(self._loaded)):
            return False
        return self._load(now)

    def _load(self, now: Fingerprint) -> bool:
        try:
            fresh = Identifier.load(self._models, self._most_bytes)
            if not fresh.agrees():
                raise CatalogueError(
                    f"{self._models}: the gallery was measured with another base. "
                    "Wait for `dvc repro` to end, or run it."
                )
            fresh.warm()
        except (CatalogueError, OSError) as error:
            if fingerprint(self._models) == now:  # else it was caught half-way: look again
                self._refused, self.fault = now, str(error)
                log.warning("the models before stay in use: %s", error)
            return False
        self.current, self._loaded, self._refused, self.fault = fresh, now, None, None
        log.warning("models replaced: %d products of %s", fresh.product_count, self._models)
        return True


def fingerprint(models: Path) -> Fingerprint:
    """What tells one state of the folder from another, without reading the files."""
    found: Fingerprint = {}
    for pattern in _PATTERNS:
        for path in models.glob(pattern):
            try:
                told = path.stat()
            except OSError:
                continue  # replaced this moment: the next look sees it
            if not path.name.startswith("."):  # a file that is being written
                found[str(path.relative_to(models))] = (told.st_mtime_ns, told.st_size, told.st_ino)
    return found


def _is_whole(now: Fingerprint) -> bool:
    if "system.json" not in now:
        return False
    last = now["system.json"][0]
    return all(told[0] <= last for told in _trained(now).values())


def _trained(now: Fingerprint) -> Fingerprint:
    """Without what `solemap gallery` writes, each time as a whole."""
    return {path: told for path, told in now.items() if not path.startswith("added/")}
