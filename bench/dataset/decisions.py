"""Precision and recall of duplicate, colourway, conflict and placeholder decisions, beside other tools on the same files.

Files: the photos of all folders with use=1 (noisy ones left out: nobody knows their truth), placeholders,
copies of a sample of studio photos saved again in eight ways, each under its own product, and the same of
others under a strange product. Truth: a pair is a duplicate if both come from one original; nothing else is,
be it a colourway, an angle or a like shoe. Other tools have no products, so pairs are what is compared.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
from PIL import Image

from bench.dataset.duplicates import (
    COPIES,
    MAX_GROUP,
    NARROW,
    WIDE,
    Row,
    read_rows,
    saved,
    to_photo,
)
from bench.dataset.results import keep
from dataset.canvas import upright_rgb
from dataset.clean import examine_all, verdicts
from dataset.dedup import deduplicate
from dataset.facts import FactsCache
from dataset.links import find_links
from dataset.signature import Signatures

Pair = frozenset[str]  # two names of files

IMAGEDEDUP = """
import json, sys
from imagededup.methods import PHash
method = PHash(verbose=False)
found = method.find_duplicates(image_dir=sys.argv[1], max_distance_threshold=int(sys.argv[2]), num_enc_workers=0, num_dist_workers=0)
print(json.dumps([[one, other] for one, others in found.items() for other in others if one < other]))
"""
CZKAWKA = """
import json, sys
from pathlib import Path
from czkawka import ImageSimilarity
finder = ImageSimilarity()
finder.set_directories([Path(sys.argv[1])])
groups = finder.find_similar()
print(json.dumps([[Path(group[0]).name, Path(other).name] for group in groups for other in group[1:]]
  + [[Path(a).name, Path(b).name] for group in groups for i, a in enumerate(group[1:]) for b in group[i + 2:]]))
"""


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--copies", "count", default=60, show_default=True, help="Photos to plant copies of.")
@click.option("--rivals", "python", help="A Python that has imagededup and czkawka.")
@click.option("--seed", default=0, show_default=True)
def decisions(folders: tuple[Path, ...], count: int, python: str | None, seed: int) -> None:
    """Score decisions on the photos of FOLDERS with planted copies and conflicts."""
    rows = [
        row
        for folder in folders
        if "noisy" not in folder.name
        for row in read_rows(folder.resolve())
        if row.use or row.kind == "placeholder"
    ]
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        (place / "all").mkdir()
        planted, original, strangers = plant(rows, count, Random(seed), place / "planted")
        everything = [*rows, *planted]
        for row in everything:
            target = place / "all" / f"{row.photo_id}{Path(row.path).suffix}"
            if not target.exists():
                shutil.copyfile(row.path, target)  # czkawka passes links over
        truth = true_pairs(everything, original)
        siblings = sibling_pairs(rows)
        told = ours(everything, place / "cache", strangers)
        found = {"ours": scored(told.pop("pairs"), truth, siblings) | told}
        if python:
            for name, code, words in (
                ("imagededup phash, 10 bits (its default)", IMAGEDEDUP, ["10"]),
                ("imagededup phash, 4 bits", IMAGEDEDUP, ["4"]),
                ("czkawka (its default)", CZKAWKA, []),
            ):
                pairs = rival(python, code, [str(place / "all"), *words])
                found[name] = scored(pairs, truth, siblings) if isinstance(pairs, set) else {"failed": pairs}  # fmt: skip
    keep(
        "decisions",
        {
            "files": len({row.photo_id for row in everything}),
            "true_duplicate_pairs": len(truth),
            "sibling_colorway_pairs": len(siblings),
            "tools": found,
        },
    )


def plant(
    rows: Sequence[Row], count: int, chance: Random, folder: Path
) -> tuple[list[Row], dict[str, str], set[str]]:
    """Copies, the original of each, and which of them stand under a strange product."""
    folder.mkdir()
    studio = [row for row in rows if row.kind == "studio"]
    sample = chance.sample(studio, min(2 * count, len(studio)))
    planted: list[Row] = []
    original: dict[str, str] = {}
    strangers: set[str] = set()
    for number, row in enumerate(sample):
        with Image.open(row.path) as opened:
            image = upright_rgb(opened, at_least=None)
        is_stranger = number % 2 == 1
        kinds = {"jpeg": saved} if is_stranger else COPIES
        for kind, make in kinds.items():
            if kind == "mirrored":
                continue
            content = make(image)
            name = hashlib.sha256(content).hexdigest()
            (folder / f"{name}.jpg").write_bytes(content)
            product = chance.choice(studio).product if is_stranger else row.product
            if is_stranger and product == row.product:
                continue
            original[name] = row.photo_id
            strangers |= {name, row.photo_id} if is_stranger else set()
            path = str(folder / f"{name}.jpg")
            planted.append(Row(row.source, product, name, path, "copy", True, kind))
    return planted, original, strangers


def true_pairs(rows: Iterable[Row], original: dict[str, str]) -> set[Pair]:
    """Names that come from one original."""
    families: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        families[original.get(row.photo_id, row.photo_id)].add(row.photo_id)
    return {frozenset(pair) for family in families.values() for pair in combinations(sorted(family), 2)}  # fmt: skip


def sibling_pairs(rows: Sequence[Row]) -> set[Pair]:
    """Photos of two products whose names differ in the maker's code alone: colourways of one model."""
    models: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.source == "adidas-studio" and row.kind == "studio":
            models[re.sub(r"-[a-z]{1,2}\d{4}$", "", row.product[1])].append(row)
    return {
        frozenset((one.photo_id, two.photo_id))
        for model in models.values()
        for one, two in combinations(model, 2)
        if one.product != two.product and one.photo_id != two.photo_id
    }


