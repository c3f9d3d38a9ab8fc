"""One product in several shops: joined on evidence, proposed on names, never across colours, brands or in one site."""

from __future__ import annotations

import doctest
import hashlib
import re
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import CrawlFolder, draw_shoe, encoded
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.schema import Listing, ListingImage, Photo
from dataset import conflicts, likeness, same_product
from dataset.__main__ import main
from dataset.decisions import read_decisions
from dataset.ingest import NamedListing, name_listings
from dataset.records import SameProduct
from dataset.same_product import becomes, same_products

GTINS = ("4006381333931", "8801643566876", "036000291452")


def listing(name: str, site: str, pictures: str = "", **more: Any) -> Listing:
    """A page; each letter of ``pictures`` is one picture."""
    shas = [hashlib.sha256(one.encode()).hexdigest() for one in pictures]
    images = tuple(
        ListingImage(f"u/{n}", None, n, "stored", None, sha, f"images/{sha}.jpg", None, None, None, None)
        for n, sha in enumerate(shas)
    )  # fmt: skip
    told: dict[str, Any] = dict.fromkeys(("sku", "gtin", "color", "group", "category"))
    told |= {
        "brand_text": "Nike",
        "url": f"{site}/{name}/{more.get('sku')}/{more.get('color')}",
        **more,
    }
    return Listing(site=site, name=name, source="json-ld", fetched_at="", images=images, **told)


def pairs_of(*listings: Listing) -> list[SameProduct]:
    return same_products(name_listings(listings))


def only(*listings: Listing) -> tuple[str, bool]:
    """The one pair's rule, and whether it was applied."""
    (pair,) = pairs_of(*listings)
    return pair.rule, pair.kept is not None


def test_the_examples_of_likeness_hold() -> None:
    assert doctest.testmod(likeness).failed == 0


def test_a_gtin_joins_whatever_the_names_and_however_it_is_written() -> None:
    one = listing("Air Force 1 07", "us", "abc", gtin="036000291452")
    two = listing("에어 포스 1 '07", "kr", "xy", gtin="0036000291452", brand_text="나이키")
    (pair,) = pairs_of(one, two)
    assert (pair.rule, pair.kept) == ("gtin", "nike/air-force-1-07")
    assert becomes([pair]) == {("nike", "eeo-poseu-1-07"): ("nike", "air-force-1-07")}
    assert not pairs_of(one, listing("에어 포스", "kr", "xy", gtin="036000291453")), (
        "bad check digit"
    )


def test_a_makers_code_joins_names_of_which_one_says_more() -> None:
    one = listing("Dunk Low Retro", "us", "a", sku="DD1391-100", color="Black")
    assert only(one, listing("Dunk Low 블랙 dd1391 100", "kr", "x", sku="DD1391100")) == (
        "sku",
        True,
    )
    assert only(one, listing("덩크 로우 블랙", "kr", "x", sku="dd1391-100")) == ("sku", False)
    assert only(one, listing("Dunk Low Retro", "kr", "x", sku="DD1391-100")) == ("sku", False), (
        "no colour is told: it may be another colourway"
    )
    assert not pairs_of(one, listing("Court Vision Black", "kr", "x", sku="1391"))


def test_a_makers_code_and_the_pictures_join_names_in_two_languages() -> None:
    shops = [
        listing("Air Force 1 '07", "us", "abcd", sku="CW2288-111"),
        listing("나이키 에어포스 1 07", "kr", "abcd", sku="CW2288-111"),
        listing("에어 포스 원 로우 올백", "kr2", "abcd", sku="CW2288-111"),
    ]
    found = pairs_of(*shops)
    assert {(pair.rule, pair.kept) for pair in found} == {("sku", "nike/air-force-1-07")}
    assert only(shops[0], listing("에어 포스 원", "kr", "wxyz", sku="CW2288-111")) == ("sku", False)
    red = listing("에어 포스 원 레드", "kr", "abcd", sku="CW2288-111", color="red")
    white = listing("Air Force 1 '07", "us", "abcd", sku="CW2288-111", color="white")
    assert not [pair for pair in pairs_of(white, red) if pair.kept]


