"""Pages as a browser shows them, by scrapy-playwright (the extra `browser`), within bounds.

Each site has a context of its own (no cookies shared between sites) behind its own
`crawler.turnstile`. Pictures, fonts and films are not loaded. A page is over when it shows a product
and stands still, when its network rests, or after `crawler.visit.SETTLE_S`; it is always closed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Browser, Route
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Request as PageRequest
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.settings import Settings
from scrapy_playwright.handler import Config, ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod
from scrapy_playwright.provider import PlaywrightBrowserProvider

from crawler.browser import FLAG, NAVIGATION_S, PAGES_AT_ONCE, set_up
from crawler.fence import Refused
from crawler.site import Site, host_of, port_of
from crawler.turnstile import Turnstile
from crawler.visit import SETTLE_S, Visit, is_spared

_LONGEST_S = NAVIGATION_S + 2 * SETTLE_S + 10  # an endless script may hang on to its page


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


class Rendering(ScrapyPlaywrightDownloadHandler):  # type: ignore[misc]  # untyped
    """The answers that `crawler.downloads` wants rendered."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.browser_provider = LateBrowser(self.config)  # the engine has started already
        self._spiders = crawler
        self._free = asyncio.Semaphore(PAGES_AT_ONCE)
        self._ways: dict[str, tuple[Turnstile, str]] = {}
        self._is_told = False

    async def download_request(self, request: Request) -> Response:
        """The answer; of a rendered page its text as a visitor sees it, with the document's status.

        Raises:
            Refused: the page is not to be had; ``reason`` says why.
        """
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
