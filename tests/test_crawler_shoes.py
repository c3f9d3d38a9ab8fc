"""`scrapy crawl shoes` as the user types it, against a small shop on loopback that logs its requests."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import draw_shoe, encoded

ROOT = Path(__file__).resolve().parent.parent
PRODUCTS = 8


class SmallShop(http.server.ThreadingHTTPServer):
    """Eight shoes and a bag on two listing pages; ``asked`` counts paths, ``faults`` may break some."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.times: list[tuple[float, str]] = []
        self.faults: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.sitemap: list[str] = []
        self.delay_s = 0.0
        self.hidden: set[str] = set()
        self.has_versions = (
            False  # product pages have an ETag and are sent only where it is another
        )
        self.views = 3
        self.pictures = {
            f"/media/{n}-{view}.png": encoded(
                draw_shoe((20 * n, 90, 200 - 20 * n), shape=n, pose=view)
            )
            for n in range(PRODUCTS)
            for view in range(3)
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        if self.faults.get(path):
            status, headers = self.faults[path].pop(0)
            return status, b"busy", headers
        if path in self.pictures:
            time.sleep(self.delay_s)
            return 200, self.pictures[path], {"Content-Type": "text/plain"}
        page = None if path in self.hidden else self.page(path)
        if page is None:
            return 404, b"nothing here", {"Content-Type": "text/html"}
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if self.has_versions and path.startswith("/p/"):
            headers["ETag"] = f'"{hashlib.sha256(page.encode()).hexdigest()[:12]}"'
        return 200, page.encode(), headers

    def page(self, path: str) -> str | None:
        base = self.url.rstrip("/")
        if path == "/robots.txt":
            return "User-agent: *\nDisallow: /private/\n"
        if path == "/sitemap.xml" and self.sitemap:
            return (
                "<urlset>"
                + "".join(f"<url><loc>{base}{p}</loc></url>" for p in self.sitemap)
                + "</urlset>"
            )
        if path in ("/", "/list?page=2"):
            start = 0 if path == "/" else PRODUCTS // 2
            cards = "".join(
                f'<a href="/p/{n}?utm_source=list"><img src="/media/{n}-0.png">{n}</a>'
                for n in range(start, start + PRODUCTS // 2)
            )
            more = '<a href="/private/x">x</a><a href="/list?sort=price&page=2">2</a><a href="/cart">c</a><a href="/cal/1">c</a>'
            return f"<html><body><h1>All</h1>{cards}<a href='/p/bag'>b</a>{more}</body></html>"
        if path.startswith("/cal/"):
            return (
                f"<html><body><h1>Day</h1><a href='/cal/{int(path[5:]) + 1}'>next</a></body></html>"
            )
        if path == "/p/bag":
            return _product("Shoulder Bag", "Acme", ["/media/0-0.png"], "Bags")
        if path.startswith("/p/") and path[3:].isdigit() and int(path[3:]) < PRODUCTS:
            n = int(path[3:])
            return _product(
                f"Model {n}",
                "Nike" if n % 2 else "Asics",
                [f"/media/{n}-{v}.png" for v in range(self.views)],
                "Shoes",
            )
        return None


def _product(name: str, brand: str, pictures: list[str], category: str) -> str:
    told = {
        "@type": "Product",
        "name": name,
        "brand": brand,
        "image": pictures,
        "category": category,
        "sku": name,
    }
    shown = "".join(f'<img src="{path}">' for path in pictures)
    return (
        f'<html><head><script type="application/ld+json">{json.dumps(told)}</script></head><body><main>'
        f"<div><div>{shown}</div><div><h1>{name}</h1><button>Add to cart</button></div></div></main></body></html>"
    )


class _Handler(http.server.BaseHTTPRequestHandler):
    server: SmallShop

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self.server.times.append((time.monotonic(), self.path))
        status, body, headers = self.server.answer(self.path)
        if "ETag" in headers and headers["ETag"] == self.headers.get("If-None-Match"):
            status, body = 304, b""
        self.server.statuses[status] += 1
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def opened(server: SmallShop) -> Iterator[SmallShop]:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop() -> Iterator[SmallShop]:
    with opened(SmallShop()) as server:
        yield server


def prepared(folder: Path) -> Path:
    """``folder`` as a fresh checkout's root, as far as a crawl reads it."""
    (folder / "scrapy.cfg").write_text("[settings]\ndefault = crawler.settings\n")
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return prepared(tmp_path)


def start(place: Path, *arguments: str, shadow: Path | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scrapy", "crawl", "shoes", *arguments]
    paths = os.pathsep.join(map(str, filter(None, [shadow, ROOT])))
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.Popen(
        command,
        cwd=place,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def crawl(place: Path, *arguments: str, shadow: Path | None = None) -> tuple[int, str]:
    process = start(place, *arguments, shadow=shadow)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def items(place: Path) -> list[dict[str, Any]]:
    path = place / "data" / "crawl" / "items.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def check_whole(place: Path, wanted: int = PRODUCTS) -> None:
    """All products once, three pictures each, every file there under its own hash."""
    found = items(place)
    assert len(found) == wanted == len({item["url"] for item in found})
    assert [item["url"] for item in found] == sorted(item["url"] for item in found)
    for item in found:
        assert [image["status"] in ("stored", "cached") for image in item["images"]] == [True] * 3
        assert [image["position"] for image in item["images"]] == [0, 1, 2]
        for image in item["images"]:
            assert (place / "data" / "crawl" / image["path"]).stat().st_size == image["bytes"]
            assert (image["width_px"], image["content_type"]) == (300, "image/png")


def test_crawl_then_again_then_a_product_vanishes(shop: SmallShop, place: Path) -> None:
    shop.sitemap = ["/p/0", "/p/1"]
    shop.faults = {"/p/3": [(500, {}), (429, {"Retry-After": "1"})]}
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "next: dvc repro" in output) == (0, True), output
    check_whole(place)
    assert not [path for path in shop.asked if path.startswith(("/private", "/cart"))]
    assert not [path for path in shop.asked if "sort=" in path or "utm" in path]
    tries = [moment for moment, path in shop.times if path == "/p/3"]
    assert len(tries) == 3 and tries[2] - tries[1] >= 1.0, "Retry-After: 1"
    assert max(int(path[5:]) for path in shop.asked if path.startswith("/cal/")) < 60
    assert "not a shoe (name)" in output and "/media/0-0.png" in shop.asked
    assert '- "asics"' in (place / "brands.yaml").read_text()
    assert not list((place / "var").rglob("run.jsonl"))

    before = items(place)
    shop.asked.clear()
    shop.hidden = {"/p/7"}
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert code == 0, output
    assert not [path for path in shop.asked if path.startswith("/media/")]
    check_whole(place, PRODUCTS - 1)
    assert {image["status"] for item in items(place) for image in item["images"]} == {"cached"}
    assert [item["name"] for item in items(place)] == [item["name"] for item in before[:-1]]


def test_pages_that_did_not_change_are_not_sent_again(shop: SmallShop, place: Path) -> None:
    shop.has_versions = True
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    before = items(place)
    assert shop.statuses[304] == 0
    shop.statuses.clear()
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, shop.statuses[304]) == (0, PRODUCTS), output
    assert items(place) == before  # to the byte: nothing was fetched anew
    assert re.search(rf"unchanged, not sent again +{PRODUCTS}\b", output)

    # one is gone, one lost a picture on disk: those two are looked at
    (place / "data" / "crawl" / before[0]["images"][1]["path"]).unlink()
    shop.hidden = {"/p/7"}
    shop.statuses.clear()
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, shop.statuses[304]) == (0, PRODUCTS - 2), output
    check_whole(place, PRODUCTS - 1)


def test_a_folder_that_was_emptied_is_filled_again(shop: SmallShop, place: Path) -> None:
    shop.has_versions = True
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    shutil.rmtree(place / "data" / "crawl")  # what is remembered of its pages stays in var
    shop.statuses.clear()
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, shop.statuses[304]) == (0, 0), output
    check_whole(place)


