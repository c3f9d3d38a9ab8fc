"""A few single requests outside a crawl, with its conduct: robots.txt, the fence, limits, our name."""

from __future__ import annotations

import asyncio
import os
import socket
import urllib.error
import urllib.request
from email.message import Message
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from scrapy.robotstxt import ProtegoRobotParser
from scrapy.settings import Settings
from w3lib.encoding import html_to_unicode

from catalogue.address import is_public
from catalogue.errors import CatalogueError
from crawler import browser, conduct
from crawler.contact import user_agent
from crawler.fence import Refused, why_outside
from crawler.site import Site, host_of, is_local_host, name_of

_TIMEOUT_S, _MAX_BYTES = 30, 32 * 1024 * 1024


class _Refused(Exception):
    """A request that is not made, with its reason."""


class _Fenced(urllib.request.HTTPRedirectHandler):
    """Checks where a redirect leads."""

    def __init__(self, peek: Peek) -> None:
        self._peek = peek

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:  # fmt: skip
        self._peek.check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Peek:
    """Requests on behalf of one typed address."""

    def __init__(self, url: str) -> None:
        self._site = Site(name_of(url), url)
        self._agent = user_agent(os.environ.get("SOLEMAP_CONTACT"))
        self._robots: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}  # why a picture was not had

    def check(self, url: str) -> None:
        """Raise where ``url`` leads inside, by its text or by its name's address."""
        reason = why_outside(self._site, url, {"is_picture": True})
        if reason is None and not self._site.is_local and host_of(url) != host_of(self._site.url):
            reason = _led_inside(host_of(url))
        if reason is not None:
            raise _Refused(reason)

    def page(self, url: str) -> tuple[str, str]:
        """(the page's text, the address that answered).

        Raises:
            CatalogueError: it cannot be had, or robots.txt forbids it.
        """
        try:
            headers, body, final = self._get(url)
        except (_Refused, OSError, ValueError) as error:
            raise CatalogueError(f"{url}: not had ({error})") from None
        return html_to_unicode(headers.get("Content-Type"), body)[1], final

    def rendered(self, url: str) -> tuple[str, str]:
        """As `page`, of the page as a browser shows it; where scripts lead elsewhere, not followed.

        Raises:
            CatalogueError: it cannot be had, robots.txt forbids it, or there is no browser.
        """
        settings = Settings({"SHOES_BROWSER": os.environ.get("SHOES_BROWSER", "")})
        if missing := browser.why_missing(settings):
            raise CatalogueError(f"--browser: {missing}")
        rendering = import_module("crawler.rendering")
        try:
            self._allow(url)
            text, final = asyncio.run(rendering.render(self._site, url, self._agent, settings))
            self._allow(final)
        except (_Refused, Refused, OSError, ValueError) as error:
            raise CatalogueError(f"{url}: not had ({error})") from None
        return text, final

    def picture(self, url: str) -> bytes | None:
        """The picture's bytes, None with a reason in ``reasons`` where it is not to be had."""
        try:
            headers, body, _ = self._get(url)
        except (_Refused, OSError, ValueError) as error:
            self.reasons[url] = str(error)
            return None
        told = ", ".join(headers.get_all("X-Robots-Tag") or [])
        if barred := conduct.barring({part.strip().lower() for part in told.split(",")}):
            self.reasons[url] = barred
            return None
        return body

    def _get(self, url: str) -> tuple[Message, bytes, str]:
        self._allow(url)
        return self._fetch(url)

    def _allow(self, url: str) -> None:
        self.check(url)
        if not self._robots_of(url).allowed(url, self._agent):
            raise _Refused("robots.txt")

    def _fetch(self, url: str) -> tuple[Message, bytes, str]:
        request = urllib.request.Request(url, headers={"User-Agent": self._agent})
        opener = urllib.request.build_opener(_Fenced(self))
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            body = answer.read(_MAX_BYTES + 1)
            if len(body) > _MAX_BYTES:
                raise _Refused("too large")
            return answer.headers, body, answer.geturl()

    def _robots_of(self, url: str) -> Any:
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self._robots:
            try:
                _, body, _ = self._fetch(root + "/robots.txt")
            except (_Refused, OSError, ValueError):
                body = b""
            self._robots[root] = ProtegoRobotParser(body, None)
        return self._robots[root]


def _led_inside(host: str) -> str | None:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return "unknown host"
    is_inside = any(not is_public(str(address)) for address in found)
    return "private address" if is_inside or is_local_host(host) else None
