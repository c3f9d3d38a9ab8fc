"""What a page or picture allows: X-Robots-Tag headers and robots meta tags, read and obeyed."""

from __future__ import annotations

from collections.abc import Iterable

from scrapy.http import Headers

from crawler.items import Page

NO_PICTURES = ("noimageindex", "noai", "noimageai")
# directives with a value, which are no robot's name before a colon
_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


def of_headers(headers: Headers, agent: str) -> set[str]:
    """The directives of the X-Robots-Tag headers that are for everybody or for ``agent``."""
    values = [value.decode("latin-1") for value in headers.getlist("X-Robots-Tag")]
    return _directives(own for value in values if (own := _meant_for(agent, value)))


def of_page(page: Page, agent: str) -> set[str]:
    """The directives of the page's robots meta tags."""
    found: set[str] = set()
    for tag in page.find("//meta[@name and @content]"):
        if tag.get("name").strip().lower() in ("robots", agent):
            found |= _directives([tag.get("content")])
    return found


def _meant_for(agent: str, value: str) -> str:
    """The directives of a header that may begin with the name of the robot it is for; "" for another's."""
    head, colon, rest = value.partition(":")
    name = head.strip().lower()
    if not colon or " " in name or "," in name or name in _VALUED:
        return value
    return rest if name in (agent, "*", "robots") else ""


def _directives(values: Iterable[str]) -> set[str]:
    found = {part.strip().lower() for value in values for part in value.split(",") if part.strip()}
    return found | ({"noindex", "nofollow"} if "none" in found else set())


def barring(directives: set[str]) -> str | None:
    """The directive that forbids taking pictures, if there is one."""
    return next((name for name in NO_PICTURES if name in directives), None)
