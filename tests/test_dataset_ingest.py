"""Crawl feed to catalogue: names, views, products told apart, bad lines reported."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from conftest import CrawlFolder, draw_shoe, encoded
from hypothesis import given
from hypothesis import strategies as st

from catalogue.errors import CatalogueError
from catalogue.schema import Photo
from dataset.feed import read_feed
from dataset.ingest import (
    choose_listings,
    name_listings,
    nameless,
    pictureless,
    spellings,
    to_photos,
)
from dataset.names import clean_text, with_color, without_brand
from dataset.views import view_of

PICTURES = [encoded(draw_shoe(pose=pose, size=60)) for pose in range(4)]


def photos_of(feed: Path) -> list[Photo]:
    listings, _ = read_feed(feed)
    return list(to_photos(name_listings(choose_listings(listings, ()))))


@pytest.mark.parametrize(
    ("raw", "brand", "text", "name"),
    [
        ("Nike Air Max 90", "nike", "Nike", "Air Max 90"),
        ("나이키 에어 맥스", "nike", "Nike", "에어 맥스"),
        ("NEW BALANCE 574", "new-balance", "New Balance", "574"),
        ("Acme &amp; Co: Runner", "acme-and-co", "Acme & Co", "Runner"),
        ("Nike", "nike", "Nike", "Nike"),
        ("Once Upon", "on", "On", "Once Upon"),
    ],
)
def test_the_brand_comes_off_the_head(raw: str, brand: str, text: str, name: str) -> None:
    assert without_brand(clean_text(raw), brand, text) == name


@given(st.text(max_size=80))
def test_clean_text_is_stable_and_has_no_control_characters(text: str) -> None:
    cleaned = clean_text(text)
    assert cleaned == " ".join(cleaned.split())
    assert not any(ord(character) < 32 for character in cleaned)


def test_the_color_joins_the_name_once() -> None:
    assert with_color("Samba", "White/Green") == "Samba White/Green"
    assert with_color("Samba White Green", "White/Green") == "Samba White Green"
    assert with_color("Samba", None) == "Samba"


@pytest.mark.parametrize(
    ("alt", "view"),
    [
        ("Cloud Runner side view", "side"),
        ("Cloud Runner - top", "top"),
        ("outsole of Cloud Runner", "outsole"),
        ("클라우드 러너 측면", "side"),
        ("밑창", "outsole"),
        ("rear angle", "rear"),
        ("front-angle view", "front"),
        ("medial", "medial"),
        ("pair of Cloud Runner shoes", "pair"),
        ("close-up", "detail"),
        ("Cloud Runner", None),
        ("Cloud Runner high top in black leather", None),
        ("Back to the Future edition, black leather upper", None),
        (None, None),
        ("", None),
    ],
)
def test_the_view_is_taken_where_the_alt_says_so(alt: str | None, view: str | None) -> None:
    assert view_of(alt, "Acme Cloud Runner") == view


def test_words_of_the_name_say_no_view() -> None:
    assert view_of("Side Street Top", "Side Street Top") is None
    assert view_of("Top Spin - outsole", "Top Spin") == "outsole"


def test_one_record_per_photo_and_product_joins_its_sightings(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Runner", PICTURES[:2], alts={1: "top view"})
    crawl.add("acme", "Acme Runner", PICTURES[1:2], site="other")
    photos = photos_of(crawl.write())
    assert len(photos) == 2
    (shared,) = (photo for photo in photos if len(photo.sources) == 2)
    assert {source.site for source in shared.sources} == {"shop", "other"}
    assert (shared.view, shared.position, shared.product) == ("top", 0, "runner")


def test_order_of_the_feed_leaves_no_trace(crawl: CrawlFolder) -> None:
    for number in range(6):
        crawl.add("Acme", f"Runner {number % 3}", PICTURES[number % 3 :], site=f"s{number}")
    first = photos_of(crawl.write())
    random.Random(1).shuffle(crawl.items)
    assert photos_of(crawl.write()) == first


def test_two_skus_of_one_name_are_two_products(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Runner", PICTURES[:1], sku="A1")
    crawl.add("Acme", "Runner", PICTURES[1:2], sku="B2")
    crawl.add("Acme", "Walker", PICTURES[2:3], sku="C3")
    assert {p.product for p in photos_of(crawl.write())} == {"runner-a1", "runner-b2", "walker"}


def test_one_product_on_two_pages_stays_one(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Runner", PICTURES[:1], sku="A1")
    crawl.add("Acme", "Runner", PICTURES[1:2], sku="A1")
    assert {photo.product for photo in photos_of(crawl.write())} == {"runner"}


def test_the_latest_listing_of_a_page_wins(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Old name", PICTURES[:1], url="shop/p/1")
    crawl.add("Acme", "New name", PICTURES[:1], url="shop/p/1", fetched_at="2027-01-01T00:00:00Z")
    assert {photo.product for photo in photos_of(crawl.write())} == {"new-name"}


@pytest.mark.parametrize(
    "name", ["a/b\\c", "..", "👟👟", "한글 신발", "x" * 300, "!!!", "con", "-", "on"]
)
def test_any_name_gives_a_safe_product(crawl: CrawlFolder, name: str) -> None:
    crawl.add("361°", name, PICTURES[:1])
    (photo,) = photos_of(crawl.write())
    assert "/" not in photo.product and len(photo.product) <= 100 and photo.brand == "361"


def test_missing_brand_and_name(crawl: CrawlFolder) -> None:
    crawl.add(None, "Runner", PICTURES[:1])
    crawl.add("Acme", None, PICTURES[1:2], sku="Z9")
    crawl.add("Acme", "  ", PICTURES[2:3])
    feed = crawl.write()
    assert {(p.brand, p.product) for p in photos_of(feed)} == {
        ("no-brand", "runner"),
        ("acme", "z9"),
    }
    assert len(nameless(read_feed(feed)[0])) == 1


def test_only_pictures_on_disk_enter(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Runner", PICTURES)
    images = crawl.items[0]["images"]
    images[0].update(status="failed", sha256=None, path=None, reason="404")
    images[1]["status"] = "cached"
    images[2]["status"] = "rejected"
    assert len(photos_of(crawl.write())) == 2


def test_a_product_without_a_picture_says_what_became_of_them(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Runner", PICTURES[:3])
    for image, status, reason in zip(
        crawl.items[0]["images"], ("failed", "rejected", "failed"), ("http 404", "empty", "http 404"), strict=True
    ):  # fmt: skip
        image.update(status=status, reason=reason, sha256=None, path=None)
    crawl.add("Acme", "Walker", [])
    crawl.add("Acme", "Walker", [])
    crawl.add("Acme", "Jumper", [])
    crawl.add("Acme", "Jumper", PICTURES[:1])
    lost = pictureless(name_listings(read_feed(crawl.write())[0]))
    assert {product: [(one.where, one.reason) for one in pages] for product, pages in lost.items()} == {
        ("acme", "runner"): [
            ("shop/p/0", "acme/runner: no picture on disk: 2 failed (http 404), 1 rejected (empty)")
        ],
        ("acme", "walker"): [
            (f"shop/p/{page}", "acme/walker: no picture on disk: the page names none")
            for page in (1, 2)
        ],
    }  # fmt: skip


def test_spellings_that_meet_have_one_name_whatever_the_order(crawl: CrawlFolder) -> None:
    for number, name in enumerate(("Cloud-5", "CLOUD 5", "Cloud 5", "Acme Cloud 5", "Cloud-5")):
        crawl.add("Acme", name, PICTURES[number % 4 :][:1], site=f"s{number}")
    crawl.add("Acme", "Cloud5", PICTURES[:1])
    for _ in range(2):
        named = name_listings(read_feed(crawl.write())[0])
        assert spellings(named)[("acme", "cloud-5")] == ["Cloud 5", "Cloud-5", "CLOUD 5"]
        names = {(photo.product, photo.product_name) for photo in to_photos(named)}
        assert names == {("cloud-5", "Cloud 5"), ("cloud5", "Cloud5")}
        crawl.items.reverse()


def test_signs_tell_products_apart(crawl: CrawlFolder) -> None:
    for number, name in enumerate(("Type C", "Type C#", "Type 1½", "Type 112")):
        crawl.add("Acme", name, PICTURES[number:][:1])
    assert len({photo.product for photo in photos_of(crawl.write())}) == 4


def test_a_bad_line_costs_only_itself_and_is_named(crawl: CrawlFolder) -> None:
    crawl.add("Acme", "Runner", PICTURES[:1])
    feed = crawl.write()
    good = feed.read_text()
    feed.write_text("not json\n" + good + "[1]\n" + json.dumps({"site": 3}) + "\n" + good[:40])
    listings, rejects = read_feed(feed)
    assert len(listings) == 1
    assert [reject.where.rsplit(":", 1)[1] for reject in rejects] == ["1", "3", "4", "5"]


def test_no_crawl_and_an_empty_crawl_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="scrapy crawl shoes"):
        read_feed(tmp_path / "items.jsonl")
    (tmp_path / "items.jsonl").write_text("")
    with pytest.raises(CatalogueError, match="scrapy crawl shoes"):
        read_feed(tmp_path / "items.jsonl")
