"""What the split stage has assigned before: data/split-ledger.jsonl, read and written by that stage.

Hashes give every photo its side; the ledger keeps what they cannot: a cluster that lost its
smallest photo, clusters that merged, a product that needed a train photo, a brand too small to
hold a product out. It holds one short line per photo, because any of a cluster's photos may be the
one that remains. Entries of other params are another ledger: they are dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalogue.errors import ManifestError
from catalogue.manifest import read_lines, to_line, write_text
from catalogue.schema import SPLITS, Sample

_REMEDY = "Delete the file to have every photo assigned anew by its hash."


@dataclass(frozen=True)
class Ledger:
    """Sides of photos, by the first 16 digits of photo_id, and roles of (brand, product)."""

    splits: Mapping[str, str] = field(default_factory=dict)  # train | val | test
    roles: Mapping[tuple[str, str], str] = field(default_factory=dict)  # known | val | test
    exceptions: Mapping[str, str] = field(default_factory=dict)  # photo -> why not by its hash

    def extended(
        self,
        roles: Mapping[tuple[str, str], str],
        samples: Iterable[Sample],
        exceptions: Mapping[str, str],
    ) -> Ledger:
        """The ledger after a run: new and moved entries written over, vanished ones kept."""
        splits = {sample.photo_id[:16]: sample.split for sample in samples}
        return Ledger(
            {**self.splits, **splits},
            {**self.roles, **roles},
            {**self.exceptions, **exceptions},
        )


def fingerprint(val: float, test: float, unknown_products: float, seed: int) -> str:
    """What a ledger's entries depend on; unknown brands are looked up before the ledger is."""
    told = json.dumps([val, test, unknown_products, seed])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def read_ledger(path: Path, params: str) -> Ledger:
    """The ledger at ``path`` if it was written under the fingerprint ``params``, else an empty one.

    Raises:
        ManifestError: a line is no entry.
    """
    splits: dict[str, str] = {}
    roles: dict[tuple[str, str], str] = {}
    exceptions: dict[str, str] = {}
    if not path.exists():
        return Ledger()
    for number, line in read_lines(path):
        match line:
            case {"params": str(written)}:
                if written != params:
                    return Ledger()
            case {"photo": str(photo), "split": str(split)} if split in SPLITS:
                splits[photo] = split
                if why := line.get("why"):
                    exceptions[photo] = str(why)
            case {"brand": str(brand), "product": str(product), "role": str(role)}:
                roles[(brand, product)] = role
            case _:
                raise ManifestError(path, number, f"no ledger entry: {line!r:.80}", _REMEDY)
    return Ledger(splits, roles, exceptions)


def write_ledger(path: Path, ledger: Ledger, params: str) -> None:
    """Write ``ledger`` sorted, its fingerprint first."""
    lines = [to_line({"params": params})]
    lines += [
        to_line({"brand": brand, "product": product, "role": role})
        for (brand, product), role in sorted(ledger.roles.items())
    ]
    for photo, split in sorted(ledger.splits.items()):
        why = ledger.exceptions.get(photo)
        lines.append(
            to_line({"photo": photo, "split": split} | ({"why": why} if why is not None else {}))
        )
    write_text(path, "".join(line + "\n" for line in lines))
