"""Lists of addresses that a shop writes for machines: sitemaps in XML or text, robots.txt's lines."""

from __future__ import annotations

import gzip
import io
import zlib

from scrapy.utils.sitemap import Sitemap

MAX_SITEMAP_BYTES = 64 * 1024 * 1024


def unpacked(body: bytes) -> bytes:
    """A sitemap's text; gzip is unpacked up to 64 MiB, so that no bomb fills the memory."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            return file.read(MAX_SITEMAP_BYTES)
    except (OSError, EOFError, zlib.error):
        engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            return engine.decompress(body, MAX_SITEMAP_BYTES)
        except zlib.error:
            return b""


def of_sitemap(body: bytes) -> tuple[str, list[str]]:
    """("index", "urls" or "none", the addresses) of a sitemap in XML or plain text."""
    text = unpacked(body)
    if not text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
        urls = [line for line in lines if line.startswith(("http://", "https://"))]
        return (
            ("urls", urls)
            if urls and len(urls) * 2 > len([line for line in lines if line])
            else ("none", [])
        )
    try:
        sitemap = Sitemap(text)
        kind = {"sitemapindex": "index", "urlset": "urls"}.get(sitemap.type, "none")
        return kind, [
            entry["loc"] for entry in sitemap if isinstance(entry.get("loc"), str)
        ] if kind != "none" else []
    except Exception as error:  # noqa: BLE001 - lxml and scrapy raise many kinds on broken XML
        del error
        return "none", []


def sitemaps_of_robots(body: bytes) -> list[str]:
    """The Sitemap lines of a robots.txt."""
    lines = body[:500_000].decode("utf-8", "replace").splitlines()
    pairs = [line.split("#")[0].partition(":") for line in lines]
    return [
        value.strip()
        for key, _, value in pairs
        if key.strip().lower() == "sitemap" and value.strip()
    ]
