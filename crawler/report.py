"""Counts of a run, per site and reason: the progress line, the closing table, report.json."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from catalogue.manifest import write_json

_MOST_BRANDS = 10  # told where a wanted one was not seen


class Report:
    """What happened so far."""

    def __init__(self) -> None:
        self.products: Counter[str] = Counter()
        self.unchanged: Counter[str] = (
            Counter()
        )  # products of pages that the shop did not send anew
        self.pages: Counter[str] = Counter()
        self.refused: dict[str, Counter[str]] = defaultdict(Counter)
        self.pictures: dict[str, Counter[str]] = defaultdict(Counter)
        self.brands: dict[str, Counter[str]] = defaultdict(Counter)  # seen, wanted or not
        self.notes: dict[str, list[str]] = defaultdict(list)

    def product(self, site: str) -> None:
        """An item was written."""
        self.products[site] += 1

    def unchanged_product(self, site: str) -> None:
        """An item of the feed is as it was."""
        self.products[site] += 1
        self.unchanged[site] += 1

    def page(self, site: str) -> None:
        """A page was answered, whatever it was."""
        self.pages[site] += 1

    def refuse(self, site: str, reason: str) -> None:
        """A page gave no item."""
        self.refused[site][reason] += 1

    def brand(self, site: str, brand: str) -> None:
        """A product of ``brand`` was seen."""
        self.brands[site][brand] += 1

    def missed_brands(self, site: str, wanted: Iterable[str]) -> str | None:
        """Which of the ``wanted`` brands no product had, and what was seen instead, likest first."""
        seen = self.brands[site]
        missed = [brand for brand in wanted if brand not in seen]
        if not missed or not seen:
            return None
        like = [one for brand in missed for one in get_close_matches(brand, seen)]
        shown = list(dict.fromkeys([*like, *(brand for brand, _ in seen.most_common())]))
        told = ", ".join(f"{brand} ({seen[brand]})" for brand in shown[:_MOST_BRANDS])
        more = f" and {len(shown) - _MOST_BRANDS} more" if len(shown) > _MOST_BRANDS else ""
        return f"no product of {', '.join(missed)} was seen; brands that were: {told}{more}"

    def picture(self, site: str, status: str, reason: str | None) -> None:
        """A picture of an item was settled."""
        self.pictures[site][status if reason is None else f"{status}: {reason}"] += 1

    def note(self, site: str, text: str) -> None:
        """Something that a person should read at the end."""
        self.notes[site].append(text)

    def picture_count(self, site: str) -> int:
        """Pictures on disk for the site's items."""
        return self.pictures[site]["stored"] + self.pictures[site]["cached"]

    def progress(self, site: str, seconds: float, waiting: int) -> str:
        """One line: how far the site is, and how fast since the last line."""
        pages, products, pictures = self.pages[site], self.products[site], self.picture_count(site)
        per_s = [count / max(seconds, 0.001) for count in (pages, products, pictures)]
        failed = sum(self.pictures[site].values()) - pictures
        return (
            f"{site}: {pages} pages ({per_s[0]:.1f}/s), {products} products ({per_s[1]:.1f}/s), "
            f"{pictures} pictures ({per_s[2]:.1f}/s), {failed} not taken, {waiting} addresses waiting"
        )

    def as_json(self, sites: list[str]) -> dict[str, Any]:
        """The counts for report.json."""
        return {
            site: {
                "pages": self.pages[site],
                "products": self.products[site],
                "unchanged": self.unchanged[site],
                "pictures": dict(self.pictures[site]),
                "refused": dict(self.refused[site]),
                "notes": self.notes[site],
            }
            for site in sites
        }

    def write(self, path: Path, sites: list[str], outcome: str) -> None:
        """Write report.json."""
        write_json(path, {"outcome": outcome, "sites": self.as_json(sites)})

    def table(self, sites: list[str]) -> str:
        """The closing table: per site the counts, then reasons, most frequent first."""
        rows = []
        for site in sites:
            rows.append((site, "products", str(self.products[site])))
            if self.unchanged[site]:
                rows.append(("", "unchanged, not sent again", str(self.unchanged[site])))
            rows.append(("", "pages", str(self.pages[site])))
            told = [("picture " + key, count) for key, count in self.pictures[site].most_common()]
            told += [
                ("page refused: " + key, count) for key, count in self.refused[site].most_common()
            ]
            rows += [("", name, str(count)) for name, count in told]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1, 2)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join(
            [*lines, *(f"{site}: {note}" for site in sites for note in self.notes[site])]
        )
