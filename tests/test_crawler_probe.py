"""`solemap probe`: a page, live or saved, shown reader by reader; the test case it writes is right."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image
from test_crawler_shoes import ROOT, SmallShop, opened

from catalogue.errors import CatalogueError
from crawler import shop_lists
from crawler.links import page_of
from crawler.peek import Peek
from crawler.probe import expected, probe, probe_page
from crawler.site_list import KEYS
from crawler.sites import all_rules, rules_of
from solemap.__main__ import cli

SITES = Path(__file__).parent / "fixtures" / "sites"


def test_a_saved_page_is_shown_and_saved_as_a_case(tmp_path: Path) -> None:
    case = SITES / "shopify"
    told = json.loads((case / "expected.json").read_text())
    arguments = [str(case / "page.html"), "--url", told["url"], "--save", str(tmp_path / "new")]
    answer = CliRunner().invoke(cli, ["probe", *arguments])
    assert answer.exit_code == 0, answer.output
    assert answer.output.index("shopify\n") < answer.output.index("html\n")
    assert "item 2 of 2 (name by shopify)" in answer.output and "color: Navy" in answer.output
    saved = json.loads((tmp_path / "new" / "expected.json").read_text())
    assert [item["pictures"] for item in saved["items"]] == [i["pictures"] for i in told["items"]]
    assert (tmp_path / "new" / "page.html").read_text() == (case / "page.html").read_text()


def test_a_live_page_with_its_contact_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    with opened(SmallShop()) as shop:
        shop.pictures["/media/1-1.png"] = b"no picture"
        del shop.pictures["/media/1-2.png"]
        answer = CliRunner().invoke(probe, [f"{shop.url}p/1", "--sheet", str(sheet)])
        assert answer.exit_code == 0, answer.output
        assert "name: Model 1" in answer.output and "3 pictures, 1 not had" in answer.output
        assert sum(shop.asked.values()) == 1 + 1 + 3, "robots.txt, the page, its pictures"
        with Image.open(sheet) as picture:
            assert picture.size == (1000, 200)
        bag = CliRunner().invoke(probe, [f"{shop.url}p/bag"])
        assert "the spider would take nothing: not a shoe (name)" in bag.output
        with pytest.raises(CatalogueError, match=r"robots\.txt"):
            Peek(shop.url).page(f"{shop.url}private/x")
        with pytest.raises(CatalogueError, match="404"):
            Peek(shop.url).page(f"{shop.url}gone")


def test_a_probe_does_not_look_inside_for_a_public_page() -> None:
    peek = Peek("https://shop.kr/p/1")
    assert peek.picture("http://127.0.0.1:1/a.png") is None
    assert peek.picture("http://localhost:1/a.png") is None
    assert set(peek.reasons.values()) == {"private address"}


def test_a_bad_file_is_one_line(tmp_path: Path) -> None:
    answer = CliRunner().invoke(probe, [str(tmp_path / "none.html")])
    assert isinstance(answer.exception, CatalogueError) and "--url" in str(answer.exception)


def test_rules_hold_for_a_domain_and_below_it() -> None:
    assert rules_of("www.rules.example.com") is all_rules()["rules.example.com"]
    assert rules_of("notrules.example.com") is None


def test_the_rule_in_the_docs_works(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "crawl-your-own-shop.md").read_text("utf-8")
    module: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], module)
    rules = module["RULES"]
    monkeypatch.setattr("crawler.sites.all_rules", lambda: {rules.domain: rules})
    shown = '<div id="gallery"><a href="/full/1.jpg"><img src="/1.jpg"></a></div><img src="/2.jpg">'
    page = f"<main>{shown}<h1>Walker <b>SALE</b></h1><p>$70</p><button>Add to cart</button></main>"
    (item,) = expected(probe_page(page_of("https://www.shop.example/p/1", page)))["items"]
    told = {"name": "Walker", "brand_text": "Example", "source": "rules"}
    assert item == told | {"pictures": ["https://www.shop.example/full/1.jpg"]}


def test_the_docs_name_the_keys_of_a_site() -> None:
    text = (ROOT / "docs" / "crawl-your-own-shop.md").read_text("utf-8")
    assert [key for key in KEYS if f"| `{key}` |" not in text] == []


def test_rule_files_are_small() -> None:
    for path in (ROOT / "crawler" / "sites").glob("[!_]*.py"):
        assert len(path.read_text().splitlines()) < 30, path


def test_lists_for_machines() -> None:
    shopify = json.dumps({"products": [{"handle": "a"}, {"handle": "b"}, {"id": 1}]}).encode()
    url = "https://x.kr/products.json?limit=250&page=1"
    assert shop_lists.read(shopify, url) == (
        ["https://x.kr/products/a", "https://x.kr/products/b"],
        "https://x.kr/products.json?limit=250&page=2",
    )
    assert shop_lists.read(b'{"products": []}', url) == ([], None)
    assert shop_lists.read(b"<html>switched off", url) is None
    last = "https://x.kr/products.json?limit=250&page=100"
    assert shop_lists.read(shopify, last) == (["https://x.kr/products/a", "https://x.kr/products/b"], None)  # fmt: skip
    woo = "https://x.kr/wp-json/wc/store/v1/products?per_page=100&page=1"
    told = shop_lists.read(b'[{"permalink": "https://x.kr/product/a/"}]', woo)
    assert told == (["https://x.kr/product/a/"], f"{woo[:-1]}2")
    assert shop_lists.read(shopify, "https://x.kr/other.json") is None
