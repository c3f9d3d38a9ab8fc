"""The answer over HTTP: the same as on the command line; refusals that say what to do; live models."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import draw_shoe, encoded
from PIL import Image

pytest.importorskip("fastapi", reason="the extra [serve] is not installed")
from fastapi.testclient import TestClient

from identify import Identifier
from identify.app import make_app
from identify.desk import Busy, Desk, RateLimit
from identify.live import LiveModels
from identify.serve import serve

SHOE = encoded(draw_shoe((200, 40, 40)))
MIB = 1024**2


def client_of(models: Path, places: int = 8, per_minute: int = 0, patience_s: float = 30) -> Any:
    desk = Desk(LiveModels(models, patience_s), 2, places, MIB)
    client = TestClient(make_app(desk, RateLimit(per_minute), MIB), raise_server_exceptions=False)
    client.desk = desk  # type: ignore[attr-defined]
    return client


@pytest.fixture(scope="module")
def client(trained: Path) -> Iterator[Any]:
    with client_of(trained / "models") as found:
        yield found


def upload(*contents: bytes) -> list[Any]:
    return [("photo", (f"shoe {n}.png", content)) for n, content in enumerate(contents)]


def problem(answer: Any, status: int, code: str) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")  # fmt: skip
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code), told
    assert "\n" not in told["detail"] and len(told["detail"]) > 20
    return str(told["detail"])


def test_a_photo_gets_the_answer_of_the_library(client: Any, trained: Path) -> None:
    told = client.post("/api/identify?top=2", files=upload(SHOE)).json()
    meant = Identifier.load(trained / "models").identify(SHOE, "shoe 0.png", 2)
    assert told == json.loads(json.dumps(asdict(meant)))
    assert told["verdict"] in ("known", "unknown") and len(told["candidates"]) == 2


def test_several_photos_get_a_list_and_a_bad_one_does_not_stop_the_others(client: Any) -> None:
    blank = encoded(Image.new("RGB", (300, 300), "white"))
    told = client.post("/api/identify", files=upload(SHOE, b"no photo", blank)).json()
    assert [one["photo"] for one in told] == ["shoe 0.png", "shoe 1.png", "shoe 2.png"]
    assert told[0]["brand"] and "no picture in a known format" in told[1]["error"]
    assert told[2]["verdict"] == "not_a_shoe" and told[2]["similar"] == []


@pytest.mark.parametrize(
    "words, status, code, told",
    [
        ({"files": upload(b"<svg/>")}, 422, "unreadable", "an SVG drawing"),
        ({"files": upload(b"")}, 422, "unreadable", "0 bytes"),
        ({"files": [("other", ("a.png", SHOE))]}, 400, "no_photo", "the field `photo`"),
        ({"data": {"photo": "text"}, "files": [("x", ("a", b""))]}, 400, "no_photo", "`photo`"),
        ({"files": upload(*[b"x"] * 17)}, 400, "http", "Maximum number of files is 16"),
        ({"files": upload(bytes(MIB + 1))}, 413, "too_large", "over 1 MB in one request"),
        ({"content": b"x"}, 415, "kind", "send multipart/form-data"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "json", "not JSON"),
        ({"json": []}, 422, "json", "https://"),
        ({"json": {"url": 7}}, 422, "json", "is http:// or https://"),
        ({"json": {"urls": []}}, 422, "json", "a list of 1 to 16"),
        ({"json": {"url": "file:///etc/passwd"}}, 422, "json", "is http:// or https://"),
        ({"json": {"url": "http://127.0.0.1:1/"}}, 403, "address", "not on the public internet"),
        ({"json": {"url": "http://[::ffff:10.0.0.1]/"}}, 403, "address", "not on the public"),
        ({"json": {"url": f"http://{'a' * 70}.example/"}}, 404, "address", "no host is called"),
        ({"json": {"urls": ["http://x.kr/" + "a" * 300_000]}}, 413, "too_large", "over 256 KB"),
        ({"content": rb'{"url": "http://127.0.0.1/\ud800"}', "headers": {"Content-Type": "application/json"}}, 403, "address", "not on the public"),
        ({"content": b"--x--", "headers": {"Content-Type": "multipart/form-data; boundary=x; charset=undefined"}}, 400, "no_photo", "photo"),
        ({"files": upload(SHOE), "params": {"top": 0}}, 422, "parameter", "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(
    client: Any, words: Any, status: int, code: str, told: str
) -> None:
    assert told in problem(client.post("/api/identify", **words), status, code)


def test_halves_of_characters_are_no_fault_of_ours(client: Any) -> None:
    kind = {"Content-Type": "application/json"}
    told = client.post(
        "/api/identify",
        content=rb'{"urls": ["http://127.0.0.1/\ud800", "http://10.0.0.1/"]}',
        headers=kind,
    )
    assert told.status_code == 200 and ["error" in one for one in told.json()] == [True, True]
    for charset, name in (("undefined", "a"), ("utf-7", "a+2AA-")):
        part = f'--x\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n\r\n'
        body = part.encode() + SHOE + b"\r\n--x--\r\n"
        kind = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
        assert client.post("/api/identify", content=body, headers=kind).status_code in (200, 400)


def test_a_body_of_unknown_length_is_counted(client: Any) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}

    def endless() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield bytes(64 * 1024)

    answer = client.post("/api/identify", content=endless(), headers=kind)
    assert "smaller photos" in problem(answer, 413, "too_large")
    problem(client.post("/api/identify", content=b"junk", headers={"Content-Type": "multipart/form-data"}), 400, "http")  # fmt: skip


def test_pictures_come_from_the_gallery_alone(client: Any, trained: Path) -> None:
    similar = client.post("/api/identify", files=upload(SHOE)).json()["similar"]
    for shoe in similar:
        picture = client.get(f"/pictures/{shoe['photo_id']}")
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content == (trained / shoe["path"]).read_bytes()
        assert shoe["urls"][0].startswith("https://shop.example/p/")
    for other in ("0" * 64, "..%2F..%2Fparams.yaml", "%2Fetc%2Fpasswd", "x" * 5000):
        problem(client.get(f"/pictures/{other}"), 404, "no_picture" if "%2F" not in other else "http")  # fmt: skip
    assert client.get("/page/..%2F..%2Fapp.py").status_code == 404


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/page/page.js", "/nowhere"])
def test_every_answer_forbids_frames_foreign_scripts_and_guessing(client: Any, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer" and "server" not in headers


def test_pages_load_nothing_from_elsewhere(client: Any) -> None:
    for path in ("/", "/docs"):
        page = client.get(path).text
        assert all(link.startswith("/") and link[1:2] != "/" for link in re.findall(r'(?:src|href)="([^"]*)"', page) if link[0] != "#")  # fmt: skip
        assert "<script>" not in page and "style=" not in page and "onclick" not in page
    docs = client.get("/docs").text
    assert "POST /api/identify" in docs and "multipart/form-data" in docs and "not_a_shoe" not in docs  # fmt: skip
    described = client.get("/openapi.json").json()["paths"]["/api/identify"]["post"]
    assert {"200", "413", "422", "429", "503"} <= described["responses"].keys()


def test_too_many_are_told_when_to_come_back(trained: Path) -> None:
    with client_of(trained / "models", places=0) as busy:
        answer = busy.post("/api/identify", files=upload(SHOE))
        problem(answer, 503, "busy")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    with client_of(trained / "models", per_minute=2) as slow:
        statuses = [slow.post("/api/identify", files=upload(SHOE)).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        answer = slow.post("/api/identify", files=upload(SHOE))
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert slow.desk.inside == 0


def test_one_client_does_not_hold_all_places(trained: Path) -> None:
    with client_of(trained / "models") as served:  # eight places
        desk: Desk = served.desk

        def asks(client: str) -> int:
            app = TestClient(served.app, client=(client, 1000))
            return app.post("/api/identify", files=upload(SHOE)).status_code

        with desk.place("2001:db8:1:2::/64"), desk.place("2001:db8:1:2::/64"):
            assert asks("2001:db8:1:2:3:4:5:6") == 503
            assert {asks(one) for one in ("2001:db8:9::1", "203.0.113.7", "127.0.0.1")} == {200}
            with pytest.raises(Busy), ExitStack() as many:
                for _ in range(7):
                    many.enter_context(desk.place())
        assert (desk.inside, asks("2001:db8:1:2:3:4:5:6")) == (0, 200)


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(serve, ["--models", str(tmp_path / "none")])
    assert result.exit_code == 1 and "no models yet" in result.stderr
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(serve, ["--models", str(tmp_path / "none")])
    assert result.exit_code == 1 and "pip install -e '.[serve]'" in result.stderr


def test_the_rate_limit_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RateLimit(6)
    assert [limit.take("a") for _ in range(7)] == [0] * 6 + [10]
    assert limit.take("b", 6) == 0 and limit.take("b", 3) == 30
    now[0] += 10
    assert limit.take("a") == 0 and limit.take("a") == 10


def test_nothing_of_a_photo_is_kept(
    client: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    noisy = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(noisy, "PNG")
    assert client.post("/api/identify", files=upload(noisy.getvalue())).status_code == 200
    assert not list(tmp_path.iterdir())
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """Models of its own, beside the same data, for tests that change them."""
    shutil.copytree(trained / "models", tmp_path / "models")
    (tmp_path / "data").symlink_to(trained / "data")
    return tmp_path / "models"


def settle(models: LiveModels) -> bool:
    """Two looks: the first sees a change, the second that it is over."""
    return models.look() or models.look()


def test_a_damaged_brand_is_left_out_and_comes_back(own: Path) -> None:
    weights = own / "brands/acme/weights.safetensors"
    sound = weights.read_bytes()
    with client_of(own, patience_s=0) as client:
        assert client.get("/healthz").json()["status"] == "ok"
        weights.write_bytes(sound[:-1000])
        assert settle(client.desk.models)
        health = client.get("/healthz").json()
        assert (health["status"], health["left_out"]) == ("degraded", ["acme"])
        assert client.post("/api/identify", files=upload(SHOE)).json()["verdict"]
        weights.write_bytes(sound)
        assert settle(client.desk.models)
        assert client.get("/healthz").json()["status"] == "ok"


def test_half_a_change_is_waited_for_and_a_foreign_gallery_refused(own: Path) -> None:
    models = LiveModels(own, patience_s=3600)
    first = models.current
    assert not settle(models)
    (own / "gallery/photos.jsonl").write_bytes((own / "gallery/photos.jsonl").read_bytes())
    assert not settle(models)  # system.json is older: `dvc repro` is not done
    (own / "system.json").write_bytes((own / "system.json").read_bytes())
    assert settle(models) and models.current is not first
    second = models.current
    shutil.copy(own / "brands/acme/weights.safetensors", own / "base/weights.safetensors")
    (own / "system.json").write_bytes((own / "system.json").read_bytes())
    assert not settle(models) and models.current is second
    assert models.fault and "base/weights.safetensors: not the file" in models.fault
    (own / "system.json").unlink()
    assert not settle(models) and models.current is second


def test_models_are_replaced_without_a_failed_request(own: Path) -> None:
    with client_of(own, patience_s=0) as client:
        statuses: list[int] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                statuses.append(client.post("/api/identify", files=upload(SHOE)).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        first = client.desk.models.current
        for path in sorted(own.rglob("*")):
            if path.is_file():
                copy = path.with_name(f".{path.name}.tmp")
                copy.write_bytes(path.read_bytes())
                copy.replace(path)
        deadline = time.monotonic() + 60
        while client.desk.models.current is first and time.monotonic() < deadline:
            time.sleep(0.1)  # the service's own watch
        time.sleep(0.5)
        over.set()
        asking.join()
        assert client.desk.models.current is not first
        assert len(statuses) > 3 and set(statuses) == {200}
