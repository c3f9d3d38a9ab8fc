"""Conduct: directives of shops are obeyed and recorded, pauses kept, contact told, the demo shop ended."""

from __future__ import annotations

import http.server
import itertools
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import Headers, Request, Response, TextResponse
from scrapy.settings import Settings
from test_crawler_shoes import ROOT, SmallShop, crawl, items, opened, prepared, start

from crawler import conduct, contact
from crawler.links import page_of
from crawler.manners import Manners
from crawler.patience import PacedRobots, SitePace
from crawler.site import Site

LARGE = 12 * 1024 * 1024  # bytes; more than a socket holds, so that an unread body shows


@pytest.mark.parametrize(
    "header, wanted",
    [
        ("noindex", {"noindex"}),
        ("noimageindex, NOAI", {"noimageindex", "noai"}),
        ("none", {"none", "noindex", "nofollow"}),
        ("otherbot: noindex", set()),
        ("max-image-preview:large, noimageindex", {"max-image-preview:large", "noimageindex"}),
        ("max-snippet:-1, noindex", {"max-snippet:-1", "noindex"}),
        ("solemap: noindex", {"noindex"}),
        ("unavailable_after: 25 Jun 2030 15:00:00 GMT", {"unavailable_after: 25 jun 2030 15:00:00 gmt"}),
    ],
)  # fmt: skip
def test_x_robots_tag(header: str, wanted: set[str]) -> None:
    assert conduct.of_headers(Headers({"X-Robots-Tag": [header]}), "solemap") == wanted


def test_robots_meta_for_everybody_and_for_us() -> None:
    text = """<meta name=Robots content="noai, nofollow"><meta name=solemap content=noindex>
    <meta name=otherbot content=noimageindex><meta name=robots content="max-image-preview:large, noimageai">"""
    found = conduct.of_page(page_of("http://x.kr/", text), "solemap")
    assert found == {"noai", "nofollow", "noindex", "max-image-preview:large", "noimageai"}
    assert conduct.barring(found) == "noai"