def scored(pairs: set[Pair], truth: set[Pair], siblings: set[Pair]) -> dict[str, Any]:
    right = len(pairs & truth)
    return {
        "pairs": len(pairs),
        "precision": round(right / len(pairs), 4) if pairs else None,
        "recall": round(right / len(truth), 4),
        "colorways_taken_for_duplicates": len(pairs & siblings),
    }


def ours(rows: Sequence[Row], cache: Path, strangers: set[str]) -> dict[str, Any]:
    """Pairs of `same` and `near` links; conflicts and placeholders as the stages decide them."""
    photos = list({(row.photo_id, row.product): to_photo(row, number) for number, row in enumerate(rows)}.values())  # fmt: skip
    with FactsCache(cache, 95) as finished:
        facts = examine_all(photos, Path("/"), finished, 95, 1, lambda done, total: None)
        judged = list(verdicts(photos, facts, Path("clean"), 120))
        names = sorted({Path(one.path).stem for one in judged if one.path is not None})
        signed = list(finished.signatures(names))
    signatures = Signatures.of(signature for signature, _ in signed)
    links = find_links(signatures, np.stack([thumbs for _, thumbs in signed]), NARROW, WIDE)
    found = deduplicate(judged, signatures, links, MAX_GROUP)
    shown: dict[str, set[str]] = defaultdict(set)
    for one in judged:
        if one.path is not None:
            shown[Path(one.path).stem].add(one.photo_id)
    pairs = {frozenset(pair) for ids in shown.values() for pair in combinations(sorted(ids), 2)}
    for link in links:
        if link.kind in ("same", "near"):
            ends = (shown[signatures.canvases[end]] for end in (link.first, link.second))
            first, second = ends
            pairs |= {frozenset((one, two)) for one in first for two in second if one != two}
    in_conflict = {one.photo_id for one in found.conflicts}
    rejected = {one.photo_id for one in judged if (one.reason or "").startswith("placeholder")}
    placeholders = {row.photo_id for row in rows if row.kind == "placeholder"}
    told = [row for row in rows if row.kind == "placeholder"]
    return {
        "pairs": pairs,
        "conflicts": _counted(in_conflict, strangers),
        "placeholders": {
            **_counted(rejected, placeholders),
            "rows": len(told),
            "rows_rejected": sum(row.photo_id in rejected for row in told),
        },
    }


def _counted(found: set[str], wanted: set[str]) -> dict[str, Any]:
    right = len(found & wanted)
    return {
        "found": len(found),
        "wanted": len(wanted),
        "precision": round(right / len(found), 4) if found else None,
        "recall": round(right / len(wanted), 4) if wanted else None,
    }


def rival(python: str, code: str, words: Sequence[str]) -> set[Pair] | str:
    """The pairs that another tool finds in a folder, or the last line of why it could not."""
    done = subprocess.run([python, "-c", code, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:200]
    return {frozenset(Path(name).stem for name in pair) for pair in json.loads(done.stdout.splitlines()[-1])}  # fmt: skip
