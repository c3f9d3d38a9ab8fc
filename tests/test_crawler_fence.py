"""The fence: what a page of the internet can make us ask for, by link, redirect and DNS."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import Request

from crawler.asking import Asking
from crawler.fence import FenceMiddleware, PublicResolver, Refused, why_outside
from crawler.manners import Manners
from crawler.report import Report
from crawler.run import Run
from crawler.site import Site

PUBLIC = "https://www.shop.kr/"


@pytest.mark.parametrize(
    "site, url, meta, reason",
    [
        (PUBLIC, "https://shop.kr/p/1", {}, None),
        (PUBLIC, "https://m.shop.kr/p/1", {}, None),
        (PUBLIC, "https://other.kr/p/1", {}, "another site"),
        (PUBLIC, "https://notshop.kr/p/1", {}, "another site"),
        (PUBLIC, "https://cdn.kr/1.jpg", {"is_picture": True}, None),
        (PUBLIC, "https://cdn.kr:9200/1.jpg", {"is_picture": True}, "odd port"),
        (PUBLIC, "http://127.0.0.1/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://localhost/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://10.0.0.1/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://169.254.169.254/latest/", {"is_picture": True}, "private address"),
        (PUBLIC, "http://[::1]/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://[::ffff:127.0.0.1]/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://2130706433/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://0x7f.1/1.jpg", {"is_picture": True}, "private address"),
        (PUBLIC, "http://127.0.0.1/", {"is_start": True}, "private address"),
        (PUBLIC, "ftp://shop.kr/p/1", {}, "not http"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/p", {}, None),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8001/p", {}, "another site"),
        ("http://127.0.0.1:8000/", "http://localhost:9/1.jpg", {"is_picture": True}, None),
        ("http://127.0.0.1:8000/", "http://192.168.0.1/1.jpg", {"is_picture": True}, "private address"),
        ("http://192.168.0.9/", "http://192.168.0.9/1.jpg", {"is_picture": True}, None),
        ("http://192.168.0.9/", "http://127.0.0.1/1.jpg", {"is_picture": True}, "private address"),
    ],
)  # fmt: skip
def test_what_may_be_asked_for(site: str, url: str, meta: dict[str, Any], reason: str | None) -> None:  # fmt: skip
    assert why_outside(Site("shop", site), url, meta) == reason


def fence(*sites: Site) -> FenceMiddleware:
    spider = SimpleNamespace(sites={site.name: site for site in sites})
    return FenceMiddleware(SimpleNamespace(spider=spider))


def refused(middleware: FenceMiddleware, url: str, **meta: Any) -> str | None:
    try:
        middleware.process_request(Request(url, meta=meta))
    except Refused as error:
        return error.reason
    return None


def test_a_redirected_request_is_checked_like_any_other() -> None:
    middleware = fence(Site("shop", PUBLIC))
    told = {"site": "shop", "redirect_urls": [PUBLIC + "1.jpg"], "is_picture": True}
    assert refused(middleware, "http://10.1.2.3/1.jpg", **told) == "private address"
    assert refused(middleware, PUBLIC + "2.jpg", **told) is None


def begun(folder: Path, site: Site) -> tuple[Asking, dict[str, Request]]:
    """A run that has just begun, or goes on, and its first requests by address."""
    asking = Asking({site.name: site}, {site.name: Manners()}, Report(), 16)
    asking.begin(Run(folder / "crawl", folder / "state", {}))
    return asking, {request.url: request for request in asking.requests(print, print)}


def test_the_page_that_the_user_named_alone_may_lead_elsewhere(tmp_path: Path) -> None:
    site = Site("shop", "https://shop.kr/p/1")
    _, requests = begun(tmp_path, site)
    elsewhere = "https://other.kr/x"
    told = {url: refused(fence(site), elsewhere, **requests[url].meta) for url in requests}
    assert told.pop(site.url) is None
    assert len(told) == 3 and set(told.values()) == {"another site"}, "robots.txt, sitemap.xml, /"
    assert not site.owns(elsewhere), "a way station is no home"


def test_a_shop_that_moved_is_known_by_both_hosts_also_when_it_goes_on(tmp_path: Path) -> None:
    old = Site("shop", "https://shop.kr/")
    asking, requests = begun(tmp_path, old)
    for url in ("https://shop.kr/robots.txt", old.url):
        asking.came_from(requests[url].cb_kwargs["asked"], "https://www.other.kr/x")
        assert old.owns("https://other.kr/p/1") is (url == old.url)
    asked = [request.url for request in asking.requests(print, print)]
    assert asked == ["https://www.other.kr/robots.txt", "https://www.other.kr/sitemap.xml"]

    asking._run._lock.close()  # as when the process is killed
    again = Site("shop", "https://shop.kr/")
    begun(tmp_path, again)
    assert again.owns("https://other.kr/p/1")


def test_robots_txt_leads_nowhere_private_but_where_it_was_asked_for() -> None:
    middleware = fence(Site("shop", PUBLIC), Site("demo", "http://127.0.0.1:8000/"))
    public = [PUBLIC + "robots.txt"]
    inside = "http://127.0.0.1:8000/robots.txt"
    assert refused(middleware, inside, redirect_urls=public) == "private address"
    assert refused(middleware, "http://10.0.0.1/", redirect_urls=public) == "private address"
    assert refused(middleware, inside) is None


def test_a_shop_that_refuses_is_not_asked_again() -> None:
    site = Site("shop", PUBLIC, refusing="http 403")
    assert refused(fence(site), PUBLIC + "p/1", site="shop") == "shop refuses"
    assert refused(fence(site), PUBLIC + "1.jpg", site="shop", is_picture=True) is None


@pytest.mark.parametrize(
    "name, address, is_refused",
    [
        ("shop.kr", "93.184.216.34", False),
        ("shop.kr", "127.0.0.1", True),
        ("shop.kr", "10.0.0.7", True),
        ("shop.kr", "169.254.169.254", True),
        ("shop.kr", "::1", True),
        ("named.kr", "10.0.0.7", False),
        ("localhost", "127.0.0.1", False),
    ],
)
def test_no_name_resolves_to_a_private_address(name: str, address: str, is_refused: bool) -> None:
    resolver = PublicResolver(None, 0, 1.0)
    resolver.named = frozenset({"named.kr"})
    if is_refused:
        with pytest.raises(Refused, match="private address"):
            resolver._checked(address, name)
    else:
        assert resolver._checked(address, name) == address
