"""What is true of duplicates, conflicts, placeholders and colourways: told by catalogues, or planted.

Planted are copies of a sample of studio photos, saved again in eight ways, each under its own product, and
a copy of as many others under a strange product. The drawn shop has copies, borrowed pictures and a placeholder
of its own, which its notes tell of. Noisy photos are left out: nobody knows their truth.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random

from PIL import Image

from bench.dataset.duplicates import COPIES, Row, read_rows, saved
from bench.dataset.rivals import Pair
from dataset.canvas import upright_rgb

_COPY = re.compile(r"duplicate of (images/\S+?\.\w+)")


@dataclass
class Truth:
    """All files with what is known of them."""

    rows: list[Row]
    original: dict[str, str] = field(default_factory=dict)  # copy -> what it is a copy of; names
    strangers: set[str] = field(default_factory=set)  # names of what stands under two products

    def duplicates(self) -> set[Pair]:
        """Names that come from one original."""
        families: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            families[self.original.get(row.photo_id, row.photo_id)].add(row.photo_id)
        return {frozenset(pair) for family in families.values() for pair in combinations(sorted(family), 2)}  # fmt: skip

    def siblings(self) -> set[Pair]:
        """Photos of two colourways of one model, as names; what a copy or a loan shows is neither."""
        models: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.kind == "studio" and row.model and row.photo_id not in self.strangers | self.original.keys():  # fmt: skip
                models[row.product[0], row.model].append(row)
        return {
            frozenset((one.photo_id, two.photo_id))
            for model in models.values()
            for one, two in combinations(model, 2)
            if one.product != two.product and one.photo_id != two.photo_id
        }


def told(folders: Sequence[Path]) -> Truth:
    """The photos of ``folders`` and what their notes say; dirty ones whose note says too little left out."""
    truth = Truth([])
    for folder in folders:
        rows = [row for row in read_rows(folder.resolve()) if "noisy" not in folder.name]
        names = {row.path: row.photo_id for row in rows}
        for row in rows:
            found = _COPY.search(row.note)
            if found:
                source = names[str(folder.resolve() / found[1])]
                if source != row.photo_id:
                    truth.original[row.photo_id] = source
            if row.note.startswith("picture of another product"):
                truth.strangers.add(row.photo_id)
            elif not (row.use or row.kind == "placeholder" or found):
                continue
            truth.rows.append(row)
    return truth


def plant(truth: Truth, count: int, chance: Random, folder: Path) -> None:
    """Add copies of ``count`` studio photos under their own product, and of as many under a strange one."""
    folder.mkdir()
    studio = [row for row in truth.rows if row.kind == "studio" and row.use]
    sample = chance.sample(studio, min(2 * count, len(studio)))
    for number, row in enumerate(sample):
        with Image.open(row.path) as opened:
            image = upright_rgb(opened, at_least=None)
        is_stranger = number % 2 == 1
        kinds = {"jpeg": saved} if is_stranger else COPIES
        for kind, make in kinds.items():
            product = chance.choice(studio).product if is_stranger else row.product
            if kind == "mirrored" or (is_stranger and product == row.product):
                continue
            content = make(image)
            name = hashlib.sha256(content).hexdigest()
            path = folder / f"{name}.jpg"
            path.write_bytes(content)
            truth.original[name] = truth.original.get(row.photo_id, row.photo_id)
            truth.strangers |= {name, row.photo_id} if is_stranger else set()
            truth.rows.append(Row(row.source, product, name, str(path), "copy", True, kind))
