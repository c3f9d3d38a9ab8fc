"""The fence: pages only of the named sites, pictures also of public hosts, nothing private.

A page of the internet can name any address; only shops that the user named by a local address may
lead to local ones. Names are checked once more when they are resolved, so that none of them leads
inside by DNS or by a redirect.
"""

from __future__ import annotations

from typing import Any, ClassVar

from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request
from scrapy.resolver import CachingThreadedResolver

from catalogue.address import is_public
from crawler.site import Site, host_of, is_local_host, is_loopback, port_of

PORTS = (80, 443, 8080, 8443)  # of public hosts; others serve no shop


class Refused(IgnoreRequest):  # type: ignore[misc]  # scrapy is untyped here
    """A request that is not made; ``reason`` is counted."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FenceMiddleware:
    """Refuses requests, redirected ones too, that leave what the user allowed."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FenceMiddleware:
        """As Scrapy builds it."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Refuse what is outside; robots.txt follows the page it is asked for.

        Raises:
            Refused: the request is not to be made.
        """
        name = request.meta.get("site")
        if name is None:  # robots.txt, asked for by Scrapy itself, perhaps redirected
            first = request.meta.get("redirect_urls", [request.url])[0]
            # at home only where it was asked for there: the page before it passed the fence
            if is_local_host(host_of(request.url)) and not is_local_host(host_of(first)):
                raise Refused("private address")
            return
        site = self._crawler.spider.sites[name]
        if site.refusing and not request.meta.get("is_picture"):
            raise Refused("shop refuses")
        if reason := why_outside(site, request.url, request.meta):
            raise Refused(reason)


def why_outside(site: Site, url: str, meta: dict[str, Any]) -> str | None:
    """Why ``url`` may not be asked for on behalf of ``site``; None where it may."""
    host = host_of(url)
    if not url.startswith(("http://", "https://")) or not host:
        return "not http"
    if is_local_host(host):
        is_named = site.is_local and host == host_of(site.url)
        if not is_named and not (
            site.is_local and is_loopback(host) and is_loopback(host_of(site.url))
        ):
            return "private address"
    elif (
        meta.get("is_picture")
        and not site.is_local
        and port_of(url) not in (*PORTS, port_of(site.url))
    ):
        return "odd port"
    if meta.get("is_picture") or site.owns(url):
        return None
    # the page that the user named may lead to where the shop lives; see crawler.asking
    return None if meta.get("is_start") and not is_local_host(host) else "another site"


class PublicResolver(CachingThreadedResolver):  # type: ignore[misc]  # as above
    """Resolves names as Scrapy does, but none to a private address unless the user named it."""

    named: frozenset[str] = frozenset()
    refused: ClassVar[set[str]] = set()  # names that led inside, for the middleware below

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Any:
        """As Scrapy builds it; SHOES_NAMED_HOSTS are the hosts that the user typed."""
        resolver = super().from_crawler(crawler, reactor)
        resolver.named = frozenset(crawler.settings.getlist("SHOES_NAMED_HOSTS"))
        return resolver

    def getHostByName(self, name: str, timeout: Any = ()) -> Any:
        """The address of ``name``, refused where it is private."""
        return super().getHostByName(name, timeout).addCallback(self._checked, name)

    def _checked(self, found: Any, name: str) -> Any:
        if not is_public(str(found)) and name not in self.named and not is_loopback(name):
            self.refused.add(name)
            raise Refused("private address")
        return found


class ResolvedMiddleware:
    """Says why a name was not resolved; next to the downloader, so that it is not tried again."""

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Turn the network's "unknown host" into the reason that `PublicResolver` had.

        Raises:
            Refused: the name leads to a private address.
        """
        if host_of(request.url) in PublicResolver.refused:
            raise Refused("private address") from exception
