"""Readers on saved pages, in the shape of real shop software, English and Korean."""

from __future__ import annotations

import contextlib
import doctest
import json
import pkgutil
import time
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from extruct.w3cmicrodata import MicrodataExtractor
from hypothesis import given, settings
from hypothesis import strategies as st

import crawler
from crawler import links, pictures
from crawler.absolute import absolute
from crawler.items import Claim, PictureClaim
from crawler.judge import refusal
from crawler.links import page_of
from crawler.listing import to_records
from crawler.readers import (
    gallery,
    javascript,
    join_pictures,
    merge,
    microdata,
    picture_values,
    read_product,
    schema_org,
    scripts,
)
from crawler.readers.repair import parse_json
from crawler.words import kind_of, without_size

CASES = sorted(path for path in (Path(__file__).parent / "fixtures" / "sites").iterdir())


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_saved_page_gives_the_expected_items(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    page = links.page_of(expected["url"], (folder / "page.html").read_text())
    claim, crumbs, is_told = read_product(page)
    reason = refusal(page, claim, crumbs, is_told)
    assert reason == expected.get("refused")
    found: list[dict[str, Any]] = []
    if claim is not None and reason is None:
        for fields, shown in to_records(claim, crumbs, page):
            found.append({**fields, "pictures": [picture.urls[0] for picture in shown]})
    wanted = expected["items"]
    assert len(found) == len(wanted)
    for item, told in zip(found, wanted, strict=True):
        assert {key: item[key] for key in told} == told


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_repair_never_raises(text: str) -> None:
    parse_json(text)
    parse_json('{"a": ' + text + "}")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
@settings(max_examples=150, deadline=None)
def test_repair_keeps_good_json_and_mends_trailing_commas(value: Any) -> None:
    wrapped = {"value": value, "last": [1]}
    assert parse_json(json.dumps(wrapped)) == wrapped
    broken = json.dumps(wrapped, ensure_ascii=False)[:-2] + ",],}"
    assert parse_json("/* c */ " + broken + ";") == wrapped


@given(st.text(max_size=120))
@settings(max_examples=200, deadline=None)
def test_addresses_of_any_text_never_raise(text: str) -> None:
    for url in (text, "http://x.kr/" + text, "//" + text):
        pictures.picture_key(url)
        pictures.rank(url)
        pictures.without_size(url)
        pictures.is_address(url)
        links.canonical(url, "http://x.kr/")
    pictures.srcset(text)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=6, unique=True))
def test_srcset_gives_back_what_was_written(widths: list[int]) -> None:
    text = ", ".join(f"/a,b/{width}.jpg {width}w" for width in widths)
    assert pictures.srcset(text) == [(f"/a,b/{width}.jpg", float(width), "w") for width in widths]


@pytest.mark.parametrize(
    "one, other",
    [
        ("https://x.kr/a_300x.jpg", "https://x.kr/a.jpg"),
        ("https://x.kr/a-600x600.jpg", "https://x.kr/a.jpg"),
        ("https://x.kr/s100/a.jpg", "https://x.kr/s1200/a.jpg"),
        ("https://x.kr/a.jpg?w=80", "https://x.kr/a.jpg?w=900&q=90"),
        ("https://x.kr/thumb/a.jpg", "https://x.kr/large/a.jpg"),
        ("https://x.kr/_next/image?url=%2Fa.jpg&w=640&q=75", "https://x.kr/a.jpg"),
        (
            "https://x.kr/media/cache/0123456789abcdef0123456789abcdef/a.jpg",
            "https://x.kr/media/a.jpg",
        ),
        ("https://x.kr/12-large_default/a.jpg", "https://x.kr/12-small_default/a.jpg"),
    ],
)
def test_sizes_of_one_picture_share_a_key(one: str, other: str) -> None:
    assert pictures.picture_key(one) == pictures.picture_key(other)


