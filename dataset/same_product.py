"""One product that several shops sell under different names: pairs with evidence, applied or proposed.

In: named listings. Out: `SameProduct` pairs, and which product becomes which. Only products of one
brand and of different sites are paired, and none whose colours or audiences (men, women, kids)
contradict. Applied, in this order:

1. gtin: one valid GTIN.
2. sku: one maker's code; the names' words, numbers and colours agree, but one may say more. Where the pictures
   are the same as well, the names may be in two languages.
3. pictures: the same bytes, at least two and half of the smaller one's; and such names.

Where a part is missing, and for names alone, the pair is proposed to a person. So are all pairs of a
rule that would join two products of one site, of two colours, or of a ``not-same``: nothing tells which
of them are right. Near-identical pictures are the business of `dataset.conflicts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from rapidfuzz import fuzz, process

from catalogue.brands import NO_BRAND
from dataset.decisions import Decisions
from dataset.ingest import NamedListing, decided, is_on_disk, spellings
from dataset.likeness import (  # fmt: skip
    audience,
    bare,
    colors,
    compact,
    gtin,
    likeness,
    maker_code,
    numbers,
    overlap,
    words,
)
from dataset.records import Product, SameProduct

RULES = ("gtin", "sku", "pictures")  # applied in this order: what is surest goes first
SIMILAR = 85.0  # of 100, `overlap`: beside a SKU or pictures
NAMES_ALIKE = 90.0  # of 100, `likeness`: alone, so only proposed
PICTURES_LEAST = 2  # shared pictures and
PICTURES_SHARE = 0.5  # share of the smaller product's photos, both as in `dataset.conflicts`
NOTHING: frozenset[frozenset[Product]] = frozenset()


@dataclass(frozen=True)
class Offer:
    """One product as its sites offer it."""

    product: Product
    name: str
    sites: frozenset[str]
    colors: frozenset[str]
    audience: frozenset[str]
    bare: tuple[str, ...]  # words of the name, colours and codes left out
    marks: Mapping[
        str, tuple[str, ...]
    ]  # rule -> GTINs, maker's codes, photo_ids (first one first)


def find_same_products(named: Sequence[NamedListing], decisions: Decisions) -> list[SameProduct]:
    """`same_products` of what a person's ``same-as`` leaves, without pairs of what is rejected."""
    rejected = {"/".join(product) for product in decisions.rejected}
    joined = decided(named, replace(decisions, rejected=frozenset()))
    pairs = same_products(joined, decisions.not_same)
    return [pair for pair in pairs if pair.kept or not {pair.product, pair.other} & rejected]


def same_products(
    named: Sequence[NamedListing], not_same: Collection[frozenset[Product]] = NOTHING
) -> list[SameProduct]:
    """All pairs with their evidence, sorted; the order of ``named`` does not matter."""
    by_brand: dict[str, list[Offer]] = defaultdict(list)
    for offer in _offers(named):
        by_brand[offer.product[0]].append(offer)
    found: list[SameProduct] = []
    for brand in sorted(by_brand.keys() - {NO_BRAND}):
        if len({site for offer in by_brand[brand] for site in offer.sites}) > 1:
            found += _of_brand(by_brand[brand], not_same)
    return sorted(found, key=lambda pair: (pair.product, pair.other))


def becomes(pairs: Iterable[SameProduct]) -> dict[Product, Product]:
    """Product -> the product that it becomes, of those that become another."""
    told: dict[Product, Product] = {}
    for pair in pairs:
        ends = {pair.product, pair.other} - {pair.kept} if pair.kept else ()
        told.update((_product(end), _product(pair.kept or "")) for end in ends)
    return told


def _product(text: str) -> Product:
    brand, _, product = text.partition("/")
    return brand, product


def _offers(named: Sequence[NamedListing]) -> list[Offer]:
    """The products of ``named``, sorted."""
    pages: dict[Product, list[NamedListing]] = defaultdict(list)
    for entry in named:
        pages[entry.key].append(entry)
    return [_offer(one, told[0], pages[one]) for one, told in spellings(named).items()]


