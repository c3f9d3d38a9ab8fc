"""What a person should look at: rejects, odd pictures, duplicates, conflicts, with a small picture each.

In: the catalogue, the verdicts, pairs of products that may be one, and what dedup wrote. Out: cases for the page, and thumbnails made from
the original bytes. Bounded: of each group the first `most` by photo_id are shown, and all are counted.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from catalogue.manifest import read_manifest
from catalogue.schema import CleanPhoto, Photo
from dataset.picture import UnreadablePicture, canvas_of, read_bounded
from dataset.records import Conflict, Kept, Removed, SameProduct

THUMB = (140, 168)  # px; a canvas's shape
QUALITY = 80


@dataclass(frozen=True)
class Shown:
    """One picture of a case, and what stands below it."""

    photo_id: str
    told: str


@dataclass(frozen=True)
class Case:
    """What belongs side by side, and the lines of overrides.csv that would change it."""

    pictures: tuple[Shown, ...]
    lines: tuple[str, ...]


@dataclass
class Group:
    """Cases of one kind: the first ones, and how many there are."""

    title: str
    total: int = 0
    cases: list[Case] = field(default_factory=list)


def collect(clean: Path, dedup: Path, same_products: Path, most: int) -> list[Group]:
    """The groups of cases in the order of the page; empty ones are left out."""
    judged = list(read_manifest(clean / "verdicts.jsonl", CleanPhoto))
    groups = [
        *_judged_groups(judged, "reject", "Rejected", "keep", most),
        *_judged_groups(judged, "review", "Odd, and trained on all the same", "reject", most),
        *_conflict_groups(read_manifest(dedup / "conflicts.jsonl", Conflict), most),
        *_same_products(read_manifest(same_products, SameProduct), most),
        *_removed_groups(read_manifest(dedup / "removed.jsonl", Removed), most),
        *_look_alikes(read_manifest(dedup / "kept.jsonl", Kept), most),
    ]
    return [group for group in groups if group.total]


def _judged_groups(
    judged: Sequence[CleanPhoto], verdict: str, title: str, other: str, most: int
) -> list[Group]:
    by_reason: dict[str, list[CleanPhoto]] = defaultdict(list)
    for photo in judged:
        if photo.verdict == verdict:
            by_reason[(photo.reason or "").split(":")[0]].append(photo)
    groups = []
    for reason in sorted(by_reason, key=lambda one: (-len(by_reason[one]), one)):
        photos = sorted(by_reason[reason], key=lambda one: (one.photo_id, one.brand, one.product))
        cases = [
            Case(
                (Shown(one.photo_id, f"{_name(one)}: {one.reason}{_score(one.score)}"),),
                (_line(one, other),),
            )
            for one in photos[:most]
        ]
        groups.append(Group(f"{title}: {reason}", len(photos), cases))
    return groups


def _line(photo: CleanPhoto, decision: str) -> str:
    """The line that undoes a verdict; what many products show is kept by saying whose it is."""
    if decision == "keep" and (photo.reason or "").startswith("placeholder"):
        return f"{photo.photo_id[:12]},belongs-to,{photo.brand}/{photo.product},"
    return f"{photo.photo_id[:12]},{decision},,"


def _conflict_groups(conflicts: Iterable[Conflict], most: int) -> list[Group]:
    groups: dict[str, Group] = {}
    seen: set[frozenset[str]] = set()
    for one in conflicts:
        pictures = (one.photo_id, *one.same_as)
        if frozenset(pictures) in seen and one.resolution == "dropped":
            continue  # the same pictures, seen from another of their products
        seen.add(frozenset(pictures))
        rule = one.reason.split(":")[0].split(" (")[0]
        group = groups.setdefault(rule, Group(f"One picture, several products: {rule}"))
        group.total += 1
        if len(group.cases) < most:
            told = f"{one.resolution}: {one.reason}"
            shown = [Shown(one.photo_id, f"{one.brand}/{one.product} {told}")]
            shown += [Shown(other, "the same picture") for other in one.same_as[:5]]
            lines = [f"{one.photo_id[:12]},belongs-to,{name}," for name in one.products[:6]]
            if len(one.products) == 2:
                lines.append(f"{one.products[0]},same-as,{one.products[1]},")
            group.cases.append(Case(tuple(shown), tuple(lines)))
    return [groups[rule] for rule in sorted(groups)]


def _same_products(pairs: Iterable[SameProduct], most: int) -> list[Group]:
    maybe = Group("One product in several shops? Proposed, not joined")
    joined = Group("One product in several shops: joined")
    for one in sorted(pairs, key=lambda pair: pair.rule == "names"):  # names alone say least
        group = maybe if one.kept is None else joined
        group.total += 1
        if len(group.cases) >= most:
            continue
        why = "; ".join(one.evidence)
        told = [
            f"{name} ({product}) at {sites}: {why}"
            for name, product, sites in zip(
                one.names, (one.product, one.other), one.sites, strict=True
            )
        ]
        shown = tuple(
            Shown(photo, text) for photo, text in zip(one.pictures, told, strict=True) if photo
        )
        apart = f"{one.product},not-same,{one.other},"
        same = (f"{one.product},same-as,{one.other},",) if one.kept is None else ()
        group.cases.append(Case(shown, (*same, apart)))
    return [maybe, joined]


def _removed_groups(removed: Iterable[Removed], most: int) -> list[Group]:
    groups = {
        kind: Group(f"Removed as a duplicate: {kind}") for kind in ("near", "exact")
    }  # near ones first: they can be wrong
    for one in removed:
        group = groups[one.kind]
        group.total += 1
        if len(group.cases) < most:
            told = f"{one.brand}/{one.product}: {one.distance} bits, residual {one.residual}"
            shown = (Shown(one.keeper, "kept"), Shown(one.photo_id, f"removed; {told}"))
            line = f"{one.photo_id[:12]},apart,{one.keeper[:12]},"
            group.cases.append(Case(shown, (line,) if one.kind == "near" else ()))
    return list(groups.values())


def _look_alikes(kept: Iterable[Kept], most: int) -> list[Group]:
    """Leakage groups over several products: siblings, or one product under two names."""
    clusters: dict[str, list[Kept]] = defaultdict(list)
    for photo in kept:
        clusters[photo.cluster_id].append(photo)
    group = Group("Look alike and stay on one side of the split, though of several products")
    for cluster in sorted(clusters):
        members = clusters[cluster]
        products = Counter(f"{one.brand}/{one.product}" for one in members)
        if len(products) < 2:
            continue
        group.total += 1
        if len(group.cases) < most:
            shown = tuple(Shown(one.photo_id, f"{one.brand}/{one.product}") for one in members[:6])
            names = sorted(products)
            group.cases.append(Case(shown, (f"{names[0]},same-as,{names[1]},",)))
    return [group]


def _name(photo: CleanPhoto) -> str:
    return f"{photo.product_name} ({photo.brand}/{photo.product})"


def _score(score: float | None) -> str:
    return "" if score is None else f", {score:.4g}"


def write_thumbs(
    folder: Path, photo_ids: Iterable[str], photos: Mapping[str, Photo], crawl: Path
) -> set[str]:
    """A small JPEG per photo in ``folder``, from its original bytes; which could be made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = set()
    for photo_id in sorted(set(photo_ids)):
        relative = Path(photos[photo_id].path) if photo_id in photos else None
        if relative is None or relative.is_absolute() or ".." in relative.parts:
            continue
        try:
            canvas, _ = canvas_of(read_bounded(crawl / relative))
        except (OSError, UnreadablePicture):
            continue
        (folder / f"{photo_id[:16]}.jpg").write_bytes(_small(canvas))
        made.add(photo_id)
    return made


def _small(canvas: Image.Image) -> bytes:
    buffer = io.BytesIO()
    canvas.reduce(2).resize(THUMB, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
