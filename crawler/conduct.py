"""What a page or picture allows: X-Robots-Tag headers and robots meta tags, read and obeyed."""

from __future__ import annotations

from collections.abc import Iterable

from scrapy.http import Headers

from crawler.items import Page

NO_PICTURES = ("noimageindex", "noai", "noimageai")


def of_headers(headers: Headers, agent: str) -> set[str]:
    """The directives of the X-Robots-Tag headers that are for everybody or for ``agent``."""
    values = [value.decode("latin-1") for value in headers.getlist("X-Robots-Tag")]
    return _directives(values, agent)


def of_page(page: Page, agent: str) -> set[str]:
    """The directives of the page's robots meta tags."""
    found: set[str] = set()
    for tag in page.find("//meta[@name and @content]"):
        if tag.get("name").strip().lower() in ("robots", agent):
            found |= _directives([tag.get("content")], agent)
    return found


def _directives(values: Iterable[str], agent: str) -> set[str]:
    found: set[str] = set()
    for value in values:
        head, colon, rest = value.partition(":")
        if (
            colon
            and " " not in head.strip()
            and "," not in head
            and head.strip().lower() != "unavailable_after"
        ):
            if head.strip().lower() not in (agent, "*", "robots"):
                continue
            value = rest
        found |= {part.strip().lower() for part in value.split(",") if part.strip()}
    return found | ({"noindex", "nofollow"} if "none" in found else set())


def barring(directives: set[str]) -> str | None:
    """The directive that forbids taking pictures, if there is one."""
    return next((name for name in NO_PICTURES if name in directives), None)
