"""The browser's only way out: a proxy on loopback that lets one site's pages through to public hosts.

A page's scripts, redirects and frames may name any address, and Scrapy's fence sees none of their
requests. Here each connection is checked with the addresses that its name has at that moment, and is
made to one of these and no other; so neither a redirect nor DNS leads the browser inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from catalogue.address import is_public
from crawler.fence import PORTS
from crawler.site import Site, host_of, is_local_host, port_of

_CONNECT_S, _HEAD_S = 10, 30
_CHUNK = 64 * 1024
_DROPPED = ("connection", "proxy-connection", "proxy-authorization", "keep-alive")


def why_barred(site: Site, host: str, port: int, addresses: Sequence[str]) -> str | None:
    """Why a page of ``site`` may not reach ``host``, whose name has these addresses; None where it may.

    Stricter than `crawler.fence.why_outside`: a local site's page reaches no other port of its host.
    """
    address = f"[{host}]" if ":" in host else host
    if is_local_host(host):
        is_own = site.is_local and site.owns(f"http://{address}:{port}/")
        return None if is_own else "private address"
    if all(is_public(number) for number in addresses):
        return None if port in (*PORTS, port_of(site.url)) else "odd port"
    is_typed = (host, port) == (host_of(site.url), port_of(site.url))
    return None if is_typed else "private address"


class Turnstile:
    """The proxy of one site; ``faults`` says of a ``host:port`` why it was not reached."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.faults: dict[str, str] = {}

    async def open(self) -> str:
        """Start; the proxy's address."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop, and cut every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        faults = (OSError, ValueError, EOFError, asyncio.LimitOverrunError, TimeoutError)
        try:
            with contextlib.suppress(asyncio.CancelledError, *faults):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_S)
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = first.split(" ", 2)
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        if not parts.hostname or parts.scheme not in ("", "http"):
            return
        found = await self._connected(parts.hostname, parts.port or 80)
        if found is None:
            return
        beyond, out = found
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await _both(_piped(reader, out), _piped(beyond, writer))
                return
            kept = [line for line in lines if line.partition(":")[0].lower() not in _DROPPED]
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            told = [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]
            out.write("\r\n".join(told).encode("latin-1"))
            sent = _piped(reader, out, _length(lines))
            await asyncio.gather(sent, _piped(beyond, writer))
        finally:
            out.close()

    async def _connected(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to one of the host's checked addresses; None, with its fault, where there is none."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            self.faults[f"{host}:{port}"] = "unknown host"
            return None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if barred := why_barred(self._site, host.lower(), port, addresses):
            self.faults[f"{host}:{port}"] = barred
            return None
        for address in addresses:
            with contextlib.suppress(OSError, TimeoutError):
                opened = await asyncio.wait_for(
                    asyncio.open_connection(address, port, limit=_CHUNK), _CONNECT_S
                )
                self.faults.pop(f"{host}:{port}", None)
                return opened
        self.faults[f"{host}:{port}"] = "connection refused"
        return None


def _length(lines: Sequence[str]) -> int:
    """The length of a request's body; browsers tell it always."""
    told = (line.partition(":") for line in lines)
    return next((int(value) for name, _, value in told if name.lower() == "content-length"), 0)


async def _piped(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None
) -> None:
    """Pass bytes on until there are no more, at most ``most``."""
    left = _CHUNK if most is None else most
    while left and (chunk := await reader.read(min(left, _CHUNK))):
        left -= 0 if most is None else len(chunk)
        writer.write(chunk)
        await writer.drain()


async def _both(*ways: object) -> None:
    """Run the two ways of a tunnel until one ends."""
    tasks = [asyncio.ensure_future(way) for way in ways]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
