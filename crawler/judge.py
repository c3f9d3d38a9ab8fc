"""Is this page a product, and is the product a shoe? By what the page says, never by its address."""

from __future__ import annotations

from crawler.items import Claim, Page
from crawler.readers import html
from crawler.words import category_kind, head_kind, kind_of


def refusal(page: Page, claim: Claim | None, crumbs: list[str], is_told: bool) -> str | None:
    """Why the page gives no item, None where it does.

    A product that nobody calls a shoe, and nobody anything else, is kept: shops sell shoes under
    names that say nothing.
    """
    if claim is None or not (claim.name or claim.variants):
        return "no product"
    if not is_told and not (html.looks_sold(page) and claim.pictures):
        return "no product"
    return shoe_refusal(claim, crumbs)


def shoe_refusal(claim: Claim, crumbs: list[str]) -> str | None:
    """Why the product is no shoe, None where it is one or may be.

    The most special category decides, then the breadcrumb from its end, then the name.
    """
    name = claim.name or ""
    path = [crumb for crumb in crumbs if crumb.casefold() != name.casefold()]
    if kind_of(name) == "other" and head_kind(name) == "other":
        return "not a shoe (name)"
    category = [
        part for part in (claim.category or "").replace("/", ">").split(">") if part.strip()
    ]
    for part in [*reversed(category), *reversed(path)]:
        kind = category_kind(part)
        if kind is not None:
            return None if kind == "shoe" else "not a shoe (category)"
    return "not a shoe (name)" if kind_of(name) == "other" else None