def _offer(product: Product, name: str, pages: Sequence[NamedListing]) -> Offer:
    listings = [entry.listing for entry in pages]
    told = " ".join(sorted({one.color for one in listings if one.color}))
    codes = {compact(code) for one in listings for code in (one.sku, one.gtin) if code} - {""}
    first: dict[str, int] = {}  # photo_id -> its lowest position
    for image in (image for one in listings for image in one.images if is_on_disk(image)):
        photo = image.sha256 or ""
        first[photo] = min(first.get(photo, image.position), image.position)
    return Offer(
        product=product,
        name=name,
        sites=frozenset(one.site for one in listings),
        colors=colors(f"{name} {told}") or frozenset(words(told)),
        audience=audience(name),
        bare=bare(name, told, codes),
        marks={
            "gtin": tuple(sorted({code for one in listings if (code := gtin(one.gtin))})),
            "sku": tuple(sorted({code for one in listings if (code := maker_code(one.sku))})),
            "pictures": tuple(sorted(first, key=lambda photo: (first[photo], photo))),
        },
    )


def _of_brand(brand: Sequence[Offer], not_same: Collection[frozenset[Product]]) -> list[SameProduct]:  # fmt: skip
    """The pairs of one brand; what is sure and unambiguous is applied."""
    shared: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for rule in RULES:
        for ends, count in _shared_marks(brand, rule).items():
            shared[ends][rule] = count
    for ends in _alike_names(brand):
        shared.setdefault(ends, {})
    pairs = []
    for (one, two), counts in sorted(shared.items()):
        if _is_possible((brand[one], brand[two]), not_same):
            pairs += _judged(brand[one], brand[two], counts)
    return _applied(pairs, {offer.product: offer for offer in brand}, not_same)


def _shared_marks(brand: Sequence[Offer], rule: str) -> dict[tuple[int, int], int]:
    """How many marks two offers share; what one site gives to two products tells nothing."""
    holders: dict[str, list[int]] = defaultdict(list)
    for index, offer in enumerate(brand):
        for mark in offer.marks[rule]:
            holders[mark].append(index)
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for held in holders.values():
        if len(held) > 1 and _are_apart(brand[index] for index in held):
            for ends in combinations(held, 2):
                counts[ends] += 1
    return counts


def _are_apart(some: Iterable[Offer]) -> bool:
    """Whether no site has two of them."""
    sites = [site for offer in some for site in offer.sites]
    return len(sites) == len(set(sites))


def _alike_names(brand: Sequence[Offer]) -> Iterator[tuple[int, int]]:
    """Offers of equal numbers, colours and audience whose names are alike."""
    blocks: dict[tuple[frozenset[str], ...], list[int]] = defaultdict(list)
    for index, offer in enumerate(brand):
        blocks[numbers(offer.bare), offer.colors, offer.audience].append(index)
    for block in blocks.values():
        for spelled in (
            [" ".join(sorted(brand[index].bare)) for index in block],
            ["".join(brand[index].bare) for index in block],
        ):
            for at, name in enumerate(spelled):
                others = spelled[at + 1 :]
                for _, _, found in process.extract_iter(name, others, scorer=fuzz.ratio, score_cutoff=NAMES_ALIKE):  # fmt: skip
                    yield block[at], block[at + 1 + found]


def _is_possible(some: Sequence[Offer], not_same: Collection[frozenset[Product]]) -> bool:
    """Whether nothing speaks against these being one product; unknown colours do not."""
    if not _are_apart(some):
        return False
    for said in ({one.colors for one in some}, {one.audience for one in some}):
        if len(said - {frozenset()}) > 1:
            return False
    pairs = combinations([one.product for one in some], 2)
    return not not_same or not any(frozenset(pair) in not_same for pair in pairs)


