"""One page of the browser: what it may load, when it is complete, where its scripts want it to go."""

from __future__ import annotations

import asyncio
import contextlib

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Route
from playwright.async_api import Request as PageRequest
from playwright.async_api import Response as PageResponse
from scrapy.http import Request

from crawler.browser import known_by
from crawler.fence import Refused

SETTLE_S = 8.0  # what a page's scripts get to show a product
_LOOK_S, _CLOSE_S = 0.3, 5.0
_MAX_CHARS = 8 * 1024 * 1024  # of a page's text; a script could write without end
_SPARED = ("image", "media", "font", "texttrack", "manifest", "ping")
# [does it show a product, how many elements there are]
_SHOWN = """() => {
  const told = [...document.querySelectorAll('script[type*="ld+json"]')].some(s => s.text.includes('"Product'));
  const seen = document.querySelector('[itemtype*="schema.org/Product"], meta[property="og:type"][content*="product"]')
    || (document.querySelector("h1") && document.querySelector("main img, article img, [class*=product] img"));
  return [told || !!seen, document.getElementsByTagName("*").length];
}"""


def is_spared(request: PageRequest) -> bool:
    """Whether a page does without it: what only eyes need, and what is not of the web."""
    return request.resource_type in _SPARED or not request.url.startswith(("http://", "https://"))


class Visit:
    """One page of the browser, from its first request to its text."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.page: Page | None = None
        self.asked = url  # the last address of the document, redirects followed
        self.moved: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.robots: list[str] = []  # the X-Robots-Tag headers of the document
        self._answer: PageResponse | None = None

    async def begin(self, page: Page, request: Request | None = None) -> None:
        """Watch ``page``, which is empty yet."""
        self.page = page
        page.on("request", self._note_asked)
        page.on("response", self._note_answer)
        page.on("popup", lambda popup: popup.close())
        await page.route("**", self._let_pass)

    async def _let_pass(self, route: Route, request: PageRequest) -> None:
        """Keep the page where it is: its next address is asked for as every address is, by us."""
        with contextlib.suppress(PlaywrightError):
            if not _is_document(request) or known_by(request.url) == known_by(self._url):
                await route.fallback()
                return
            if not self.moved.done():
                self.moved.set_result(request.url)
            await route.abort("aborted")  # other errors would put an error page in its place

    def _note_asked(self, request: PageRequest) -> None:
        if _is_document(request):
            self.asked = request.url

    def _note_answer(self, response: PageResponse) -> None:
        if _is_document(response.request):
            self._answer = response

    async def settle(self, page: Page) -> None:
        """Wait until the page is as its visitors see it.

        Raises:
            Refused: it is too large.
        """
        answer = self._answer
        if answer is not None:
            told = await answer.headers_array()
            self.robots = [one["value"] for one in told if one["name"].lower() == "x-robots-tag"]
        if answer is None or answer.status == 200:
            ends = [asyncio.ensure_future(self._shows(page)), asyncio.ensure_future(_rests(page))]
            await asyncio.wait(ends, timeout=SETTLE_S, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        if await page.evaluate("document.documentElement.outerHTML.length") > _MAX_CHARS:
            raise Refused("too large")

    async def _shows(self, page: Page) -> None:
        """Until the page shows a product and stands still."""
        before = None
        while True:
            shown = None
            with contextlib.suppress(PlaywrightError):  # it is just being loaded again
                shown = await page.evaluate(_SHOWN)
            if shown is not None and shown == before and shown[0]:
                return
            before = shown
            await asyncio.sleep(_LOOK_S)

    async def end(self) -> None:
        """Close the page, whatever it is doing."""
        if self.page is not None and not self.page.is_closed():
            with contextlib.suppress(PlaywrightError, TimeoutError):
                await asyncio.wait_for(self.page.close(), _CLOSE_S)


def _is_document(request: PageRequest) -> bool:
    """Whether the request is for the page itself, not for a part or a frame of it."""
    with contextlib.suppress(PlaywrightError):
        return bool(request.is_navigation_request() and request.frame.parent_frame is None)
    return False


async def _rests(page: Page) -> None:
    """Until the page asked for nothing during half a second."""
    with contextlib.suppress(PlaywrightError):
        await page.wait_for_load_state("networkidle", timeout=SETTLE_S * 1000)
