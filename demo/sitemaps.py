"""robots.txt, the sitemap index and its gzip parts (sitemaps.org 0.9, image extension 1.1)."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

MAX_ENTRIES = 10_000  # the protocol allows 50,000 addresses and 50 MB a part
_NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_IMAGE_NS = 'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
Entry = tuple[str, Sequence[str]]  # page address, picture addresses


def robots(origin: str) -> str:
    """robots.txt: everything but the private area and search may be fetched."""
    return (
        f"User-agent: *\nDisallow: /private/\nDisallow: /search\n\nSitemap: {origin}/sitemap.xml\n"
    )


def parts(entries: Sequence[Entry], name: str) -> dict[str, Sequence[Entry]]:
    """Path -> entries of that part; one part unless there are more than MAX_ENTRIES."""
    if len(entries) <= MAX_ENTRIES:
        return {f"/sitemaps/{name}.xml.gz": entries}
    starts = range(0, len(entries), MAX_ENTRIES)
    return {
        f"/sitemaps/{name}-{place}.xml.gz": entries[start : start + MAX_ENTRIES]
        for place, start in enumerate(starts, start=1)
    }


def index(origin: str, paths: Iterable[str]) -> bytes:
    """The sitemap index."""
    lines = "".join(f"<sitemap><loc>{escape(origin + path)}</loc></sitemap>\n" for path in paths)
    return f"{_XML}<sitemapindex {_NS}>\n{lines}</sitemapindex>\n".encode()


def part(entries: Iterable[Entry]) -> bytes:
    """One gzip part; the same entries give the same bytes."""
    lines = []
    for page, pictures in entries:
        images = "".join(
            f"<image:image><image:loc>{escape(picture)}</image:loc></image:image>"
            for picture in pictures
        )
        lines.append(f"<url><loc>{escape(page)}</loc>{images}</url>\n")
    text = f"{_XML}<urlset {_NS} {_IMAGE_NS}>\n{''.join(lines)}</urlset>\n"
    return gzip.compress(text.encode(), mtime=0)
