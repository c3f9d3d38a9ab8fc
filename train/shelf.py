"""Brand nets on disk, read when one is asked; those last used stay in memory.

Whatever the number of brands, memory holds so many bytes of weights. A net is verified each time it
is read: shapes and products always, its hash once for each state of its file.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from catalogue.errors import CatalogueError
from train.model import Description, ShoeNet, load_net

MOST_BYTES = 1024**3  # 24 ResNet-18: the nets of most shops, at once

State = tuple[int, int, int]  # mtime in ns, size, inode


class Shelf:
    """Nets by their files. Threads may ask at the same time; each file is read once for all.

    ``prepare`` is called with each net that was read.
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, prepare: Callable[[ShoeNet], None] | None = None
    ) -> None:
        self.most_bytes, self._prepare = most_bytes, prepare
        self._held: OrderedDict[Path, tuple[ShoeNet, int]] = OrderedDict()
        self._verified: dict[Path, State] = {}
        self._lock, self._reading = threading.RLock(), threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes of the weights in memory; over ``most_bytes`` only where a single net is."""
        with self._lock:
            return sum(size for _, size in self._held.values())

    @property
    def is_full(self) -> bool:
        """Whether another net like the last would put one out."""
        with self._lock:
            sizes = [size for _, size in self._held.values()]
        return bool(sizes) and sum(sizes) + sizes[-1] > self.most_bytes

    def take(self, path: Path, described: Description, sha256: str | None = None) -> ShoeNet:
        """The net in ``path``, from memory if it is there.

        Args:
            described: what the file said of itself when the models were loaded.
            sha256: of the file's bytes; None where it is not known.

        Raises:
            CatalogueError: the file is missing, damaged or another one.
        """
        if (found := self._get(path)) is not None:
            return found
        with self._reading:
            if (found := self._get(path)) is not None:
                return found  # another thread has just read it
            if sha256 is not None:
                self._verify(path, sha256)
            net, description = load_net(path)
            is_other = sha256 is not None and self._verified[path] != _state_of(path)
            if is_other or description != described:
                raise CatalogueError(f"{path}: replaced by another net; load the models again.")
            size = sum(tensor.nbytes for tensor in net.state_dict().values())
            if self._prepare is not None:
                self._prepare(net)
            self._put(path, net, size)
            return net

    def _get(self, path: Path) -> ShoeNet | None:
        with self._lock:
            if path not in self._held:
                return None
            self._held.move_to_end(path)
            return self._held[path][0]

    def _put(self, path: Path, net: ShoeNet, size: int) -> None:
        with self._lock:
            self._held[path] = (net, size)
            while len(self._held) > 1 and self.held_bytes > self.most_bytes:
                self._held.popitem(last=False)

    def _verify(self, path: Path, sha256: str) -> None:
        try:
            state = _state_of(path)
            if self._verified.get(path) == state:
                return
            found = sha256_of(path)
        except OSError as error:
            raise CatalogueError(
                f"{path}: cannot be read ({error.strerror}). `dvc checkout` brings it back, "
                "`dvc repro` makes it."
            ) from error
        if found != sha256:
            raise CatalogueError(
                f"{path}: not the file that was evaluated (its SHA-256 begins with {found[:12]}, that "
                f"of the evaluated one with {sha256[:12]}). Run `dvc checkout` to bring it back, or "
                "`dvc repro` to evaluate what is there."
            )
        self._verified[path] = state


def _state_of(path: Path) -> State:
    told = path.stat()
    return told.st_mtime_ns, told.st_size, told.st_ino


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