def test_shared_pictures_join_what_is_named_alike() -> None:
    one = listing("Pegasus 41 Road", "us", "abcd")
    assert only(one, listing("Road Pegasus-41", "kr", "abx")) == ("pictures", True)
    assert only(one, listing("Pegasus 41 Roads", "kr", "axyz")) == ("names", False), "one is stock"
    assert only(one, listing("페가수스 41", "kr", "abc")) == ("pictures", False)
    assert only(one, listing("Pegasus 40 Road", "kr", "abc")) == ("pictures", False)


def test_names_alone_are_proposed_and_spacing_is_no_difference() -> None:
    assert only(listing("에어맥스 90", "a", "x"), listing("에어 맥스 90", "b", "y")) == (
        "names",
        False,
    )
    assert only(listing("Cortez 블랙", "a", "x"), listing("CORTEZ Black", "b", "y")) == (
        "names",
        False,
    )
    assert not pairs_of(listing("에어맥스 90", "a", "x"), listing("에어 맥스 95", "b", "y"))
    assert not pairs_of(listing("Cortez", "a", "x"), listing("Women's Cortezz", "b", "y"))


@pytest.mark.parametrize(
    "first, second", [("Black", "화이트"), ("Sesame", "Gum"), ("Red", "Red/Blue")]
)
def test_two_colors_are_never_one_product(first: str, second: str) -> None:
    same: dict[str, Any] = {"gtin": GTINS[0], "sku": "DD1391-100"}
    one = listing("Dunk Low", "us", "abc", color=first, **same)
    assert not pairs_of(one, listing("Dunk Lows", "kr", "abc", color=second, **same))


def test_what_a_site_gives_to_two_products_tells_nothing_and_no_site_is_merged_within() -> None:
    one, two = (listing(f"Model {name}", "us", name, gtin=GTINS[0]) for name in "ab")
    assert not pairs_of(one, two)
    assert not pairs_of(one, two, listing("Third", "kr", "x", gtin=GTINS[0]))


def test_a_bridge_between_two_products_of_one_site_is_only_proposed() -> None:
    ends = [listing("Alpha", "us", "a", gtin=GTINS[0]), listing("Beta", "us", "b", gtin=GTINS[1])]
    bridge = [listing("Gamma", "kr", "x", gtin=code, url="kr/1", sku=code) for code in GTINS[:2]]
    found = pairs_of(*ends, *bridge)
    assert len(found) == 2 and not becomes(found)
    assert all("unclear" in pair.evidence[-1] for pair in found)


def test_the_limits_are_those_of_label_conflicts() -> None:
    assert same_product.PICTURES_LEAST == conflicts.ALIAS_LEAST
    assert same_product.PICTURES_SHARE == conflicts.ALIAS_SHARE