class StrictShop(SmallShop):
    """Pages and pictures of `SmallShop`, some of which may not be taken or lead inside."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = _Large
        self.pictures["/media/4-2.png"] += bytes(LARGE)
        self.faults = {
            "/media/3-0.png": [(302, {"Location": "http://10.255.255.1/secret.png"})],
            "/media/3-1.png": [(302, {"Location": "/media/3-2.png"})],
        }
        self.tags = {
            "/p/0": "noindex",
            "/p/1": "noimageindex",
            "/media/4-0.png": "noimageindex",
            "/media/4-1.png": "noai",
            "/media/4-2.png": "noindex, nofollow",
        }
        self.written: dict[str, int] = {}

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        status, body, headers = super().answer(path)
        if path == "/robots.txt":
            body += b"Crawl-delay: 20\n"
        if path in self.tags:
            headers = {**headers, "X-Robots-Tag": self.tags[path]}
        if path == "/p/2":
            body = body.replace(b"<head>", b'<head><meta name="robots" content="index, noai">')
        if path == "/p/5":
            name = socket.gethostname()
            body = body.replace(
                b"/media/5-0.png", self.url.replace("127.0.0.1", name).encode() + b"a"
            )
        return status, body, headers  # fmt: skip


class _Large(http.server.BaseHTTPRequestHandler):
    server: StrictShop

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        status, body, headers = self.server.answer(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.server.written[self.path] = 0
        try:
            for start in range(0, len(body), 65536):
                self.wfile.write(body[start : start + 65536])
                self.server.written[self.path] += len(body[start : start + 65536])
        except OSError:
            pass  # hung up on, as it should be

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StrictShop, Path, str]]:
    place = prepared(tmp_path_factory.mktemp("strict"))
    with opened(StrictShop()) as shop:
        began = time.monotonic()
        code, output = crawl(place, "-a", f"url={shop.url}")
        assert code == 0, output
        assert time.monotonic() - began < 20, "loopback needs no Crawl-delay"
        yield shop, place, output  # type: ignore[misc]


def reasons(place: Path, name: str) -> list[tuple[str, str | None]]:
    item = next(item for item in items(place) if item["name"] == name)
    return [(image["status"], image["reason"]) for image in item["images"]]


def test_directives_are_obeyed_and_recorded(strict: tuple[StrictShop, Path, str]) -> None:
    shop, place, output = strict
    assert "noindex" in output and "Model 0" not in {item["name"] for item in items(place)}
    assert reasons(place, "Model 1") == [("rejected", "noimageindex")] * 3
    assert reasons(place, "Model 2") == [("rejected", "noai")] * 3
    told = [("rejected", "noimageindex"), ("rejected", "noai"), ("rejected", "noindex")]
    assert reasons(place, "Model 4") == told
    for barred in ("1", "2"):
        assert not [path for path in shop.asked if path.startswith(f"/media/{barred}-")]
    assert shop.asked["/media/4-2.png"] == 1, "no extra HEAD, no second try"
    assert shop.written["/media/4-2.png"] < LARGE, "the body was left unread"


def test_nothing_private_by_redirect_or_dns(strict: tuple[StrictShop, Path, str]) -> None:
    _, place, _ = strict
    stored = ("stored", None)
    told = reasons(place, "Model 3")
    assert told[0] == ("rejected", "private address") and told[2][0] in ("stored", "cached")
    assert told[1][0] in ("stored", "cached"), "a redirect within the shop is followed"
    try:
        address = socket.gethostbyname(socket.gethostname())
    except OSError:
        pytest.skip("this machine's own name does not resolve")
    if address.startswith(("127.", "10.", "172.", "192.168.")):
        assert reasons(place, "Model 5") == [("rejected", "private address"), stored, stored]


def test_delay_s_of_a_site_is_kept(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(SmallShop()) as shop:
        told = f"crawl: {{sites: {{own: {{url: '{shop.url}p/1', delay-s: 0.3, max-pages: 3}}}}}}\n"
        (place / "params.yaml").write_text(told)
        code, output = crawl(place, "-a", "site=own")
        assert code == 0, output
        moments = [moment for moment, _ in shop.times]
        gaps = [after - before for before, after in itertools.pairwise(moments)]
        assert len(gaps) >= 4 and min(gaps) > 0.25, shop.times


class FakeEngine:
    """A downloader with one slot."""

    def __init__(self, host: str) -> None:
        self.slot = SimpleNamespace(delay=1.0, concurrency=8)
        self.downloader = SimpleNamespace(slots={host: self.slot})


@pytest.mark.parametrize(
    "host, lines, delay_s",
    [
        ("shop.kr", "User-agent: *\nCrawl-delay: 7\n", 7.0),
        ("shop.kr", "User-agent: *\nCrawl-delay: 900\n", 30.0),
        ("shop.kr", "User-agent: solemap\nCrawl-delay: 2\n\nUser-agent: *\nCrawl-delay: 9\n", 2.0),
        ("shop.kr", "User-agent: otherbot\nCrawl-delay: 9\n", 1.0),
        ("127.0.0.1", "User-agent: *\nCrawl-delay: 7\n", 0.0),
        ("127.0.0.2", "", 0.0),  # a picture host on loopback starts without a delay, too
    ],
)  # fmt: skip
def test_crawl_delay_is_the_least_delay_of_its_host(host: str, lines: str, delay_s: float) -> None:
    settings = Settings({"AUTOTHROTTLE_ENABLED": True, "SHOES_MAX_CRAWL_DELAY": 30})
    signals = SimpleNamespace(connect=lambda *arguments, **options: None)
    engine = FakeEngine(host)
    crawler = SimpleNamespace(settings=settings, signals=signals, engine=engine, spider=None)
    pace = SitePace(crawler)
    pace.mindelay, pace.maxdelay = 0.0, 30.0
    crawler.get_extension = lambda kind: pace
    robots = PacedRobots.from_crawler(crawler, lines.encode())
    request = Request(f"http://{host}/p/1")
    assert robots.allowed(request.url, contact.user_agent(None))
    pace._reached(request)
    assert engine.slot.delay == delay_s
    pace._adjust_delay(engine.slot, 0.01, TextResponse(request.url, status=200))
    assert engine.slot.delay >= (delay_s if delay_s > 1 else 0)


@pytest.mark.parametrize("given_s, told_s", [(2.0, 0.0), (0.0, 5.0)])
def test_workers_of_one_crawl_are_together_as_slow_as_one(given_s: float, told_s: float) -> None:
    slots = {"shop.kr": {"delay": given_s}} if given_s else {}
    settings = Settings(
        {
            "AUTOTHROTTLE_ENABLED": True,
            "AUTOTHROTTLE_TARGET_CONCURRENCY": 2.0,
            "SHOES_MAX_CRAWL_DELAY": 30,
            "DOWNLOAD_SLOTS": slots,
        }
    )
    signals = SimpleNamespace(connect=lambda *arguments, **options: None)
    engine = FakeEngine("shop.kr")
    crawler = SimpleNamespace(settings=settings, signals=signals, engine=engine, spider=None)
    pace = SitePace(crawler)
    pace.slow_down("shop.kr", told_s)
    pace.share_among(3)
    pace._reached(Request("http://shop.kr/p/1"))
    assert engine.slot.delay == 3 * (given_s or told_s)
    assert pace.target_concurrency == pytest.approx(2 / 3)


def test_the_delay_of_a_site_holds_where_it_turns_out_to_live() -> None:
    site = Site("shop", "http://shop.kr/", delay_s=5.0)
    site.adopt("http://www.store.kr/")
    signals = SimpleNamespace(connect=lambda *arguments, **options: None)
    engine, spider = FakeEngine("www.store.kr"), SimpleNamespace(sites={"shop": site})
    settings = Settings({"AUTOTHROTTLE_ENABLED": True})
    pace = SitePace(SimpleNamespace(settings=settings, signals=signals, engine=engine, spider=spider))  # fmt: skip
    pace._reached(Request("http://www.store.kr/p/1", meta={"site": "shop"}))
    pace._adjust_delay(engine.slot, 0.01, TextResponse("http://www.store.kr/p/1", status=200))
    assert (engine.slot.delay, engine.slot.concurrency) == (5.0, 1)
    strange = FakeEngine("cdn.example")
    pace.crawler.engine = strange
    pace._reached(Request("http://cdn.example/a.jpg", meta={"site": "shop"}))
    assert strange.slot.delay == 1.0


def test_who_crawls_is_said_or_missed_loudly() -> None:
    public, local = Site("shop.kr", "https://shop.kr/"), Site("demo", "http://127.0.0.1:80/")
    nobody, somebody = contact.user_agent("  "), contact.user_agent("me@x.kr\n")
    assert (nobody, "http" in nobody) == ("Solemap/0.1 (research crawler; no contact given)", False)
    assert somebody == "Solemap/0.1 (research crawler; contact: me@x.kr)"
    told = contact.warning([local, public], nobody)
    assert told and told.count("\n") == 0 and "SOLEMAP_CONTACT" in told and "demo" not in told
    assert contact.warning([public], somebody) is None
    assert contact.warning([local], nobody) is None


def answer(status: int, body: bytes = b"<html>") -> Response:
    return Response("http://x.kr/", status=status, body=body)


def test_a_challenge_at_the_door_is_a_refusal() -> None:
    page = b"<html><title>Just a moment...</title></html>"
    assert Manners().answered(answer(503, page), False) == "captcha"
    assert Manners().answered(answer(404), False) is None
    manners = Manners()
    assert [manners.answered(answer(403), False) for _ in range(3)] == [None, None, "http 403"]


SHADOW = """import os, pathlib, runpy
import demo.drawn
demo.drawn.drawn_catalogue = lambda *a, **k: pathlib.Path({catalogue!r})
pathlib.Path({pid!r}).write_text(str(os.getpid()))
runpy.run_path({main!r}, run_name="__main__")
"""


@pytest.fixture
def shadow(tmp_path: Path, tiny_catalogue: Path) -> Path:
    """A folder that, first in PYTHONPATH, lets the real demo shop sell a tiny catalogue."""
    package = tmp_path / "shadow" / "demo"
    package.mkdir(parents=True)
    real = ROOT / "demo"
    (package / "__init__.py").write_text(f"__path__.append({str(real)!r})\n")
    told = {"catalogue": str(tiny_catalogue), "pid": str(tmp_path / "pid")}
    (package / "__main__.py").write_text(SHADOW.format(main=str(real / "__main__.py"), **told))
    return package.parent


def wait_until_gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


def test_the_demo_shop_is_started_and_gone_afterwards(shadow: Path, tmp_path: Path) -> None:
    place = prepared(tmp_path)
    code, output = crawl(place, shadow=shadow)
    assert (code, "4 products in" in output) == (0, True), output
    found = items(place)
    assert {item["site"] for item in found} == {"demo"} and len(found) == 4
    assert all(item["url"].startswith("demo:/") for item in found)
    assert all(image["url"].startswith("demo:/") for item in found for image in item["images"])
    assert "127.0.0.1" not in (place / "data/crawl/items.jsonl").read_text()
    assert wait_until_gone(int((tmp_path / "pid").read_text()))


def test_two_sites_may_be_demo_shops_each_under_its_name(shadow: Path, tmp_path: Path) -> None:
    place = prepared(tmp_path)
    sites = 'one: {url: "demo:"}, two: {url: "demo:", brands: [acme]}'
    (place / "params.yaml").write_text(f"crawl: {{sites: {{{sites}}}}}\n")
    code, output = crawl(place, shadow=shadow)
    assert code == 0, output
    found = sorted((item["site"], item["url"][:5], item["brand_text"]) for item in items(place))
    of_one = [("one", "one:/", "Acme")] * 2 + [("one", "one:/", "루나")] * 2
    assert found == [*of_one, *[("two", "two:/", "Acme")] * 2]


def test_the_demo_shop_dies_with_a_killed_crawl(shadow: Path, tmp_path: Path) -> None:
    process = start(prepared(tmp_path), shadow=shadow)
    pid_file = tmp_path / "pid"
    for _ in range(400):
        if pid_file.exists() and pid_file.read_text():
            break
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    process.kill()
    process.communicate(timeout=30)
    assert wait_until_gone(pid)
