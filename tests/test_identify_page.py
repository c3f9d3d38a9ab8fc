"""The page in a real browser: every way in, both languages, a phone, the keyboard, axe."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import draw_shoe, encoded
from PIL import Image
from scrapy.settings import Settings

from crawler import browser

MISSING = browser.why_missing(Settings())
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
uvicorn = pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")

SHOE = encoded(draw_shoe((200, 40, 40)))
ANSWER = "#answer:not([hidden])"
AXE = os.environ.get("AXE_CORE", "")  # axe.min.js of `npm pack axe-core`


@pytest.fixture(scope="module")
def home(trained: Path) -> Iterator[str]:
    """The address of a running service."""
    from identify.app import make_app
    from identify.desk import Desk, RateLimit
    from identify.live import LiveModels

    desk = Desk(LiveModels(trained / "models"), 1, 8, 4 * 1024**2)
    app = make_app(desk, RateLimit(0), 4 * 1024**2)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=browser.find_program(""),
            chromium_sandbox=os.getuid() != 0,
            args=["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
        )
        yield found
        found.close()


@pytest.fixture
def opened(chromium: Any, home: str) -> Iterator[Any]:
    """Opens the page with the given settings; any fault of a script or of the policy fails the test."""
    contexts, faults = [], []

    def open_page(path: str = "", **settings: Any) -> Any:
        context = chromium.new_context(reduced_motion="reduce", **{"locale": "en-GB", **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: told.type == "error" and "status of 4" not in told.text and faults.append(told.text))  # fmt: skip
        page.on("request", lambda asked: asked.url.startswith((home, "blob:", "data:")) or faults.append(asked.url))  # fmt: skip
        page.goto(home + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, faults


def file_of(content: bytes, name: str = "shoe.png", kind: str = "image/png") -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": content}


def until(page: Any, claim: str) -> None:
    """Wait for ``claim``; Playwright's own way would eval in the page, which its policy forbids."""
    deadline = time.monotonic() + 20
    while not page.evaluate(claim):
        assert time.monotonic() < deadline, claim
        time.sleep(0.05)


def hand_over(page: Any, event: str, content: bytes, kind: str = "image/png") -> None:
    """Drop or paste a file, as the browser would."""
    page.evaluate(
        """([event, data, kind]) => {
          const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
          const items = new DataTransfer();
          items.items.add(new File([bytes], "shoe", { type: kind }));
          const options = { bubbles: true, cancelable: true, dataTransfer: items, clipboardData: items };
          const made = event === "paste" ? new ClipboardEvent(event, options) : new DragEvent(event, options);
          document.getElementById("drop").dispatchEvent(made);
        }""",
        [event, base64.b64encode(content).decode(), kind],
    )


