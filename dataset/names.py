"""What a shop wrote, made fit to be a product's name: text cleaned, brand taken off its head."""

from __future__ import annotations

import html
import re
import unicodedata

from catalogue.brands import brand_slug
from catalogue.slugs import slug

MAX_NAME = 200  # characters; longer ones are descriptions, the slug keeps a hash of the whole
_MAX_BRAND_WORDS = 4


def clean_text(text: str) -> str:
    """``text`` with HTML entities resolved, no control characters, single spaces, in NFC.

    >>> clean_text("  Air&nbsp;Max &amp;amp; Co\\n")
    'Air Max & Co'
    """
    resolved = html.unescape(html.unescape(text))
    composed = unicodedata.normalize("NFC", resolved)
    kept = (
        character if character.isspace() or unicodedata.category(character)[0] != "C" else " "
        for character in composed
        if unicodedata.category(character) != "Cf"
    )
    return " ".join("".join(kept).split())


def without_brand(name: str, brand: str, brand_text: str) -> str:
    """``name`` without the brand at its head, unless nothing else would be left.

    >>> without_brand("나이키 에어 맥스 90", "nike", "Nike")
    '에어 맥스 90'
    """
    words = name.split()
    for count in range(min(_MAX_BRAND_WORDS, len(words) - 1), 0, -1):
        head = " ".join(words[:count]).rstrip(":|-–—,/")
        if head.casefold() == brand_text.casefold() or brand_slug(head) == brand:
            rest = " ".join(words[count:]).lstrip(":|-–—,/ ")
            return rest or name
    return name


def with_color(name: str, color: str | None) -> str:
    """``name`` followed by the colour where the name does not say it: colourways are products.

    >>> with_color("Samba OG", "White/Green"), with_color("Samba White", "white")
    ('Samba OG White/Green', 'Samba White')
    """
    if color is None or not color:
        return name
    named = set(slug(name).split("-"))
    return name if set(slug(color).split("-")) <= named else f"{name} {color}"


def product_slug(name: str, sku: str | None = None) -> str:
    """The slug of a product's name, with its SKU where two products share the name."""
    return slug(name) if sku is None else slug(f"{name} {sku}")


def is_blank(text: str | None) -> bool:
    """Whether there is nothing to read in ``text``."""
    return text is None or not re.sub(r"\s", "", clean_text(text))