def _judged(one: Offer, two: Offer, counts: Mapping[str, int]) -> list[SameProduct]:
    """The pair with the surest rule that speaks for it; no pair where none does."""
    smaller = min(len(offer.marks["pictures"]) for offer in (one, two))
    alike, common = likeness(one.bare, two.bare), counts.get("pictures", 0)
    is_similar = overlap(one.bare, two.bare) >= SIMILAR and numbers(one.bare) == numbers(two.bare)
    agrees = is_similar and one.colors == two.colors
    speaks = {rule: rule in counts for rule in RULES}
    speaks["pictures"] = common >= PICTURES_LEAST and common >= PICTURES_SHARE * smaller
    is_proven = speaks["gtin"] or (speaks["sku"] and speaks["pictures"])
    sure = [rule for rule in RULES if speaks[rule] and (is_proven or agrees)]
    unsure = [rule for rule in RULES if speaks[rule]]
    if _names_speak(one, two, alike):
        unsure.append("names")
    if not unsure:
        return []
    evidence = [
        f"{rule} {mark}"
        for rule in ("gtin", "sku")
        for mark in sorted({*one.marks[rule]} & {*two.marks[rule]})[:3]
        if speaks[rule]
    ]
    if common:
        evidence.append(f"{common} pictures shared; the smaller has {smaller}")
    return [
        SameProduct(
            product="/".join(one.product),
            other="/".join(two.product),
            names=(one.name, two.name),
            sites=(", ".join(sorted(one.sites)), ", ".join(sorted(two.sites))),
            rule=(sure or unsure)[0],
            evidence=(*evidence, f"names {alike:.0f} of 100 alike"),
            is_sure=bool(sure),
            kept=None,
            pictures=tuple(next(iter(offer.marks["pictures"]), "") for offer in (one, two)),
        )
    ]


def _names_speak(one: Offer, two: Offer, alike: float) -> bool:
    same = one.colors == two.colors and one.audience == two.audience
    return same and alike >= NAMES_ALIKE and numbers(one.bare) == numbers(two.bare)


def _applied(
    pairs: Sequence[SameProduct],
    offers: Mapping[Product, Offer],
    not_same: Collection[frozenset[Product]],
) -> list[SameProduct]:
    """``pairs`` with what the sure ones become; those that joined products make needless are left out.

    Rule by rule, all pairs of a rule at once: products that they connect are joined if nothing speaks
    against any two of them, else none of these pairs is applied. So no order decides.
    """
    groups = {product: frozenset((product,)) for product in offers}
    for rule in RULES:
        edges = [
            (groups[_product(pair.product)], groups[_product(pair.other)])
            for pair in pairs
            if pair.is_sure and pair.rule == rule
        ]
        for connected in _connected(edges):
            if _is_possible([offers[product] for product in sorted(connected)], not_same):
                groups.update(dict.fromkeys(connected, connected))
    done = []
    for pair in pairs:
        group = groups[_product(pair.product)]
        if _product(pair.other) not in group:
            done.append(replace(pair, evidence=(*pair.evidence, *_why_not(pair))))
        elif pair.is_sure:
            kept = min(group, key=lambda one: (-len(offers[one].marks["pictures"]), one))
            done.append(replace(pair, kept="/".join(kept)))
    return done


def _why_not(pair: SameProduct) -> tuple[str, ...]:
    return (
        ("unclear: others match as well, and not all can be one product",) if pair.is_sure else ()
    )


def _connected(edges: Iterable[tuple[frozenset[Product], ...]]) -> list[frozenset[Product]]:
    """The union of all groups that edges connect, each once."""
    whole: dict[Product, set[Product]] = {}
    for edge in edges:
        parts = [whole.get(product, {product}) for group in edge for product in group]
        largest = max(parts, key=len)
        for part in parts:
            if part is not largest:
                largest |= part
        whole.update(dict.fromkeys(largest, largest))
    return [frozenset(group) for group in {id(group): group for group in whole.values()}.values()]
