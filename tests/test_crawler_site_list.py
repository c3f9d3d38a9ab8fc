"""Sites of params.yaml: their names are text of any script, and what is none is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_crawler_shoes import SmallShop, crawl, items, opened, prepared

from catalogue.errors import CatalogueError
from crawler.site_list import read_sites


def params(folder: Path, name: str, url: str = "https://x.kr/") -> Path:
    path = folder / "params.yaml"
    path.write_text(f"crawl:\n  sites:\n    {name}: {{url: '{url}'}}\n")
    return path


@pytest.mark.parametrize(
    "name, wanted", [("on", "on"), ("361", "361"), ("'1.5'", "1.5"), ("나이키.kr/신발", "나이키.kr/신발")]
)  # fmt: skip
def test_names_are_taken_as_they_stand(tmp_path: Path, name: str, wanted: str) -> None:
    assert [site.name for site in read_sites(params(tmp_path, name), {"site": wanted})] == [wanted]


@pytest.mark.parametrize("name", ["null", "true", "1.5", "''", "' '", '"a\\nb"', '"\\x1b[2J"'])
def test_what_is_no_line_of_text_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        CatalogueError, match=r"params\.yaml: crawl\.sites: found the name .*quotes"
    ):
        read_sites(params(tmp_path, name), {})


def test_a_name_is_part_of_no_path(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(SmallShop()) as shop:
        params(place, "../../가게", shop.url)
        code, output = crawl(place, "-a", "site=../../가게", "-a", "limit=1")
    assert code == 0, output
    assert [item["site"] for item in items(place)] == ["../../가게"]
    assert not [path for path in place.rglob("*") if "가게" in str(path.relative_to(place))]