LISTINGS = st.lists(
    st.builds(
        listing,
        name=st.sampled_from(
            ("Air 90", "Air 90 Retro", "에어 90", "에어90", "Nike Air 90", "Air 95", "Air 90 Black", "Womens Air 90")
        ),
        site=st.sampled_from("pqrs"),
        pictures=st.sampled_from(("", "a", "ab", "abc", "abd", "bcd", "xy", "xyz")),
        brand_text=st.sampled_from(("Nike", "나이키", "Asics", None)),
        gtin=st.sampled_from((*GTINS, None, None, "123")),
        sku=st.sampled_from(("DD1391-100", "dd1391100", "GV7671", "1", None, None)),
        color=st.sampled_from(("Black", "블랙", "White", "Sesame", None, None)),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(LISTINGS, st.integers(0, 99))
def test_order_does_not_matter_and_what_is_joined_may_be_joined(
    listings: list[Listing], seed: int
) -> None:
    named = name_listings(listings)
    found = same_products(named)
    shuffled = Random(seed).sample(named, len(named))
    assert same_products(shuffled) == found
    targets = becomes(found)
    sites: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in named:
        sites[entry.key].add(entry.listing.site)
    groups = defaultdict(set)
    for product in sites:
        groups[targets.get(product, product)].add(product)
    for kept, members in groups.items():
        assert kept in members and kept not in targets
        assert {brand for brand, _ in members} == {kept[0]}
        of_all = [site for product in members for site in sites[product]]
        assert len(members) == 1 or len(of_all) == len(set(of_all)), "two products of one site"
        assert len(members) == 1 or len({c for e in named if e.key in members for c in [said(e)] if c}) < 2  # fmt: skip
    assert all(pair.kept is None for pair in found if not pair.is_sure or pair.rule == "names")


def said(entry: NamedListing) -> frozenset[str]:
    """The colours that a product's name says (with_color puts the page's colour there)."""
    return likeness.colors(entry.name) or frozenset(likeness.words(entry.listing.color or ""))


@settings(max_examples=100, deadline=None)
@given(LISTINGS)
def test_a_not_same_undoes_what_was_joined(listings: list[Listing]) -> None:
    named = name_listings(listings)
    for pair in same_products(named):
        ends = tuple(tuple(end.split("/")) for end in (pair.product, pair.other))
        apart = same_products(named, {frozenset(ends)})  # type: ignore[arg-type]
        one, two = (becomes(apart).get(end, end) for end in ends)  # type: ignore[call-overload]
        assert one != two and {pair.product, pair.other} not in [
            {p.product, p.other} for p in apart
        ]


@pytest.fixture
def shops(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrawlFolder:
    """Two shops: one product by GTIN, one that only sounds alike."""
    monkeypatch.chdir(tmp_path)
    pictures = [
        encoded(draw_shoe(pose=pose, shape=shape)) for shape in range(3) for pose in range(3)
    ]
    crawl.add("Nike", "Air Force 1", pictures[:3], site="us", gtin=GTINS[0])
    crawl.add("나이키", "에어 포스 1", pictures[3:5], site="kr", gtin=GTINS[0])
    crawl.add("Nike", "에어맥스 90", pictures[5:7], site="us")
    crawl.add("나이키", "에어 맥스 90", pictures[7:], site="kr")
    crawl.write()
    return crawl


def run(*commands: str) -> str:
    output = ""
    for command in commands:
        done = CliRunner().invoke(main, command.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        output = done.output
    return output


def products() -> dict[str, set[str]]:
    found = defaultdict(set)
    for photo in read_manifest(Path("data/catalogue.jsonl"), Photo):
        found[photo.product].add(photo.product_name)
    return dict(found)


def decide(*lines: str) -> None:
    Path("overrides.csv").write_text("subject,decision,target,note\n" + "\n".join(lines), "utf-8")


def test_ingest_joins_reports_and_undoes(shops: CrawlFolder) -> None:
    told = run("ingest")
    assert "1 pairs of products of different shops are one product, 1 may be" in told
    assert products()["air-force-1"] == {"Air Force 1"} and "eeo-poseu-1" not in products()
    run("clean --jobs 1", "dedup", "review")
    page = Path("data/review/index.html").read_text("utf-8")
    lines = re.findall(r"<code>([^<]+)</code>", page)
    assert "nike/air-force-1,not-same,nike/eeo-poseu-1," in lines
    assert "nike/eeo-maekseu-90,same-as,nike/eeomaekseu-90," in lines
    decide("nike/air-force-1,not-same,nike/eeo-poseu-1,", "nike/eeo-maekseu-90,same-as,nike/eeomaekseu-90,")  # fmt: skip
    assert "NOTICE" not in run("ingest")
    assert set(products()) == {"air-force-1", "eeo-poseu-1", "eeomaekseu-90"}
    assert not Path("data/same_products.jsonl").read_text()


def test_to_reject_the_product_that_others_became_rejects_them_all(shops: CrawlFolder) -> None:
    decide("nike/air-force-1,reject,,")
    run("ingest")
    assert set(products()) == {"eeo-maekseu-90", "eeomaekseu-90"}
    decide("nike/eeo-poseu-1,reject,,", "nike/gone,not-same,nike/eeo-poseu-1,")
    assert "no product nike/gone" in run("ingest")
    assert "air-force-1" in products() and "eeo-poseu-1" not in products()


def test_same_and_not_same_at_once_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    decide("a/x,same-as,a/y,", "a/y,not-same,a/x,")
    with pytest.raises(CatalogueError, match="Take one of the lines out"):
        read_decisions(Path("overrides.csv"))
    decide("a/x,not-same,a/y,", "a/x,not-same,a/z,")
    assert len(read_decisions(Path("overrides.csv")).not_same) == 2