@pytest.mark.parametrize("fault", ["products", "pictures"])
def test_a_shop_that_gives_far_less_is_not_believed(
    shop: SmallShop, place: Path, fault: str
) -> None:
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    before = {(item["url"], len(item["images"])) for item in items(place)}
    if fault == "products":
        shop.hidden = {f"/p/{n}" for n in range(2, PRODUCTS)}
    else:
        shop.views = 1
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "COVERAGE FELL" in output) == (3, True), output
    assert {(item["url"], len(item["images"])) for item in items(place)} == before
    code, output = crawl(place, "-a", f"url={shop.url}", "-s", "SHOES_LEAST_SHARE=0")
    assert code == 0, output
    after = {(item["url"], len(item["images"])) for item in items(place)}
    assert len(after) == (2 if fault == "products" else PRODUCTS) and after != before


def test_partial_runs_and_an_empty_one_drop_nothing(shop: SmallShop, place: Path) -> None:
    assert crawl(place, "-a", f"url={shop.url}p/2", "-a", "limit=2")[0] == 0
    assert len(items(place)) == 2
    assert crawl(place, "-a", f"url={shop.url}", "-a", "brands=nike")[0] == 0
    found = items(place)
    assert {item["brand_text"] for item in found} >= {"Nike"} and 4 <= len(found) <= 6
    shop.hidden = {"/", "/list?page=2", *(f"/p/{n}" for n in range(PRODUCTS)), "/p/bag"}
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "NO PRODUCT WAS FOUND" in output) == (1, True)
    assert items(place) == found


