"""The shop on a socket of 127.0.0.1: bounded threads, quiet, and a record of what was asked."""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
import time
from collections import deque
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from types import TracebackType
from typing import Any

from catalogue.errors import CatalogueError
from demo.answer import Answer
from demo.shop import Shop

HOST = "127.0.0.1"
MAX_THREADS = 64
IDLE_S = 15.0
REMEMBERED = 500_000  # requests; the oldest are forgotten


class ShopServer:
    """A running shop; a context manager that closes it at the end."""

    def __init__(self, shop: Shop, port: int = 0, is_verbose: bool = False) -> None:
        """Open the shop at once, on any free port for 0.

        Raises:
            CatalogueError: the port is taken or may not be used.
        """
        self.shop = shop
        self._served: deque[tuple[str, int]] = deque(maxlen=REMEMBERED)
        handler = type("Handler", (_Handler,), {"shop": shop, "served": self._served})
        handler.is_verbose = is_verbose  # type: ignore[attr-defined]
        try:
            self._http = _Bounded((HOST, port), handler)
        except OSError as error:
            raise CatalogueError(_port_fault(port, error)) from None
        self.port = int(self._http.server_address[1])
        self.url = f"http://{HOST}:{self.port}/"
        shop.origin = self.url.rstrip("/")
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def requests(self) -> list[tuple[str, int]]:
        """What was asked, path with query, and the status of each answer, in order."""
        return list(self._served)

    def close(self) -> None:
        """Stop serving and free the port; a second call does nothing."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> ShopServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _port_fault(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        reason = "is taken by another program"
    elif error.errno == errno.EACCES:
        reason = "may only be opened by root"
    else:
        reason = f"cannot be opened ({error.strerror or error})"
    return (
        f"port {port} of {HOST} {reason}. Give another with --port, or --port 0 for any free one."
    )


class _Bounded(ThreadingHTTPServer):
    """At most MAX_THREADS connections at once; more wait in the socket's queue."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(MAX_THREADS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A visitor who hangs up in the middle is no event; anything else keeps its traceback."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    shop: Shop
    served: deque[tuple[str, int]]
    is_verbose = False
    protocol_version = "HTTP/1.1"
    server_version = "meridian"
    sys_version = ""
    timeout = IDLE_S
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def do_GET(self) -> None:
        answer = self._conditional(self.shop.answer(self.path, is_head=self.command == "HEAD"))
        self.served.append((self.path, answer.status))
        if answer.delay_s:
            time.sleep(answer.delay_s)
        self._send(answer)

    do_HEAD = do_GET

    def _conditional(self, answer: Answer) -> Answer:
        """304 where the visitor has this very answer already (RFC 9110, 13.1)."""
        if answer.status != 200:
            return answer
        asked = self.headers.get("If-None-Match")
        if asked is not None:
            tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
            is_same = "*" in tags or answer.etag in tags
        else:
            is_same = _is_unmodified(
                answer.headers.get("Last-Modified"), self.headers.get("If-Modified-Since")
            )
        if not is_same:
            return answer
        return Answer(304, b"", answer.content_type, answer.headers | {"ETag": answer.etag})

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
        if answer.status == 200:
            headers["ETag"] = answer.etag
        if answer.status == 304:
            headers = {}
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        if answer.sent_bytes is not None:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.sent_bytes])

    def log_message(self, format: str, *args: Any) -> None:
        if self.is_verbose:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"{format % args}\n")


def _is_unmodified(modified: str | None, asked: str | None) -> bool:
    if modified is None or asked is None:
        return False
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return False
