"""Rules for one shop, one small file per domain: selectors and overrides where the readers go wrong.

A file here (any name) sets ``RULES = Rules(domain=..., ...)``. It holds for the domain and what lies
below it. Fields are CSS selectors, or XPath where they start with ``/`` or ``(``; what a rule does
not name is left to the readers. Copy rules_example_com.py, save a page with
``solemap probe URL --save tests/fixtures/sites/NAME`` and correct its expected.json by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules


@dataclass(frozen=True)
class Rules:
    """How to read one shop's product pages."""

    domain: str
    name: str | None = None
    brand_text: str | None = None
    sku: str | None = None
    gtin: str | None = None
    color: str | None = None
    category: str | None = None
    pictures: str | None = None  # addresses, best first where an element names several
    brand: str | None = None  # the shop's only brand
    only_these_pictures: bool = True  # nothing that the other readers find is added


@cache
def all_rules() -> dict[str, Rules]:
    """The rules of every file in this folder, by domain."""
    names = [f"{__name__}.{entry.name}" for entry in iter_modules(__path__)]
    found = [getattr(import_module(name), "RULES", None) for name in names]
    return {rules.domain: rules for rules in found if isinstance(rules, Rules)}


def rules_of(host: str) -> Rules | None:
    """The rules of a host, its own or those of the nearest domain above it."""
    parts = host.lower().split(".")
    domains = (".".join(parts[start:]) for start in range(len(parts)))
    return next((all_rules()[domain] for domain in domains if domain in all_rules()), None)
