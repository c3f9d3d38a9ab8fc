"""Several workers share one crawl through a real redis-server, and one that is killed loses nothing."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_crawler_shoes import PRODUCTS, SmallShop, check_whole, crawl, opened, prepared, start

from catalogue.errors import CatalogueError
from crawler.journal import Journal, complete_items
from crawler.shared import LostCrawl, SharedCrawl, SharedFrontier, connect
from crawler.site import Site
from solemap.__main__ import cli

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed"
)
HEADER: dict[str, Any] = {"shop": ["http://shop.example/", [], None]}
LEASE_S = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a redis-server that was started for these tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = str(tmp_path_factory.mktemp("redis"))
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        connect(url, tries=20).close()
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def emptied(server: str) -> str:
    client = connect(server)
    client.flushall()
    client.close()
    return server


def part(
    server: str, held: dict[str, Any] | None = None, site: Site | None = None
) -> tuple[SharedCrawl, SharedFrontier]:
    """A worker that joined, and its queue of the one site."""
    crawl = SharedCrawl(server, HEADER, LEASE_S)
    crawl.join(held)
    site = site or Site("shop", "http://shop.example/")
    return crawl, SharedFrontier(crawl, site, lambda name, told: None)


def drained(queue: SharedFrontier) -> list[str]:
    found = []
    while (entry := queue.pop()) is not None:
        found.append(entry[0])
        queue.release(entry[0])
    return found


# -- steps in Redis ------------------------------------------------------------------------------


def test_an_address_is_given_once_most_promising_first(emptied: str) -> None:
    (_, one), (_, other) = part(emptied), part(emptied)
    assert one.add_all([("/c", 2, 1, "x"), ("/a", 1, 1, ""), ("/a", 1, 1, ""), ("/b", 1, 1, "")]) == [
        True, True, False, True]  # fmt: skip
    assert not other.add("/a", 1, 1) and other.add("/robots.txt", -1, 0) and len(one) == 4
    assert one.pop() == ("/robots.txt", -1, 0, "")
    assert [queue.pop() for queue in (one, other, one, other)] == [
        ("/a", 1, 1, ""), ("/b", 1, 1, ""), ("/c", 2, 1, "x"), None]  # fmt: skip
    odd = "/\ud800\n\x00신발?q='"
    assert one.add(odd, 3, 12, odd) and other.pop() == (odd, 3, 12, odd)


def test_leases_of_a_silent_worker_go_back_and_claims_with_them(emptied: str) -> None:
    (dead, lost), (alive, queue) = part(emptied), part(emptied)
    queue.add("/p/1", 1, 1)
    queue.add("/p/2", 1, 1)
    assert lost.pop() is not None and lost.claim("/p/1", {b"product"}, set())
    assert lost.mark("/final", "/p/1") and lost.take("/p/1", 3, limit=4) == 3
    assert queue.pop() == ("/p/2", 1, 1, "")
    assert queue.take("/p/2", 3, limit=4) == 3 and queue.taken == 6, "a page is taken whole"
    assert queue.take("/p/3", 1, limit=4) == 0
    assert not queue.claim("/p/2", {b"product"}, set()) and not queue.mark("/final", "/p/2")
    queue.release("/p/2")
    assert alive.beat() == [] and queue.pop() is None and alive.workers == 2
    assert not alive.end_if_done(), "the other worker may come back"
    time.sleep(LEASE_S + 1.1)
    alive.beat()
    assert alive.workers == 1 and queue.taken == 3 and len(queue) == 1
    queue.clear()  # as where the limit looks reached; the page was given back before
    assert queue.pop() is None
    dead.beat()
    assert lost.pop() is None


def test_a_page_that_is_read_again_may_give_what_it_had_claimed(emptied: str) -> None:
    (one, lost), (_, queue) = part(emptied), part(emptied)
    lost.add("/p/1", 1, 1)
    assert lost.pop() is not None
    assert lost.claim("/p/1", {b"product"}, set()) and lost.mark("/final", "/p/1")
    one.leave()
    assert queue.pop() == ("/p/1", 1, 1, "")
    assert queue.claim("/p/1", {b"product"}, set()) and queue.mark("/final", "/p/1")


def test_a_killed_worker_that_comes_back_gives_back_at_once(emptied: str) -> None:
    crawl = SharedCrawl(emptied, HEADER, 3600)
    told = crawl.join(None)
    queue = SharedFrontier(crawl, Site("shop", "http://shop.example/"), lambda name, told: None)
    queue.add("/p/1", 1, 1)
    assert queue.pop() is not None and queue.pop() is None
    again, queue = part(emptied, told)
    assert again.worker == crawl.worker and queue.pop() == ("/p/1", 1, 1, "")


def test_a_page_from_which_nobody_comes_back_is_given_up(emptied: str) -> None:
    crawl, queue = part(emptied)
    queue.add("/p/1", 1, 1)
    given_up = []
    for _ in range(5):
        assert queue.pop() is not None and not given_up
        given_up = crawl.give_back_lost()
    assert given_up == [("shop", "/p/1")] and queue.pop() is None and crawl.end_if_done()


def test_the_crawl_ends_when_nothing_waits_and_leaves_only_that_it_ended(emptied: str) -> None:
    one, queue = part(emptied)
    told = {"crawl": one.crawl, "worker": one.worker}
    other, others = part(emptied)
    queue.add("/p/1", 1, 1)
    assert not other.end_if_done() and queue.pop() is not None and not other.end_if_done()
    queue.release("/p/1", 2)
    assert other.end_if_done() and other.products == 2
    assert not others.add("/p/2", 1, 1) and others.pop() is None and queue.pop() is None
    assert one.is_over and one.products == 2
    client = connect(emptied)
    (left,) = client.keys("*")
    assert b":finished:" in left and 0 < client.ttl(left) <= 7 * 24 * 3600
    back, _ = part(emptied, told)
    assert back.is_over and back.products == 2
    assert part(emptied)[1].add("/p/1", 1, 1), "the next start is a new crawl"


def test_every_key_of_an_abandoned_crawl_expires(emptied: str) -> None:
    crawl, queue = part(emptied)
    queue.add_all([("/p/1", 1, 1, ""), ("/p/2", 1, 1, "")])
    queue.pop()
    queue.take("/p/1", 1, 9)
    queue.claim("/p/1", {b"product"}, set())
    crawl.give_back_lost()
    queue.pop()
    crawl.seed(Journal(Path("nowhere")), {})
    crawl.beat()
    client = connect(emptied)
    assert {key.rsplit(b":", 1)[-1] for key in client.keys("*")} >= {b"current", b"tries", b"shop"}
    assert all(client.ttl(key) > 0 for key in client.keys("*"))


def test_refusal_home_and_page_budget_are_told_to_all(emptied: str) -> None:
    site = Site("shop", "http://shop.example/")
    (_, one), (_, other) = part(emptied), part(emptied, site=site)
    assert [queue.may_ask(3) for queue in (one, other, one, other)] == [True] * 3 + [False]
    one.tell_home("http://new.example/")
    other.pop()
    assert site.owns("http://www.new.example/p/1")
    one.add("/p/1", 1, 1)
    one.tell_refusing("http 403")
    assert other.pop() is None and site.refusing == "http 403" and len(one) == 0


def test_where_redis_lost_the_crawl_its_journals_bring_it_back(
    emptied: str, tmp_path: Path
) -> None:
    crawl, queue = part(emptied)
    queue.add("/p/1", 1, 1)
    connect(emptied).flushall()
    with pytest.raises(LostCrawl):
        queue.add("/p/2", 1, 1)
    assert crawl.lost and "emptied" in crawl.lost and queue.pop() is None
    journal = Journal(tmp_path)
    journal.start({})
    page, url = "http://shop.example/p/1?x", "http://shop.example/p/1"
    item = {"site": "shop", "url": url, "images": []}
    journal.add_item(page, 0, 1, item)
    items = journal.resume()
    back, queue = part(emptied, {"crawl": crawl.crawl, "worker": crawl.worker})
    back.seed(journal, items)
    assert back.crawl == crawl.crawl and queue.taken == 1
    _, other = part(emptied)
    assert not other.add(page, 1, 1) and not other.claim("/q", journal.urls, set())


# -- `scrapy crawl shoes` ------------------------------------------------------------------------


@pytest.fixture
def shop() -> Iterator[SmallShop]:
    with opened(SmallShop()) as server:
        server.delay_s = 0.15
        yield server


def words(server: str, shop: SmallShop, folder: str, *more: str) -> list[str]:
    told = [f"SHOES_REDIS={server}", f"SHOES_REDIS_LEASE={LEASE_S}", f"SHOES_DIR={folder}"]
    told += ["SHOES_PAGES_AT_ONCE=2", "SHOES_PICTURES_AT_ONCE=2"]
    return ["-a", f"url={shop.url}", *more, *(word for one in told for word in ("-s", one))]


def merged(place: Path, *folders: str) -> str:
    names = [str(place / folder) for folder in folders]
    given = ["--out", place / "data" / "crawl", "--params", place / "params.yaml"]
    given += ["--brands", place / "brands.yaml", "--state", place / "var" / "crawl"]
    done = CliRunner().invoke(cli, ["merge", *names, *map(str, given)])
    assert done.exit_code == 0, done.output
    return done.output


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_two_workers_share_a_crawl(emptied: str, shop: SmallShop, tmp_path: Path) -> None:
    place = prepared(tmp_path)
    processes = [start(place, *words(emptied, shop, name)) for name in ("a", "b")]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    feeds = [read(place / name / "items.jsonl") for name in ("a", "b")]
    assert all(feeds) and sum(map(len, feeds)) == PRODUCTS, "both did work, and none twice"
    assert not (place / "brands.yaml").exists() and not list(place.rglob("run.jsonl"))
    assert all(f"{PRODUCTS} together; next: solemap merge" in output for output in outputs)
    pages = {path: count for path, count in shop.asked.items() if path.startswith(("/p/", "/cal/"))}
    assert set(pages.values()) == {1}
    output = merged(place, "a", "b")
    check_whole(place)
    assert "next: dvc repro" in output and '- "asics"' in (place / "brands.yaml").read_text()
    before = (place / "data" / "crawl" / "items.jsonl").read_bytes()
    merged(place, "b", "a")
    assert (place / "data" / "crawl" / "items.jsonl").read_bytes() == before


def test_one_of_two_workers_is_killed(emptied: str, shop: SmallShop, tmp_path: Path) -> None:
    place = prepared(tmp_path)
    killed, other = (start(place, *words(emptied, shop, name)) for name in ("a", "b"))
    journal, deadline = place / "a" / "run.jsonl", time.monotonic() + 30
    while not journal.exists() or not list(complete_items(journal)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    output, _ = other.communicate(timeout=60)
    assert other.returncode == 0, output
    found = read(place / "b" / "items.jsonl")
    held = [item for _, _, item in complete_items(journal)]
    assert held and not (place / "a" / "items.jsonl").exists()
    urls = [item["url"] for item in found + held]
    assert len(set(urls)) == PRODUCTS and len(urls) <= PRODUCTS + 1
    merged(place, "a", "b")
    check_whole(place)
    code, output = crawl(place, *words(emptied, shop, "a"))  # it comes back, and all is done
    assert code == 0 and not journal.exists(), output
    assert len(read(place / "a" / "items.jsonl")) == len(held)


def test_redis_ends_in_the_middle_and_the_crawl_can_go_on(shop: SmallShop, tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    url = f"redis://user:pass%20word@127.0.0.1:{port}/0"
    command += ["--user", "user", "on", ">pass word", "~*", "&*", "+@all"]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    connect(url, tries=20).close()
    process = start(place, *words(url, shop, "a"))
    journal, deadline = place / "a" / "run.jsonl", time.monotonic() + 30
    while not journal.exists() or not list(complete_items(journal)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    redis.kill()
    redis.wait()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "pass" not in output, output
    assert "the same command goes on" in output and "Traceback" not in output
    held = len(list(complete_items(journal)))
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        connect(url, tries=20).close()
        shop.asked.clear()
        code, output = crawl(place, *words(url, shop, "a"))
    finally:
        redis.kill()
        redis.wait()
    assert code == 0 and len(read(place / "a" / "items.jsonl")) == PRODUCTS, output
    asked = [path for path in shop.asked if path.startswith("/p/") and path[3:].isdigit()]
    assert len(asked) == PRODUCTS - held


# -- faults --------------------------------------------------------------------------------------


def test_an_unreachable_server_is_one_line_without_the_password(tmp_path: Path) -> None:
    url = "redis://:secret@127.0.0.1:1/0"
    place = prepared(tmp_path)
    code, output = crawl(place, "-a", "url=http://127.0.0.1:9/", "-s", f"SHOES_REDIS={url}")
    assert (code, len(output.strip().splitlines())) == (2, 1), output
    assert "SHOES_REDIS=redis://127.0.0.1:1/0: " in output and "secret" not in output


@pytest.mark.parametrize("url", ["http://:secret@127.0.0.1/", "secret", "redis://:secret@[::1/"])
def test_an_address_that_is_none_is_told_without_the_password(url: str) -> None:
    with pytest.raises(CatalogueError, match="not an address of a Redis server") as caught:
        connect(url)
    assert "secret" not in str(caught.value)


def test_a_wrong_password_is_not_shown(emptied: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        connect(emptied.replace("://", "://nobody:secret@"), tries=0)
    assert "secret" not in str(caught.value) and "SHOES_REDIS=redis://127" in str(caught.value)


def test_without_the_package_a_crawl_alone_works_and_a_shared_one_says_what_to_install(
    shop: SmallShop, tmp_path: Path
) -> None:
    (tmp_path / "place").mkdir()
    place = prepared(tmp_path / "place")
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "redis.py").write_text("raise ImportError('not installed')\n")
    told = ["-a", f"url={shop.url}", "-a", "limit=1"]
    assert crawl(place, *told, shadow=shadow)[0] == 0
    code, output = crawl(place, *told, "-s", "SHOES_REDIS=redis://x", shadow=shadow)
    assert (code, len(output.strip().splitlines())) == (2, 1), output
    assert "pip install -e '.[redis]'" in output
