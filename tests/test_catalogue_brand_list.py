"""brands.yaml: counted from the feed; words in params.yaml that name nothing are not passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder

from catalogue.brand_list import read_brands, write_brands
from catalogue.errors import CatalogueError
from solemap.brands import brands


@pytest.fixture
def feed(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The feed of two brands in the working directory."""
    monkeypatch.chdir(tmp_path)
    for number, brand in enumerate(("나이키", "Orbit")):
        crawl.add(brand, "Runner", [b"%d" % number])
    return crawl.write()


def configure(sites: str, unknown: str) -> Path:
    path = Path("params.yaml")
    path.write_text(f"ingest: {{sites: {sites}}}\nsplit: {{unknown-brands: {unknown}}}\n", "utf-8")
    return path


def shown() -> Result:
    return CliRunner().invoke(brands, [])


def test_an_unknown_brand_that_is_no_slug_writes_nothing(feed: Path) -> None:
    params = configure("[]", "[Nike Sportswear]")
    with pytest.raises(CatalogueError, match="did you mean nike"):
        write_brands(feed, params, Path("brands.yaml"))
    assert not Path("brands.yaml").exists()
    assert isinstance(shown().exception, CatalogueError)


def test_an_absent_unknown_brand_is_a_notice_alone(feed: Path) -> None:
    params = configure("[shop]", "[orbits]")
    assert write_brands(feed, params, Path("brands.yaml")) == ["nike", "orbit"]
    assert read_brands(Path("brands.yaml")) == ["nike", "orbit"]
    result = shown()
    assert result.exit_code == 0 and "orbits (did you mean orbit?)" in result.stderr


def test_a_site_that_was_not_crawled_names_those_that_were(feed: Path) -> None:
    params = configure("[shpo]", "[]")
    with pytest.raises(CatalogueError, match=r"ingest\.sites: 'shpo' .* shop \(did you mean shop"):
        write_brands(feed, params, Path("brands.yaml"))
    assert "'shpo'" in str(shown().exception)