def test_an_uploaded_photo_is_named_with_its_box_and_similar_shoes(opened: Any) -> None:
    page = opened()
    page.set_input_files("#file", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    assert "러너" in page.inner_text("#verdict") and page.inner_text("#by") == "by Acme"
    assert "of 100 cases" in page.inner_text("#plainly")
    page.wait_for_selector("#box:not([hidden])")
    box, photo = page.locator("#box").bounding_box(), page.locator("#shown").bounding_box()
    assert photo["x"] < box["x"] and box["x"] + box["width"] < photo["x"] + photo["width"]
    assert page.locator("#grid li").count() == 3
    link = page.locator("#grid a").first
    assert link.get_attribute("href").startswith("https://shop.example/p/")
    assert link.get_attribute("rel") == "noopener noreferrer"
    page.locator("#grid .search").first.scroll_into_view_if_needed()
    until(page, "document.querySelector('#grid img').naturalWidth === 500")
    assert page.evaluate("document.activeElement.id") == "verdict"


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_is_dropped_or_pasted(opened: Any, event: str) -> None:
    page = opened()
    hand_over(page, event, SHOE)
    page.wait_for_selector(ANSWER)
    assert page.inner_text("#by") == "by Acme"


def test_a_photo_is_taken(opened: Any) -> None:
    page = opened(permissions=["camera"])
    page.click("#shoot")
    until(page, "document.getElementById('video').videoWidth > 0")
    page.click("#snap")
    page.wait_for_selector(ANSWER)
    assert page.evaluate("document.getElementById('video').srcObject.active") is False


def test_an_address_is_looked_up_but_not_a_private_one(opened: Any, home: str) -> None:
    page = opened()
    page.fill("#url", f"{home}page/icon.svg")
    page.press("#url", "Enter")
    page.wait_for_selector("#fault:not([hidden])")
    assert "No picture could be had from this address" in page.inner_text("#fault")
    assert "not on the public internet" in page.inner_text("#fault small")


def test_bad_and_huge_files_are_told_in_words(opened: Any) -> None:
    page = opened()
    page.set_input_files("#file", file_of(b"no picture", "notes.txt", "text/plain"))
    page.wait_for_selector("#fault:not([hidden])")
    assert "could not be read as a photo" in page.inner_text("#fault")
    page.set_input_files("#file", file_of(bytes(5 * 1024**2)))
    until(page, "document.getElementById('fault').textContent.includes('at most 4 MB')")
    assert page.locator("#answer").is_hidden()
    page.set_input_files("#file", file_of(SHOE))  # and it goes on
    page.wait_for_selector(ANSWER)
    assert page.locator("#fault").is_hidden()


def test_unknown_shoes_and_no_shoes_are_said_to_be(opened: Any) -> None:
    page = opened()
    page.route("**/api/identify*", lambda route: route.fulfill(json={
        **route.fetch().json(), "verdict": "unknown", "brand": None, "product": None,
        "product_name": None, "confidence": 0.12,
    }))  # fmt: skip  # the tiny nets here know no doubt
    page.set_input_files("#file", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    assert page.inner_text("#verdict") == "A shoe I don’t know"
    assert "12 chances in 100" in page.inner_text("#plainly")
    assert page.locator("#candidates li").count() == 4 and page.locator("#grid li").count() == 3
    assert page.locator("#shape-grid li").count() == 2 and page.locator("#shape").is_visible()
    assert page.locator("#meter").is_hidden()
    page.unroute("**/api/identify*")
    page.set_input_files("#file", file_of(encoded(Image.new("RGB", (200, 200), "white"))))
    until(page, "document.getElementById('verdict').textContent === 'No shoe to be seen'")
    assert page.locator("#alike").is_hidden() and page.locator("#others").is_hidden()
    assert page.locator("#shape").is_hidden()


def test_a_similar_shoe_is_searched_from(opened: Any) -> None:
    page = opened()
    page.set_input_files("#file", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    name = page.locator("#grid .name").first.inner_text()
    page.locator("#grid .search").first.click()
    until(page, "document.getElementById('caption').textContent !== ''")
    assert page.inner_text("#caption") == f"Picture of {name}"


def test_what_is_no_longer_asked_is_not_shown(opened: Any) -> None:
    page = opened()
    page.set_input_files("#file", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    held: list[Any] = []
    page.route("**/pictures/**", lambda route: held.append(route))
    page.locator("#grid .search").first.click()
    until(page, "document.body.classList.contains('busy')")
    page.click("#again")
    assert not page.evaluate("document.body.classList.contains('busy')")
    for route in held:
        route.continue_()
    page.wait_for_load_state("networkidle")
    time.sleep(0.5)
    assert not page.is_visible("#answer") and not page.is_visible("#fault")


def test_korean_and_english(opened: Any) -> None:
    page = opened(locale="ko-KR")
    assert page.inner_text("h1") == "이 신발은 무엇일까요?"
    assert page.get_attribute("html", "lang") == "ko"
    page.set_input_files("#file", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    assert page.inner_text("#by") == "브랜드 Acme" and "비슷한 신발" in page.inner_text("#alike")
    page.click("[data-language=en]")
    assert page.inner_text("#by") == "by Acme" and page.inner_text("#alike h2") == "Shoes like it"
    page.reload()
    assert page.inner_text("h1") == "Which shoe is this?"  # the choice is remembered
    shown = page.evaluate("Object.keys(WORDS.en).sort().join() === Object.keys(WORDS.ko).sort().join()")  # fmt: skip
    assert shown and page.evaluate("Object.keys(WORDS.en.faults).sort().join() === Object.keys(WORDS.ko.faults).sort().join()")  # fmt: skip


def test_it_fits_a_phone(opened: Any) -> None:
    page = opened(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page.set_input_files("#camera", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate(
        "[...document.querySelectorAll('button, a, input')].filter(e => e.checkVisibility())"
        ".map(e => e.getBoundingClientRect()).filter(r => r.height > 0 && r.height < 20).length"
    )
    assert small == 0


def test_the_keyboard_alone_is_enough(opened: Any) -> None:
    page = opened()
    choosers: list[Any] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.dataset.language"))  # fmt: skip
    assert reached[0] == "skip" and {"choose", "shoot", "url"} <= set(reached)
    page.focus("#choose")
    page.keyboard.press("Enter")
    deadline = time.monotonic() + 20
    while not choosers:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    choosers[0].set_files(file_of(SHOE))
    page.wait_for_selector(ANSWER)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "search":
            break
    page.keyboard.press("Enter")
    until(page, "document.getElementById('caption').textContent !== ''")
    assert "Answer: " in page.inner_text("#status")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_problem(opened: Any, scheme: str) -> None:
    if not Path(AXE).is_file():
        pytest.skip("no axe-core: npm pack axe-core, unpack it, and set AXE_CORE to axe.min.js")
    page = opened(color_scheme=scheme, bypass_csp=True)
    page.set_input_files("#file", file_of(b"no picture"))
    page.wait_for_selector("#fault:not([hidden])")
    _check_axe(page)
    page.set_input_files("#file", file_of(SHOE))
    page.wait_for_selector(ANSWER)
    _check_axe(page)
    docs = opened("docs", color_scheme=scheme, bypass_csp=True)
    _check_axe(docs)


def _check_axe(page: Any) -> None:
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run().then(({violations}) => violations)")
    told = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical", "moderate")]  # fmt: skip
    assert not told, told
