"""Precision and recall of duplicate, colourway, conflict and placeholder decisions, beside other tools on the same files.

Truth: see `bench.dataset.truth`. A pair of files is a duplicate if both come from one original; nothing else is, be it a
colourway, an angle or a like shoe. Other tools have no products, so pairs are what is compared. Decisions
about colourways are told of the pairs within the narrow radius, which by hashes alone would all be duplicates.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np

from bench.dataset.duplicates import MAX_GROUP, NARROW, WIDE, Row, to_photo
from bench.dataset.results import keep
from bench.dataset.rivals import RIVALS, Pair, pairs_of, version_of
from bench.dataset.truth import Truth, plant, told
from catalogue.schema import CleanPhoto
from dataset.clean import examine_all, verdicts
from dataset.dedup import Deduplicated, deduplicate
from dataset.facts import FactsCache
from dataset.links import Link, find_links
from dataset.phash import distance
from dataset.signature import Signatures
from demo.drawn import drawn_catalogue

DRAWN = Path(__file__).resolve().parents[2] / "var" / "demo"


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--drawn", is_flag=True, help="The drawn shop instead of FOLDERS.")
@click.option("--copies", "count", default=60, show_default=True, help="Photos to plant copies of.")
@click.option("--rivals", "python", help="A Python with other tools; see bench/dataset/rivals.py.")
@click.option("--seed", default=0, show_default=True)
def decisions(
    folders: tuple[Path, ...], drawn: bool, count: int, python: str | None, seed: int
) -> None:
    """Score decisions on the photos of FOLDERS with planted copies and conflicts."""
    if drawn == bool(folders):
        raise click.UsageError("give either folders with a catalogue.csv, or --drawn")
    truth = told([drawn_catalogue(DRAWN)] if drawn else folders)
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        plant(truth, count, Random(seed), place / "planted")
        found = ours(truth, place / "cache")
        (place / "all").mkdir()
        for row in {row.photo_id: row for row in truth.rows}.values():
            # czkawka passes links over
            shutil.copyfile(row.path, place / "all" / f"{row.photo_id}{Path(row.path).suffix}")
        found |= beside(python, place / "all", truth) if python else {}
    keep(
        "decisions_drawn" if drawn else "decisions",
        {
            "files": len({row.photo_id for row in truth.rows}),
            "true_duplicate_pairs": len(truth.duplicates()),
            "sibling_colorway_pairs": len(truth.siblings()),
            "tools": found,
        },
    )


def beside(python: str, folder: Path, truth: Truth) -> dict[str, Any]:
    """The scores of the other tools that ``python`` has."""
    found: dict[str, Any] = {}
    for rival in RIVALS:
        if version := version_of(python, rival):
            began = time.perf_counter()
            pairs = pairs_of(python, rival, folder)
            score = {"failed": pairs} if isinstance(pairs, str) else scored(pairs, truth)
            took_s = round(time.perf_counter() - began, 1)
            found[rival.name] = {"version": version, **score, "seconds": took_s}
            click.echo(f"{rival.name}: {found[rival.name]}")
    return found


def scored(pairs: set[Pair], truth: Truth) -> dict[str, Any]:
    """Of pairs that are called duplicates."""
    duplicates = truth.duplicates()
    right = len(pairs & duplicates)
    return {
        "pairs": len(pairs),
        "precision": round(right / len(pairs), 4) if pairs else None,
        "recall": round(right / len(duplicates), 4),
        "colorways_taken_for_duplicates": len(pairs & truth.siblings()),
    }


def ours(truth: Truth, cache: Path) -> dict[str, Any]:
    """What the stages decide of all files, scored: removals, what stays together, conflicts, placeholders, colourways."""
    photos = list({(row.photo_id, row.product): to_photo(row, number) for number, row in enumerate(truth.rows)}.values())  # fmt: skip
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
    linked = [(link, shown[signatures.canvases[link.first]], shown[signatures.canvases[link.second]]) for link in links]  # fmt: skip
    pairs = _pairs(shown.values(), linked, ("same", "near"))
    near = _near_by_hash(truth, judged, signatures)
    return {
        "ours": {
            **scored(pairs, truth),
            "conflicts": _counted({one.photo_id for one in found.conflicts}, truth.strangers),
            "placeholders": _placeholders(truth.rows, judged),
            "near_by_hash": {
                "colorways": len(near & truth.siblings()),
                "colorways_told_apart": len(near & truth.siblings() - pairs),
                "duplicates": len(near & truth.duplicates()),
                "duplicates_told_apart": len(near & truth.duplicates() - pairs),
            },
            "removed": _removed(found, truth),
        },
        "ours, kept on one side of a split": scored(
            _pairs(shown.values(), linked, ("same", "near", "wide")), truth
        ),
    }


def _pairs(
    shown: Iterable[set[str]],
    linked: Iterable[tuple[Link, set[str], set[str]]],
    kinds: tuple[str, ...],
) -> set[Pair]:
    """Files that give one canvas, or two canvases with a link of ``kinds``."""
    pairs = {frozenset(pair) for ids in shown for pair in combinations(sorted(ids), 2)}
    for link, first, second in linked:
        if link.kind in kinds:
            pairs |= {frozenset((one, two)) for one in first for two in second if one != two}
    return pairs


def _near_by_hash(truth: Truth, judged: Sequence[CleanPhoto], signatures: Signatures) -> set[Pair]:
    """The true duplicates and the sibling colourways whose hashes are within the narrow radius."""
    rows = {canvas: row for row, canvas in enumerate(signatures.canvases)}
    row_of = {one.photo_id: rows[Path(one.path).stem] for one in judged if one.path is not None}
    found = set()
    for pair in truth.duplicates() | truth.siblings():
        ends = [row_of[name] for name in pair if name in row_of]
        if len(ends) == 2:
            columns = (signatures.phash, signatures.box)
            bits = min(distance(*(int(column[end]) for end in ends)) for column in columns)
            found |= {pair} if bits <= NARROW else set()
    return found


def _placeholders(rows: Sequence[Row], judged: Sequence[CleanPhoto]) -> dict[str, Any]:
    told = {one.photo_id for one in judged if (one.reason or "").startswith("placeholder")}
    known = [row.photo_id for row in rows if row.kind == "placeholder"]
    return {
        **_counted(told, set(known)),
        "rows": len(known),
        "rows_told": sum(one in told for one in known),
    }


def _removed(found: Deduplicated, truth: Truth) -> dict[str, Any]:
    """Photos that the dedup stage takes out, and how many of them show what their keeper shows."""
    right = sum(
        frozenset((one.photo_id, one.keeper)) in truth.duplicates() or one.photo_id == one.keeper
        for one in found.removed
    )
    return {"photos": len(found.removed), "of_their_keeper": right}


def _counted(found: set[Any], wanted: set[Any]) -> dict[str, Any]:
    right = len(found & wanted)
    return {
        "found": len(found),
        "wanted": len(wanted),
        "precision": round(right / len(found), 4) if found else None,
        "recall": round(right / len(wanted), 4) if wanted else None,
    }
