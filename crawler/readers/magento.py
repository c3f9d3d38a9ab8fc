"""Magento 2: the gallery that x-magento-init hands to its script, and the swatches' pictures."""

from __future__ import annotations

from typing import Any

from crawler.items import Claim, Page
from crawler.readers import html, picture_values, scripts
from crawler.readers.colourways import colourways, is_color_name
from crawler.words import clean

Node = dict[str, Any]
_GALLERY = "mage/gallery/gallery"


def read(page: Page) -> list[Claim]:
    """The page's product: pictures of the gallery, a variant for each colour with its own."""
    name = html.heading(page)
    components = [found for value in scripts.values(page) for found in _components(value, 0)]
    galleries = [entry.get("data") for kind, entry in components if kind == _GALLERY]
    pictures = [claim for data in galleries[:1] for claim in picture_values.claims(data, page.url)]
    configs = [config for _, entry in components if (config := _config(entry)) is not None]
    if not name or not (pictures or configs):
        return []
    variants = _variants(configs[0], page) if configs else []
    return [Claim(source="embedded-json", name=name, pictures=pictures, variants=variants)]


def _components(value: Any, depth: int) -> list[tuple[str, Node]]:
    """(name, options) of the components of a script: two levels of objects, ``selector: {name: …}``."""
    if not isinstance(value, dict) or depth > 2:
        return []
    found: list[tuple[str, Node]] = []
    for key, entry in value.items():
        if isinstance(entry, dict):
            found += [(key, entry)] if "/" in key else _components(entry, depth + 1)
    return found


def _config(entry: Node) -> Node | None:
    for key in ("jsonConfig", "spConfig"):
        config = entry.get(key)
        if isinstance(config, dict) and isinstance(config.get("attributes"), dict):
            return config
    return None


def _variants(config: Node, page: Page) -> list[Claim]:
    told_images = config.get("images")
    images: Node = told_images if isinstance(told_images, dict) else {}
    found = []
    for attribute in config["attributes"].values():
        if not isinstance(attribute, dict) or not is_color_name(str(attribute.get("code"))):
            continue
        for option in attribute.get("options") or ():
            members = [str(number) for number in option.get("products") or ()]
            told = next((images[member] for member in members if images.get(member)), None)
            claim = Claim(source="embedded-json", color=clean(str(option.get("label") or "")))
            claim.pictures = picture_values.claims(told, page.url)
            found.append(claim)
    kept = colourways(claim for claim in found if claim.color and claim.pictures)
    return kept if len(kept) > 1 else []
