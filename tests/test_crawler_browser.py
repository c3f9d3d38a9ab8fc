"""Shops that need JavaScript: crawled with a real browser, refused with a reason without one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from scrapy.settings import Settings
from test_crawler_shoes import SmallShop, crawl, items, opened, prepared, start

from crawler import browser, downloads
from crawler.hollow import is_hollow
from crawler.links import page_of
from crawler.probe import probe
from crawler.site import Site
from crawler.turnstile import Turnstile, why_barred
from demo.__main__ import serve
from demo.server import ShopServer

MISSING = browser.why_missing(Settings())
needs_browser = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
ROOT = "<div id='root'></div><script src='/app.js'></script>"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return prepared(tmp_path)


@pytest.fixture
def shop(tiny_catalogue: Path) -> Iterator[ShopServer]:
    with serve(tiny_catalogue, javascript=True) as server:
        yield server


@needs_browser
def test_a_shop_of_empty_pages_is_found_out_and_read_with_a_browser(
    shop: ShopServer, place: Path
) -> None:
    code, output = crawl(place, "-a", f"url={shop.url}", "-a", "limit=4")
    assert (code, "read with a browser" in output) == (0, True), output
    found = items(place)
    assert sorted(item["name"] for item in found) == [
        "Runner 1",
        "Runner 1",
        "Runner 2",
        "Runner 2",
    ]
    assert {item["brand_text"] for item in found} == {"Acme", "루나"}
    stored = [image for item in found for image in item["images"] if image["status"] == "stored"]
    assert len(stored) == 12 and all(
        (place / "data/crawl" / one["path"]).is_file() for one in stored
    )
    asked = [path for path, _ in shop.requests if path.startswith("/media/")]
    assert len(asked) == len(set(asked)) == 12, "the browser takes no pictures"
    assert not [path for path, _ in shop.requests if path.startswith("/private/")]


def test_a_shop_without_its_browser_says_what_is_missing(shop: ShopServer, place: Path) -> None:
    code, output = crawl(place, "-a", f"url={shop.url}", "-a", "browser=false")
    assert code == 1 and not items(place)
    assert "pages hold no product without JavaScript; `browser` is false" in output
    assert "page refused: no product without JavaScript" in output
    code, output = crawl(place, "-a", f"url={shop.url}", "-s", "SHOES_BROWSER=/nowhere")
    assert code == 1 and output.count("apt install chromium") == 1, output


def test_a_missing_extra_or_browser_is_one_line(place: Path) -> None:
    told = ("-a", "url=http://127.0.0.1:9/", "-a", "browser=true")
    code, output = crawl(place, *told, "-s", "SHOES_BROWSER=/nowhere")
    assert (code, len(output.strip().splitlines())) == (2, 1), output
    assert "/nowhere is no program" in output and "apt install chromium" in output
    shadow = place / "shadow"
    shadow.mkdir()
    (shadow / "sitecustomize.py").write_text("import sys; sys.modules['playwright'] = None\n")
    code, output = crawl(place, *told, shadow=shadow)
    assert (code, len(output.strip().splitlines())) == (2, 1), output
    assert "pip install -e '.[browser]'" in output


@needs_browser
def test_a_browser_that_does_not_start_is_tried_once(place: Path) -> None:
    with opened(SmallShop()) as shop:
        told = ("-a", f"url={shop.url}", "-a", "browser=true", "-s", "SHOES_BROWSER=/bin/false")
        code, output = crawl(place, *told)
    assert code == 1 and output.count("the browser did not start: ") == 1, output


class WildShop(SmallShop):
    """Product pages whose scripts do what they should not."""

    def __init__(self, other: str) -> None:
        super().__init__()
        self.sitemap = [f"/p/{n}" for n in range(5)]
        self.scripts = {
            "/p/0": f"fetch('{other}a').catch(() => 0); open('{other}b'); new WebSocket('{other}c');"
            f"for (const to of ['{other}d', '/away']) {{ const f = document.createElement('iframe');"
            "f.src = to; document.body.append(f); }",
            "/p/1": f"location.href = '{other}e'",
            "/p/2": "location.href = '/private/x'",
            "/p/3": "",
            "/p/4": "history.pushState({}, '', '/p/4?color=red'); alert('hello')",
        }
        self.faults["/away"] = [(302, {"Location": f"{other}f"})]

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        status, body, headers = super().answer(path)
        if path == "/p/3":
            headers["X-Robots-Tag"] = "noindex"
        return status, body, headers

    def page(self, path: str) -> str | None:
        page = super().page(path)
        if page is None or path not in self.scripts:
            return "<html><body>No list here.</body></html>" if path == "/" else page
        body = json.dumps(page).replace("</", "<\\/")
        build = f"document.body.innerHTML = {body}; {self.scripts[path]}"
        return f"<html><body><div id='root'></div><script>{build}</script></body></html>"


@needs_browser
def test_a_page_leads_the_browser_nowhere_it_may_not_go(place: Path) -> None:
    with opened(SmallShop()) as other, opened(WildShop(other.url)) as shop:
        code, output = crawl(place, "-a", f"url={shop.url}", "-a", "browser=true")
        assert not other.asked, other.asked
        assert not [path for path in shop.asked if path.startswith("/private")], shop.asked
    assert code == 0, output
    assert [item["name"] for item in items(place)] == ["Model 0", "Model 4"]
    for reason in ("another site", "robots.txt", "noindex"):
        assert f"page refused: {reason}" in output, output


@needs_browser
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_killed_crawl_leaves_no_browser(shop: ShopServer, place: Path) -> None:
    process = start(place, "-a", f"url={shop.url}", "-a", "browser=true")
    deadline = time.monotonic() + 30
    while not any(path.startswith("/api/page") for path, _ in shop.requests):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ours = _below(process.pid)
    assert ours
    process.kill()
    process.communicate(timeout=10)
    while _alive(ours) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(ours)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _below(pid: int) -> set[int]:
    """The processes that ``pid`` started, and those that they did."""
    everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    found = {pid}
    while more := {one for one in everyone if (s := _stat(one)) and int(s[1]) in found} - found:
        found |= more
    return found - {pid}


def _alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if _stat(pid)[:1] not in ([], ["Z"])}


@needs_browser
def test_probe_reads_a_page_as_a_browser_shows_it(shop: ShopServer) -> None:
    url = shop.url.rstrip("/") + shop.shop.assortment.offers[0].path
    plain = CliRunner().invoke(probe, [url])
    assert "try --browser" in plain.output
    shown = CliRunner().invoke(probe, [url, "--browser"])
    assert shown.exit_code == 0 and "name: Runner" in shown.output, shown.output
    assert shown.output.count("picture 2: ") >= 1


@pytest.mark.parametrize(
    "body, told",
    [
        (ROOT, True),
        (
            f"<noscript>Please enable JavaScript</noscript><header>{'Menu ' * 100}</header>{ROOT}",
            True,
        ),
        (f"<header>{'Menu ' * 100}</header><app-root></app-root><script src=x></script>", True),
        ("<script>start()</script><p>Loading</p>", True),
        (f"<main>{'A list of shoes. ' * 10}</main><script src=x></script>", False),
        ("<div id=root></div>", False),
        ("<p>Nothing</p><script type='application/ld+json'>{}</script>", False),
        (f"<p>{'Much to read. ' * 300}</p>{ROOT}", False),
    ],
)
def test_what_looks_hollow(body: str, told: bool) -> None:
    assert is_hollow(page_of("https://shop.example/", f"<html><body>{body}</body></html>")) is told


@pytest.mark.parametrize(
    "start, host, port, addresses, told",
    [
        ("https://shop.example/", "cdn.example", 443, ["93.184.216.34"], None),
        ("https://shop.example/", "cdn.example", 22, ["93.184.216.34"], "odd port"),
        ("https://shop.example/", "cdn.example", 443, ["93.184.216.34", "10.0.0.1"], "private address"),
        ("https://shop.example/", "cdn.example", 443, ["::ffff:127.0.0.1"], "private address"),
        ("https://shop.example/", "127.0.0.1", 443, ["127.0.0.1"], "private address"),
        ("https://shop.example/", "169.254.169.254", 80, ["169.254.169.254"], "private address"),
        ("https://shop.example/", "2130706433", 80, ["127.0.0.1"], "private address"),
        ("https://shop.example/", "localhost", 80, ["127.0.0.1"], "private address"),
        ("https://shop.example/", "::1", 80, ["::1"], "private address"),
        ("http://127.0.0.1:8000/", "127.0.0.1", 8000, ["127.0.0.1"], None),
        ("http://127.0.0.1:8000/", "127.0.0.1", 8001, ["127.0.0.1"], "private address"),
        ("http://127.0.0.1:8000/", "localhost", 8000, ["127.0.0.1"], "private address"),
        ("http://shop.intern/", "shop.intern", 80, ["10.0.0.1"], None),
        ("http://shop.intern/", "shop.intern", 8080, ["10.0.0.1"], "private address"),
        ("http://shop.intern/", "wiki.intern", 80, ["10.0.0.2"], "private address"),
    ],
)  # fmt: skip
def test_where_a_page_may_reach(
    start: str, host: str, port: int, addresses: list[str], told: str | None
) -> None:
    assert why_barred(Site("shop", start), host, port, addresses) == told


@asynccontextmanager
async def turnstile(site: Site) -> AsyncIterator[tuple[Turnstile, int]]:
    held = Turnstile(site)
    port = int((await held.open()).rpartition(":")[2])
    try:
        yield held, port
    finally:
        await held.close()


async def _said(port: int, words: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words.encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def test_the_turnstile_lets_the_site_through_and_nothing_else() -> None:
    async def check(shop: SmallShop, other: SmallShop) -> None:
        place, place_of_other = shop.url.split("/")[2], other.url.split("/")[2]
        async with turnstile(Site("shop", shop.url)) as (held, port):
            through = await _said(port, f"GET {shop.url}p/1 HTTP/1.1\r\nHost: {place}\r\n\r\n")
            assert b"200 OK" in through and b"Model 1" in through
            inner = f"GET /p/2 HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n"
            tunnel = await _said(port, f"CONNECT {place} HTTP/1.1\r\n\r\n{inner}")
            assert b"Model 2" in tunnel
            for words in (
                f"GET {other.url} HTTP/1.1\r\n\r\n",
                f"CONNECT {place_of_other} HTTP/1.1\r\n\r\n",
            ):
                assert await _said(port, words) == b""
            assert held.faults == {place_of_other: "private address"}
            for words in (
                "GET file:///etc/passwd HTTP/1.1\r\n\r\n",
                "\r\n\r\n",
                "CONNECT x HTTP/1.1\r\n\r\n",
            ):
                assert await _said(port, words) == b""

    with opened(SmallShop()) as shop, opened(SmallShop()) as other:
        asyncio.run(check(shop, other))
        assert not other.asked and set(shop.asked) == {"/p/1", "/p/2"}


def test_a_crawl_without_the_extra_imports_none_of_it() -> None:
    code = "import sys; sys.modules['playwright'] = None; import crawler.commands.crawl, crawler.spiders.shoes"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_http_and_https_pages_share_one_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scrapy keeps a handler for each scheme."""
    begun, closed = [], []

    class Rendering:
        def __init__(self, crawler: Crawler) -> None:
            begun.append(crawler)

        async def download_request(self, request: Request) -> Response:
            return Response(request.url)

        async def close(self) -> None:
            closed.append(self)

    stub = SimpleNamespace(Rendering=Rendering)
    monkeypatch.setattr(downloads, "import_module", lambda name: stub)
    monkeypatch.setattr(downloads.HTTP11DownloadHandler, "close", _nothing)
    crawler = Crawler(Spider)
    handlers = [downloads.Downloads.__new__(downloads.Downloads) for _ in range(2)]

    async def both() -> None:
        for handler, url in zip(handlers, ("http://x.kr/", "https://x.kr/"), strict=True):
            handler._asking = crawler
            request = Request(url, meta={browser.FLAG: True})
            assert (await handler.download_request(request)).url == url
        for handler in handlers:
            await handler.close()

    asyncio.run(both())
    assert begun == [crawler] and len(closed) == 1


async def _nothing(handler: Any) -> None:
    pass
