"""How a site behaves towards us: does it refuse, and are its pages endless."""

from __future__ import annotations

import re

from scrapy.http import Response

from crawler.journal import digest
from crawler.traps import Traps

_REFUSALS = (401, 403, 407, 451)
_CHALLENGE = re.compile(
    rb"<title>[^<]{0,60}(?:captcha|just a moment|attention required|access denied|are you a robot|are you human|"
    rb"robot check|security check|pardon our interruption)"
)
_CHALLENGE_SIGNS = (b"cf-chl-", b"/cdn-cgi/challenge-platform")
_PATIENCE = 3  # refusals in a row, with nothing read before, until a shop counts as refusing
_LATER_PATIENCE = 20  # ... after pages were read


def is_challenge(response: Response) -> bool:
    """Whether a page asks whether we are human."""
    if response.status not in (200, 403, 429, 503):
        return False
    text = response.body[:20_000].lower()
    is_told = any(sign in text for sign in _CHALLENGE_SIGNS) or _CHALLENGE.search(text) is not None
    return is_told and b"ld+json" not in response.body


class Manners:
    """What one site answered so far."""

    def __init__(self) -> None:
        self.traps = Traps()
        self.is_cut = False  # the page budget ended the walk
        self._refusals = 0
        self._read = 0
        self._products: set[bytes] = set()
        self._shown: set[bytes] = set()

    def answered(self, response: Response, is_extra: bool) -> str | None:
        """Count an answer; why the shop is to be left alone, once it clearly refuses."""
        is_asked = is_challenge(response)
        if response.status in _REFUSALS or is_asked:
            self._refusals += not is_extra
            is_home = not self._read and is_asked and not is_extra
            if is_home or self._refusals >= (_LATER_PATIENCE if self._read else _PATIENCE):
                return "captcha" if is_asked else f"http {response.status}"
        elif response.status == 200 and not is_extra:
            self._refusals = 0
            self._read += 1
        return None

    def saw(self, url: str, is_product: bool, parent: str, shown: list[str]) -> None:
        """Note a page: useful if it is a product or shows known products in a new selection."""
        if is_product:
            self._products.add(digest(url))
            self.traps.credit(parent)
        known = sorted(key for key in map(digest, dict.fromkeys(shown)) if key in self._products)
        selection = digest(b"".join(known).hex())
        is_new = bool(known) and selection not in self._shown
        if is_new and len(self._shown) < 200_000:
            self._shown.add(selection)
        self.traps.saw(url, is_product or is_new)
