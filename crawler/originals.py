"""Originals behind resized addresses, learned host by host from at most three probes.

A page may name a picture only as ``shoe_300x.jpg``. Whether its host has ``shoe.jpg`` is found out by
asking for three; pictures that come meanwhile wait for what these say. A host where none was right, or
where it was smaller than what the page said, is not asked for more, and what the page said is taken.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from crawler.pictures import without_size
from crawler.site import host_of

PROBES = 3


class Originals:
    """What is known of each host."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._right: Counter[str] = Counter()
        self._wrong: Counter[str] = Counter()
        self._news: dict[str, asyncio.Event] = {}

    async def guess(self, told: list[str]) -> str | None:
        """The original to ask for first, where the page does not name it; `learn` what came of it."""
        guess = without_size(told[0])
        if guess is None or guess in told:
            return None
        host = host_of(guess)
        while self._is_waiting(host):
            await self._news.setdefault(host, asyncio.Event()).wait()
        is_learned = self._right[host] > 0 and self._wrong[host] < self._right[host] + PROBES
        if not is_learned and self._asked[host] >= PROBES:
            return None
        self._asked[host] += 1
        return guess

    def _is_waiting(self, host: str) -> bool:
        is_open = self._right[host] + self._wrong[host] < self._asked[host]
        return is_open and not self._right[host] and self._asked[host] >= PROBES

    def is_proven(self, guess: str) -> bool:
        """Whether its host gave originals that often that none is compared any more."""
        host = host_of(guess)
        return self._right[host] >= PROBES and not self._wrong[host]

    def learn(self, guess: str, is_right: bool) -> None:
        """Note whether the original was there."""
        host = host_of(guess)
        (self._right if is_right else self._wrong)[host] += 1
        self._news.pop(host, asyncio.Event()).set()
