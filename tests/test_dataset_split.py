"""Splits: whole clusters, stable under growth, audited by code that shares nothing with them."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import imagehash
import pytest
from conftest import draw_shoe
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalogue.errors import CatalogueError, LeakageError
from catalogue.manifest import write_manifest
from catalogue.schema import Sample
from dataset.audit import audit
from dataset.canvas import fit_canvas
from dataset.ledger import Ledger, fingerprint, read_ledger, write_ledger
from dataset.picture import encode_canvas
from dataset.records import Kept
from dataset.split import Assigned, Shares, assign_splits, unit

SHARES = Shares(
    val=0.15, test=0.25, unknown_products=0.15, unknown_brands=("orbit", "tide"), seed=0
)
Spec = tuple[int, int, int, int]  # brand, product, photo, cluster


def kept(brand: str, product: str, photo: object, cluster: object = None) -> Kept:
    name = hashlib.sha256(f"{brand}/{product}/{photo}".encode()).hexdigest()
    cluster_id = name[:16] if cluster is None else f"c{cluster}"
    path = f"data/clean/images/{name[:2]}/{name}.jpg"
    return Kept(name, path, brand, product, product, None, None, cluster_id)


def photos_of(specs: set[Spec]) -> list[Kept]:
    """One photo per (brand, product, number); a cluster of 0 means its own."""
    names = ("acme", "luna", "orbit", "tide")
    one_each = {spec[:3]: spec for spec in sorted(specs)}
    return [
        kept(names[brand], f"p{product}", photo, cluster or None)
        for brand, product, photo, cluster in one_each.values()
    ]


def assign(photos: list[Kept], ledger: Ledger | None = None) -> Assigned:
    return assign_splits(photos, {}, ("acme", "luna"), SHARES, ledger or Ledger())


SPECS = st.sets(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 6), st.sampled_from([0] * 6 + [1, 2, 3])),
    min_size=1,
    max_size=60,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(SPECS)
def test_no_cluster_crosses_and_every_known_product_has_a_train_photo(specs: set[Spec]) -> None:
    photos = photos_of(specs)
    result = assign(photos)
    sides = defaultdict(set)
    trained, known = set(), set()
    for sample in result.known:
        sides[sample.cluster_id].add(sample.split)
        known.add((sample.brand, sample.product))
        if sample.split == "train":
            trained.add((sample.brand, sample.product))
    for sample in result.unknown:
        sides[sample.cluster_id].add(f"unknown {sample.split}")
        assert (sample.brand, sample.product) not in known and sample.split != "train"
    assert all(len(found) == 1 for found in sides.values())
    assert trained == known
    assert len(result.known) + len(result.unknown) + len(result.dropped) == len(photos)


@settings(max_examples=40, deadline=None)
@given(SPECS, st.randoms(use_true_random=False))
def test_order_leaves_no_trace(specs: set[Spec], shuffler: random.Random) -> None:
    photos = photos_of(specs)
    first = assign(photos)
    shuffler.shuffle(photos)
    second = assign(photos)
    key = lambda sample: (sample.photo_id, sample.product)  # noqa: E731
    assert sorted(first.known, key=key) == sorted(second.known, key=key)
    assert sorted(first.unknown, key=key) == sorted(second.unknown, key=key)
    assert first.ledger == second.ledger


@settings(max_examples=60, deadline=None)
@given(SPECS, SPECS)
def test_growth_moves_nothing_but_what_a_new_link_forces(
    before: set[Spec], added: set[Spec]
) -> None:
    old = photos_of(before)
    first = assign(old)
    new = {photo.photo_id: photo for photo in photos_of(added)} | {p.photo_id: p for p in old}
    second = assign(list(new.values()), first.ledger)
    was = {sample.photo_id: sample.split for sample in first.known}
    now = {sample.photo_id: sample.split for sample in second.known}
    moved = {photo_id for photo_id in was if photo_id in now and now[photo_id] != was[photo_id]}
    assert {photo_id[:16] for photo_id in moved} <= second.exceptions.keys()
    unknown = {(one.brand, one.product) for one in second.unknown}
    assert not unknown & {(one.brand, one.product) for one in first.known}


def test_a_cluster_is_known_by_the_photo_it_lost() -> None:
    photos = [kept("acme", "p", number) for number in range(40)]
    first = assign(photos)
    gone = next(one for one in first.known if one.split == "test")
    better = kept("acme", "p", "better")
    left = [photo for photo in photos if photo.photo_id != gone.photo_id] + [better]
    second = assign_splits(left, {gone.photo_id: better.photo_id}, ("acme",), SHARES, first.ledger)
    (found,) = (one for one in second.known if one.photo_id == better.photo_id)
    assert found.split == "test"


def test_merged_clusters_go_to_train_and_say_so() -> None:
    photos = [kept("acme", "p", number) for number in range(40)]
    first = assign(photos)
    train = next(one.photo_id for one in first.known if one.split == "train")
    test = next(one.photo_id for one in first.known if one.split == "test")
    merged = [
        kept("acme", "p", number, "merged" if photo.photo_id in (train, test) else None)
        for number, photo in enumerate(photos)
    ]
    second = assign(merged, first.ledger)
    assert {one.split for one in second.known if one.cluster_id == "cmerged"} == {"train"}
    assert list(second.exceptions) == [test[:16]]


def test_shares_are_about_right_and_known_answers_hold() -> None:
    photos = [kept("acme", f"p{product}", n) for product in range(100) for n in range(12)]
    result = assign(photos)
    shares = {
        split: sum(one.split == split for one in result.known) / len(result.known)
        for split in ("train", "val", "test")
    }
    assert abs(shares["val"] - 0.15) < 0.04 and abs(shares["test"] - 0.25) < 0.04
    held_out = {one.product for one in result.unknown}
    assert 5 <= len(held_out) <= 25
    assert unit("nike", "air-max", 0) == pytest.approx(0.67325, abs=1e-5)


def test_unknown_brands_alternate_and_small_brands_keep_two_products() -> None:
    photos = [kept(brand, f"p{n}", n) for brand in ("orbit", "tide") for n in range(3)]
    photos += [kept("luna", f"p{n}", n) for n in range(2)]
    result = assign(photos)
    assert {(one.brand, one.split) for one in result.unknown} == {
        ("orbit", "val"),
        ("tide", "test"),
    }
    assert {one.product for one in result.known} == {"p0", "p1"}


def test_a_brand_that_is_unknown_no_longer_is_known_as_if_it_had_never_been() -> None:
    photos = [kept(brand, f"p{n}", n % 9) for brand in ("acme", "luna") for n in range(30)]
    before, known = replace(SHARES, unknown_brands=("luna",)), replace(SHARES, unknown_brands=())
    never = assign_splits(photos, {}, ("acme", "luna"), known, Ledger())
    first = assign_splits(photos, {}, ("acme",), before, Ledger())
    after = assign_splits(photos, {}, ("acme", "luna"), known, first.ledger)
    assert {one.brand for one in first.unknown} == {"acme", "luna"}
    held_out = {(one.brand, one.product) for one in never.unknown}
    assert {(one.brand, one.product) for one in after.unknown} == held_out
    away = assign_splits(photos, {}, ("acme",), before, never.ledger)
    again = assign_splits(photos, {}, ("acme", "luna"), known, away.ledger)
    assert (again.known, again.unknown) == (never.known, never.unknown)


def test_a_product_under_another_name_stays_known() -> None:
    """Another shop's name for it may become its slug, whose hash may say unknown."""
    photos = [kept("acme", f"p{n % 9}", n) for n in range(60)]
    first = assign(photos)
    known = {one.product for one in first.known}
    unknown = next(f"new{n}" for n in range(99) if unit("unknown", "acme", f"new{n}", 0) < 0.15)
    for name in sorted(known):
        of_it = [one for one in photos if one.product == name]
        renamed = [replace(one, product=unknown) if one in of_it else one for one in photos]
        sides = {one.photo_id: one.split for one in assign(renamed, first.ledger).known}
        assert all(sides[one.photo_id] == one.split for one in first.known if one.product == name)
        better = [kept("acme", unknown, f"better {n}") for n in range(len(of_it))]
        lost = {old.photo_id: new.photo_id for old, new in zip(of_it, better, strict=True)}
        left = [one for one in photos if one not in of_it] + better
        found = assign_splits(left, lost, ("acme", "luna"), SHARES, first.ledger)
        assert unknown in {one.product for one in found.known}


