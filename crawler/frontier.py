"""Addresses that wait, per site, most promising first; small in memory, each address once."""

from __future__ import annotations

import heapq
import itertools

from crawler.journal import digest

Entry = tuple[str, int, int, str]  # recorded address, kind, depth, shape of the page that led there


class Frontier:
    """One site's queue and what it has seen."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, str, str]] = []
        self._seen: set[bytes] = set()
        self._number = itertools.count()

    def add(self, url: str, kind: int, depth: int, parent: str = "") -> bool:
        """Queue ``url`` unless it was seen before; return whether it is new."""
        key = digest(url)
        if key in self._seen:
            return False
        self._seen.add(key)
        heapq.heappush(self._heap, (kind, depth, next(self._number), url, parent))
        return True

    def again(self, url: str, kind: int, depth: int, parent: str) -> None:
        """Queue an address once more."""
        heapq.heappush(self._heap, (kind, depth, next(self._number), url, parent))

    def mark(self, url: str) -> bool:
        """Note ``url`` as seen without queueing it; return whether it is new."""
        key = digest(url)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new

    def pop(self) -> Entry | None:
        """The next address, None where none waits."""
        if not self._heap:
            return None
        kind, depth, _, url, parent = heapq.heappop(self._heap)
        return url, kind, depth, parent

    def clear(self) -> None:
        """Forget what waits: the site is done."""
        self._heap.clear()

    def __len__(self) -> int:
        return len(self._heap)
