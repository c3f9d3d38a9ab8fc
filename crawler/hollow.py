"""Hollow pages: answered, but empty until their scripts ran; what becomes of a site that sends them.

A hollow page is kept back until it is clear how the site works. Where plain pages show products, it is
one more page without a product. Where none does, the site goes to the browser and its hollow pages are
asked for again; without a browser, the run says what is missing.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict

from crawler.asking import Asked, Asking
from crawler.items import Page
from crawler.run import Run

logger = logging.getLogger(__name__)

REASON = "no product without JavaScript"
PATIENCE = 3  # hollow pages of a site, and no product yet, until it counts as needing a browser
_MOST_CHARS = 3000  # more text than header and footer have
_FEW_CHARS = 60
_ASKS = re.compile(r"java\s?script|자바\s?스크립트|スクリプト", re.IGNORECASE)
_SCRIPTS = "//script[@src or not(@type) or @type='module' or contains(@type, 'javascript')]"
_TEXT = "//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]"
_ROOT = (
    "//body//*[@id='root' or @id='app' or @id='__next' or @id='__nuxt' or @id='___gatsby' or @id='q-app' "
    "or @id='main' or @id='content' or self::app-root][not(*) and not(normalize-space())]"
)


def is_hollow(page: Page) -> bool:
    """Whether the page looks like one that a script is to fill: scripts, little text, and a sign of it."""
    select = page.selector.xpath
    if not select(_SCRIPTS):
        return False
    length = sum(len(text.strip()) for text in select(_TEXT).getall())
    if length > _MOST_CHARS:
        return False
    asks = any(_ASKS.search(text) for text in select("//noscript//text()").getall())
    return asks or bool(select(_ROOT)) or length < _FEW_CHARS


class Hollows:
    """The hollow pages of a run."""

    def __init__(self, asking: Asking, run: Run, missing: str | None) -> None:
        """``missing`` is what a browser would need; None where there is one."""
        self._asking, self._run, self._missing = asking, run, missing
        self._held: dict[str, list[Asked]] = defaultdict(list)
        self._plain: set[str] = set()  # sites whose plain pages show products
        self._unread: set[str] = set()  # sites that would need a browser and get none
        self._again: set[tuple[str, str]] = set()

    def is_again(self, asked: Asked) -> bool:
        """Whether the page is read for the second time."""
        return (asked.site.name, asked.url) in self._again

    def saw_product(self, name: str) -> None:
        """A plain page of the site showed a product: what it held back is no more than it seemed."""
        self._plain.add(name)
        for asked in self._held.pop(name, ()):
            self._asking.report.refuse(name, "no product")
            self._run.journal.add_page(name, asked.url, "no product")

    def keep_back(self, asked: Asked, page: Page) -> bool:
        """Whether a plain page without a product is hollow and was taken; if not, it is as it seems."""
        name = asked.site.name
        if name in self._plain or not is_hollow(page):
            return False
        if asked.site.is_rendered:
            self._ask_again(asked)
        elif name in self._unread:
            self._leave(asked)
        else:
            self._held[name].append(asked)
            if len(self._held[name]) >= PATIENCE:
                self._decide(name)
        return True

    def decide_all(self) -> None:
        """Nothing more comes: decide by the pages there are."""
        for name in list(self._held):
            self._decide(name)

    def _decide(self, name: str) -> None:
        held, site = self._held.pop(name), self._asking.sites[name]
        missing = "`browser` is false" if site.browser is False else self._missing
        if missing is None:
            site.is_rendered = True
            told = "pages are empty without JavaScript; they are read with a browser from here on"
            logger.info("%s: %s", name, told)
            for asked in held:
                self._ask_again(asked)
            return
        self._unread.add(name)
        self._asking.manners[name].is_cut = True  # what was not seen says nothing
        self._asking.report.note(name, f"pages hold no product without JavaScript; {missing}")
        for asked in held:
            self._leave(asked)

    def _ask_again(self, asked: Asked) -> None:
        self._again.add((asked.site.name, asked.url))
        self._asking.again(asked)

    def _leave(self, asked: Asked) -> None:
        """Count the page; it is not done, so that a run with a browser reads it."""
        self._asking.report.refuse(asked.site.name, REASON)
        self._run.miss(asked.site.name, asked.url, is_product=True)
