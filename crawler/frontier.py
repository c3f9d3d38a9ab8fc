"""Addresses that wait, per site, most promising first; small in memory, each address once.

`crawler.shared.SharedFrontier` is the same for a crawl of several workers. There a page that was
given out stays leased until it is released, and what only one page may give has to be claimed.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence

from crawler.journal import digest

# addresses of a site, some 220 MB: a shop without end must not fill the memory
MOST_WAITING = 500_000
Entry = tuple[str, int, int, str]  # recorded address, kind, depth, shape of the page that led there


class Frontier:
    """One site's queue, what it has seen, and its budgets."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, str, str]] = []
        self._seen: set[bytes] = set()
        self._number = itertools.count()
        self._taken = self._asked = 0
        self.is_full = False  # so many addresses waited that some were passed over

    def add(self, url: str, kind: int, depth: int, parent: str = "") -> bool:
        """Queue ``url`` unless it was seen before; return whether it is new."""
        return self.add_all([(url, kind, depth, parent)])[0]

    def again(self, url: str, kind: int, depth: int, parent: str) -> None:
        """Queue an address once more."""
        heapq.heappush(self._heap, (kind, depth, next(self._number), url, parent))

    def add_all(self, entries: Sequence[Entry]) -> list[bool]:
        """`add` for many addresses."""
        return [self._add(*entry) for entry in entries]

    def _add(self, url: str, kind: int, depth: int, parent: str) -> bool:
        if len(self._heap) >= MOST_WAITING:
            self.is_full = True
            return False
        is_new = self.mark(url, url)
        if is_new:
            heapq.heappush(self._heap, (kind, depth, next(self._number), url, parent))
        return is_new

    def mark(self, url: str, page: str) -> bool:
        """Note ``url``, where ``page`` led by redirection, as seen; return whether it is new."""
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

    def release(self, page: str, products: int = 0) -> None:
        """The page that was given out is done; its items are in the journal."""

    def clear(self) -> None:
        """Forget what waits: the site is done."""
        self._heap.clear()

    def __len__(self) -> int:
        return len(self._heap)

    # -- what is given only once, and budgets ------------------------------------------------------

    def claim(self, page: str, keys: Iterable[bytes], held: set[bytes]) -> bool:
        """Take ``keys`` for ``page`` into ``held``; whether any of them was free."""
        fresh = set(keys) - held
        held |= fresh
        return bool(fresh)

    @property
    def taken(self) -> int:
        """How many products were taken."""
        return self._taken

    def take(self, page: str, count: int, limit: int | None) -> int:
        """Take the ``count`` products of a page, or none where the limit is reached; return how many.

        A page is taken whole, colourways beyond the limit with it: it replaces all that the feed has of it.
        """
        granted = count if limit is None or self._taken < limit else 0
        self._taken += granted
        return granted

    def may_ask(self, max_pages: int) -> bool:
        """Count a page that is to be asked for; False where so many were already."""
        if self._asked >= max_pages:
            return False
        self._asked += 1
        return True

    # -- what other workers should know ------------------------------------------------------------

    def tell_home(self, root: str) -> None:
        """The shop lives at ``root``."""

    def tell_refusing(self, reason: str) -> None:
        """The shop refuses."""