@pytest.mark.parametrize("fault", ["500", "no address"])
def test_a_listing_that_is_missed_once_takes_nothing_out(
    shop: SmallShop, place: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    if fault == "500":
        shop.faults = {"/list?page=2": [(500, {})] * 9}
    else:
        page, odd = shop.page, '<h1>All</h1><img src="https://[CDN_HOST]/x.jpg">'
        monkeypatch.setattr(shop, "page", lambda at: (page(at) or "").replace("<h1>All</h1>", odd))
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "taken out" in output) == (0, False), output
    check_whole(place)


def test_behind_a_listing_that_never_answers_products_are_asked_for_themselves(
    shop: SmallShop, place: Path
) -> None:
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    before = [item["url"] for item in items(place)]
    shop.faults = {"/list?page=2": [(500, {})] * 99, "/p/5": [(500, {})] * 99}
    shop.hidden = {"/p/6"}
    shop.asked.clear()
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "1 products are no longer shown" in output) == (0, True), output
    # one is gone, one could not be read, two are as they were
    assert [item["url"] for item in items(place)] == [url for url in before if url[-1] != "6"]
    assert (shop.asked["/p/6"], shop.asked["/p/7"]) == (1, 1)

    # most of the shop in trouble: nothing is asked one by one, nothing taken out
    shop.faults = {
        path: [(500, {})] * 99 for path in ("/list?page=2", *(f"/p/{n}" for n in range(3)))
    }
    shop.hidden |= {"/p/7"}
    shop.asked.clear()
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "none is taken for vanished" in output) == (0, True), output
    assert (len(items(place)), shop.asked["/p/7"]) == (PRODUCTS - 1, 0)


