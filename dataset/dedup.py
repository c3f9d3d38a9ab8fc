"""Near-duplicates over all brands: which photos are kept, and which must stay together.

In: judged photos and the verified links between their canvases. Out: label conflicts resolved, one
kept photo per near-duplicate star, leakage groups. Kept and leakage are two questions: removing
needs a short, verified link to the kept photo itself, since chains of links make mega-groups;
staying together follows links as far as they lead, up to a largest group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path

from catalogue.schema import CleanPhoto
from dataset.conflicts import label_conflicts, product_of
from dataset.decisions import OfPhotos
from dataset.links import Link
from dataset.records import Conflict, DroppedLink, Kept, Removed
from dataset.signature import Signatures

NOTHING_DECIDED = OfPhotos()


@dataclass(frozen=True)
class Deduplicated:
    """All that the stage writes."""

    kept: list[Kept]
    removed: list[Removed]
    conflicts: list[Conflict]
    dropped_links: list[DroppedLink]


def deduplicate(
    photos: Iterable[CleanPhoto],
    signatures: Signatures,
    links: Sequence[Link],
    max_group: int,
    decided: OfPhotos = NOTHING_DECIDED,
) -> Deduplicated:
    """Resolve conflicts, choose kept photos, group what must not be split.

    Args:
        photos: rejected ones are passed over.
        signatures: of the canvases, in the order that ``links`` refer to.
        links: from `find_links`.
        max_group: photos; a leakage group's largest size.
        decided: by a person: whose a picture is, and which are no duplicates of each other (they
            stay on one side of a split all the same).
    """
    rows = {canvas: row for row, canvas in enumerate(signatures.canvases)}
    usable = sorted(
        (photo for photo in photos if photo.path is not None),
        key=lambda photo: (photo.photo_id, *product_of(photo)),
    )
    row_of = [rows[Path(photo.path or "").stem] for photo in usable]
    links = _apart(
        links, decided.apart, {p.photo_id: r for p, r in zip(usable, row_of, strict=True)}
    )
    same = [(link.first, link.second) for link in links if link.kind == "same"]
    conflicts = label_conflicts(usable, _same_picture(row_of, same), decided.owners)
    dropped = {
        (conflict.photo_id, conflict.brand, conflict.product)
        for conflict in conflicts
        if conflict.resolution == "dropped"
    }
    left = [
        index
        for index, photo in enumerate(usable)
        if (photo.photo_id, *product_of(photo)) not in dropped
    ]
    kept, removed = choose_kept(
        [usable[index] for index in left],
        [row_of[index] for index in left],
        {(link.first, link.second): link for link in links if link.kind in ("same", "near")},
        signatures.sharpness.tolist(),
    )
    ids = {photo.photo_id: rows[Path(photo.path or "").stem] for photo in kept}
    groups, dropped_links = leakage_groups(ids, links, max_group)
    return Deduplicated(_clustered(kept, groups), removed, conflicts, dropped_links)


def _apart(
    links: Sequence[Link], apart: Iterable[frozenset[str]], rows: Mapping[str, int]
) -> Sequence[Link]:
    """``links`` in which two pictures that a person told apart are only kept on one side."""
    pairs = {frozenset(rows[one] for one in pair if one in rows) for pair in apart}
    if not pairs:
        return links
    return [
        replace(link, kind="wide")
        if {link.first, link.second} in pairs and link.kind != "mirror"
        else link
        for link in links
    ]


def choose_kept(
    photos: Sequence[CleanPhoto],
    row_of: Sequence[int],
    near: Mapping[tuple[int, int], Link],
    sharpness: Sequence[float],
) -> tuple[list[CleanPhoto], list[Removed]]:
    """One kept photo per near-duplicate star of each product; every removal names its keeper.

    The best photo first: sharpest (in steps of a tenth), largest, first seen. A photo is removed
    only for a link to the kept photo itself, never for a chain of links.
    """

    def rank(index: int) -> tuple[int, int, int, str]:
        photo = photos[index]
        step = round(log(max(sharpness[row_of[index]], 1.0)) / log(1.1))
        pixels = (photo.width_px or 0) * (photo.height_px or 0)
        return -step, -pixels, photo.position, photo.photo_id

    linked = _neighbours(near)
    keepers: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)  # product -> row -> id
    kept, removed = [], []
    for index in sorted(range(len(photos)), key=rank):
        photo, row = photos[index], row_of[index]
        held = keepers[product_of(photo)]
        reachable = [other for other in (row, *linked.get(row, ())) if other in held]
        if not reachable:
            held[row] = photo.photo_id
            kept.append(photo)
            continue
        links = [(_link_between(near, row, other), held[other]) for other in reachable]
        link, keeper = min(links, key=lambda found: (*found[0], found[1]))
        kind = "exact" if row in reachable else "near"
        removed.append(Removed(photo.photo_id, *product_of(photo), keeper, kind, *link))
    return kept, sorted(removed, key=lambda one: (one.photo_id, one.brand, one.product))


def leakage_groups(
    rows: Mapping[str, int], links: Sequence[Link], max_group: int
) -> tuple[list[list[str]], list[DroppedLink]]:
    """Group photos that must stay on one side of a split.

    A group is everything reachable through links, strongest links first; a link that would make a
    group larger than ``max_group`` is dropped and reported, so it is always the weakest that go.

    Args:
        rows: photo id -> row of its canvas in ``links``.
        links: strongest first.
        max_group: photos.

    Returns:
        Groups of at least two ids, each sorted, ordered by first id: the result does not depend
        on the order of ``rows``; and the dropped links.

    Raises:
        ValueError: ``max_group`` is under 1.
    """
    if max_group < 1:
        raise ValueError(f"max_group is {max_group}; it must be at least 1 photo")
    ids: dict[int, list[str]] = defaultdict(list)
    for photo_id in sorted(rows):
        ids[rows[photo_id]].append(photo_id)
    group_of: dict[str, list[str]] = {}  # of photos with a link
    dropped = []
    for first, second, link in _photo_links(ids, links):
        one, two = group_of.setdefault(first, [first]), group_of.setdefault(second, [second])
        if one is two:
            continue
        if len(one) + len(two) > max_group:
            ends = min(first, second), max(first, second)
            size = len(one) + len(two)
            dropped.append(DroppedLink(*ends, *_strength(link), link.kind, size))
            continue
        large, small = (one, two) if len(one) >= len(two) else (two, one)
        large.extend(small)
        for photo_id in small:
            group_of[photo_id] = large
    distinct = {id(group): sorted(group) for group in group_of.values() if len(group) > 1}
    return sorted(distinct.values()), dropped


def _photo_links(
    ids: Mapping[int, Sequence[str]], links: Iterable[Link]
) -> Iterable[tuple[str, str, Link]]:
    """Links between photos: those that share a canvas first, then links between canvases."""
    for row in sorted(ids):
        for other in ids[row][1:]:
            yield ids[row][0], other, Link(0, 0.0, row, row, "same")
    for link in links:
        if link.first in ids and link.second in ids:
            yield ids[link.first][0], ids[link.second][0], link


def _clustered(kept: Iterable[CleanPhoto], groups: Iterable[Sequence[str]]) -> list[Kept]:
    anchor = {photo_id: group[0] for group in groups for photo_id in group}
    return [
        Kept(
            photo_id=photo.photo_id,
            path=photo.path or "",
            brand=photo.brand,
            product=photo.product,
            product_name=photo.product_name,
            group=photo.group,
            view=photo.view,
            cluster_id=anchor.get(photo.photo_id, photo.photo_id)[:16],
        )
        for photo in sorted(kept, key=lambda photo: photo.photo_id)
    ]


def _same_picture(row_of: Sequence[int], same: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Index of a photo -> indices of the other photos that show the same picture, if there are any."""
    by_row: dict[int, list[int]] = defaultdict(list)
    for index, row in enumerate(row_of):
        by_row[row].append(index)
    linked = _neighbours(same)
    shown = {}
    for index, row in enumerate(row_of):
        near = (row, *linked.get(row, ()))
        if others := [other for one in near for other in by_row[one] if other != index]:
            shown[index] = others
    return shown


def _neighbours(near: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    linked: dict[int, list[int]] = defaultdict(list)
    for first, second in near:
        linked[first].append(second)
        linked[second].append(first)
    return dict(linked)


def _link_between(near: Mapping[tuple[int, int], Link], one: int, two: int) -> tuple[int, float]:
    return (0, 0.0) if one == two else _strength(near[(min(one, two), max(one, two))])


def _strength(link: Link) -> tuple[int, float]:
    return link.distance_bits, link.residual
