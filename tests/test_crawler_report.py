"""What the crawl says when something is amiss: where, what was found and what to do, never a traceback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_crawler_shoes import SmallShop, crawl, items, opened, prepared

from crawler.report import Report


@pytest.fixture(scope="module")
def shop() -> Iterator[SmallShop]:
    with opened(SmallShop()) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return prepared(tmp_path)


def test_a_shop_that_is_not_reached_is_a_line(place: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    code, output = crawl(place, "-a", f"url={url}", "-s", "RETRY_TIMES=0")
    assert code == 1 and "Traceback" not in output, output
    assert f"the first page {url} could not be read: connection refused. Check the" in output
    assert "NO PRODUCT WAS FOUND; there is no data/crawl/items.jsonl yet." in output


@pytest.mark.parametrize(
    "setting, path, told",
    [
        ("SHOES_DIR", "taken", "a file, not a folder"),
        ("SHOES_DIR", "taken/below", "Not a directory"),
        ("SHOES_STATE_DIR", "taken", "a file, not a folder"),
    ],
)
def test_a_folder_that_cannot_be_written_is_told_before_the_first_request(
    shop: SmallShop, place: Path, setting: str, path: str, told: str
) -> None:
    (place / "taken").touch()
    before = sum(shop.asked.values())
    code, output = crawl(place, "-a", f"url={shop.url}", "-s", f"{setting}={path}")
    assert (code, len(output.splitlines())) == (2, 1), output
    assert f"{path}: " in output and told in output and f"-s {setting}=DIR" in output
    assert sum(shop.asked.values()) == before


def test_brands_below_the_thresholds_are_not_sent_to_dvc(shop: SmallShop, place: Path) -> None:
    (place / "params.yaml").write_text("ingest: {min-brand-photos: 1000}\n")
    (place / "brands.yaml").write_text("as it was")
    code, output = crawl(place, "-a", f"url={shop.url}", "-a", "limit=2")
    last = output.splitlines()[-1]
    assert code == 0 and len(items(place)) == 2 and "next: dvc repro" not in output
    assert "not ready for `dvc repro`" in last and "brands.yaml was left as it is" in last
    assert "min-brand-photos" in last and "`solemap brands --write`" in last
    assert (place / "brands.yaml").read_text() == "as it was"


def test_a_misspelt_brand_shows_those_that_were_seen(shop: SmallShop, place: Path) -> None:
    code, output = crawl(place, "-a", f"url={shop.url}", "-a", "brands=nkie")
    assert code == 1
    assert "no product of nkie was seen; brands that were: nike (4), asics (4)\n" in output


def test_brands_that_were_seen_are_told_in_bounds() -> None:
    report = Report()
    for number in range(30):
        for _ in range(30 - number):
            report.brand("shop", f"brand-{number:02}x")
    report.brand("shop", "nike")
    told = report.missed_brands("shop", ["nkie", "nike"]) or ""
    assert told.startswith(
        "no product of nkie was seen; brands that were: nike (1), brand-00x (30)"
    )
    assert told.count("(") == 10 and told.endswith("and 21 more")
    assert report.missed_brands("shop", ["nike"]) is None
    assert report.missed_brands("empty", ["nike"]) is None
