"""overrides.csv: what a person decided about photos and products, obeyed by the next run.

A small file that is committed. A line is ``subject,decision,target,note``; a subject is a photo (its
photo_id or the first 8 digits or more) or a product (``brand/product``):

    photo    keep                         trains, whatever a rule said (if it can be decoded)
    photo    reject                       is left out
    photo    belongs-to  brand/product    of the products that show it, this one; the others lose it,
                                          and it is kept as by `keep`
    photo    apart       photo            two pictures, not duplicates of one
    product  same-as     brand/product    one product under two names; gets the target's
    product  not-same    brand/product    two products, whatever speaks for one
    product  reject                       is left out with all its photos
"""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.schema import SLUG
from dataset.records import Product

COLUMNS = ("subject", "decision", "target", "note")
MAX_LINES = 100_000
_PHOTO = re.compile(r"[0-9a-f]{8,64}")
_TARGETS = {  # decision -> kinds of subject, kind of target
    "keep": (("photo",), None),
    "reject": (("photo", "product"), None),
    "belongs-to": (("photo",), "product"),
    "apart": (("photo",), "photo"),
    "same-as": (("product",), "product"),
    "not-same": (("product",), "product"),
}


@dataclass(frozen=True)
class Decisions:
    """What was decided; photos by the digits that the file gives."""

    path: Path
    verdicts: Mapping[str, str] = field(default_factory=dict)  # photo -> keep | reject
    owners: Mapping[str, Product] = field(default_factory=dict)  # photo -> product
    apart: tuple[tuple[str, str], ...] = ()  # photos
    same_as: Mapping[Product, Product] = field(default_factory=dict)
    rejected: frozenset[Product] = frozenset()
    not_same: frozenset[frozenset[Product]] = frozenset()  # pairs, as same_as names them

    def of_photos(self, photo_ids: Iterable[str]) -> OfPhotos:
        """The decisions about photos, by whole photo_id; what fits no photo is told apart.

        Raises:
            CatalogueError: digits that several photos begin with.
        """
        known = sorted(set(photo_ids))
        told = [*self.verdicts, *self.owners, *(end for pair in self.apart for end in pair)]
        whole = {digits: self._whole(digits, known) for digits in set(told)}
        pairs = [(whole[one], whole[two]) for one, two in self.apart]
        owners = {found: product for one, product in self.owners.items() if (found := whole[one])}
        verdicts = {found: word for one, word in self.verdicts.items() if (found := whole[one])}
        return OfPhotos(
            dict.fromkeys(owners, "keep") | verdicts,
            owners,
            frozenset(frozenset((one, two)) for one, two in pairs if one and two),
            tuple(sorted(digits for digits, found in whole.items() if found is None)),
        )

    def _whole(self, digits: str, known: list[str]) -> str | None:
        found = known[bisect_left(known, digits) : bisect_left(known, f"{digits}g")]  # g: after f
        if len(found) > 1:
            raise CatalogueError(
                f"{self.path}: {digits} is the beginning of {len(found)} photos "
                f"({found[0]}, {found[1]}, ...). Give more digits."
            )
        return found[0] if found else None


@dataclass(frozen=True)
class OfPhotos:
    """Decisions about the photos of one dataset, by whole photo_id."""

    verdicts: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, Product] = field(default_factory=dict)
    apart: frozenset[frozenset[str]] = frozenset()
    unmatched: tuple[str, ...] = ()  # digits that no photo begins with


def read_decisions(path: Path) -> Decisions:
    """The decisions of ``path``; none where there is no such file.

    Raises:
        CatalogueError: a line that cannot be understood, or that contradicts another.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Decisions(path)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: not readable as UTF-8 text ({error}).") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: dict[tuple[str, str], str] = {}
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise CatalogueError(f"{path}:1: the first line must be {','.join(COLUMNS)}")
        for row in reader:
            if any(cell.strip() for cell in row):
                _read_row(f"{path}:{reader.line_num}", row, found)
    except csv.Error as error:
        raise CatalogueError(f"{path}:{reader.line_num}: not CSV ({error}).") from error
    return _decisions(path, found)


def _read_row(where: str, row: list[str], found: dict[tuple[str, str], str]) -> None:
    if len(found) >= MAX_LINES:
        raise CatalogueError(f"{where}: over {MAX_LINES} decisions; fix the crawl or a rule instead.")  # fmt: skip
    subject, decision, target = ([cell.strip() for cell in row] + [""] * 3)[:3]
    if decision not in _TARGETS:
        raise CatalogueError(
            f"{where}: the decision {decision!r:.40}; allowed are {', '.join(_TARGETS)}."
        )
    subjects, wanted = _TARGETS[decision]
    if _kind(subject) not in subjects:
        raise CatalogueError(
            f"{where}: {decision} of {subject!r:.80}; it must be of {' or '.join(map(_told, subjects))}."
        )
    if _kind(target) != wanted:
        needed = _told(wanted) if wanted else "nothing"
        raise CatalogueError(f"{where}: the target {target!r:.80}; {decision} needs {needed} there.")  # fmt: skip
    if subject == target:
        raise CatalogueError(f"{where}: subject and target are the same.")
    key = (subject, "verdict" if decision in ("keep", "reject") else decision)
    if decision in ("apart", "not-same"):  # one subject may have several
        key = (subject, f"{decision} {target}")
    value = decision if key[1] == "verdict" else target
    if found.setdefault(key, value) != value:
        raise CatalogueError(f"{where}: {subject!r:.80} is decided twice, and differently.")


def _kind(text: str) -> str | None:
    if not text:
        return None
    if _PHOTO.fullmatch(text):
        return "photo"
    brand, slash, product = text.partition("/")
    is_product = slash and SLUG.fullmatch(brand) and SLUG.fullmatch(product)
    return "product" if is_product else "?"


def _told(kind: str) -> str:
    return {
        "photo": "a photo (8 to 64 digits of its photo_id)",
        "product": "a product (brand/product, both as slugs)",
    }[kind]


def _decisions(path: Path, found: Mapping[tuple[str, str], str]) -> Decisions:
    verdicts: dict[str, str] = {}
    owners: dict[str, Product] = {}
    apart: list[tuple[str, str]] = []
    same_as: dict[Product, Product] = {}
    rejected: set[Product] = set()
    told_apart: list[tuple[Product, Product]] = []
    for (subject, decision), value in found.items():
        if decision == "verdict" and _kind(subject) == "photo":
            verdicts[subject] = value
        elif decision == "verdict":
            rejected.add(_product(subject))
        elif decision == "belongs-to":
            owners[subject] = _product(value)
        elif decision == "same-as":
            same_as[_product(subject)] = _product(value)
        elif decision == f"not-same {value}":
            told_apart.append((_product(subject), _product(value)))
        else:
            apart.append((subject, value))
    for one, two in same_as.items():
        if two in same_as:
            raise CatalogueError(
                f"{path}: {'/'.join(one)} is the same as {'/'.join(two)}, which is the same as "
                f"{'/'.join(same_as[two])}. Name the last one in both lines."
            )
    not_same = frozenset(frozenset(same_as.get(end, end) for end in pair) for pair in told_apart)
    for one, two in told_apart:
        if same_as.get(one, one) == same_as.get(two, two):
            raise CatalogueError(
                f"{path}: {'/'.join(one)} is not the same as {'/'.join(two)}, and by same-as it is. "
                "Take one of the lines out."
            )
    return Decisions(path, verdicts, owners, tuple(apart), same_as, frozenset(rejected), not_same)


def _product(text: str) -> Product:
    brand, _, product = text.partition("/")
    return brand, product
