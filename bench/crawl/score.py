"""A crawl's items against the catalogue that the shop sold, picture by picture.

Every number has its denominator: shoes of the catalogue for found, brand and name; their
pictures for recall; pictures that were stored for precision. An item belongs to the product
that most of its pictures show, by the SHA-256 of the original bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalogue.brands import brand_slug
from demo.stock import Product, read_stock

NOT_SHOES = ("bag", "cap", "sock")  # categories that a shoe crawl must leave


def score(catalogue: Path, feed: Path) -> dict[str, Any]:
    """Products, brands, names and pictures right, and items that came twice."""
    everything = read_stock(catalogue).products
    products = [product for product in everything if product.category not in NOT_SHOES]
    shown = {_key(product): _hashes(product) for product in products}
    owners: dict[str, list[str]] = {}
    for key, hashes in shown.items():
        for sha256 in hashes:
            owners.setdefault(sha256, []).append(key)
    items = (
        [json.loads(line) for line in feed.read_text("utf-8").splitlines()] if feed.exists() else []
    )
    by_key = {_key(product): product for product in products}
    found: dict[str, list[dict[str, Any]]] = {}
    strangers = 0
    for item in items:
        owner = _owner(item, owners, by_key)
        if owner is None:
            strangers += 1
        else:
            found.setdefault(owner, []).append(item)
    right = Counter[str]()
    for key, members in found.items():
        product, item = by_key[key], members[0]
        right["brand"] += brand_slug(item["brand_text"]) == brand_slug(product.brand)
        right["name"] += item["name"] == product.name
        held = {
            image["sha256"] for member in members for image in member["images"] if image["sha256"]
        }
        right["stored"] += len(held)
        right["pictures"] += len(held & shown[key])
        right["smaller"] += sum(map(_is_smaller(product, shown[key]), members))
    return {
        "products": len(products),
        "found": len(found),
        "items": len(items),
        "items_twice": sum(len(members) - 1 for members in found.values()),
        "items_lost": len(products) - len(found),
        "items_of_no_shoe": strangers,  # of what is no shoe, or of nothing that the shop sells
        "brand_right": right["brand"],
        "name_right": right["name"],
        "pictures": sum(map(len, shown.values())),
        "pictures_stored": right["stored"],
        "pictures_right": right["pictures"],
        "pictures_smaller": right[
            "smaller"
        ],  # the product's, at another size: the original was broken
        "picture_precision": _share(right["pictures"], right["stored"]),
        "picture_recall": _share(right["pictures"], sum(map(len, shown.values()))),
        "not_shoes_sold": len(everything) - len(products),
    }


def _is_smaller(product: Product, originals: set[str]) -> Callable[[dict[str, Any]], int]:
    """How many pictures of an item are the product's by address but not by their bytes."""
    tokens = {picture.token for picture in product.pictures}

    def count(item: dict[str, Any]) -> int:
        stored = [image for image in item["images"] if image["sha256"]]
        others = [image for image in stored if image["sha256"] not in originals]
        return sum(any(token in image["url"] for token in tokens) for image in others)

    return count


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None


def _key(product: Product) -> str:
    return f"{product.brand}\n{product.key}"


def _hashes(product: Product) -> set[str]:
    return {hashlib.sha256(picture.file.read_bytes()).hexdigest() for picture in product.pictures}


def _owner(
    item: dict[str, Any], owners: dict[str, list[str]], by_key: dict[str, Product]
) -> str | None:
    """The product that most of the item's pictures show; the name decides between equals."""
    votes = Counter(
        key
        for image in item["images"]
        if image["sha256"]
        for key in owners.get(image["sha256"], ())
    )
    if not votes:
        return None
    most = max(votes.values())
    best = [key for key, count in votes.items() if count == most]
    named = [key for key in best if by_key[key].name == item["name"]]
    sku = [key for key in named if by_key[key].sku and by_key[key].sku == item["sku"]]
    return (sku or named or best)[0]