@pytest.mark.parametrize(
    "one, other", [("/a_01.jpg", "/a_02.jpg"), ("/i?id=1", "/i?id=2"), ("/990/a.jpg", "/530/a.jpg")]
)
def test_different_pictures_have_different_keys(one: str, other: str) -> None:
    assert pictures.picture_key("http://x.kr" + one) != pictures.picture_key("http://x.kr" + other)


def test_a_size_is_spelled_as_for_another_picture() -> None:
    both = PictureClaim(("http://x.kr/p/big/a.jpg", "http://x.kr/p/small/a.jpg"))
    small = PictureClaim(("http://x.kr/p/extra/small/b.jpg",))
    other = PictureClaim(("http://x.kr/p/tall/c.jpg",))
    guessed = PictureClaim(("http://x.kr/p/extra/big/b.jpg", "http://x.kr/p/extra/small/b.jpg"))
    assert gallery.like_sizes([both, small, other]) == [both, guessed, other]
    assert gallery.like_sizes([small, other]) == [small, other]


@pytest.mark.parametrize(
    "inside, is_open",
    [
        ("<main><h1>Shoe</h1></main>", True),
        ("<section><h1>Shoe</h1></section><footer></footer>", True),
        ("<h1>Shop</h1><aside><footer>Basket</footer></aside>", False),
        ("<h1>Shop</h1>", False),
    ],
)
def test_a_header_that_holds_the_page_is_none(inside: str, is_open: bool) -> None:
    page = links.page_of("http://x.kr/", f"<body><header><div>{inside}</div></header><p>x</p>")
    assert (page.selector.xpath("//header").get() is None) == is_open


