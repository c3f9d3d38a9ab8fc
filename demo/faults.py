"""A shop on a bad day (``--faults``): what goes wrong follows from the address and the attempt.

A fault that passes is over after one or two tries, so a crawler that retries loses nothing. Two
kinds of picture stay broken for good; `is_lost` names them.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import replace

from demo.answer import HTML, Answer, redirect
from demo.chance import number

# In thousandths of all addresses of a kind. What passes:
PAGE_FAULTS = (("busy", 80), ("error", 60), ("slow", 30))
PICTURE_FAULTS = (
    ("busy", 40), ("error", 30), ("slow", 10), ("cut", 30), ("mislabelled", 30), ("page", 10),
    ("half", 10),
)  # fmt: skip
# ... and what stays: `page` is HTML that calls itself a JPEG, `half` the first half of the bytes.
LASTING = ("page", "half")
REMEMBERED = 200_000
_PAGE = re.compile(r"(?:/kr)?/products/.+")
_LINK = re.compile(r'href="((?:/kr)?/products/[^"?#]+)"')
_CALENDAR = re.compile(r"/calendar/(\d{4})/(\d{1,2})")


class Faults:
    """Spoils answers; remembers how often each address was asked."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def spoil(self, address: str, path: str, answer: Answer, is_head: bool) -> Answer:
        """``answer`` as it leaves the shop; ``address`` is path and query without session id."""
        fault = fault_of(address, path)
        if fault is None or is_head or answer.status != 200:
            return answer
        attempt = self._attempt(address)
        if fault == "busy" and attempt == 1:
            return Answer(429, b"Too many requests\n", "text/plain", {"Retry-After": "1"})
        if fault == "error" and attempt <= 2:
            return Answer(500, b"Internal error\n", "text/plain")
        if fault == "slow" and attempt == 1:
            return replace(answer, delay_s=1.0 + number(address, "delay", 1000) / 1000)
        if fault == "cut" and attempt == 1:
            return replace(answer, sent_bytes=len(answer.body) // 2)
        if fault == "mislabelled":
            wrong = "image/png" if answer.content_type == "image/jpeg" else "image/jpeg"
            return replace(answer, content_type=wrong)
        if fault == "page":
            return Answer(200, b"<!doctype html><title>Login</title><p>Session over.", "image/jpeg")
        if fault == "half":
            kept = answer.body[: len(answer.body) // 2]
            return Answer(200, kept, answer.content_type)
        return answer

    def _attempt(self, address: str) -> int:
        with self._lock:
            count = self._tries[address] = self._tries.pop(address, 0) + 1
            if len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)
        return count


def fault_of(address: str, path: str) -> str | None:
    """What is wrong with an address, None for most.

    Only originals are broken for good or mislabelled: the smaller sizes are made by the shop.
    """
    shares: tuple[tuple[str, int], ...]
    if _PAGE.fullmatch(path):
        shares = PAGE_FAULTS
    elif path.startswith("/media/"):
        shares = PICTURE_FAULTS
    else:
        return None
    left = number(address, "fault", 1000)
    for name, share in shares:
        left -= share
        if left < 0:
            is_sized = "?" in address or re.search(r"_\d+\.", address)
            return None if is_sized and name in (*LASTING, "mislabelled") else name
    return None


def is_lost(address: str) -> bool:
    """Whether the picture at ``address`` (path and query) never arrives whole."""
    return fault_of(address, address.partition("?")[0]) in LASTING


def trap(path: str) -> Answer | None:
    """Loops and mazes: redirects that never end, and a calendar that does not either."""
    if path == "/go/round":
        return redirect("/go/about")
    if path == "/go/about":
        return redirect("/go/round")
    deeper = re.fullmatch(r"/go/deeper/(\d{1,9})", path)
    if deeper:
        return redirect(f"/go/deeper/{int(deeper[1]) + 1}")
    return None


def calendar(path: str) -> str | None:
    """The HTML of a month that links to the months before and after it; None for other paths."""
    found = _CALENDAR.fullmatch(path)
    if not found or not 1 <= int(found[2]) <= 12 or not 1 < int(found[1]) < 9998:
        return None
    month = int(found[1]) * 12 + int(found[2]) - 1
    links = " ".join(
        f'<a href="/calendar/{then // 12:04}/{then % 12 + 1:02}">{then // 12:04}-{then % 12 + 1:02}</a>'
        for then in (month - 1, month + 1, month + 12)
    )
    return f"Open every day. {links}"


FOOTER_LINKS = (
    ("Calendar", "/calendar/2026/11"),
    ("News", "/go/round"),
    ("Blog", "/go/deeper/1"),
    ("Last season", "/products/last-season-10000001"),
)


def with_sessions(address: str, answer: Answer) -> Answer:
    """A listing whose product links carry a session id, and one of them leads nowhere."""
    if answer.status != 200 or answer.content_type != HTML or number(address, "session", 3):
        return answer
    session = f"{number(address, 'sid', 16**12):012x}"
    text = _LINK.sub(rf'href="\1?sid={session}"', answer.body.decode())
    gone = f'<p><a href="/products/sold-out-{10_000_000 + number(address, "gone", 9)}">Sale</a></p>'
    return replace(answer, body=text.replace("</main>", f"{gone}</main>").encode())
