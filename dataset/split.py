"""Leakage groups to train, val and test, per brand; unknown products and brands held out.

Everything follows from hashes of names and of photo ids, so that the order of arrival does not
matter and growth moves nothing; the ledger remembers what hashes alone cannot (see
`dataset.ledger`). Pure: records in, records out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from catalogue.schema import Sample
from dataset.ledger import Ledger
from dataset.records import Kept

Product = tuple[str, str]  # brand, product
Entry = TypeVar("Entry")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Shares:
    """The params of the split stage."""

    val: float
    test: float
    unknown_products: float
    unknown_brands: tuple[str, ...]
    seed: int


@dataclass
class Assigned:
    """The samples by brand, the unknown ones, the ledger that goes on, and what was out of rule."""

    known: list[Sample] = field(default_factory=list)
    unknown: list[Sample] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    exceptions: dict[str, str] = field(default_factory=dict)  # photo -> why its side is new
    dropped: list[str] = field(default_factory=list)  # unknown photos linked to known ones


def unit(*parts: str | int) -> float:
    """A number in [0, 1) that depends on ``parts`` alone.

    >>> round(unit("nike", "air-max", 0), 6) == round(unit("nike", "air-max", 0), 6)
    True
    """
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def assign_splits(
    kept: Sequence[Kept],
    keepers: Mapping[str, str],
    listed: Collection[str],
    shares: Shares,
    ledger: Ledger,
) -> Assigned:
    """Every kept photo in one split, whole clusters together.

    Args:
        kept: from the dedup stage.
        keepers: removed photo id -> the photo kept in its place: a cluster is still known by the
            photo that it lost.
        listed: brands that get a net; of these alone products are held out as unknown.
        shares: the stage's params.
        ledger: what earlier runs assigned under the same params; empty at first.
    """
    result = Assigned()
    lost = _by(sorted(keepers.items()), lambda pair: pair[1])
    assigned = {
        _product(photo)
        for photo in kept
        for name in (photo.photo_id, *(gone for gone, _ in lost.get(photo.photo_id, ())))
        if name[:16] in ledger.splits
    }
    roles = _product_roles(kept, listed, shares, ledger, assigned)
    clusters = _by(kept, lambda photo: photo.cluster_id)
    known = {}
    for name in sorted(clusters):
        members = _resolve_roles(clusters[name], roles, result)
        if roles[_product(members[0])] != "known":
            result.unknown += [_sample(photo, roles[_product(photo)]) for photo in members]
            continue
        aliases = [gone for photo in members for gone, _ in lost.get(photo.photo_id, ())]
        known[name] = (members, _cluster_split(members, aliases, shares, ledger, result))
    _give_train(known, result)
    for members, split in known.values():
        result.known += [_sample(photo, split) for photo in members]
    # An unknown brand's roles are its name's, and take no place in the ledger from those by hash.
    fresh = {
        product: role
        for product, role in roles.items()
        if product[0] not in shares.unknown_brands or product not in ledger.roles
    }
    result.ledger = ledger.extended(fresh, result.known, result.exceptions)
    return result


def _product_roles(
    kept: Sequence[Kept],
    listed: Collection[str],
    shares: Shares,
    ledger: Ledger,
    assigned: Collection[Product],
) -> dict[Product, str]:
    """Product -> known, or the split (val, test) of an unknown one.

    ``assigned``: those with a photo that was in a split of known shoes before, perhaps under another name.
    """
    roles: dict[Product, str] = {}
    for brand, photos in sorted(_by(kept, lambda photo: photo.brand).items()):
        products = sorted({_product(photo) for photo in photos})
        if brand in shares.unknown_brands:
            split = ("val", "test")[shares.unknown_brands.index(brand) % 2]
            roles |= dict.fromkeys(products, split)
        else:
            past = {**dict.fromkeys(assigned, "known"), **ledger.roles}
            roles |= _roles_of_brand(products, brand in listed, shares, past)
    return roles


def _roles_of_brand(
    products: Sequence[Product], is_listed: bool, shares: Shares, past: Mapping[Product, str]
) -> dict[Product, str]:
    """Roles within one known brand, which keeps at least two known products.

    Of the ``past`` roles one that no hash gave counts for nothing: its brand was one of the unknown ones then.
    """
    by_chance = {product: unit("unknown", *product, shares.seed) for product in products}
    roles = {
        product: role
        if (role := past.get(product, "")) == "known"
        or by_chance[product] < shares.unknown_products
        else ""
        for product in products
    }
    fresh = [product for product in products if not roles[product]]
    left = len(products) - sum(role not in ("known", "") for role in roles.values())
    for product in sorted(fresh, key=lambda product: (by_chance[product], product)):
        is_unknown = is_listed and by_chance[product] < shares.unknown_products and left > 2
        if is_unknown:
            left -= 1
            side = unit("unknown-side", *product, shares.seed)
            roles[product] = "val" if side < 0.5 else "test"
        else:
            roles[product] = "known"
    return roles


def _resolve_roles(
    members: Sequence[Kept], roles: Mapping[Product, str], result: Assigned
) -> list[Kept]:
    """The members of one cluster that share its role: known before unknown, then the first's.

    An unknown photo in a known product's cluster is no unknown shoe to the nets: it is left out.
    """
    ordered = sorted(members, key=lambda photo: photo.photo_id)
    found = [roles[_product(photo)] for photo in ordered]
    role = "known" if "known" in found else found[0]
    for photo in ordered:
        if roles[_product(photo)] != role:
            result.dropped.append(
                f"{photo.photo_id} of {photo.brand}/{photo.product}: its cluster "
                f"{photo.cluster_id} belongs to {'known products' if role == 'known' else role}"
            )
    return [photo for photo in ordered if roles[_product(photo)] == role]


def _cluster_split(
    members: Sequence[Kept],
    aliases: Iterable[str],
    shares: Shares,
    ledger: Ledger,
    result: Assigned,
) -> str:
    """What the ledger says of any member (train wins), else the hash of the smallest."""
    past = {photo: ledger.splits.get(photo[:16]) for photo in _ids(members, aliases)}
    said = {split for split in past.values() if split}
    if not said:
        chance = unit(members[0].product, members[0].photo_id, shares.seed)
        train = 1.0 - shares.val - shares.test
        return "train" if chance < train else "val" if chance < train + shares.val else "test"
    split = next(split for split in ("train", "val", "test") if split in said)
    for photo_id, was in past.items():
        if was and was != split:
            result.exceptions[photo_id[:16]] = f"{was} to {split}: clusters joined by a new link"
    return split


def _ids(members: Iterable[Kept], aliases: Iterable[str]) -> list[str]:
    return sorted({photo.photo_id for photo in members} | set(aliases))


def _give_train(known: dict[str, tuple[list[Kept], str]], result: Assigned) -> None:
    """Every product gets a train photo: of those without, the cluster with the lowest hash."""
    by_product: dict[Product, list[str]] = defaultdict(list)
    for name, (members, _) in known.items():
        for product in {_product(photo) for photo in members}:
            by_product[product].append(name)
    for product, names in sorted(by_product.items()):
        if any(known[name][1] == "train" for name in names):
            continue
        chosen = min(names, key=lambda name: (unit("train", *product, name), name))
        members, was = known[chosen]
        known[chosen] = (members, "train")
        why = f"{was} to train: {'/'.join(product)} had no train photo"
        result.exceptions |= {photo.photo_id[:16]: why for photo in members}


def _sample(photo: Kept, split: str) -> Sample:
    return Sample(
        photo_id=photo.photo_id,
        path=photo.path,
        brand=photo.brand,
        product=photo.product,
        product_name=photo.product_name,
        view=photo.view,
        split=split,
        cluster_id=photo.cluster_id,
    )


def _product(photo: Kept) -> Product:
    return photo.brand, photo.product


def _by(entries: Iterable[Entry], key: Callable[[Entry], Key]) -> dict[Key, list[Entry]]:
    found: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[key(entry)].append(entry)
    return dict(found)
