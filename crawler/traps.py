"""Endless pages (calendars, filters, mazes): told by their address's shape, left when they give nothing."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

_PATIENCE = 30  # pages of one shape without anything new before the shape counts as endless


def shape(url: str) -> str:
    """The pattern of an address; endless pages (calendars, filters) share one.

    >>> shape("http://x.kr/calendar/2024/05/"), shape("http://x.kr/blog/how-to?p=3")
    ('/calendar/0/0/', '/blog/a?p')
    """
    parts = urlsplit(url)
    first, *rest = parts.path.split("/")[1:] or [""]
    typed = [
        ("0" if re.fullmatch(r"[\d.-]+", folder) else "a") if folder else "" for folder in rest
    ]
    head = first if rest else ("0" if first.isdigit() else "a" if first else "")
    keys = "&".join(sorted({key for key, _ in parse_qsl(parts.query)}))
    return "/" + "/".join([head, *typed]) + (f"?{keys}" if keys else "")


class Traps:
    """Counts what pages of each shape gave; a shape that gives nothing new is left alone."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def saw(self, url: str, is_useful: bool) -> None:
        """Note a page that was read and whether it gave a product or a link to something new."""
        counts = self._counts.setdefault(shape(url), [0, 0])
        counts[0] += 1
        counts[1] += is_useful

    def credit(self, parent: str) -> None:
        """A page of the shape ``parent`` led to a product."""
        if parent:
            self._counts.setdefault(parent, [0, 0])[1] += 1

    def is_trap(self, url: str) -> bool:
        """Whether pages like ``url`` have been useless for long."""
        seen, useful = self._counts.get(shape(url), (0, 0))
        return seen >= _PATIENCE and useful * 50 < seen
