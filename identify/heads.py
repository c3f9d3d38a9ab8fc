"""Connections whose request does not come: uvicorn waits for a head forever, this protocol does not.

A client that sends a byte of a head now and then would hold a connection, and a file descriptor, for
good. Bodies have their own limit, in `identify.http`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0  # from the first byte, or from the connection, to the end of a request's head
_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TimelyProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a limit on the time that a connection may be without a request."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Let the time run while no request is being answered; more bytes do not start it anew."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._refuse)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self) -> None:
        self._late = None
        is_answered = self.cycle is not None and not self.cycle.response_complete
        if not (is_answered or self.transport.is_closing()):
            self.transport.write(_LATE)
            self.transport.close()
