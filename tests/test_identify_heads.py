"""Slow request heads, over a real socket: cut in time, while slow answers and slow bodies are not."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="the extra [serve] is not installed")
import uvicorn

from identify import heads

LIMIT_S = 0.6


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says how long the body was; `/slow` takes longer than a head may."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * LIMIT_S)
    told = str(size).encode()
    headers = [(b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(heads, "HEAD_S", LIMIT_S)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, http=heads.TimelyProtocol, lifespan="off", log_level="error", timeout_keep_alive=30
        )
        server = uvicorn.Server(config)
        running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        running.join()


def until_closed(client: socket.socket, drip: bytes = b"") -> tuple[bytes, float]:
    """What comes until the server closes, and after how long; a byte of ``drip`` now and then."""
    started, found = time.monotonic(), b""
    client.settimeout(0.1)
    while time.monotonic() - started < 10:
        try:
            if drip:
                client.sendall(drip[:1])
                drip = drip[1:]
            part = client.recv(1000)
        except TimeoutError:
            continue
        except OSError:
            break
        if not part:
            break
        found += part
    return found, time.monotonic() - started


def answered(client: socket.socket) -> bytes:
    """One answer, whose body is one digit."""
    client.settimeout(10)
    found = b""
    while not found.partition(b"\r\n\r\n")[2]:
        found += client.recv(1000)
    return found


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_head_that_drips_is_cut(port: int, first: bytes) -> None:
    with connected(port) as client:
        client.sendall(first)
        answer, seconds = until_closed(client, b"x" * 200 if first else b"")
    assert answer.startswith(b"HTTP/1.1 408 ") and LIMIT_S * 0.8 < seconds < 5


def test_a_second_head_that_drips_is_cut_too(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answered(client).endswith(b"\r\n\r\n0")
        answer, seconds = until_closed(client, b"GET / HTTP/1.1\r\nX: " + b"y" * 200)
    assert answer.startswith(b"HTTP/1.1 408 ") and seconds < 5


def test_slow_answers_slow_bodies_and_patient_clients_are_served(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answered(client).startswith(b"HTTP/1.1 200")
        time.sleep(1.5 * LIMIT_S)  # between requests, uvicorn's own limit holds
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            time.sleep(LIMIT_S / 4)
            client.sendall(b"x")
        assert answered(client).endswith(b"\r\n\r\n8")
