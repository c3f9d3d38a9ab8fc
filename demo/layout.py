"""The frame round every page: head, header with search, footer with payment signs."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from demo.words import SHOP_NAME, say

Crumbs = Sequence[tuple[str, str]]  # (name, path)


@dataclass(frozen=True)
class Frame:
    """The parts that all pages share: the header's links per language, the footer's further ones."""

    links: Mapping[str, Crumbs]
    footer_links: Crumbs = ()

    def page(
        self, title: str, body: str, language: str = "en", head: str = "", main: str = ""
    ) -> bytes:
        """A whole document; ``main`` is attributes of the main element."""
        shop = SHOP_NAME[language]
        links, more = _links(self.links[language]), _links(self.footer_links)
        return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} | {shop}</title>
{head}<link rel="stylesheet" href="/assets/style.css">
<link rel="icon" href="/assets/icon.png" type="image/png">
<script src="/assets/shop.js" defer></script>
</head>
<body>
{_header(language, links)}
<main{main}>
{body}
</main>
{_footer(language, more)}
</body>
</html>
""".encode("utf-8", "replace")


def _links(links: Crumbs) -> str:
    return " ".join(
        f'<a href="{html.escape(path)}">{html.escape(name)}</a>' for name, path in links
    )


def home(language: str) -> str:
    """The path of the home page in ``language``."""
    return "/kr/" if language == "ko" else "/"


def breadcrumb(crumbs: Crumbs) -> str:
    """The trail to this page; the last entry is the page itself."""
    entries = [
        f'<li><a href="{html.escape(path)}">{html.escape(name)}</a></li>'
        for name, path in crumbs[:-1]
    ]
    entries.append(f'<li aria-current="page">{html.escape(crumbs[-1][0])}</li>')
    return f'<nav class="breadcrumb" aria-label="breadcrumb"><ol>{"".join(entries)}</ol></nav>'


def _header(language: str, links: str) -> str:
    start, shop = home(language), SHOP_NAME[language]
    other, other_name = ("en", "English") if language == "ko" else ("ko", "한국어")
    search = say("search", language)
    return f"""<header class="top">
<a class="logo" href="{start}"><img src="/assets/logo.png" alt="{shop}" width="36" height="36"><span>{shop}</span></a>
<nav>{links}</nav>
<form action="/search" role="search"><input type="search" name="q" aria-label="{search}" placeholder="{search}"></form>
<nav class="mine"><a href="{home(other)}" hreflang="{other}">{other_name}</a>
<a href="/private/account" rel="nofollow">{say("account", language)}</a>
<a href="/private/bag" rel="nofollow">{say("bag", language)}</a></nav>
</header>"""


def _footer(language: str, more: str) -> str:
    signs = "".join(
        f'<img src="/assets/pay-{name}.png" alt="{name}" width="48" height="30" loading="lazy">'
        for name in ("card", "bank", "mobile")
    )
    return f"""<footer>
<p class="pay"><span>{say("pay", language)}</span> {signs}</p>
<p><a href="{home(language)}">{SHOP_NAME[language]}</a> <a href="/sitemap.xml">Sitemap</a>
<a href="/private/orders">{say("account", language)}</a> {more}</p>
</footer>"""
