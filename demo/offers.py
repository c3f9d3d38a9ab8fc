"""Stock to offers: how this shop presents each product, and at which address.

Language, markup, gallery and picture addresses of an offer follow from its product alone (see
`demo.chance`), so that each kind of page is spread over all brands and no page changes when the
catalogue grows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from catalogue.brands import ALIASES, brand_slug
from catalogue.slugs import slug
from demo.chance import number, pick
from demo.stock import Product, Stock
from demo.words import Category, category_of

# Shares in percent of the products that are not under GROUP_MARKUPS.
MARKUPS = (
    ("json_ld", 24),  # one Product
    ("json_ld_graph", 12),  # @graph with related products; pictures as ImageObject, 600 px
    ("json_ld_broken", 8),  # a broken block before the good one, which names one picture only
    ("json_ld_commas", 8),  # trailing commas
    ("json_ld_escaped", 8),  # the whole block HTML-escaped
    ("json_ld_sizes", 8),  # ProductGroup with one variant per *size*: still one product
    ("microdata", 12),
    ("opengraph", 8),
    ("html", 12),
)
# Shares of the groups of colourways.
GROUP_MARKUPS = (
    ("group_page", 30),  # one page for all colourways beside a page for each
    ("group_pages", 30),  # each colourway's page names the others by address
    ("separate", 40),  # pages as other products have them, each with markup of its own
)
GALLERIES = (("zoom", 25), ("lazy", 25), ("picture", 20), ("srcset", 15), ("data_zoom", 15))
KOREAN_PERCENT = 25


@dataclass(frozen=True)
class Offer:
    """One product page."""

    product: Product
    path: str
    language: str  # en or ko
    brand_text: str  # as this page writes it
    brand: str  # slug
    markup: str
    gallery: str
    addressing: str  # of picture sizes: suffix (_300.jpg) or query (?w=300)
    price_krw: int
    category: Category


@dataclass(frozen=True)
class Group:
    """The colourways of one model."""

    name: str
    key: str
    path: str
    markup: str  # one of GROUP_MARKUPS
    offers: tuple[Offer, ...]


@dataclass
class Assortment:
    """All offers and groups, found by the number that ends their address."""

    offers: tuple[Offer, ...]
    groups: tuple[Group, ...]
    by_number: dict[int, Offer | Group] = field(default_factory=dict)

    def group_of(self, offer: Offer) -> Group | None:
        """The group that ``offer`` belongs to."""
        return self._group_by_path.get(offer.path)

    def __post_init__(self) -> None:
        self._group_by_path = {offer.path: g for g in self.groups for offer in g.offers}


def assort(stock: Stock) -> Assortment:
    """Decide how each product of ``stock`` is presented."""
    members: dict[tuple[str, str], list[Product]] = {}
    for product in stock.products:
        if product.group:
            members.setdefault((brand_slug(product.brand), product.group), []).append(product)
    grouped = {key: found for key, found in members.items() if len(found) > 1}
    numbers: dict[int, Offer | Group] = {}
    offers = {}
    for product in stock.products:
        key = (brand_slug(product.brand), product.group or "")
        unit = "\n".join(key) if key in grouped else product.identity
        offer = _offer(product, unit, key in grouped, numbers)
        offers[product.identity] = offer
    groups = []
    for (brand, text), products in grouped.items():
        group = _group(brand, text, [offers[p.identity] for p in products], numbers)
        groups.append(group)
    return Assortment(tuple(offers.values()), tuple(groups), numbers)


def _offer(product: Product, unit: str, in_group: bool, numbers: dict[int, Offer | Group]) -> Offer:
    is_korean = _has_hangul(product.brand + product.name) or (
        number(unit, "language", 100) < KOREAN_PERCENT
    )
    taken = _free_number(product.identity, numbers)
    category = category_of(product.category)
    stem = slug(product.name)
    if product.color and slug(product.color) not in stem:
        stem = f"{stem}-{slug(product.color)}"
    if is_korean and _has_hangul(product.name):
        stem = quote("-".join(product.name.replace("/", " ").split())[:60])
    offer = Offer(
        product,
        f"{'/kr' if is_korean else ''}/products/{stem}-{taken}",
        "ko" if is_korean else "en",
        _brand_text(product, unit) if is_korean else product.brand,
        brand_slug(product.brand),
        _markup(product.identity, unit, category, in_group),
        pick(product.identity, "gallery", GALLERIES),
        pick(unit, "addressing", (("suffix", 60), ("query", 40))),
        59_000 + 5_000 * number(unit, "price", 30),
        category,
    )
    numbers[taken] = offer
    return offer


def _group_markup(unit: str) -> str:
    return pick(unit, "group", GROUP_MARKUPS)


def _markup(identity: str, unit: str, category: Category, in_group: bool) -> str:
    found = _group_markup(unit) if in_group else "separate"
    if found == "separate":
        found = pick(identity, "markup", MARKUPS)
    return "json_ld" if found == "json_ld_sizes" and not category.is_shoe else found


def _group(brand: str, text: str, offers: list[Offer], numbers: dict[int, Offer | Group]) -> Group:
    key = f"{brand}\n{text}\ngroup"
    taken = _free_number(key, numbers)
    name = _common_name([offer.product.name for offer in offers]) or text
    prefix = "/kr" if offers[0].language == "ko" else ""
    path = f"{prefix}/products/{slug(name)}-{taken}"
    group = Group(name, f"G{taken}", path, _group_markup(f"{brand}\n{text}"), tuple(offers))
    if group.markup == "group_page":
        numbers[taken] = group
    return group


def _free_number(key: str, numbers: dict[int, Offer | Group]) -> int:
    """Eight digits that ``key`` decides; the next free ones where another product has them."""
    taken = 10_000_000 + number(key, "address", 90_000_000)
    while taken in numbers:
        taken += 1
    return taken


def _has_hangul(text: str) -> bool:
    return any("가" <= character <= "힣" for character in text)


def _brand_text(product: Product, unit: str) -> str:
    """The brand in Hangul on half of the Korean pages, where the alias table has it."""
    spellings = ALIASES.get(brand_slug(product.brand), ())
    hangul = next((spelling for spelling in spellings if _has_hangul(spelling)), None)
    return hangul if hangul and number(unit, "hangul", 2) == 0 else product.brand


def _common_name(names: Iterable[str]) -> str:
    """The words that all names begin with.

    >>> _common_name(["Trail Fox Red", "Trail Fox Blue"])
    'Trail Fox'
    """
    together = zip(*(name.split() for name in names), strict=False)
    return " ".join(words[0] for words in itertools.takewhile(lambda w: len(set(w)) == 1, together))
