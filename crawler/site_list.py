"""The shops to crawl: from params.yaml (`crawl.sites`) or an address, checked with clear errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalogue.brands import brand_slug
from catalogue.errors import CatalogueError
from catalogue.params import read_params, section_of, words_of
from crawler.site import Site, name_of, port_of

DEMO = "demo:"
KEYS = ("url", "delay-s", "brands", "limit", "max-pages", "browser")
_BROWSER = {"true": True, "false": False, "auto": None}


def read_sites(params: Path, arguments: Mapping[str, str | None]) -> list[Site]:
    """The sites to crawl: of ``url``, else of params.yaml, narrowed by site, brands, limit and browser.

    Raises:
        CatalogueError: an argument or params.yaml is not usable; the message says what is allowed.
    """
    known = ("url", "site", "brands", "limit", "browser")
    if unknown := sorted(set(arguments) - set(known)):
        raise CatalogueError(f"-a {unknown[0]}: no such argument; allowed are {', '.join(known)}")
    if arguments.get("url") and arguments.get("site"):
        raise CatalogueError(
            "-a url and -a site: give one of them, an address or a name of params.yaml"
        )
    if arguments.get("url") is not None:
        urls = [url.strip() for url in (arguments["url"] or "").split(",") if url.strip()]
        if not urls:
            raise CatalogueError(
                "-a url=: empty; give an address, for example -a url=https://shop.example/"
            )
        sites = [_site(name_of(_address("-a url", url)), {"url": url}, "-a url") for url in urls]
    else:
        sites = _configured(params, arguments.get("site"))
    if not sites:
        raise CatalogueError(
            f'{params}: crawl.sites names no shop. Add one (`name: {{url: "https://…"}}`) '
            "or run `scrapy crawl shoes -a url=https://…`"
        )
    return [_narrowed(site, arguments) for site in _unique(sites)]


def _unique(sites: list[Site]) -> list[Site]:
    """One site for addresses of the same shop; the walk begins at each of them."""
    held: dict[str, Site] = {}
    for site in sites:
        first = held.setdefault(site.name, site)
        if site.url not in first.starts:
            first.others += (site.url,)
    return list(held.values())


def _configured(params: Path, wanted: str | None) -> list[Site]:
    if not params.exists():
        raise CatalogueError(
            f"{params}: no such file; run in the project's folder or name a shop: -a url=https://…"
        )
    entries = section_of(read_params(params), params, "crawl").get("sites")
    if not isinstance(entries, dict):
        raise CatalogueError(
            f"{params}: crawl.sites must map names to {{url: …}}, found {entries!r:.60}"
        )
    names = [_name(name, f"{params}: crawl.sites") for name in entries]
    if wanted is not None and wanted not in names:
        raise CatalogueError(
            f"-a site={wanted}: not in crawl.sites of {params}; there are {', '.join(names) or 'none'}"
        )
    return [
        _site(name, entry, f"{params}: crawl.sites.{name}")
        for name, entry in zip(names, entries.values(), strict=True)
        if wanted in (None, name)
    ]


def _name(key: Any, where: str) -> str:
    """A site's name: any line of text, since it becomes part of no path; YAML may read 361 as a number."""
    name = str(key)
    is_text = isinstance(key, str | int) and not isinstance(key, bool)
    if not (is_text and name.strip() and name.isprintable()):
        raise CatalogueError(
            f"{where}: found the name {key!r:.60}; it must be one line of text, in quotes where YAML "
            "reads something else, such as the shop's host"
        )
    return name


def _site(name: str, entry: Any, where: str) -> Site:
    if isinstance(entry, str):
        entry = {"url": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        raise CatalogueError(f'{where}: found {entry!r:.60}, it must be {{url: "https://…"}}')
    if unknown := sorted(str(key) for key in entry if key not in KEYS):
        raise CatalogueError(f"{where}: unknown key {unknown[0]!r}; allowed are {', '.join(KEYS)}")
    url = entry["url"] if entry["url"] == DEMO else _address(f"{where}.url", entry["url"])
    brands = words_of(entry.get("brands"), f"{where}.brands")
    delay = entry.get("delay-s")
    if delay is not None and not (_is_number(delay) and 0 <= delay <= 3600):
        raise CatalogueError(
            f"{where}.delay-s: found {delay!r:.60}, it must be 0 to 3600 (seconds)"
        )
    return Site(
        name=name,
        url=url,
        delay_s=None if delay is None else float(delay),
        brands=tuple(sorted({brand_slug(brand) for brand in brands})),
        limit=_count(entry.get("limit"), f"{where}.limit"),
        max_pages=_count(entry.get("max-pages"), f"{where}.max-pages") or 50_000,
        browser=_browser(entry.get("browser", "auto"), f"{where}.browser"),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _address(where: str, url: str) -> str:
    if urlsplit_safely(url) is None or port_of(url) is None:
        raise CatalogueError(
            f"{where}={url!r:.80}: not an address; it must be http://… or https://… with a host"
        )
    return url


def urlsplit_safely(url: str) -> str | None:
    """The host of an http(s) address, None where ``url`` is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def _count(value: Any, where: str) -> int | None:
    if value is None:
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise CatalogueError(f"{where}={value!r:.60}: it must be a whole number from 1 on")
    return number


def _browser(value: Any, where: str) -> bool | None:
    if str(value).lower() not in _BROWSER:
        raise CatalogueError(f"{where}={value!r:.60}: it must be true, false or auto")
    return _BROWSER[str(value).lower()]


def _narrowed(site: Site, arguments: Mapping[str, str | None]) -> Site:
    if arguments.get("brands") is not None:
        words = [word.strip() for word in (arguments["brands"] or "").split(",") if word.strip()]
        if not words:
            raise CatalogueError("-a brands=: empty; give slugs, for example -a brands=nike,asics")
        site.brands = tuple(sorted({brand_slug(word) for word in words}))
    if arguments.get("limit") is not None:
        site.limit = _count(arguments["limit"], "-a limit")
    if arguments.get("browser") is not None:
        site.browser = _browser(arguments["browser"], "-a browser")
        site.is_rendered = site.browser is True
    return site
