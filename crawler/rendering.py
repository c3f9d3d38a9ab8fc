"""Pages as a browser shows them, by scrapy-playwright (the extra `browser`), within bounds.

Each site has a context of its own (no cookies shared between sites) behind its own
`crawler.turnstile`. Pictures, fonts and films are not loaded. A page is over when it shows a product
and stands still, when its network rests, or after `_SETTLE_S`; it is always closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from playwright.async_api import Browser, Page, Route
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Request as PageRequest
from playwright.async_api import Response as PageResponse
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.settings import Settings
from scrapy_playwright.handler import Config, ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod
from scrapy_playwright.provider import PlaywrightBrowserProvider

from crawler.browser import FLAG, NAVIGATION_S, PAGES_AT_ONCE, known_by, set_up
from crawler.fence import Refused
from crawler.site import Site, host_of, port_of
from crawler.turnstile import Turnstile

_SETTLE_S, _LOOK_S = 8.0, 0.3
_LONGEST_S = NAVIGATION_S + 2 * _SETTLE_S + 10  # an endless script may hang on to its page
_CLOSE_S = 5.0
_MAX_CHARS = 8 * 1024 * 1024  # of a page's text; the largest product pages have about 2 million
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


def context_options(agent: str, proxy: str) -> dict[str, Any]:
    """How a site's pages are opened."""
    return {
        "user_agent": agent,
        "proxy": {"server": proxy},
        "service_workers": "block",
        "accept_downloads": False,
    }


class LateBrowser(PlaywrightBrowserProvider):  # type: ignore[misc]  # untyped
    """Starts the browser when the first page needs it: a crawl without such pages starts nothing."""

    fault: str | None = None

    async def start(self) -> None:
        """Nothing yet."""

    async def launch_browser(self) -> Browser:
        """The browser, started.

        Raises:
            Refused: it does not start; it is tried once.
        """
        if self.fault is None:
            try:
                if self.playwright is None:
                    await super().start()
                return await super().launch_browser()
            except (PlaywrightError, OSError) as error:
                self.fault = _launch_fault(str(error))
        raise Refused("browser did not start")


def _launch_fault(text: str) -> str:
    """The line of Playwright's long report that says why the browser did not start."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line.partition("[err]")[2].strip() for line in lines if "[err]" in line]
    fatal = [line for line in told if "FATAL" in line or "sandbox" in line]
    return (fatal or told[-1:] or lines[:1] or ["no reason given"])[0][:300]


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
            await asyncio.wait(ends, timeout=_SETTLE_S, return_when=asyncio.FIRST_COMPLETED)
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
        await page.wait_for_load_state("networkidle", timeout=_SETTLE_S * 1000)


class Rendering(ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]  # untyped
    """Scrapy's own downloads, and a browser for requests with `crawler.browser.FLAG` in their meta."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._spiders = crawler
        self._free = asyncio.Semaphore(PAGES_AT_ONCE)
        self._ways: dict[str, tuple[Turnstile, str]] = {}
        self._is_told = False

    async def download_request(self, request: Request) -> Response:
        """The answer; of a rendered page its text as a visitor sees it, with the document's status.

        Raises:
            Refused: the page is not to be had; ``reason`` says why.
        """
        if not request.meta.get(FLAG):
            return await super().download_request(request)
        site = self._spiders.spider.sites[request.meta["site"]]
        async with self._free:
            turnstile, proxy = await self._way_of(site)
            return await self._visited(request, site, turnstile, proxy)

    async def _visited(
        self, request: Request, site: Site, turnstile: Turnstile, proxy: str
    ) -> Response:
        visit = Visit(request.url)
        told = {
            "playwright_context": site.name,
            "playwright_context_kwargs": context_options(self._agent, proxy),
            "playwright_page_goto_kwargs": {"wait_until": "domcontentloaded"},
            "playwright_page_init_callback": visit.begin,
            "playwright_page_methods": [PageMethod(visit.settle)],
        }
        request.meta.update(told)
        answer = asyncio.ensure_future(super().download_request(request))
        try:
            async with asyncio.timeout(_LONGEST_S):
                await asyncio.wait((answer, visit.moved), return_when=asyncio.FIRST_COMPLETED)
                if visit.moved.done():
                    return Response(visit.moved.result(), request=request, flags=[FLAG])
                response = await answer
        except (PlaywrightError, TimeoutError, RuntimeError) as error:
            raise Refused(_reason(error, turnstile.faults.get(_place(visit.asked)))) from error
        except Refused:
            self._tell(site)
            raise
        finally:
            answer.cancel()
            await visit.end()
            await asyncio.gather(answer, return_exceptions=True)
            for key in told:
                request.meta.pop(key, None)
        headers = response.headers.copy()
        headers.setlist("X-Robots-Tag", visit.robots)
        return response.replace(headers=headers)

    @property
    def _agent(self) -> str:
        return str(self._spiders.settings["USER_AGENT"])

    async def _way_of(self, site: Site) -> tuple[Turnstile, str]:
        if site.name not in self._ways:
            turnstile = Turnstile(site)
            self._ways[site.name] = turnstile, await turnstile.open()
        return self._ways[site.name]

    def _tell(self, site: Site) -> None:
        fault = self.browser_provider.fault
        if fault and not self._is_told:
            self._is_told = True
            self._spiders.spider.report.note(site.name, f"the browser did not start: {fault}")

    async def close(self) -> None:
        """Close the browser and its ways out."""
        try:
            await super().close()
        finally:
            for turnstile, _ in self._ways.values():
                await turnstile.close()


def _place(url: str) -> str:
    return f"{host_of(url)}:{port_of(url)}"


def _reason(error: BaseException, fault: str | None) -> str:
    if fault is not None:
        return fault
    text = str(error)
    if isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError":
        return "timeout"
    if "ERR_TOO_MANY_REDIRECTS" in text:
        return "redirect loop"
    if "ERR_ABORTED" in text or "ownload" in text:
        return "not a page"
    return "connection lost" if "net::ERR_" in text else "browser error"


async def render(site: Site, url: str, agent: str, settings: Settings) -> tuple[str, str]:
    """(text, address) of one page outside a crawl; the caller has asked robots.txt.

    Raises:
        Refused: it is not to be had.
    """
    set_up(settings)
    provider, turnstile, visit = (
        LateBrowser(Config.from_settings(settings)),
        Turnstile(site),
        Visit(url),
    )
    try:
        browser = await provider.launch_browser()
        context = await browser.new_context(**context_options(agent, await turnstile.open()))
        page = await context.new_page()
        await page.route("**", _routed)
        await visit.begin(page)
        try:
            async with asyncio.timeout(_LONGEST_S):
                timeout_ms = NAVIGATION_S * 1000
                await page.goto(url, wait_until="domcontentloaded", timeout=timeout_ms)
                await visit.settle(page)
                return await page.content(), page.url
        except (PlaywrightError, TimeoutError) as error:
            raise Refused(_reason(error, turnstile.faults.get(_place(visit.asked)))) from error
        finally:
            await browser.close()
    except Refused as error:
        raise Refused(provider.fault or error.reason) from None
    finally:
        await provider.close()
        await turnstile.close()


async def _routed(route: Route, request: PageRequest) -> None:
    await (route.abort() if is_spared(request) else route.continue_())
