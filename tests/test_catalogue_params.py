"""params.yaml is read as DVC reads it, and what cannot be used is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogue.brand_list import read_thresholds
from catalogue.errors import CatalogueError
from catalogue.params import absent_brands, check_brands, check_sites, read_params, words_of


def params(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(text, "utf-8")
    return path


def test_brands_named_like_truths_stay_words(tmp_path: Path) -> None:
    found = read_params(
        params(tmp_path, "on: {no: yes}\nsplit: {unknown-brands: [on, 361, 나이키]}\n")
    )
    assert found["on"] == {"no": "yes"}
    assert words_of(found["split"]["unknown-brands"], "x") == ("on", "361", "나이키")


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: 1\na: 2", "\x00", "crawl"])
def test_what_is_no_mapping_of_sections_is_refused_with_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogueError, match=r"params\.yaml"):
        read_params(params(tmp_path, text))


@pytest.mark.parametrize("value", ["orbit", 3, {"a": 1}, [1.5], [True], [None], [["a"]]])
def test_a_list_of_words_is_not_guessed_from_something_else(value: object) -> None:
    with pytest.raises(CatalogueError, match=r"split\.unknown-brands: found"):
        words_of(value, "split.unknown-brands")


def test_a_bare_word_for_a_list_is_refused_where_brands_are_counted(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"split\.unknown-brands: found 'orbit'"):
        read_thresholds(params(tmp_path, "ingest: {}\nsplit: {unknown-brands: orbit}\n"))
    assert read_thresholds(params(tmp_path, "ingest: {}\n")).unknown_brands == ()


@pytest.mark.parametrize("word", ["Nike Sportswear", "나이키", "NIKE", "nike_sb"])
def test_a_brand_as_people_write_it_is_refused_with_its_slug(word: str) -> None:
    with pytest.raises(CatalogueError, match=r"split\.unknown-brands: .* did you mean nike\?"):
        check_brands(["orbit", word], {"nike"}, "params.yaml: split.unknown-brands")


def test_slugs_pass_whether_the_data_has_them_or_not() -> None:
    check_brands(["on", "361", "base-brand", "no-brand", "tideline"], (), "x")
    check_brands(["ua"], {"ua"}, "x")  # 우아, not Under Armour: the data decides


def test_a_brand_that_is_not_in_the_data_is_noticed_with_what_is_close() -> None:
    told = absent_brands(["tideline", "orbit", "zzz"], {"tidelines", "orbit"}, "x")
    assert (
        told
        == "NOTICE: x: not in the data, so without effect: tideline (did you mean tidelines?), zzz."
    )
    assert absent_brands(["orbit"], {"orbit"}, "x") is None


def test_each_site_that_was_not_crawled_is_refused_with_those_that_were() -> None:
    check_sites(["demo"], {"demo", "shop.example"}, "x")
    with pytest.raises(
        CatalogueError, match=r"'dmeo' .* demo, shop\.example \(did you mean demo\?\)"
    ):
        check_sites(["demo", "dmeo"], {"demo", "shop.example"}, "x")