@pytest.mark.parametrize(
    "text, kind",
    [("Men's Running Shoes", "shoe"), ("여성 > 로퍼", "shoe"), ("가방", "other"), ("Cap Toe Oxford", None),
     ("Shoe Care", "other"), ("러닝 볼캡", "other"), ("Pegasus 41", None)],
)  # fmt: skip
def test_words_say_shoe_or_not(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind


def test_a_model_number_is_no_size() -> None:
    assert without_size("Pegasus 41") == "Pegasus 41"
    assert without_size("Pegasus 41 / 42.5") == "Pegasus 41"


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_page_cut_short_is_read_without_error(folder: Path) -> None:
    text = (folder / "page.html").read_text()
    for part in (3, 5, 7):
        page = links.page_of("http://x.kr/p/1", text[: len(text) * part // 8] or " ")
        claim, crumbs, is_told = read_product(page)
        refusal(page, claim, crumbs, is_told)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "images", "url", "a b", "price", "brand", "variants", "src"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_a_literal_of_json_is_its_value(value: Any) -> None:
    assert javascript.literal(json.dumps(value))[0] == value
    assert javascript.literal(json.dumps(value, ensure_ascii=False) + ";")[0] == value


@given(st.text(alphabet="{}[]()'\"`\\:,;=a1./*!-+ \n", max_size=60))
@settings(max_examples=300, deadline=None)
def test_code_of_any_kind_is_no_error(text: str) -> None:
    scripts.literals("image = " + text)
    javascript.wrapped("(function(a){return " + text)
    with contextlib.suppress(javascript.NotLiteral):
        javascript.literal(text)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_data_of_any_shape_is_read_without_error(value: Any) -> None:
    picture_values.claims(value, "http://x.kr/")
    text = json.dumps({"image": value, "name": "Runner", "price": 1, "images": [value]})
    page = links.page_of(
        "http://x.kr/", f"<h1>Runner</h1><script type=application/json>{text}</script>"
    )
    read_product(page)


def test_a_source_that_is_seldom_read_is_the_last_choice() -> None:
    text = (CASES[0].parent / "picture-sources" / "page.html").read_text().replace("avif", "heic")
    claim, _, _ = read_product(links.page_of("http://x.kr/", text))
    assert claim is not None and len(claim.pictures) == 2
    for picture in claim.pictures:
        assert picture.urls[0].endswith("-1440.jpg"), picture.urls
        assert picture.urls[-1].endswith(".heic"), (
            "kept for a picture that is told in no other form"
        )


def test_the_time_for_a_large_script_is_bounded() -> None:
    nested = "image=" + "{a:[" * 300 + "f(" * 3000
    page = links.page_of("http://x.kr/", f"<h1>x</h1><script>{nested * 20}</script>")
    began = time.process_time()
    read_product(page)
    assert time.process_time() - began < 10


MODULES = [entry.name for entry in pkgutil.walk_packages(crawler.__path__, "crawler.")]


@pytest.mark.parametrize("name", [name for name in MODULES if name != "crawler.settings"])
def test_examples_in_docstrings_hold(name: str) -> None:
    if name in ("crawler.rendering", "crawler.visit"):
        pytest.importorskip("playwright", reason="the extra [browser] is not installed")
    assert doctest.testmod(import_module(name)).failed == 0


def _extracted(entry: Any) -> Any:
    """What extruct found, as nodes."""
    if isinstance(entry, list):
        return [_extracted(value) for value in entry]
    if not isinstance(entry, dict):
        return entry
    node = {name: _extracted(value) for name, value in (entry.get("properties") or {}).items()}
    node["@type"] = entry.get("type")
    if entry.get("value") is not None and "properties" not in entry:
        node["name"] = entry["value"]
    return node


_MICRODATA = """<div itemscope itemtype="https://schema.org/Product" itemref="more"><h1 itemprop="name">Air <b>Max</b></h1>
<div itemprop="brand" itemscope itemtype="https://schema.org/Brand"><span itemprop="name">Nike</span></div>
<img itemprop="image" src="/a.jpg"><link itemprop="image" href="b.jpg"><meta itemprop="sku gtin13" content="4006381333931">
<div><div itemscope itemtype="https://schema.org/Review"><span itemprop="name">Good</span></div></div></div>
<p id="more"><data itemprop="color" value="Red">rot</data></p>"""


@pytest.mark.parametrize(
    "text", [_MICRODATA, *((folder / "page.html").read_text() for folder in CASES)]
)
def test_microdata_is_read_as_extruct_reads_it(text: str) -> None:
    page = links.page_of("https://shop.example/p/1", text)
    told = MicrodataExtractor().extract_items(page.selector.root, page.url)
    nodes = [_extracted(entry) for entry in told]
    claims = [
        [schema_org.claim(node, page.url, "microdata", {}) for node in found]
        for found in (nodes, microdata.found(page))
    ]
    assert claims[0] == claims[1]
    assert text != _MICRODATA or (claims[1][0].name, claims[1][0].color) == ("Air Max", "Red")


@pytest.mark.parametrize(
    "url",
    ["/p/1", "p/1", "../p", "//cdn.kr/a.jpg", "https://x.kr/a?b=1", "http://x.kr", "/a/../b", "?page=2", "#top", "/a?", "/a#", "/",
     "/a;", "https:///a", "mailto:a@b.kr", "/한글", "", "/a b", "https://x.kr/./a", "HTTP://x.kr/A"],
)  # fmt: skip
@pytest.mark.parametrize("base", ["http://y.kr/c/d?e=1", "https://y.kr", ""])
def test_absolute_is_urljoin(base: str, url: str) -> None:
    assert absolute(base, url) == urljoin(base, url)


def test_a_shop_that_names_itself_as_brand_gives_way_to_a_known_one() -> None:
    def brand(name: str, brand: str, shop: str | None, *others: str) -> str | None:
        claims = [Claim("json-ld", name=name, brand_text=brand)]
        return merge(claims, shop, others).brand_text

    assert brand("Men's Hoka Clifton 9", "Corner Sole", "Corner Sole") == "Hoka"
    assert brand("Men's Hoka Clifton 9", "Corner Sole", None, "Corner Sole") == "Hoka"
    assert brand("Men's Hoka Clifton 9", "Somebody", "Corner Sole") == "Somebody"
    assert brand("Clifton 9", "Corner Sole", "Corner Sole") == "Corner Sole"
    assert brand("Nike x Jordan Low", "Corner Sole", "Corner Sole") == "Corner Sole"
    assert brand("Slip On Classic", "Corner Sole", "Corner Sole") == "Corner Sole"
    assert brand("Jordan 1", "Nike", "Nike") == "Nike"


BAD = (
    "https://[object Object]",
    "//[CDN]/a.jpg",
    "http://[::1/x.jpg",
    "https://x.kr:port/a.jpg",
    "http://exa\u2100mple.com/a",
)


@pytest.mark.parametrize("bad", BAD)
def test_an_address_that_is_none_costs_only_itself(bad: str) -> None:
    """Scripts that fail to fill in an address leave such ones everywhere on a page."""
    told = {
        "@type": "Product",
        "name": "나이키 에어 운동화",
        "brand": "나이키",
        "sku": "A1",
        "image": ["/i/a.jpg", bad],
    }
    told["url"] = bad
    listed = [{"position": 1, "url": bad}, {"position": int("9" * 400), "url": "/p/3"}]
    lists = {"@type": "ItemList", "itemListElement": listed}
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [*listed, {"name": "신발"}]}
    variant = {"@type": "Product", "name": "a", "color": "red", "url": bad}
    odd = {"@type": "Product", "name": "운동화", "image": {"@id": ["a"]}, "hasVariant": [variant]}
    state = {
        "product": {
            "name": "운동화",
            "brand": "나이키",
            "price": 1,
            "url": bad,
            "images": [bad, "/i/b.jpg"],
        }
    }
    html = f"""<html><head><base href="{bad}"><link rel="canonical" href="{bad}"><meta property="og:image" content="{bad}">
    <meta property="og:type" content="product"><script type="application/ld+json">{json.dumps([told, lists, crumbs, odd])}</script>
    <script>window.__STATE__={json.dumps(state)}</script></head><body><main><h1>나이키 에어 운동화</h1>
    <a href="/p/2">x</a><a href="{bad}"><img src="/i/a.jpg"></a><img src="{bad}" srcset="{bad} 2x"><button>cart</button>
    <div itemscope itemtype="http://schema.org/Product"><img itemprop=image src="{bad}"><a itemprop=url href="{bad}"></a></div>
    </main></body></html>"""
    page = page_of("https://x.kr/p/1", html)
    followed = {url for url, _ in links.of_page(page)}
    assert {"https://x.kr/p/2", "https://x.kr/p/3"} <= followed
    claim, crumb, _ = read_product(page)
    assert claim is not None
    records = to_records(claim, crumb, page)
    shown = [url for _, found in records for picture in found for url in picture.urls]
    assert "https://x.kr/i/a.jpg" in shown and "" not in shown


def test_time_grows_no_faster_than_what_is_read() -> None:
    """Each took minutes where every quote, letter or picture was looked at with all others."""
    escaped = json.dumps({"@type": "Product", "name": "운동화 " * 20}).replace('"', '\\"') * 2_000
    many = [
        Claim(
            "json-ld",
            pictures=[PictureClaim((f"https://x.kr/i/{n:06}.jpg",)) for n in range(5_000)],
        )
    ]
    began = time.process_time()
    assert parse_json(escaped) is None
    assert pictures.srcset("a" * 20_000 + " foo") == []
    assert len(pictures.srcset("a," * 10_000 + " foo")) < 20
    assert len(join_pictures(many, [])) == 5_000
    assert time.process_time() - began < 5


def test_an_address_keeps_its_bytes_and_the_home_page_is_nobodys_address() -> None:
    told = "http://x.kr/list?brand=%B3%AA%C0%CC%C5%B0"
    assert links.canonical(told) == told, "EUC-KR"
    assert (
        links.canonical("http://x.kr/list?brand=나이키")
        == "http://x.kr/list?brand=%EB%82%98%EC%9D%B4%ED%82%A4"
    )
    page = page_of("http://x.kr/p/1", '<link rel="canonical" href="http://x.kr/">')
    assert links.canonical_link(page) is None
