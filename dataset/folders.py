"""A stage's output folder, replaced as a whole: the old content or the new, never a mixture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalogue.errors import CatalogueError


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
        raise CatalogueError(
            f"{folder}: could not be written ({error.strerror or error}); nothing was changed. "
            "Free some disk space or fix the folder's permissions, then run the command again."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
