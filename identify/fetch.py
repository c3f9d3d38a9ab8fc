"""An address, untrusted, to the bytes found there: within limits of size, time and place.

The name is resolved once and the connection goes to one of the addresses that were checked, so DNS
that changes its mind leads nowhere else. Every redirect is checked anew. A watchdog closes the
connection when the time is over, however slowly bytes drip in.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from catalogue.address import is_public
from dataset.picture import MAX_BYTES
from identify.photo import PhotoError

PORTS = (80, 443, 8080, 8443)  # of public hosts; others serve no pictures
MOST_REDIRECTS = 3
SECONDS = 15.0  # for everything: name, redirects, bytes
_CHUNK = 64 * 1024
_HEADERS = {
    "Accept": "image/avif,image/webp,image/*;q=0.8",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "solemap (a person asked for this picture)",
}


class Unfetched(PhotoError):
    """No picture could be had from an address; the message says why."""


class Barred(Unfetched):
    """An address that is not asked at all."""


@dataclass(frozen=True)
class Limits:
    """What a fetch may cost and reach."""

    public_only: bool = True  # False: a person at their own machine typed the address
    max_bytes: int = MAX_BYTES
    seconds: float = SECONDS


def fetch_photo(url: str, limits: Limits) -> bytes:
    """The bytes at ``url``.

    Raises:
        Barred: not http(s), or an address that may not be asked.
        Unfetched: too slow, too large, a page instead of a picture, or no answer.
    """
    deadline = time.monotonic() + limits.seconds
    told = f"{url[:200]!r}"
    try:
        for _ in range(MOST_REDIRECTS + 1):
            content, moved = _one_hop(url, deadline, limits)
            if moved is None:
                return content
            if not limits.public_only and _host(url) != _host(moved):
                limits = Limits(
                    True, limits.max_bytes, limits.seconds
                )  # typed: the first host only
            url = moved
    except Unfetched as error:
        raise type(error)(f"{told}: {error}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= deadline:
            raise Unfetched(f"{told}: {_too_slow(limits)}") from error
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise Unfetched(f"{told}: no picture could be fetched ({reason[:120]})") from error
    raise Unfetched(f"{told}: more than {MOST_REDIRECTS} redirects; give the picture's own address")


def _one_hop(url: str, deadline: float, limits: Limits) -> tuple[bytes, str | None]:
    """The body at ``url``, or where it has moved to."""
    parts = _checked_parts(url)
    if time.monotonic() >= deadline:
        raise Unfetched(_too_slow(limits))
    address, port = _chosen_address(parts, deadline, limits)
    connection = _Pinned(parts, address, port, max(0.1, deadline - time.monotonic()))
    with _watched(connection, deadline, limits):
        connection.request("GET", _target(parts), headers=_HEADERS)
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("Location"):
            return b"", urljoin(url, _location(answer.headers["Location"]))
        if answer.status != 200:
            raise Unfetched(f"the address answers {answer.status}; is it public and spelled right?")
        _check_kind(answer)
        return _bounded_body(answer, limits), None


def _location(told: str) -> str:
    """Where a redirect leads, as browsers read it: raw UTF-8, and blanks for what they stand for."""
    return told.encode("latin-1", "replace").decode("utf-8", "replace").strip().replace(" ", "%20")


def _checked_parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Barred(f"not an address ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Barred("only addresses that begin with http:// or https:// are fetched")
    if parts.username is not None or any(char <= " " or char == "\x7f" for char in url):
        raise Barred("an address with a user name or blanks in it is not fetched")
    return parts


def _host(url: str) -> str | None:
    return urlsplit(url).hostname


def _chosen_address(parts: SplitResult, deadline: float, limits: Limits) -> tuple[str, int]:
    """The numeric address to connect to; all that the name has must be allowed."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    assert parts.hostname is not None
    try:
        numbers = _looked_up(parts.hostname, port, deadline)
    except queue.Empty as error:
        raise Unfetched(_too_slow(limits)) from error
    except (OSError, UnicodeError) as error:
        raise Unfetched(f"no host is called {parts.hostname[:100]!r}") from error
    if limits.public_only:
        if not all(is_public(number) for number in numbers):
            raise Barred("the address is not on the public internet, so it is not fetched")
        if port not in PORTS:
            allowed = ", ".join(map(str, PORTS))
            raise Barred(f"port {port} is not fetched; allowed are {allowed}")
    return numbers[0], port


def _looked_up(host: str, port: int, deadline: float) -> list[str]:
    """The numeric addresses of ``host``; the system's resolver has no time limit of its own that we could set.

    Raises:
        queue.Empty: the time is over.
    """
    told: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            told.put([str(entry[4][0]) for entry in found])
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            told.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    answer = told.get(timeout=max(0.1, deadline - time.monotonic()))
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Pinned(http.client.HTTPConnection):
    """A connection to a checked address that speaks to the host by its name."""

    def __init__(self, parts: SplitResult, address: str, port: int, timeout_s: float) -> None:
        assert parts.hostname is not None
        is_number = ":" in parts.hostname or parts.hostname.replace(".", "").isdigit()
        host = parts.hostname if is_number else parts.hostname.encode("idna").decode()
        super().__init__(host, port, timeout=timeout_s)
        self.default_port = 443 if parts.scheme == "https" else 80  # left out of the Host header
        self._address, self._is_secret = address, parts.scheme == "https"
        self.held: socket.socket | None = None  # also while the answer is read, unlike ``sock``

    def connect(self) -> None:
        self.sock = self.held = socket.create_connection((self._address, self.port), self.timeout)
        if self._is_secret:
            context = ssl.create_default_context()
            # the handshake comes after the assignment, so that the watchdog can end it
            self.sock = self.held = context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


@contextmanager
def _watched(connection: _Pinned, deadline: float, limits: Limits) -> Iterator[None]:
    """Close ``connection`` at the end, and its socket at the deadline whatever it is waiting for."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        if connection.held is not None:
            with suppress(OSError):  # gone already
                socket.socket.shutdown(connection.held, socket.SHUT_RDWR)

    watchdog = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if over.is_set() or isinstance(error, TimeoutError):
            raise Unfetched(_too_slow(limits)) from error
        raise
    finally:
        watchdog.cancel()
        connection.close()
    if over.is_set():
        raise Unfetched(_too_slow(limits))


def _too_slow(limits: Limits) -> str:
    return f"the address did not send the whole picture within {limits.seconds:.0f} s"


def _check_kind(answer: http.client.HTTPResponse) -> None:
    kind = answer.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        raise Unfetched(
            "the address is that of a page, not of a picture; "
            'open the picture alone ("open image in new tab") and give that address'
        )
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unfetched("the picture comes compressed although plain bytes were asked for")


def _bounded_body(answer: http.client.HTTPResponse, limits: Limits) -> bytes:
    most = limits.max_bytes
    told = answer.headers.get("Content-Length", "")
    parts, size = list[bytes](), 0
    while size <= most and not (told.isdigit() and int(told) > most):
        chunk = answer.read1(_CHUNK)
        if not chunk:
            if answer.length:  # bytes that were promised and did not come
                raise Unfetched("the connection ended before the whole picture had come")
            return b"".join(parts)
        parts.append(chunk)
        size += len(chunk)
    raise Unfetched(f"the picture is over {most // 1024**2} MB, the most that is fetched")


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    return f"{path}?{query}" if query else path