@pytest.mark.parametrize("why", ["elsewhere", "forbidden"])
def test_a_product_that_cannot_be_asked_for_itself_stays(
    shop: SmallShop, place: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, folder = shop.page, "/private/" if why == "forbidden" else "/x/"

    def told(path: str) -> str | None:
        """Products call an address their own that is no page."""
        found = page(path)
        if found and path.startswith("/p/") and path[3:].isdigit():
            return found.replace(
                "<head>", f'<head><link rel="canonical" href="{folder}{path[3:]}">'
            )
        return found

    monkeypatch.setattr(shop, "page", told)
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    before = items(place)
    assert len(before) == PRODUCTS and all(folder in item["url"] for item in before)
    shop.has_versions = why == "elsewhere"
    if shop.has_versions:
        assert crawl(place, "-a", f"url={shop.url}")[0] == 0  # from now on pages are as they were
    shop.faults = {"/list?page=2": [(500, {})] * 99}
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert (code, "taken out" in output) == (0, False), output
    assert [item["url"] for item in items(place)] == [item["url"] for item in before]


@pytest.mark.parametrize("start", ["", "list?page=2"])
def test_a_first_page_that_cannot_be_read_takes_nothing_out(
    shop: SmallShop, place: Path, start: str
) -> None:
    shop.sitemap = [f"/p/{n}" for n in range(5)]
    assert crawl(place, "-a", f"url={shop.url}{start}")[0] == 0
    check_whole(place)
    shop.faults = {f"/{start}": [(500, {})] * 99}
    code, output = crawl(place, "-a", f"url={shop.url}{start}")
    assert (code, "taken out" in output) == (0, False), output
    check_whole(place)


def test_a_robots_txt_that_cannot_be_read_forbids_everything(shop: SmallShop, place: Path) -> None:
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    before = items(place)
    shop.faults = {"/robots.txt": [(500, {})] * 99}
    shop.asked.clear()
    code, output = crawl(place, "-a", f"url={shop.url}")
    assert set(shop.asked) == {"/robots.txt"}, output
    assert (code, "/robots.txt answers 500" in output) == (1, True), output
    assert items(place) == before


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_it_goes_on(
    shop: SmallShop, place: Path, how: signal.Signals
) -> None:
    shop.delay_s = 0.4
    process = start(place, "-a", f"url={shop.url}", "-s", "SHOES_PICTURES_AT_ONCE=2")
    deadline = time.monotonic() + 30
    while sum(count for path, count in shop.asked.items() if path.startswith("/media/")) < 13:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    process.communicate(timeout=30)
    assert process.returncode == (130 if how is signal.SIGINT else -9)
    journal = next((place / "var").rglob("run.jsonl"))
    if how is signal.SIGKILL:
        with journal.open("ab") as file:
            file.write(b'{"page": "torn')
    else:
        assert items(place)
    done = [
        line["page"]
        for line in map(json.loads, journal.read_bytes().split(b"\n")[:-1])
        if "item" in line
    ]
    assert done
    shop.delay_s = 0
    shop.asked.clear()
    code, output = crawl(place, "-a", f"url={shop.url}", "-s", "SHOES_PICTURES_AT_ONCE=2")
    assert code == 0, output
    check_whole(place)
    assert not [page for page in done if shop.asked[page.removeprefix(shop.url.rstrip("/"))]]


def test_a_picture_that_fails_stays_with_its_reason(shop: SmallShop, place: Path) -> None:
    shop.pictures["/media/0-0.png"] = shop.pictures["/media/0-0.png"][:-200]
    shop.pictures["/media/0-1.png"] = b"<html>no</html>"
    del shop.pictures["/media/0-2.png"]
    assert crawl(place, "-a", f"url={shop.url}")[0] == 0
    first = next(item for item in items(place) if item["name"] == "Model 0")
    told = [(image["status"], image["reason"]) for image in first["images"]]
    assert told == [("rejected", "truncated"), ("rejected", "not an image"), ("failed", "http 404")]
    assert len(items(place)) == PRODUCTS


def test_a_refusing_shop_is_named_and_left_alone(shop: SmallShop, place: Path) -> None:
    shop.faults = {path: [(403, {})] * 9 for path in ("/", *(f"/p/{n}" for n in range(PRODUCTS)))}
    shop.sitemap = [f"/p/{n}" for n in range(PRODUCTS)]
    code, output = crawl(place, "-a", f"url={shop.url}", "-s", "SHOES_PAGES_AT_ONCE=1")
    assert code == 1 and "refuses (http 403)" in output
    assert sum(count for path, count in shop.asked.items() if path.startswith("/p/")) <= 4


@pytest.mark.parametrize(
    "argument, told",
    [
        ("url=ftp://x", "http://"),
        ("url=", "-a url=: empty"),
        ("site=nobody", "demo"),
        ("limit=0", "from 1 on"),
        ("color=red", "allowed are"),
    ],
)
def test_a_bad_argument_is_one_line(place: Path, argument: str, told: str) -> None:
    code, output = crawl(place, "-a", argument)
    assert (code, len(output.strip().splitlines())) == (2, 1)
    assert told in output
