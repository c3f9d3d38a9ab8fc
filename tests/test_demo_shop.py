"""The shop over HTTP: everything is reachable, nothing leaks, faults pass, markup parses."""

from __future__ import annotations

import csv
import gzip
import html
import http.client
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import extruct
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from demo import faults
from demo.__main__ import demo_shop, serve
from demo.answer import Answer
from demo.media import address
from demo.offers import GALLERIES, GROUP_MARKUPS, MARKUPS, Offer
from demo.server import ShopServer
from demo.shop import Shop
from demo.stock import cleaned, read_stock
from tests.conftest import draw_shoe

VIEWS = ("side", "front_angle", "outsole")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 products of 3 brands, some in groups, one bag, one cap; 3 pictures each from 9 files."""
    folder = tmp_path_factory.mktemp("catalogue")
    for n in range(9):
        picture = draw_shoe(
            (20 * n, 90, 120), pose=n % 3, shape=n // 3, size=700 if n == 4 else 200
        )
        picture.save(folder / f"{n}.{('png', 'jpg', 'webp')[n % 3]}")
    rows = [("image", "brand", "product", "sku", "color", "group", "category", "view")]
    for n in range(120):
        brand = ("Nike", "Acme & Co", "루나")[n % 3]
        group = f"model {n // 6}" if n < 24 else ""
        color = ("Red", "Blue")[n // 3 % 2]
        name = f'Fox {n // 6} "{color}"' if group else f"Shoe <{n}>"
        category = {100: "bag", 101: "cap", 102: "boots"}.get(n, "")
        for k, view in enumerate(VIEWS):
            m = (n + k) % 9
            image = f"{m}.{('png', 'jpg', 'webp')[m % 3]}"
            rows.append((image, brand, name, f"S{n}", color, group, category, view))
    with (folder / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture(scope="module")
def server(catalogue: Path) -> Iterator[ShopServer]:
    with serve(catalogue) as running:
        yield running


def fetch(
    server: ShopServer, target: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request with the target exactly as given, which urllib would tidy up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, headers=named)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def page(server: ShopServer, path: str) -> str:
    status, _, body = fetch(server, path)
    assert status == 200, path
    return body.decode()


def paths(server: ShopServer) -> set[str]:
    return {offer.path for offer in server.shop.assortment.offers}


def of_markup(server: ShopServer, markup: str) -> Offer:
    return next(o for o in server.shop.assortment.offers if o.markup == markup)


def test_every_kind_of_page_is_there(server: ShopServer) -> None:
    offers = server.shop.assortment.offers
    assert {o.markup for o in offers} == (
        {name for name, _ in (*MARKUPS, *GROUP_MARKUPS)} - {"separate"}
    )
    assert {o.gallery for o in offers} == {name for name, _ in GALLERIES}
    assert {o.language for o in offers if o.brand == "nike"} == {"en", "ko"}
    assert {o.brand_text for o in offers if o.brand == "nike"} == {"Nike", "나이키"}


def test_the_sitemap_names_every_product_with_its_originals(server: ShopServer) -> None:
    index = page(server, "/sitemap.xml")
    parts = re.findall("<loc>(.*?)</loc>", index)
    assert len(parts) == 2
    assert "Sitemap: " + server.url + "sitemap.xml" in page(server, "/robots.txt")
    found: dict[str, int] = {}
    for part in parts:
        _, headers, body = fetch(server, urlsplit(part).path)
        assert "Content-Encoding" not in headers
        tree = etree.fromstring(gzip.decompress(body))
        for url in tree.iter("{*}url"):
            location = url.find("{*}loc")
            found[urlsplit(location.text).path] = len(list(url.iter("{*}image")))
    assert {path: found[path] for path in paths(server)} == dict.fromkeys(paths(server), 3)
    assert any(group.path in found for group in server.shop.assortment.groups)


def test_listings_reach_every_product_by_rel_next(server: ShopServer) -> None:
    styles = set()
    for start in ("/category/shoes/", "/category/accessories/", "/brands/nike/"):
        seen: set[str] = set()
        path: str | None = start
        while path is not None:
            text = page(server, path)
            seen |= set(re.findall(r'class="card"><a href="([^"]+)"', text))
            following = re.search(r'<link rel="next" href="([^"]+)"', text)
            parts = urlsplit(html.unescape(following[1])) if following else None
            path = (parts.path + (f"?{parts.query}" if parts.query else "")) if parts else None
            if path:
                styles.add("?" in path)
        wanted = server.shop.listings[start].offers
        assert seen == {offer.path for offer in wanted}
    everything = {o.path for listing in server.shop.listings.values() for o in listing.offers}
    assert everything == paths(server)
    assert {one.paging for one in server.shop.listings.values()} == {"query", "path"}
    assert styles


def test_facets_are_canonical_to_the_listing(server: ShopServer) -> None:
    text = page(server, "/category/shoes/?sort=name&color=red")
    assert f'rel="canonical" href="{server.url}category/shoes/"' in text
    assert fetch(server, "/category/shoes/?page=999")[0] == 404
    assert fetch(server, "/category/shoes")[1]["Location"] == "/category/shoes/"


def test_originals_are_the_bytes_on_disk_and_sizes_are_smaller(server: ShopServer) -> None:
    for offer in server.shop.assortment.offers[:9]:
        for picture in offer.product.pictures:
            _, headers, body = fetch(server, address(picture, None, offer.addressing))
            assert body == picture.file.read_bytes()
            assert headers["Content-Type"].removeprefix("image/") in ("png", "jpeg", "webp")
            status, headers, body = fetch(server, address(picture, 100, offer.addressing))
            assert (status, headers["Content-Type"]) == (200, "image/jpeg")
            with tempfile.TemporaryFile() as file:
                file.write(body)
                assert max(Image.open(file).size) <= 100


def test_unchanged_answers_are_304(server: ShopServer) -> None:
    offer = server.shop.assortment.offers[0]
    original = address(offer.product.pictures[0], None, offer.addressing)
    for target in (original, offer.path, "/sitemap.xml", "/category/shoes/"):
        _, headers, _ = fetch(server, target)
        status, again, body = fetch(server, target, If_None_Match=headers["ETag"])
        assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
        assert fetch(server, target, If_Modified_Since=headers["Last-Modified"])[0] == 304
        assert fetch(server, target, If_None_Match='"other"')[0] == 200
        assert fetch(server, target, If_Modified_Since="nonsense")[0] == 200


def test_head_is_get_without_the_body(server: ShopServer) -> None:
    for target in ("/", server.shop.assortment.offers[0].path, "/nothing"):
        status, headers, _ = fetch(server, target)
        again, others, body = fetch(server, target, method="HEAD")
        assert (again, body, others["Content-Length"]) == (status, b"", headers["Content-Length"])


@pytest.mark.parametrize(
    "target",
    [
        "/../catalogue.csv",
        "/catalogue.csv",
        "/media/../0.png",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/assets/../shop.py",
        "/assets/shop.py",
        "/assets/..%2f..%2fpyproject.toml",
        "/media/0000000000000000_original.jpg",
        "//etc/passwd",
        "/products/x-1",
        "/products/%00-12345678",
        "/kr/%ff%fe",
        "/brands/" + "x" * 3000,
        "/calendar/2026/11",
    ],
)
def test_what_is_not_for_sale_is_404(server: ShopServer, target: str) -> None:
    status, _, body = fetch(server, target)
    assert status == 404
    assert b"does not exist" in body


def test_any_picture_size_may_not_be_asked_for(server: ShopServer) -> None:
    offer = next(o for o in server.shop.assortment.offers if o.addressing == "query")
    path = address(offer.product.pictures[0], None, "query")
    assert fetch(server, f"{path}?w=300")[0] == 200
    assert fetch(server, f"{path}?w=301")[0] == 404


def test_the_private_area_is_linked_forbidden_and_recorded(server: ShopServer) -> None:
    text = page(server, server.shop.assortment.offers[0].path)
    assert "Disallow: /private/" in page(server, "/robots.txt")
    path = next(iter(re.findall(r'href="(/private/[^"]+)"', text)))
    page(server, path)
    assert (path, 200) in server.requests


def test_an_old_name_leads_to_the_address_of_today(server: ShopServer) -> None:
    offer = server.shop.assortment.offers[0]
    status, headers, _ = fetch(server, f"/products/old-{offer.path.rsplit('-', 1)[-1]}")
    assert (status, headers["Location"]) == (301, offer.path)


def blocks(text: str) -> list[Any]:
    """The JSON-LD blocks of a page, mended as a lenient reader would; None for the hopeless."""
    return [lenient(raw) for raw in raw_blocks(text)]


def raw_blocks(text: str) -> list[str]:
    return re.findall(r'<script type="application/ld\+json">\n(.*?)\n</script>', text, re.S)


def lenient(raw: str) -> Any:
    for attempt in (raw, html.unescape(raw), re.sub(r",(\n *[}\]])", r"\1", raw)):
        try:
            return json.loads(attempt)
        except json.JSONDecodeError:
            continue
    return None


def is_json(raw: str) -> bool:
    try:
        json.loads(raw)
    except json.JSONDecodeError:
        return False
    return True


def product_in(text: str) -> dict[str, Any]:
    wanted = ("Product", "ProductGroup")
    entries = [e for block in blocks(text) if block for e in block.get("@graph", [block])]
    return next(entry for entry in entries if entry["@type"] in wanted)


@pytest.mark.parametrize("markup", [name for name, _ in MARKUPS if name.startswith("json_ld")])
def test_json_ld_names_product_brand_and_pictures(server: ShopServer, markup: str) -> None:
    offer = of_markup(server, markup)
    text = page(server, offer.path)
    found = product_in(text)
    assert found["name"] == offer.product.name
    assert found["brand"]["name"] == offer.brand_text
    assert len(found["image"]) == (1 if markup == "json_ld_broken" else 3)
    faulty = [raw for raw in raw_blocks(text) if not is_json(raw)]
    assert bool(faulty) == (markup in ("json_ld_broken", "json_ld_commas", "json_ld_escaped"))
    if markup == "json_ld_sizes":
        assert len({v["sku"] for v in found["hasVariant"]}) == 5


def test_groups_tell_colourways_apart(server: ShopServer) -> None:
    for markup in ("group_page", "group_pages"):
        offer = of_markup(server, markup)
        group = server.shop.assortment.group_of(offer)
        assert group is not None
        own = product_in(page(server, offer.path))
        if markup == "group_pages":
            urls = [variant["url"] for variant in own["hasVariant"]]
            assert sorted(urls) == sorted(server.shop.origin + o.path for o in group.offers)
            assert own["hasVariant"][0]["name"] == offer.product.name
            continue
        assert own["isVariantOf"]["productGroupID"] == group.key
        whole = product_in(page(server, group.path))
        assert whole["name"] == group.name
        for variant, one in zip(whole["hasVariant"], group.offers, strict=True):
            assert variant["color"] == one.product.color
            assert len(variant["image"]) == 3


def test_microdata_and_open_graph_are_whole(server: ShopServer) -> None:
    offer = of_markup(server, "microdata")
    (item,) = extruct.extract(page(server, offer.path), syntaxes=["microdata"])["microdata"]
    assert item["properties"]["name"] == offer.product.name
    assert item["properties"]["brand"]["properties"]["name"] == offer.brand_text
    assert len(item["properties"]["image"]) == 3
    offer = of_markup(server, "opengraph")
    (graph,) = extruct.extract(page(server, offer.path), syntaxes=["opengraph"])["opengraph"]
    told = graph["properties"]
    assert ("og:title", offer.product.name) in told
    assert ("product:brand", offer.brand_text) in told
    assert len([1 for name, _ in told if name == "og:image"]) == 3


def test_plain_pages_hold_no_structured_data(server: ShopServer) -> None:
    for offer in [o for o in server.shop.assortment.offers if o.markup == "html"]:
        text = page(server, offer.path)
        assert not any(sign in text for sign in ("ld+json", "itemprop", "og:"))
        tree = etree.HTML(text)
        assert tree.findtext(".//h1") == offer.product.name
        assert offer.brand_text in "".join(tree.find(".//*[@class='facts']").itertext())


def test_every_page_names_its_originals_in_order_and_says_the_view(server: ShopServer) -> None:
    for offer in server.shop.assortment.offers:
        whole = page(server, offer.path)
        text = html.unescape(whole.partition('class="gallery"')[2].partition("</div>")[0])
        originals = [address(p, None, offer.addressing) for p in offer.product.pictures]
        named = re.findall("|".join(rf"{re.escape(one)}(?![?\w])" for one in originals), text)
        assert list(dict.fromkeys(named)) == originals
        view = "측면" if offer.language == "ko" else "– front angle view"
        assert view in text
        assert f'<html lang="{offer.language}">' in whole


def test_faults_pass_on_retry(catalogue: Path) -> None:
    statuses: set[int] = set()
    with serve(catalogue, faults=True) as server:
        targets: list[tuple[str, bytes | None]]
        targets = [(offer.path, None) for offer in server.shop.assortment.offers]
        for offer in server.shop.assortment.offers:
            for picture in offer.product.pictures:
                for form in ("suffix", "query"):
                    targets.append((address(picture, None, form), picture.file.read_bytes()))
        for target, content in dict.fromkeys(targets):
            if faults.fault_of(target, target.partition("?")[0]) == "slow":
                continue
            for _ in range(4):
                try:
                    status, headers, body = fetch(server, target)
                except http.client.IncompleteRead:
                    continue
                statuses.add(status)
                assert status != 429 or headers["Retry-After"] == "1"
                if status == 200:
                    break
            assert status == 200
            if content is not None:
                assert (body == content) != faults.is_lost(target)
    assert {429, 500} <= statuses


def test_each_fault_does_what_it_says() -> None:
    def address_with(fault: str, form: str) -> str:
        addresses = (form.format(n) for n in range(100_000))
        return next(a for a in addresses if faults.fault_of(a, a) == fault)

    shop = faults.Faults()
    good = Answer(200, b"0123456789", "image/png")
    media = "/media/{:016x}_original.png"
    seen = {
        fault: [shop.spoil(where, where, good, False) for _ in range(3)]
        for fault, _ in faults.PICTURE_FAULTS
        for where in [address_with(fault, media)]
    }
    assert [a.status for a in seen["busy"]] == [429, 200, 200]
    assert [a.status for a in seen["error"]] == [500, 500, 200]
    assert [a.sent_bytes for a in seen["cut"]] == [5, None, None]
    assert [a.delay_s >= 1 for a in seen["slow"]] == [True, False, False]
    assert {a.content_type for a in seen["mislabelled"]} == {"image/jpeg"}
    assert all(a.body.startswith(b"<!doctype") for a in seen["page"])
    assert all(a.body == b"01234" for a in seen["half"])


def test_traps_of_a_bad_day(catalogue: Path) -> None:
    with serve(catalogue, faults=True) as server:
        assert fetch(server, "/go/round")[1]["Location"] == "/go/about"
        assert fetch(server, "/go/about")[1]["Location"] == "/go/round"
        assert fetch(server, "/go/deeper/7")[1]["Location"] == "/go/deeper/8"
        assert 'href="/calendar/2026/12"' in page(server, "/calendar/2026/11")
        assert 'href="/calendar/2027/01"' in page(server, "/calendar/2026/12")
        assert fetch(server, "/products/last-season-10000001")[0] == 404
        listed = "".join(page(server, path) for path in server.shop.listings)
        with_session = re.findall(r'href="(/products/[^"]+\?sid=\w+)"', listed)
        assert with_session
        gone = re.findall(r'href="(/products/sold-out-[^"]+)"', listed)
        assert fetch(server, gone[0])[0] == 404


def test_a_taken_port_is_one_clear_line(server: ShopServer, tiny_catalogue: Path) -> None:
    options = ["--catalogue", str(tiny_catalogue), "--port", str(server.port)]
    result = CliRunner().invoke(demo_shop, options)
    assert result.exit_code == 1
    assert f"port {server.port} of 127.0.0.1 is taken" in result.output
    assert "--port 0" in result.output


def test_a_folder_without_a_catalogue_is_one_clear_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo_shop, ["--catalogue", str(tmp_path)])
    assert result.exit_code == 1
    assert "catalogue.csv: no such file" in result.output


def test_the_command_prints_its_address_and_ends_with_its_input(tiny_catalogue: Path) -> None:
    command = [sys.executable, "-m", "demo", "--catalogue", str(tiny_catalogue), "--port", "0"]
    with subprocess.Popen(
        [*command, "--exit-on-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", line)
        rest, errors = process.communicate(input="", timeout=20)
    assert (process.returncode, rest) == (0, "")
    assert "4 products, 12 pictures" in errors


def test_an_empty_shop_opens(tmp_path: Path) -> None:
    (tmp_path / "catalogue.csv").write_text("image,brand,product\n")
    with serve(tmp_path) as server:
        for path in ("/", "/kr/", "/brands/", "/sitemap.xml", "/robots.txt"):
            page(server, path)


NAMES = st.one_of(
    st.text(min_size=1, max_size=40),
    st.sampled_from(
        ["a/b/../c", "...", "👟" * 150, "나이키 에어/포스 1", "</script><b>", '"&quot;"']
    ),
    st.text(alphabet="/.?#%&<>\"'", min_size=1, max_size=20),
).filter(lambda name: bool(cleaned(name)))


@settings(max_examples=40, deadline=None)
@given(brand=NAMES, name=NAMES, color=NAMES)
def test_strange_names_just_work(brand: str, name: str, color: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "1.jpg").write_bytes(b"no picture at all")
        with (Path(folder) / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
            rows = [("image", "brand", "product", "color"), ("1.jpg", brand, name, color)]
            csv.writer(file).writerows(rows)
        shop = Shop(read_stock(Path(folder)))
        shop.origin = "http://127.0.0.1:1"
        (offer,) = shop.assortment.offers
        assert offer.path.isascii()
        assert not re.search(r"[\s\"<>?#]", offer.path)
        answer = shop.answer(offer.path)
        assert answer.status == 200
        tree = etree.HTML(answer.body.decode())
        assert tree.findtext(".//h1") == cleaned(name)
        if offer.markup.startswith("json_ld"):
            assert product_in(answer.body.decode())["name"] == cleaned(name)
        for listing in shop.listings.values():
            assert shop.answer(listing.path).status == 200
            assert unquote(listing.path) == listing.path
        etree.fromstring(gzip.decompress(shop.answer("/sitemaps/products.xml.gz").body))


def test_a_javascript_shop_is_empty_until_its_script_asks_for_a_page(catalogue: Path) -> None:
    with serve(catalogue, javascript=True) as server:
        offer = server.shop.assortment.offers[0]
        for path in ("/", "/brands/", offer.path):
            text = page(server, path)
            assert "enable JavaScript" in text and '<div id="root"></div>' in text
            assert "Product" not in text and "products/" not in text
        status, headers, body = fetch(server, f"/api/page?path={quote(offer.path)}")
        assert (status, headers["Content-Type"]) == (200, "application/json")
        told = json.loads(body)
        with serve(catalogue) as plain:
            shown = page(plain, offer.path).replace(plain.url, server.url)
        assert told["head"] in shown and told["body"] in shown
        assert html.escape(told["title"]) in shown
        assert fetch(server, "/api/page?path=/nowhere")[0] == 404
        assert fetch(server, "/robots.txt")[0] == 200
