"""Untrusted addresses: only http(s), only public ones when the web asks, within size and time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from conftest import draw_shoe, encoded

from catalogue.address import is_public
from identify.fetch import Limits, Unfetched, fetch_photo
from identify.photo import PhotoError

HOME = Limits(public_only=False)
Handler = Callable[[socket.socket, bytes], None]


@contextmanager
def serving(handler: Handler) -> Iterator[str]:
    """A server on loopback that hands each connection and its request's head to ``handler``."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client goes away, as it should
            handler(connection, connection.recv(65536))

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def said(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refusal(url: str, limits: Limits) -> str:
    with pytest.raises(PhotoError) as refused:
        fetch_photo(url, limits)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "number, told",
    [
        ("8.8.8.8", True), ("2606:4700::1111", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False), ("0.0.0.0", False),
        ("100.64.0.1", False), ("224.0.0.1", False), ("240.0.0.1", False), ("::1", False),
        ("fe80::1%eth0", False), ("fec0::1", False), ("fd00::1", False), ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("shop.example", False), ("", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(number: str, told: bool) -> None:
    assert is_public(number) is told


@pytest.mark.parametrize(
    "url, told",
    [
        ("file:///etc/passwd", "only addresses that begin with http"),
        ("ftp://example.org/a.jpg", "only addresses that begin with http"),
        ("/etc/passwd", "only addresses that begin with http"),
        ("http://", "only addresses that begin with http"),
        ("http://[::1", "not an address"),
        ("http://x:y@example.org/", "user name"),
        ("http://127.0.0.1/a\r\nX: y", "blanks"),
        ("http://127.0.0.1/", "not on the public internet"),
        ("http://localhost:8000/", "not on the public internet"),
        ("http://2130706433/", "not on the public internet"),
        ("http://0x7f.1/", "not on the public internet"),
        ("http://[::ffff:169.254.169.254]/latest/meta-data", "not on the public internet"),
        ("http://8.8.8.8:22/", "port 22 is not fetched"),
        (f"http://{'a' * 70}.example/", "no host is called"),
    ],
)
def test_where_the_web_may_not_lead(url: str, told: str) -> None:
    assert told in refusal(url, Limits())


def test_a_picture_is_fetched_and_its_redirect_followed() -> None:
    picture = encoded(draw_shoe())

    def handler(connection: socket.socket, head: bytes) -> None:
        if head.startswith(b"GET /old%20shoe?a=b "):
            connection.sendall(said("302 Found", Location="/new"))
        else:
            connection.sendall(said("200 OK", picture, Content_Type="image/png"))

    with serving(handler) as home:
        assert fetch_photo(f"{home}/old%20shoe?a=b", HOME) == picture


def test_a_redirect_is_read_as_browsers_do() -> None:
    picture = encoded(draw_shoe())

    def handler(connection: socket.socket, head: bytes) -> None:
        if head.startswith(b"GET /old "):
            moved = "HTTP/1.1 302 Found\r\nLocation: /사진/my shoe.png\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(moved.encode())
        elif head.startswith(b"GET /%EC%82%AC%EC%A7%84/my%20shoe.png "):
            connection.sendall(said("200 OK", picture, Content_Type="image/png"))

    with serving(handler) as home:
        assert fetch_photo(f"{home}/old", HOME) == picture


def test_a_slow_lookup_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    began = time.monotonic()
    with pytest.raises(Unfetched, match="within"):
        fetch_photo("http://slow.example/a.jpg", Limits(seconds=0.3))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "answer, told",
    [
        (said("404 Not Found"), "answers 404"),
        (said("200 OK", b"<html>", Content_Type="text/html; charset=utf-8"), "that of a page"),
        (said("302 Found", Location="file:///etc/passwd"), "only addresses that begin with http"),
        (said("302 Found", Location="http://localhost:1/"), "not on the public internet"),
        (said("302 Found", Location="/again"), "more than 3 redirects"),
        (said("200 OK", b"x" * 2000), "the most that is fetched"),
        (said("200 OK", b"x", Content_Encoding="gzip"), "comes compressed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", "ended before"),
        (b"SSH-2.0-OpenSSH\r\n", "could be fetched"),
        (b"", "could be fetched"),
    ],
)
def test_what_a_server_may_not_do(answer: bytes, told: str) -> None:
    with serving(lambda connection, head: connection.sendall(answer)) as home:
        assert told in refusal(f"{home}/a.png", Limits(public_only=False, max_bytes=1000))


@pytest.mark.parametrize("part", ["head", "body", "silence"])
def test_a_slow_drip_is_cut_off(part: str) -> None:
    def drip(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b""))
        for _ in range(200):
            time.sleep(0.05)
            if part != "silence":
                connection.sendall(b"x")

    with serving(drip) as home:
        started = time.monotonic()
        assert "within 1 s" in refusal(home, Limits(public_only=False, seconds=1))
        assert time.monotonic() - started < 4


def test_a_name_that_changes_its_mind_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """First public, then loopback: the connection goes to what was checked."""
    answers = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]
    reached: list[str] = []

    def resolve(host: str, port: int, **more: Any) -> list[Any]:
        return [(0, 0, 0, "", (number, port)) for number in answers.pop(0)]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert "Connection refused" in refusal("http://rebind.example/a.jpg", Limits())
    assert reached == ["93.184.216.34"] and len(answers) == 2
    answers[:] = [["93.184.216.34", "10.0.0.1"]]  # one inside among several
    assert "not on the public internet" in refusal("http://rebind.example/a.jpg", Limits())
    assert reached == ["93.184.216.34"]
