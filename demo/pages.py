"""Home, lists of brands, listings and small pages, as HTML."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence

from demo.gallery import card_picture
from demo.layout import Crumbs, Frame, breadcrumb, home
from demo.listings import SORTS, Listing, View
from demo.offers import Offer
from demo.words import SHOP_NAME, say


def card(offer: Offer, is_lazy: bool = False) -> str:
    """One product in a grid."""
    return (
        f'<li class="card"><a href="{offer.path}">{card_picture(offer, is_lazy)}'
        f'<span class="card-brand">{html.escape(offer.brand_text)}</span>'
        f'<span class="card-name">{html.escape(offer.product.name)}</span>'
        f"{_card_color(offer)}"
        f'<span class="card-price">{price(offer)}</span></a></li>'
    )


def _card_color(offer: Offer) -> str:
    color = offer.product.color
    return f'<span class="card-color">{html.escape(color)}</span>' if color else ""


def price(offer: Offer) -> str:
    """The price as this page's language writes it."""
    if offer.language == "ko":
        return f"{offer.price_krw:,}원"
    return f"₩{offer.price_krw:,}"


def grid(offers: Iterable[Offer], name: str = "grid", lazy_from: int = 8) -> str:
    """Products side by side; from the ``lazy_from``-th on their pictures are loaded late."""
    cards = "\n".join(card(offer, place >= lazy_from) for place, offer in enumerate(offers))
    return f'<ul class="{name}">\n{cards}\n</ul>'


def home_page(
    frame: Frame, language: str, brands: Sequence[Listing], offers: Sequence[Offer], origin: str
) -> bytes:
    """The front page: brands and what is new."""
    shop = SHOP_NAME[language]
    lead = (
        "좋은 신발은 좋은 하루로 데려다 줍니다."
        if language == "ko"
        else "Good shoes take you to good places."
    )
    body = f"""<section class="hero"><h1>{shop}</h1><p>{lead}</p></section>
<section><h2>{say("brands", language)}</h2>{_chips(brands)}</section>
<section><h2>{say("new", language)}</h2>
{grid(offers) if offers else _nothing(language)}</section>"""
    head = (
        f'<link rel="canonical" href="{origin}{home(language)}">\n'
        f'<meta property="og:type" content="website">\n'
        f'<meta property="og:site_name" content="{shop}">\n'
    )
    return frame.page(say("home", language), body, language, head)


def brands_page(frame: Frame, language: str, brands: Sequence[Listing]) -> bytes:
    """All brands."""
    title = say("brands", language)
    crumbs = ((say("home", language), home(language)), (title, ""))
    body = f"{breadcrumb(crumbs)}<h1>{title}</h1>{_chips(brands) if brands else _nothing(language)}"
    return frame.page(title, body, language)


def listing_page(frame: Frame, view: View, origin: str) -> bytes:
    """One page of a listing with its filters and the links to the pages beside it."""
    listing, language = view.listing, view.listing.language
    crumbs: Crumbs = ((say("home", language), home(language)), (listing.title, listing.path))
    canonical = listing.address() if view.sort or view.color else listing.address(view.page)
    head = f'<link rel="canonical" href="{origin}{html.escape(canonical)}">\n'
    for relation, page in (("prev", view.page - 1), ("next", view.page + 1)):
        if 1 <= page <= view.pages:
            head += f'<link rel="{relation}" href="{origin}{_at(view, page)}">\n'
    if not (view.sort or view.color) and view.offers:
        head += _item_list(view, origin)
    body = f"""{breadcrumb(crumbs)}
<h1>{html.escape(listing.title)}</h1>
<p class="count">{view.total} {say("items", language)}</p>
{_facets(view)}
{grid(view.offers) if view.offers else _nothing(language)}
{_pager(view)}"""
    return frame.page(listing.title, body, language, head)


def small_page(frame: Frame, title: str, text: str, head: str = "") -> bytes:
    """A heading and a paragraph; ``text`` is HTML."""
    return frame.page(title, f"<h1>{html.escape(title)}</h1><p>{text}</p>", "en", head)


def search_page(frame: Frame, asked: str, offers: Sequence[Offer]) -> bytes:
    """What a search found, at most one page."""
    body = f"<h1>{html.escape(asked)}</h1>{grid(offers) if offers else _nothing('en')}"
    return frame.page(say("search", "en"), body, "en", NO_INDEX)


NO_INDEX = '<meta name="robots" content="noindex">\n'


def _nothing(language: str) -> str:
    return f"<p>{say('none', language)}</p>"


def _chips(brands: Sequence[Listing]) -> str:
    links = "".join(
        f'<li><a href="{b.path}">{html.escape(b.title)} <small>{len(b.offers)}</small></a></li>'
        for b in brands
    )
    return f'<ul class="chips">{links}</ul>'


def _at(view: View, page: int) -> str:
    return html.escape(view.listing.address(page, sort=view.sort, color=view.color))


def _facets(view: View) -> str:
    listing, language = view.listing, view.listing.language

    def link(label: str, is_current: bool, **facets: str) -> str:
        current = ' aria-current="true"' if is_current else ""
        path = html.escape(listing.address(1, **facets))
        return f'<a href="{path}"{current}>{html.escape(label)}</a>'

    sorts = " ".join(
        link(say(f"sort_{name}", language), view.sort == name, sort=name, color=view.color)
        for name in SORTS
    )
    colors = " ".join(
        link(name, view.color == key, color=key, sort=view.sort)
        for key, name in listing.colors.items()
    )
    if colors:
        every = link(say("all", language), not view.color, sort=view.sort)
        colors = f"<p><span>{say('color', language)}</span> {every} {colors}</p>"
    return f'<nav class="facets"><p><span>{say("sort", language)}</span> {sorts}</p>{colors}</nav>'


def _pager(view: View) -> str:
    if view.pages == 1:
        return ""
    language = view.listing.language
    entries = []
    if view.page > 1:
        label = say("previous", language)
        entries.append(f'<a rel="prev" href="{_at(view, view.page - 1)}">{label}</a>')
    for page in range(1, view.pages + 1):
        near = abs(page - view.page) <= 2 or page in (1, view.pages)
        if page == view.page:
            entries.append(f'<span aria-current="page">{page}</span>')
        elif near:
            entries.append(f'<a href="{_at(view, page)}">{page}</a>')
        elif abs(page - view.page) == 3:
            entries.append("<span>…</span>")
    if view.page < view.pages:
        label = say("next", language)
        entries.append(f'<a rel="next" href="{_at(view, view.page + 1)}">{label}</a>')
    return f'<nav class="pager">{"".join(entries)}</nav>'


def _item_list(view: View, origin: str) -> str:
    items = [
        {"@type": "ListItem", "position": place, "url": origin + offer.path}
        for place, offer in enumerate(view.offers, start=1)
    ]
    value = {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items}
    return f'<script type="application/ld+json">{json.dumps(value)}</script>\n'
