"""Faults in data or configuration that a person can mend; ``__main__`` prints them as one line.

Every message says where, what was found, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class CatalogueError(Exception):
    """A fault in the data or its configuration, not in the program."""


class ManifestError(CatalogueError):
    """A line of a JSON Lines manifest cannot be read as its record."""

    def __init__(self, path: Path, line: int, found: str, remedy: str) -> None:
        self.path, self.line = path, line
        super().__init__(f"{path}:{line}: {found}. {remedy}")


class LeakageError(CatalogueError):
    """One near-duplicate cluster appears in two splits."""

    def __init__(self, manifest: Path, cluster: str, splits: Iterable[str]) -> None:
        self.manifest, self.cluster, self.splits = manifest, cluster, sorted(splits)
        super().__init__(
            f"{manifest}: cluster {cluster} is in {' and '.join(self.splits)}; "
            "a cluster must stay in one split. "
            "Manifests are generated: rerun the split stage instead of editing them."
        )
