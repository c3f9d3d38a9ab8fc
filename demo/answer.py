"""One answer of the shop, before it becomes bytes on the wire."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; the last two fields are how a faulty shop sends it."""

    status: int
    body: bytes
    content_type: str = HTML
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    sent_bytes: int | None = None  # cut the body here, while Content-Length still promises all

    @property
    def etag(self) -> str:
        """The answer's ETag: as its headers say, else by its body."""
        return self.headers.get("ETag") or f'"{hashlib.sha256(self.body).hexdigest()[:24]}"'


def redirect(path: str, status: int = 302) -> Answer:
    """Send the visitor to ``path``."""
    return Answer(status, b"", headers={"Location": path})
