"""Is there a browser to render pages with, and what Scrapy is told about it.

Nothing here needs the extra; `crawler.rendering`, which does, is imported by name only.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Request, Response
from scrapy.settings import BaseSettings

from crawler.fence import Refused, why_outside
from crawler.links import canonical

PAGES_AT_ONCE = 3  # all sites together: two cores render about two pages a second
NAVIGATION_S = 20  # until the document is there; `crawler.visit` adds what its scripts get
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MOST_HOPS = 3
FLAG = "playwright"  # in the meta of a request to be rendered, and in the flags of its answer


def find_program(wanted: str) -> str | None:
    """The browser to start: the ``wanted`` one, else one on PATH, else one that Playwright installed."""
    if wanted:
        return shutil.which(wanted)
    on_path = (shutil.which(name) for name in _NAMES)
    own = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    installed = sorted(own.glob("chromium-*/chrome-linux*/chrome"), reverse=True)
    return next(filter(None, on_path), None) or next(map(str, installed), None)


def why_missing(settings: BaseSettings) -> str | None:
    """What is to be installed before pages can be rendered; None where all is there."""
    wanted, found = settings.get("SHOES_BROWSER") or "", []
    # not imported: that takes a quarter of a second, and most crawls render nothing
    lacking = [name for name in ("playwright", "scrapy_playwright") if find_spec(name) is None]
    if lacking:
        found.append(f"the extra is not installed (no {lacking[0]}): pip install -e '.[browser]'")
    if find_program(wanted) is None:
        program = f"{wanted} is no program" if wanted else "no Chromium was found"
        found.append(f"{program}: apt install chromium, or give one by -s SHOES_BROWSER=PATH")
    return "; ".join(found) or None


def set_up(settings: BaseSettings) -> None:
    """Let pages that ask for it be rendered; the browser starts with the first of them."""
    options: dict[str, Any] = {
        "executable_path": find_program(settings.get("SHOES_BROWSER") or ""),
        "chromium_sandbox": os.getuid() != 0,  # Chromium has none for root, and refuses to start
        "proxy": {"server": "http://127.0.0.1:9"},  # the browser's own errands lead nowhere
        # WebRTC would pass by the proxy
        "args": ["--force-webrtc-ip-handling-policy=disable_non_proxied_udp"],
        # Ctrl-C is for the crawl, which lets pages end and then closes the browser
        **dict.fromkeys(("handle_sigint", "handle_sigterm", "handle_sighup"), False),
    }
    told = {
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https"), "crawler.downloads.Downloads"),
        "PLAYWRIGHT_BROWSER_PROVIDER": "crawler.rendering.LateBrowser",
        "PLAYWRIGHT_LAUNCH_OPTIONS": options,
        "PLAYWRIGHT_ABORT_REQUEST": "crawler.visit.is_spared",
        "PLAYWRIGHT_PROCESS_REQUEST_HEADERS": None,  # the browser's own; who we are, it knows
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": PAGES_AT_ONCE,
        "PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT": NAVIGATION_S * 1000,
    }
    for name, value in told.items():
        settings.set(name, value, priority="cmdline")


class RenderedMiddleware:
    """Checks where a rendered page ended: a browser follows redirects and scripts without asking us."""

    def __init__(self, crawler: Crawler) -> None:
        if "PLAYWRIGHT_BROWSER_PROVIDER" not in crawler.settings:
            raise NotConfigured
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RenderedMiddleware:
        """As Scrapy builds it."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """The response; where the page moved, a request for its new address, so that robots.txt is asked.

        Raises:
            Refused: the page left the site, or moves on and on.
        """
        if FLAG not in response.flags:
            return response
        site = self._crawler.spider.sites[request.meta["site"]]
        if reason := why_outside(site, response.url, request.meta):
            raise Refused(reason)
        if known_by(response.url) == known_by(request.url):
            return response
        hops = request.meta.get("rendered_hops", 0) + 1
        if hops > _MOST_HOPS:
            raise Refused("redirect loop")
        return request.replace(url=response.url, meta={**request.meta, "rendered_hops": hops})


def known_by(url: str) -> str:
    """What tells a page's address from another page's."""
    return canonical(url) or url
