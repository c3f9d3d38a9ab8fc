"""The walk: what sitemap, listings and software's own lists know is joined; colours behind a parameter."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import encoded
from PIL import Image
from test_crawler_shoes import SmallShop, crawl, items, opened, prepared

from crawler import frontier, links, store
from crawler.originals import PROBES, Originals
from crawler.sniff import sniff
from crawler.traps import Traps


class Unstable(SmallShop):
    """A listing that shows other products each time; the rest is in the sitemap or /products.json.

    Product 6 comes in three colours behind ?color=, of which one has no pictures of its own.
    """

    lists: str | None = "json"

    def __init__(self) -> None:
        super().__init__()
        self.sitemap = ["/p/2", "/p/3"]

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        if path.startswith("/products.json"):
            if self.lists is None:
                return 200, b"<html>no such page", {"Content-Type": "text/html"}
            handles = [["4", "5"], ["6", "0"]][int(path[-1]) - 1 :][:1] or [[]]
            told = {"products": [{"id": h, "handle": h} for h in handles[0]]}
            return 200, json.dumps(told).encode(), {"Content-Type": "application/json"}
        return super().answer(path)

    def page(self, path: str) -> str | None:
        if path == "/":
            shown = [0, 1] if self.asked["/"] % 2 else [1, 0]
            cards = "".join(f'<a href="/p/{n}"><img src="/media/{n}-0.png"></a>' for n in shown)
            return f'<html><link href="//cdn.shopify.com/x.css"><body><h1>All</h1>{cards}</body></html>'
        path, _, query = path.replace("/products/", "/p/").partition("?")
        found = super().page(path)
        if path == "/p/6" and found:
            view = {"color=moss": "7", "color=same": "6"}.get(query, "6")
            swatches = "".join(
                f'<a href="/p/6?color={c}&amp;utm_source=x" title="{c.title()} Green"></a>'
                for c in ("moss", "same")
            )
            head = '<link rel="canonical" href="/p/6">'
            found = found.replace("/media/6-", f"/media/{view}-").replace("<head>", "<head>" + head)
            found = found.replace("<button>", swatches + "<button>")
        return found


def _named(place: Path) -> dict[str, Any]:
    return {item["url"].rsplit("/", 1)[-1]: item for item in items(place)}


def test_a_shop_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier, "MOST_WAITING", 3)
    queue = frontier.Frontier()
    assert queue.add_all([(f"/p/{n}", 1, 1, "") for n in range(5)]) == [True] * 3 + [False] * 2
    assert queue.is_full and len(queue) == 3
    assert queue.pop() is not None and queue.add("/p/4", 1, 1), "it was not forgotten"


def test_sources_are_joined_and_colours_found(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(Unstable()) as shop:
        code, output = crawl(place, "-a", f"url={shop.url}")
        assert code == 0, output
        found = _named(place)
        assert sorted(found) == ["0", "1", "2", "3", "4", "5", "6", "6?color=moss"]
        assert shop.asked["/products.json?limit=250&page=1"] == 1
        assert shop.asked["/products.json?limit=250&page=3"] == 1, "until a page is empty"
        assert "colourway without pictures of its own" in output
        moss, plain = found["6?color=moss"], found["6"]
        assert moss["color"] == "Moss Green" and plain["color"] is None
        assert moss["group"] == plain["group"] == "Model 6" and moss["name"] == "Model 6"
        assert {i["sha256"] for i in moss["images"]}.isdisjoint(
            i["sha256"] for i in plain["images"]
        )

        # again: the feed stays as it is, though the listing is another one and the list is gone
        shop.lists = None
        shop.sitemap = [f"/p/{n}" for n in range(7)]
        before = {url: item["color"] for url, item in found.items()}
        code, output = crawl(place, "-a", f"url={shop.url}")
        assert code == 0, output
        again = _named(place)
        assert {url: item["color"] for url, item in again.items() if item["color"]} == {
            "6?color=moss": before["6?color=moss"]
        }


@pytest.mark.parametrize(
    "href, address",
    [
        ("?color=red", "http://x.kr/p/1?color=red"),
        ("/p/1?size=42&colour=red&sid=9", "http://x.kr/p/1?colour=red"),
        ("/p/1?dwvar_1_color=RED&dwvar_1_size=42", "http://x.kr/p/1?dwvar_1_color=RED&dwvar_1_size=42"),
        ("/p/2?color=red", None),
        ("/p/1?size=42", None),
    ],
)  # fmt: skip
def test_links_to_other_colours(href: str, address: str | None) -> None:
    page = links.page_of("http://x.kr/p/1", f'<a href="{href}">Red</a>')
    assert links.color_links(page) == ({address: "Red"} if address else {})


def test_a_shape_that_gives_nothing_new_is_a_trap() -> None:
    traps = Traps()
    for day in range(40):
        traps.saw(f"http://x.kr/calendar/2024/{day}/", False)
    assert traps.is_trap("http://x.kr/calendar/2025/1/")
    assert not traps.is_trap("http://x.kr/p/1")


@pytest.mark.parametrize(
    "told, address",
    [
        ('data-load-more-url="/c?page=2"', "http://x.kr/c?page=2"),
        ('data-next-page="?pagina=3"', "http://x.kr/c?pagina=3"),
        ('data-load-more-url="/c?color=2"', None),
        ('data-image="/i/a?page=2"', None),
    ],
)
def test_the_next_part_of_a_listing_in_an_attribute(told: str, address: str | None) -> None:
    page = links.page_of("http://x.kr/c", f"<body><button {told}>More</button>")
    assert list(links.of_page(page)) == ([(address, links.LISTING)] if address else [])


def test_a_shop_may_count_its_pages_from_zero() -> None:
    assert links.canonical("/c?q=%3Arelevance&page=1", "http://x.kr/") != links.canonical(
        "/c?q=%3Arelevance", "http://x.kr/"
    )


class Resized(SmallShop):
    """Pages name only small pictures; the originals are there."""

    def __init__(self) -> None:
        super().__init__()
        small = {path.replace(".png", "_90x.png"): body for path, body in self.pictures.items()}
        self.pictures = small | {path: body + b"\0" for path, body in self.pictures.items()}

    def page(self, path: str) -> str | None:
        found = super().page(path)
        return found.replace(".png", "_90x.png") if found else None


def test_originals_behind_sizes_are_fetched(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(Resized()) as shop:
        code, output = crawl(place, "-a", f"url={shop.url}", "-a", "limit=5")
        assert code == 0, output
        images = [image for item in items(place) for image in item["images"]]
        assert len(images) == 15 and all(image["status"] == "stored" for image in images)
        assert not [path for path in shop.asked if "_90x" in path and path.startswith("/media/")]


class SmallDefault(SmallShop):
    """An image server that answers an address without a size with a small picture."""

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        bare, _, query = path.partition("?")
        status, body, headers = super().answer(bare if query.startswith("wid=") else path)
        if path in self.pictures:
            with Image.open(io.BytesIO(body)) as picture:
                body = encoded(picture.resize((160, 160)))
        return status, body, headers

    def page(self, path: str) -> str | None:
        found = super().page(path)
        return found.replace('.png"', '.png?wid=400"') if found else None


def test_a_small_default_is_no_original(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(SmallDefault()) as shop:
        code, output = crawl(place, "-a", f"url={shop.url}", "-a", "limit=5")
        assert code == 0, output
        images = [image for item in items(place) for image in item["images"]]
        assert len(images) == 15 and all(image["url"].endswith("?wid=400") for image in images)
        bare = [path for path in shop.asked if path.startswith("/media/") and "?" not in path]
        assert len(bare) == PROBES


class ColoredTiles(SmallShop):
    """Tiles link to a product and to the colour that its page opens in."""

    def page(self, path: str) -> str | None:
        found = super().page(path.partition("?dwvar_")[0])
        tiles = "".join(f'<a href="/p/{n}?dwvar_{n}_color=BLK"><img></a>' for n in range(7))
        return found.replace("<h1>All</h1>", tiles) if found else None


def test_a_page_and_its_first_colour_are_one_item(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(ColoredTiles()) as shop:
        code, output = crawl(place, "-a", f"url={shop.url}")
        assert code == 0, output
        names = [item["name"] for item in items(place)]
        assert len(names) == len(set(names)) and len(names) >= 7


@pytest.mark.parametrize("is_there, guesses", [(False, 3), (True, 20)])
def test_three_probes_tell_of_a_host(is_there: bool, guesses: int) -> None:
    async def picture(originals: Originals, number: int) -> bool:
        guess = await originals.guess([f"https://x.kr/{number}_90x.png"])
        await asyncio.sleep(0.001 * (number % 3))
        if guess is not None:
            originals.learn(guess, is_there)
        return guess is not None

    async def all_at_once() -> list[bool]:
        originals = Originals()
        return await asyncio.gather(*(picture(originals, number) for number in range(20)))

    assert sum(asyncio.run(asyncio.wait_for(all_at_once(), 10))) == guesses


def test_two_addresses_of_one_shop_are_both_walked(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(SmallShop()) as shop:
        shop.hidden = {"/", "/list?page=2"}  # nothing links to a product
        code, output = crawl(place, "-a", f"url={shop.url}p/1,{shop.url}p/6,{shop.url}p/1")
        assert code == 0, output
        assert [item["name"] for item in items(place)] == ["Model 1", "Model 6"]


class Described(SmallShop):
    """Galleries of two, and descriptions with one more photo, a notice on every page and a strip of text."""

    def __init__(self) -> None:
        super().__init__()
        self.views = 2
        wide, high = (Image.new("RGB", size, "teal") for size in ((900, 890), (600, 2400)))
        more = {f"/editor/{n}x9.png": wide for n in range(8)} | {"/editor/77.png": wide}
        for path, picture in (more | {f"/editor/{n}y9.png": high for n in range(8)}).items():
            self.pictures[path] = encoded(picture) + path.encode()

    def page(self, path: str) -> str | None:
        found = super().page(path)
        if found is None or not path.startswith("/p/") or path == "/p/bag":
            return found
        shown = "".join(f'<img src="/editor/{name}.png">' for name in (f"{path[3:]}x9", "77", f"{path[3:]}y9"))  # fmt: skip
        return found.replace("</main>", f'</main><div id="prdDetail">{shown}</div>')


def test_a_description_gives_photos_but_no_strips_and_no_notices(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    with opened(Described()) as shop:
        code, output = crawl(place, "-a", f"url={shop.url}")
        assert code == 0, output
    found = items(place)
    taken = [[i["url"].rpartition("/")[2] for i in item["images"] if i["sha256"]] for item in found]
    assert len(found) == 8
    assert all(names[2] == f"{n}x9.png" for n, names in enumerate(taken))
    assert sum("77.png" in names for names in taken) <= 1, "what a second product shows is a notice"
    strips = [i for item in found for i in item["images"] if i["url"].endswith("y9.png")]
    assert [(i["status"], i["reason"]) for i in strips] == [
        ("rejected", "no photo (by its shape)")
    ] * 8
    assert not list((place / "data/crawl/images").rglob("*.tmp"))


def test_a_loose_picture_must_have_the_shape_of_a_photo(tmp_path: Path) -> None:
    strip = encoded(Image.new("RGB", (400, 1600)))
    assert store.keep(tmp_path, strip, is_loose=True)["reason"] == "no photo (by its shape)"
    assert not list(tmp_path.rglob("*.png"))
    assert store.keep(tmp_path, strip)["status"] == "stored"


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 60}, {"save_all": True}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_size_of_a_webp_is_in_its_header(options: dict[str, Any], mode: str) -> None:
    frames = [Image.new(mode, (333, 1077), color) for color in ("red", "blue")]
    several = {"append_images": frames[1:]} if "save_all" in options else {}
    out = io.BytesIO()
    frames[0].save(out, "WEBP", **options, **several)
    found = sniff(out.getvalue())
    assert (found.width_px, found.height_px, found.reason) == (333, 1077, None)
    assert sniff(out.getvalue()[:-9]).reason == "truncated"