def test_the_ledger_survives_a_round_trip_and_other_params_void_it(tmp_path: Path) -> None:
    result = assign([kept("acme", f"p{n % 7}", n) for n in range(40)])
    path, params = tmp_path / "ledger.jsonl", fingerprint(0.15, 0.25, 0.15, 0)
    write_ledger(path, result.ledger, params)
    assert read_ledger(path, params) == result.ledger
    assert read_ledger(path, fingerprint(0.2, 0.25, 0.15, 0)) == Ledger()
    assert read_ledger(tmp_path / "none.jsonl", params) == Ledger()
    path.write_text(path.read_text() + '{"photo":1}\n')
    with pytest.raises(CatalogueError, match="Delete the file"):
        read_ledger(path, params)


def sample(root: Path, product: str, pose: int, split: str, cluster: str | None = None) -> Sample:
    canvas = encode_canvas(fit_canvas(draw_shoe(pose=pose)), 95 - len(product))
    name = hashlib.sha256(canvas).hexdigest()
    (root / f"{name}.jpg").write_bytes(canvas)
    photo_id = hashlib.sha256(f"{product}{pose}{split}".encode()).hexdigest()
    return Sample(
        photo_id, f"{name}.jpg", "acme", product, product, None, split, cluster or photo_id[:16]
    )


