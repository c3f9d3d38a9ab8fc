"""What a machine of the cluster runs for one net. Standard library alone: Ray sends it there as it is.

Files come as bytes and lie in a folder named after code, base and project. It keeps checkpoints, so that
a net whose worker was killed goes on from its last one where another worker of the machine takes over.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from solemap.worker import Worker

Files = dict[str, bytes]  # path, relative to the project -> content
KEEP_S = 7 * 86400.0  # folders of other code or bases, unused for longer, go
_workers: dict[Path, Worker] = {}  # of this process; one at a time, and each has torch imported


def train_there(
    versions: dict[str, str], shared: Files, own: Files, words: Sequence[str], told: Sequence[str], retries: int
) -> tuple[int, bytes, Files]:  # fmt: skip
    """Train one net from ``shared`` and ``own`` files; exit code, log, and those of ``told`` it wrote."""
    if other := _other_versions(versions):
        return 1, f"{os.uname().nodename} has {other}; install the same there.".encode(), {}
    folder = _folder(shared)
    for name, content in own.items():
        _write(folder / name, content)
    log = folder / "logs" / f"{hashlib.sha256(repr(words).encode()).hexdigest()[:16]}.log"
    log.parent.mkdir(exist_ok=True)
    worker = _workers.setdefault(folder, Worker(folder))
    visible = {key: os.environ[key] for key in ("CUDA_VISIBLE_DEVICES",) if key in os.environ}
    code = worker.train(words, log, retries, visible)
    written = {name: folder / name for name in told}
    files = {name: path.read_bytes() for name, path in written.items() if path.exists()}
    text = log.read_bytes() if log.exists() else b""
    for path in [log, *written.values(), *(folder / name for name in own)]:
        path.unlink(missing_ok=True)
    return code, text, files if code == 0 else {}


def _other_versions(wanted: dict[str, str]) -> str:
    """What differs here, in words; other versions would give other weights."""
    differing = []
    for name, own in wanted.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "none"
        if found != own:
            differing.append(f"{name} {found} where the command has {own}")
    return ", ".join(differing)


def _folder(shared: Files) -> Path:
    """A folder with the shared files in it, the same for all workers of this machine and user."""
    digest = hashlib.sha256()
    for name in sorted(shared):
        digest.update(f"{name}\0{hashlib.sha256(shared[name]).hexdigest()}\0".encode())
    root = Path(tempfile.gettempdir()) / f"solemap-{getpass.getuser()}"
    folder = root / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if root.stat().st_uid != os.getuid():
        raise PermissionError(f"{root}: another user's; set TMPDIR for `ray start`.")
    os.utime(folder)
    for one in root.iterdir():
        if time.time() - one.stat().st_mtime > KEEP_S:
            shutil.rmtree(one, ignore_errors=True)
    if not (folder / "complete").exists():
        for name, content in shared.items():
            _write(folder / name, content)
        _write(folder / "complete", b"")
    return folder


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
