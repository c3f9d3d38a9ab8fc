"""`solemap merge`: no product twice, no picture lost, nothing taken from where a feed points to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder, draw_shoe, encoded

from crawler.journal import Journal
from crawler.merge import merge
from crawler.run import locked, state_of
from solemap.__main__ import cli

PICTURES = [encoded(draw_shoe((40 * number, 90, 60))) for number in range(6)]


def folder(path: Path) -> CrawlFolder:
    path.mkdir()
    return CrawlFolder(path)


@pytest.fixture
def a(tmp_path: Path) -> CrawlFolder:
    return folder(tmp_path / "a")


@pytest.fixture
def b(tmp_path: Path) -> CrawlFolder:
    return folder(tmp_path / "b")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "crawl"


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "items.jsonl").read_text().splitlines()]


def solemap_merge(tmp_path: Path, *words: str) -> Result:
    (tmp_path / "params.yaml").write_text("ingest: {min-brand-products: 1, min-brand-photos: 1}\n")
    given = {name: tmp_path / name for name in ("params", "brands")}
    options = [f"--{name}={path}.yaml" for name, path in given.items()]
    options += [f"--out={tmp_path / 'data' / 'crawl'}", f"--state={tmp_path / 'var' / 'crawl'}"]
    return CliRunner().invoke(cli, ["merge", *words, *options])


def test_of_a_product_the_latest_line_stays_and_of_equals_the_one_with_pictures(
    a: CrawlFolder, b: CrawlFolder, out: Path
) -> None:
    a.add("Acme", "Old", PICTURES[:1], url="/p/1", fetched_at="2026-11-24T00:00:00+00:00")
    b.add("Acme", "New", PICTURES[1:2], url="/p/1", fetched_at="2026-11-24T00:00:01+00:00")
    a.add("Acme", "Two", PICTURES[2:4], url="/p/2")
    b.add("Acme", "One", PICTURES[2:3], url="/p/2")
    a.add("Acme", "Red", PICTURES[4:5], url="/p/0", color="red")
    b.add("Acme", "Blue", PICTURES[5:], url="/p/0", color="blue")
    a.write()
    b.write()
    told = merge([a.folder, b.folder], out)
    assert [item["name"] for item in read(out)] == ["Blue", "Red", "New", "Two"]
    assert (told.products, told.again, told.pictures, told.linked) == (4, 2, 5, 5)
    for item in read(out):
        for image in item["images"]:
            source = next(
                one.folder / image["path"]
                for one in (a, b)
                if (one.folder / image["path"]).exists()
            )
            assert (out / image["path"]).samefile(source)
    before = (out / "items.jsonl").read_bytes()
    for folders in ([b.folder, a.folder], [a.folder], [out], [b.folder, b.folder, out]):
        assert merge(folders, out).linked == 0
        assert (out / "items.jsonl").read_bytes() == before
    other = out.parent / "one-by-one"
    merge([b.folder], other)
    merge([a.folder], other)
    assert (other / "items.jsonl").read_bytes() == before


def test_a_picture_is_taken_from_whoever_has_it_or_marked_as_failed(
    a: CrawlFolder, b: CrawlFolder, out: Path
) -> None:
    a.add("Acme", "Runner", PICTURES[:3], url="/p/1", fetched_at="2026-11-25T00:00:00Z")
    b.add("Acme", "Runner", PICTURES[:1], url="/p/1")
    images = a.items[0]["images"]
    for image, content in zip(images, PICTURES, strict=False):
        image["bytes"] = len(content)
    (a.folder / images[0]["path"]).unlink()
    (a.folder / images[1]["path"]).write_bytes(b"cut")
    a.write()
    b.write()
    told = merge([a.folder, b.folder], out)
    (item,) = read(out)
    assert [image["status"] for image in item["images"]] == ["stored", "failed", "stored"]
    failed = item["images"][1]
    assert (failed["sha256"], failed["path"]) == (None, None) and "merged" in failed["reason"]
    assert told.missing == [images[1]["url"]]


def test_a_feed_that_points_elsewhere_gets_nothing_from_there(
    a: CrawlFolder, out: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    a.add("Acme", "Runner", PICTURES[:5], url="/p/1")
    images = a.items[0]["images"]
    images[0]["path"] = "../secret.png"
    images[1]["path"] = str(secret)
    images[2]["path"] = f"images/../../{images[2]['sha256']}/../secret.png"
    (a.folder / images[3]["path"]).unlink()
    (a.folder / images[3]["path"]).symlink_to(secret)
    a.write()
    assert len(merge([a.folder], out).missing) == 4
    assert [path.read_bytes() for path in out.rglob("*") if path.is_file()].count(b"secret") == 0
    assert [image["status"] for image in read(out)[0]["images"]] == ["failed"] * 4 + ["stored"]


def test_bad_lines_are_told_and_passed_over(a: CrawlFolder, out: Path, tmp_path: Path) -> None:
    a.add("Acme", "Runner", PICTURES[:1])
    feed = a.write()
    line = feed.read_text()
    broken = line.replace('"sha256": "', '"sha256": "../')
    feed.write_text(f'nothing\n[]\n\n{line}{{"site": 1}}\n{broken}{line[:50]}')
    (tmp_path / "idle").mkdir()
    shown = solemap_merge(tmp_path, str(a.folder), str(tmp_path / "idle"))
    assert shown.exit_code == 0, shown.output
    assert f"{tmp_path / 'idle'}: passed over, no product" in shown.output
    told = [one for one in shown.output.splitlines() if one.startswith("passed over:")]
    assert [one.split(":")[2] for one in told] == ["1", "2", "5", "6", "7"]
    assert f"{a.folder}: 1 products" in shown.output and "next: dvc repro" in shown.output
    assert '"acme"' in (tmp_path / "brands.yaml").read_text()
    assert read(out)[0]["name"] == "Runner"


def test_finished_pages_of_a_killed_worker_count_and_unfinished_ones_do_not(
    a: CrawlFolder, b: CrawlFolder, out: Path
) -> None:
    a.add("Acme", "Whole", PICTURES[:1], url="/p/1")
    a.add("Acme", "Half", PICTURES[1:2], url="/p/2")
    journal = Journal(a.folder)
    journal.start({})
    journal.add_item("/p/1", 0, 1, a.items[0])
    journal.add_item("/p/2", 0, 2, a.items[1])
    journal.add_item("/p/3", 0, 1, {"site": "shop", "url": 3, "images": []})
    journal.close(False)
    b.add("Acme", "Other", PICTURES[2:3], url="/p/3")
    b.write()
    told = merge([a.folder, b.folder], out)
    assert [item["name"] for item in read(out)] == ["Whole", "Other"]
    assert len(told.bad) == 1 and "'url'" in told.bad[0]


def test_what_cannot_be_merged_is_one_line_and_changes_nothing(
    a: CrawlFolder, out: Path, tmp_path: Path
) -> None:
    shown = solemap_merge(tmp_path, str(a.folder))
    assert "neither items.jsonl nor run.jsonl" in str(shown.exception) and not out.exists()
    (a.folder / "items.jsonl").write_text("nothing\n")
    assert "no item in any" in str(solemap_merge(tmp_path, str(a.folder)).exception)
    assert solemap_merge(tmp_path, str(tmp_path / "none")).exit_code == 2
    a.add("Acme", "Runner", PICTURES[:1])
    feed = a.write()
    with locked(out / "items.jsonl", state_of(out, tmp_path / "var" / "crawl")):
        assert "another crawl" in str(solemap_merge(tmp_path, str(a.folder)).exception)
    out.mkdir(parents=True)
    (out / "images").write_text("a file")
    assert "left as it is" in str(solemap_merge(tmp_path, str(a.folder)).exception)
    assert [path.name for path in out.iterdir()] == ["images"] and feed.exists()