def test_the_audit_passes_what_is_sound(tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    sound = [
        sample(tmp_path, "p", pose, split) for pose, split in enumerate(("train", "val", "test"))
    ]
    write_manifest(tmp_path / "split" / "acme.jsonl", sound)
    write_manifest(tmp_path / "split" / "_unknown.jsonl", [sample(tmp_path, "q", 5, "val")])
    assert audit(tmp_path / "split", tmp_path).photos == 4


def test_the_audit_catches_every_leak(tmp_path: Path) -> None:
    def audited(*samples: Sample, unknown: tuple[Sample, ...] = ()) -> None:
        (tmp_path / "split").mkdir(exist_ok=True)
        write_manifest(tmp_path / "split" / "acme.jsonl", samples)
        write_manifest(tmp_path / "split" / "_unknown.jsonl", unknown)
        audit(tmp_path / "split", tmp_path)

    train = sample(tmp_path, "p", 0, "train", "one")
    with pytest.raises(LeakageError):  # one cluster in two splits
        audited(train, sample(tmp_path, "p", 3, "test", "one"))
    with pytest.raises(LeakageError):  # the same canvas
        audited(train, sample(tmp_path, "p", 0, "test"))
    with pytest.raises(LeakageError):  # the same picture, encoded again
        audited(
            train, sample(tmp_path, "p" * 30, 0, "train"), sample(tmp_path, "p" * 30, 0, "test")
        )
    with pytest.raises(LeakageError):  # known and unknown
        audited(train, unknown=(sample(tmp_path, "q", 3, "val", "one"),))
    with pytest.raises(CatalogueError, match="train photo"):
        audited(sample(tmp_path, "p", 0, "test"))
    with pytest.raises(CatalogueError, match="unknown"):
        audited(train, unknown=(sample(tmp_path, "p", 3, "val"),))


def test_a_reported_dropped_link_is_no_leak(tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    pair = [sample(tmp_path, "p", 0, "train"), sample(tmp_path, "pp", 0, "test")]
    write_manifest(tmp_path / "split" / "acme.jsonl", [*pair, sample(tmp_path, "pp", 2, "train")])
    with pytest.raises(LeakageError):
        audit(tmp_path / "split", tmp_path)
    allowed = [frozenset(one.photo_id for one in pair)]
    assert audit(tmp_path / "split", tmp_path, allowed).photos == 3


def test_the_audit_tells_the_nearest_pair_of_each_brand(tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    poses = [("train", 0), ("train", 3), ("val", 2), ("test", 5)]
    samples = [sample(tmp_path, "p", pose, split) for split, pose in poses]
    write_manifest(tmp_path / "split" / "acme.jsonl", samples)
    alone = replace(sample(tmp_path, "q", 4, "train"), brand="luna")
    write_manifest(tmp_path / "split" / "luna.jsonl", [alone])
    found = audit(tmp_path / "split", tmp_path).nearest
    assert list(found) == ["acme"], "a brand on one side has no pair across"
    hashes = [imagehash.phash(Image.open(tmp_path / one.path)) for one in samples]
    across = [
        (int(hashes[one] - hashes[two]), {samples[one].photo_id, samples[two].photo_id})
        for one in range(4)
        for two in range(one)
        if samples[one].split != samples[two].split
    ]
    least = min(bits for bits, _ in across)
    assert found["acme"].distance == least > 0
    assert (least, set(found["acme"].photos)) in across
    assert len(set(found["acme"].sides)) == 2 and 0 < found["acme"].unlikeness < 2


ADDITIONS = 100


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_hundred_additions_move_nothing_but_what_a_new_link_forces(seed: int) -> None:
    """Pictures, products and brands arrive in random order; a link comes with the photo that makes it."""
    chance = random.Random(seed)
    arriving = arrivals(chance)
    sizes = [*sorted(chance.sample(range(1, len(arriving)), ADDITIONS - 1)), len(arriving)]
    ledger, was, members_were, forced = Ledger(), {}, {}, 0
    for size in sizes:
        photos = clustered(arriving[:size])
        listed = {"acme", "luna"} & {photo.brand for photo in photos}
        result = assign_splits(photos, {}, listed, SHARES, ledger)
        now = {one.photo_id: one.split for one in result.known}
        now |= {one.photo_id: f"unknown {one.split}" for one in result.unknown}
        clusters = defaultdict(set)
        for photo in photos:
            clusters[photo.cluster_id].add(photo.photo_id)
        members = {one: found for found in clusters.values() for one in found}
        moved = {one for one, side in was.items() if one in now and now[one] != side}
        for one in moved:
            assert members_were[one] < members[one], f"{one} moved without a new link"
            assert result.ledger.exceptions[one[:16]].startswith(f"{was[one]} to {now[one]}")
        assert was.keys() - now.keys() <= {told[:64] for told in result.dropped}
        ledger, was, members_were, forced = result.ledger, now, members, forced + len(moved)
    assert len(was) > 200 and forced, "nothing was forced: this shows too little"


def arrivals(chance: random.Random) -> list[tuple[Kept, str]]:
    """Photos of four brands in random order, each with the near-duplicate star that it belongs to."""
    photos = []
    for brand in ("acme", "luna", "orbit", "tide"):
        for product in range(chance.randint(6, 14)):
            stars = chance.randint(1, 14)
            for number in range(chance.randint(1, 18)):
                own = f"{brand}/{product}/{chance.randrange(stars)}"
                star = own if chance.random() < 0.95 else f"shared/{chance.randrange(20)}"
                photos.append((kept(brand, f"p{product}", number), star))
    chance.shuffle(photos)
    return photos


def clustered(arrived: list[tuple[Kept, str]]) -> list[Kept]:
    """The photos with their cluster ids; a star's photos are linked by its third, not before."""
    stars = defaultdict(list)
    for photo, star in arrived:
        stars[star].append(photo)
    found = []
    for members in stars.values():
        first = min(one.photo_id for one in members)
        for one in members:
            name = first if len(members) > 2 else one.photo_id
            found.append(replace(one, cluster_id=name[:16]))
    return found
