"""The command line: lazy, quick, and clear about brands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder, draw_shoe, encoded

from catalogue.brand_list import read_brands, write_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import write_manifest
from catalogue.schema import Photo
from solemap.__main__ import COMMANDS, cli

PARAMS = (
    "ingest: {sites: [], min-brand-products: 1, min-brand-photos: 3}\n"
    "split: {unknown-brands: [orbit]}\n"
)


def solemap(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.fixture
def shop(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrawlFolder:
    """A crawl of odd brand names in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    for number, brand in enumerate(("On", "361°", "Base", "나이키", "Orbit", "Thin")):
        count = 1 if brand == "Thin" else 4
        color = (40 * number, 90, 200 - 30 * number)
        crawl.add(brand, "Runner", [encoded(draw_shoe(color, pose=pose)) for pose in range(count)])
    crawl.write()
    return crawl


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from solemap.__main__ import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
        "heavy = {'torch', 'numpy', 'PIL', 'scrapy', 'dvc'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert time.monotonic() - started < 3  # 0.1 s alone; the bound holds on a busy machine


def test_every_command_exists_and_explains_itself() -> None:
    for name in COMMANDS:
        shown = solemap(name, "--help")
        assert shown.exit_code == 0 and "Usage:" in shown.output, name
    assert solemap("no-such").exit_code == 2


def test_brands_are_written_quoted_and_odd_names_stay_names(shop: CrawlFolder) -> None:
    written = solemap("brands", "--write")
    assert written.exit_code == 0, written.output
    text = Path("brands.yaml").read_text()
    assert all(f'  - "{brand}"\n' in text for brand in ("on", "361", "base-brand", "nike"))
    assert read_brands(Path("brands.yaml")) == ["361", "base-brand", "nike", "on"]
    shown = solemap("brands").output
    assert "held out as unknown" in shown and "fewer than 3 photos" in shown
    assert "a net from 1 products and 3 photos on" in shown


def test_brands_show_the_views_per_product(shop: CrawlFolder) -> None:
    def photo(number: int, brand: str, product: str, view: str | None) -> Photo:
        unknown = dict.fromkeys(("group", "color", "sku", "gtin", "category"))
        name = f"{number:064x}"
        return Photo(name, name, brand, product, product, brand, **unknown, view=view, position=0, sources=())  # fmt: skip

    views = [("a", "side"), ("a", "top"), ("a", "top"), ("b", "side"), ("b", None)]
    photos = [photo(number, "on", *one) for number, one in enumerate(views)]
    Path("data/catalogue.jsonl").parent.mkdir(exist_ok=True)
    write_manifest(Path("data/catalogue.jsonl"), [*photos, photo(9, "361", "c", None)])
    rows = {line.split()[0]: line.split()[3] for line in solemap("brands").output.splitlines()}
    assert rows["on"] == "1.5" and rows["361"] == rows["base-brand"] == "–"


def test_an_unlisted_brand_is_loud_and_equal_content_is_left_alone(shop: CrawlFolder) -> None:
    solemap("brands", "--write")
    before = Path("brands.yaml").stat().st_mtime_ns
    solemap("brands", "--write")
    assert Path("brands.yaml").stat().st_mtime_ns == before
    shop.add("Newcomer", "Runner", [encoded(draw_shoe((9, 9, 9), pose=pose)) for pose in range(4)])
    shop.write()
    assert "NOT LISTED YET" in solemap("brands").output
    solemap("brands", "--write")
    assert "newcomer" in read_brands(Path("brands.yaml"))


def test_a_feed_with_nothing_to_train_leaves_the_list_alone(
    crawl: CrawlFolder, tmp_path: Path
) -> None:
    params, brands = tmp_path / "params.yaml", tmp_path / "brands.yaml"
    params.write_text(PARAMS)
    brands.write_text('brands:\n  - "acme"\n')
    crawl.add("Acme", "Runner", [encoded(draw_shoe())])
    with pytest.raises(CatalogueError, match=r"no brand to train .*acme: fewer than 3 photos"):
        write_brands(crawl.write(), params, brands)
    assert read_brands(brands) == ["acme"]
    params.write_text(PARAMS.replace("photos: 3", "photos: three"))
    with pytest.raises(CatalogueError, match="min-brand-photos is 'three'"):
        write_brands(crawl.folder / "items.jsonl", params, brands)


def test_a_bad_line_of_the_feed_costs_only_itself(shop: CrawlFolder) -> None:
    feed = Path("data/crawl/items.jsonl")
    broken = [json.dumps({"brand_text": 7}), "[]", "{", json.dumps({"site": "x", "images": 3})]
    feed.write_text(feed.read_text() + "\n".join(broken))
    assert solemap("brands", "--write").exit_code == 0
    assert "nike" in read_brands(Path("brands.yaml"))


def test_without_a_crawl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    subprocess_result = subprocess.run(
        [sys.executable, "-m", "solemap", "brands"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).resolve().parent.parent), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert subprocess_result.returncode == 1
    assert "Run `scrapy crawl shoes` first" in subprocess_result.stderr
