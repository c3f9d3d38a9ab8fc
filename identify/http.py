"""What every answer over HTTP has in common: headers, problems (RFC 9457), and bodies within limits."""

from __future__ import annotations

import asyncio
import ipaddress
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_S = 60  # for a whole body to arrive
DRAINED_BYTES = (
    256 * 1024 * 1024
)  # read and dropped of a body that is too large, so that its client
# gets to read the refusal instead of a broken connection
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Problem(Exception):
    """A refusal; ``code`` is for programs, ``detail`` says to people what to do."""

    def __init__(self, status: int, code: str, detail: str, retry_after_s: int | None = None):
        self.status, self.code, self.detail, self.retry_after_s = (
            status,
            code,
            detail,
            retry_after_s,
        )
        super().__init__(detail)

    def response(self) -> JSONResponse:
        """The problem as JSON."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        return JSONResponse(
            {
                "type": "about:blank",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
            },
            self.status,
            headers,
            media_type="application/problem+json",
        )


class SecurityHeaders:
    """Adds `HEADERS` to every answer; answers are not stored unless they say how long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class Body:
    """A request's body within limits of size and time; `request` is to be read instead of its own."""

    def __init__(self, request: Request, max_bytes: int) -> None:
        self._receive, self._max_bytes = request.receive, max_bytes
        self._deadline = asyncio.get_running_loop().time() + BODY_S
        self._size = 0
        self.request = Request(request.scope, self._next)

    async def check_told(self) -> None:
        """Refuse by the told length, before anything is kept.

        Raises:
            Problem: too large, or too slow.
        """
        told = self.request.headers.get("Content-Length", "")
        if told.isdigit() and int(told) > self._max_bytes:
            await self._refuse()

    async def _next(self) -> Message:
        message = await self._within()
        self._size += len(message.get("body", b""))
        if self._size > self._max_bytes:
            await self._refuse(message)
        return message

    async def _within(self) -> Message:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError as error:
            raise Problem(
                408, "too_slow", f"the photo did not arrive within {BODY_S} s; try again"
            ) from error

    async def _refuse(self, message: Message | None = None) -> None:
        """Drop what still comes, then say why.

        Raises:
            Problem: always.
        """
        dropped = 0
        while message is None or message.get("more_body", False):
            message = await self._within()
            dropped += len(message.get("body", b""))
            if dropped > DRAINED_BYTES or message["type"] == "http.disconnect":
                break
        mb = self._max_bytes // 1024**2
        most = f"{mb} MB" if mb else f"{self._max_bytes // 1024} KB"
        raise Problem(
            413,
            "too_large",
            f"over {most} in one request; send smaller photos, or fewer at once",
        )


def client_of(request: Request) -> str:
    """Who asks: an address, of IPv6 its /64, which one customer has; empty for this machine and where nobody is told."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # what a proxy made of it
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None and not address.is_loopback:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped or address
    return "" if address.is_loopback else str(address)


def problem_schema() -> dict[str, Any]:
    """The JSON schema of a problem."""
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": text,
            "detail": text,
        },
    }
