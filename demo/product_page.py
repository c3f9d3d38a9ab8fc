"""A product's page, and the page of a model in all its colours."""

from __future__ import annotations

import html
from collections.abc import Sequence

from demo import structured
from demo.chance import pick
from demo.gallery import card_picture, gallery
from demo.layout import Crumbs, Frame, breadcrumb, home
from demo.listings import brand_path, category_path, department
from demo.media import Media, address
from demo.offers import Group, Offer
from demo.pages import grid, price
from demo.structured import SIZES_MM, Shown
from demo.words import say

_PLAIN_BRANDS = (("table", 35), ("dl", 35), ("line", 30))


def product_page(
    frame: Frame,
    offer: Offer,
    group: Group | None,
    related: Sequence[Offer],
    media: Media,
    origin: str,
) -> bytes:
    """The page of one product; its markup and gallery are as the offer says."""
    shown, language = show(offer, origin), offer.language
    crumbs = _crumbs(offer, offer.product.name, offer.path)
    beside = group.offers if group is not None else related
    absolute = [(name, origin + path) for name, path in crumbs]
    head = f'<link rel="canonical" href="{shown.url}">\n'
    head += structured.scripts(shown, [show(o, origin) for o in beside], group, absolute)
    if offer.markup != "html":
        head += structured.open_graph(shown, is_whole=offer.markup == "opengraph")
    is_micro = offer.markup == "microdata"
    scope = ' itemscope itemtype="https://schema.org/Product"' if is_micro else ""
    body = f"""{breadcrumb(crumbs)}
<article class="product"{scope}>
{structured.microdata(shown) if is_micro else ""}<div class="media">{gallery(offer, media)}</div>
<div class="buy">
{_heading(offer)}
<p class="price">{price(offer)}</p>
{_colors(offer, group)}
{_sizes(offer)}
<p><a class="button" href="/private/bag?add={offer.path.rsplit("-", 1)[-1]}" rel="nofollow">{say("add", language)}</a>
<a class="quiet" href="/private/saved" rel="nofollow">{say("wish", language)}</a></p>
{_facts(offer)}
<p>{html.escape(structured.description(offer))}</p>
{_size_chart(offer)}
</div>
</article>
<section class="related"><h2>{say("related", language)}</h2>{grid(related, "grid related-grid", 2)}</section>"""
    return frame.page(f"{offer.product.name} – {offer.brand_text}", body, language, head)


def group_page(
    frame: Frame, group: Group, related: Sequence[Offer], media: Media, origin: str
) -> bytes:
    """The page of a model: a ProductGroup and one gallery for each colourway."""
    first, language = group.offers[0], group.offers[0].language
    crumbs = _crumbs(first, group.name, group.path)
    variants = [show(offer, origin) for offer in group.offers]
    head = f'<link rel="canonical" href="{origin}{group.path}">\n'
    head += structured.group_script(group, variants)
    sections = "".join(
        f'<section class="colorway" id="color-{place}"><h2><a href="{offer.path}">'
        f"{html.escape(offer.product.color or offer.product.name)}</a></h2>"
        f'<div class="media">{gallery(offer, media, f"color-{place}-picture")}</div></section>'
        for place, offer in enumerate(group.offers, start=1)
    )
    body = f"""{breadcrumb(crumbs)}
<h1>{html.escape(group.name)}</h1>
<p class="brand">{html.escape(first.brand_text)}</p>
<p class="price">{price(first)}</p>
{sections}
<section class="related"><h2>{say("related", language)}</h2>{grid(related, "grid related-grid", 2)}</section>"""
    return frame.page(f"{group.name} – {first.brand_text}", body, language, head)


def show(offer: Offer, origin: str) -> Shown:
    """``offer`` with absolute addresses."""
    pictures = offer.product.pictures
    originals = (origin + address(picture, None, offer.addressing) for picture in pictures)
    mediums = (origin + address(picture, 600, offer.addressing) for picture in pictures)
    return Shown(offer, origin + offer.path, tuple(originals), tuple(mediums))


def _crumbs(offer: Offer, name: str, path: str) -> Crumbs:
    language = offer.language
    category = (offer.category.title(language), category_path(offer.category, language))
    crumbs = [(say("home", language), home(language)), department(offer.category, language)]
    crumbs.append(category)
    if pick(offer.product.identity, "brand in the trail", (("yes", 50), ("no", 50))) == "yes":
        crumbs.append((offer.brand_text, brand_path(offer.brand, language)))
    return (*crumbs, (name, path))


def _heading(offer: Offer) -> str:
    name, brand = html.escape(offer.product.name), html.escape(offer.brand_text)
    link = brand_path(offer.brand, offer.language)
    if offer.markup == "microdata":
        return (
            f'<p class="brand" itemprop="brand" itemscope itemtype="https://schema.org/Brand">'
            f'<a href="{link}"><span itemprop="name">{brand}</span></a></p>'
            f'<h1 itemprop="name">{name}</h1>'
        )
    if offer.markup == "html":
        return f"<h1>{name}</h1>"
    return f'<p class="brand"><a href="{link}">{brand}</a></p><h1>{name}</h1>'


def _facts(offer: Offer) -> str:
    language = offer.language
    facts = [("brand", offer.brand_text), ("sku", offer.product.sku)]
    facts += [("color", offer.product.color), ("category", offer.category.title(language))]
    rows = [(say(label, language), html.escape(value)) for label, value in facts if value]
    form = pick(offer.product.identity, "facts", _PLAIN_BRANDS)
    if form == "table":
        lines = "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in rows)
        return f'<table class="facts">{lines}</table>'
    if form == "line" and offer.markup == "html":
        lines = "".join(f"<li>{label}: {value}</li>" for label, value in rows)
        return f'<ul class="facts">{lines}</ul>'
    lines = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows)
    return f'<dl class="facts">{lines}</dl>'


def _colors(offer: Offer, group: Group | None) -> str:
    if group is None:
        return ""
    swatches = "".join(
        f'<a href="{other.path}"{" aria-current=true" if other == offer else ""} '
        f'title="{html.escape(other.product.color or other.product.name)}">'
        f"{card_picture(other, is_lazy=False)}</a>"
        for other in group.offers
    )
    every = ""
    if group.markup == "group_page":
        every = f'<a class="quiet" href="{group.path}">{say("colors", offer.language)}</a>'
    return f'<div class="swatches">{swatches}{every}</div>'


def _sizes(offer: Offer) -> str:
    if not offer.category.is_shoe:
        return ""
    sizes = "".join(f'<a href="{offer.path}?size={size}">{size}</a>' for size in SIZES_MM)
    return f'<p class="sizes"><span>{say("size", offer.language)}</span> {sizes}</p>'


def _size_chart(offer: Offer) -> str:
    if not offer.category.is_shoe:
        return ""
    label = say("size_chart", offer.language)
    return (
        f"<details><summary>{label}</summary>"
        f'<img src="/assets/size-chart.png" alt="{label}" width="640" height="360" loading="lazy">'
        "</details>"
    )
