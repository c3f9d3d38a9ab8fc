"""Scrapy's own downloads, and one browser for what is to be rendered, whatever its scheme.

Scrapy keeps a handler for http and one for https. Both hand pages with `crawler.browser.FLAG` to the
same `crawler.rendering.Rendering`, which is imported and started with the first of them: a crawl
without such pages pays nothing for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from crawler.browser import FLAG

_RENDERINGS: WeakKeyDictionary[Crawler, Any] = WeakKeyDictionary()  # the one of each crawl


class Downloads(HTTP11DownloadHandler):  # type: ignore[misc]  # scrapy is untyped here
    """What Scrapy asks for answers of either scheme."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._asking = crawler

    async def download_request(self, request: Request) -> Response:
        """The answer, by a browser where the request says so."""
        if not request.meta.get(FLAG):
            return await super().download_request(request)
        if self._asking not in _RENDERINGS:
            rendering = import_module("crawler.rendering").Rendering  # needs the extra
            _RENDERINGS[self._asking] = rendering(self._asking)
        return await _RENDERINGS[self._asking].download_request(request)

    async def close(self) -> None:
        """Close the connections, and the browser with the first handler that is closed."""
        rendering = _RENDERINGS.pop(self._asking, None)
        try:
            if rendering is not None:
                await rendering.close()
        finally:
            await super().close()
