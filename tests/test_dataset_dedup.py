"""Duplicates: what is removed, what stays together, what is in conflict."""

from __future__ import annotations

import hashlib
import io
import random

import imagehash
import numpy as np
import pytest
from conftest import draw_shoe, encoded
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalogue.schema import CleanPhoto
from dataset.audit_looks import SMALL, Looks, compare
from dataset.dedup import Deduplicated, deduplicate, leakage_groups
from dataset.links import Link, find_links
from dataset.picture import examine
from dataset.signature import Signatures

Picture = tuple[str, str, Image.Image | bytes]  # brand, product, picture


def photo(brand: str, product: str, photo_id: str, canvas: str, position: int = 0) -> CleanPhoto:
    return CleanPhoto(
        photo_id, brand, product, product, None, None, None, None, position, "keep", None, None,
        f"data/clean/images/{canvas[:2]}/{canvas}.jpg", 300, 300,
    )  # fmt: skip


def run(pictures: list[Picture], max_group: int = 40) -> Deduplicated:
    photos, signatures, thumbs = [], {}, {}
    for number, (brand, product, picture) in enumerate(pictures):
        content = picture if isinstance(picture, bytes) else encoded(picture)
        name = hashlib.sha256(content).hexdigest()
        found = examine(name, content, 95)
        assert found.signature is not None and found.facts.canvas is not None
        signatures[found.facts.canvas] = found.signature
        thumbs[found.facts.canvas] = found.thumbs
        photos.append(photo(brand, product, name, found.facts.canvas, number))
    names = sorted(signatures)
    ordered = Signatures.of(signatures[name] for name in names)
    links = find_links(ordered, np.stack([thumbs[name] for name in names]), 4, 8)
    return deduplicate(photos, ordered, links, max_group)


def again(image: Image.Image, quality: int = 60, scale: float = 1.0) -> bytes:
    size = round(image.width * scale), round(image.height * scale)
    return encoded(image.resize(size, Image.Resampling.LANCZOS), "JPEG", quality=quality)


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((6, 5, image.width - 4, image.height - 7))


@pytest.mark.parametrize(
    "copy",
    [
        lambda image: again(image),
        lambda image: again(image, 85, 0.6),
        lambda image: again(image, 85, 2.0),
        lambda image: encoded(cropped(image)),
        lambda image: encoded(image, "WEBP", quality=80),
    ],
    ids=["recompressed", "smaller", "larger", "cropped", "webp"],
)
@pytest.mark.parametrize("pose", [0, 1, 2])
def test_a_copy_is_removed_and_names_its_keeper(copy, pose: int) -> None:  # type: ignore[no-untyped-def]
    original = draw_shoe(pose=pose, size=400)
    found = run([("acme", "r", original), ("acme", "r", copy(original))])
    assert len(found.kept) == 1 and len(found.removed) == 1
    assert found.removed[0].keeper == found.kept[0].photo_id
    assert found.removed[0].distance <= 4 and not found.conflicts


@pytest.mark.parametrize("paleness", [0.0, 0.6, 0.85])
@pytest.mark.parametrize(
    "tone",
    [
        lambda pixels: pixels * 246 / 255,
        lambda pixels: pixels - 8,
        lambda pixels: 255 * (pixels / 255) ** 1.06,
    ],
    ids=["on #f6f6f6", "darker", "gamma"],
)
def test_what_the_audit_calls_one_picture_is_linked(tone, paleness: float) -> None:  # type: ignore[no-untyped-def]
    """A pale shoe on white differs by its ground's tone as much as by itself; else the split fails for good."""
    seen_by_audit = 0
    for pose in range(4):
        shoe = np.asarray(draw_shoe(pose=pose, size=400)).astype(float)
        pale = shoe + (255 - shoe) * paleness
        signed, canvases = [], []
        for pixels in (pale, tone(pale).clip(0, 255)):
            content = encoded(Image.fromarray(pixels.round().astype(np.uint8)))
            found = examine(hashlib.sha256(content).hexdigest(), content, 95)
            assert found.encoded is not None
            signed.append((found.signature, found.thumbs))
            canvases.append(Image.open(io.BytesIO(found.encoded)))
        hashes = np.array([int(str(imagehash.phash(one)), 16) for one in canvases], np.uint64)
        smalls = [np.asarray(one.resize((SMALL, SMALL), Image.Resampling.BOX)) for one in canvases]
        looks = Looks(hashes, np.stack(smalls).reshape(2, -1))
        _, same = compare(looks, np.array([0, 1]), np.array([0, 0]))
        links = find_links(
            Signatures.of(one for one, _ in signed), np.stack([of for _, of in signed]), 4, 8
        )
        assert links or not same
        seen_by_audit += bool(same)
    assert seen_by_audit


def test_the_sharper_and_larger_one_is_kept() -> None:
    original = draw_shoe(size=500)
    blurred = original.resize((120, 120)).resize((500, 500))
    found = run([("acme", "r", blurred), ("acme", "r", original)])
    assert [one.photo_id for one in found.kept] == [hashlib.sha256(encoded(original)).hexdigest()]


def test_other_angles_and_other_products_survive() -> None:
    pictures: list[Picture] = [
        ("acme", f"r{shape}", draw_shoe(pose=pose, shape=shape))
        for shape in range(3)
        for pose in range(5)
    ]
    found = run(pictures)
    assert len(found.kept) == len(pictures) and not found.conflicts


@pytest.mark.parametrize("product", ["r", "s"], ids=["one product", "two products"])
def test_sibling_colorways_survive(product: str) -> None:
    red, blue = draw_shoe((200, 40, 40)), draw_shoe((40, 60, 200))
    other_stripe = draw_shoe((200, 40, 40), stripe=(240, 240, 240))
    found = run([("acme", "r", red), ("acme", product, blue), ("acme", product, other_stripe)])
    assert len(found.kept) == 3 and not found.removed and not found.conflicts
    assert len({one.cluster_id for one in found.kept}) == 3


def test_a_mirrored_picture_joins_the_group_and_stays() -> None:
    image = draw_shoe(pose=1)
    found = run(
        [("acme", "r", image), ("acme", "r", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))]
    )
    assert len(found.kept) == 2 and not found.removed
    assert len({one.cluster_id for one in found.kept}) == 1


def test_the_same_pixels_in_another_file_are_exact() -> None:
    image = draw_shoe()
    found = run([("acme", "r", encoded(image, "PNG")), ("acme", "r", encoded(image, "BMP"))])
    assert [(one.kind, one.distance) for one in found.removed] == [("exact", 0)]


def test_a_picture_of_three_products_is_dropped_from_all() -> None:
    image = draw_shoe()
    found = run([("acme", name, again(image, 70 + 5 * n)) for n, name in enumerate("abc")])
    assert not found.kept and len(found.conflicts) == 3
    assert {one.resolution for one in found.conflicts} == {"dropped"}
    assert found.conflicts[0].products == ("acme/a", "acme/b", "acme/c")


def test_a_shared_first_picture_stays_where_it_is_first() -> None:
    image, other = draw_shoe(), draw_shoe(pose=3)
    found = run([("acme", "a", image), ("luna", "b", other), ("luna", "b", image)])
    told = {(one.brand, one.resolution) for one in found.conflicts}
    assert told == {("acme", "kept"), ("luna", "dropped")}
    assert sorted((one.brand, one.product) for one in found.kept) == [("acme", "a"), ("luna", "b")]


def test_nobodys_picture_is_dropped_from_both_and_listed() -> None:
    shared = draw_shoe(pose=2)
    pictures: list[Picture] = [("acme", "z", draw_shoe(pose=4, shape=3))]
    pictures += [("acme", "a", draw_shoe()), ("acme", "b", draw_shoe(shape=2))]
    found = run([*pictures, ("acme", "a", shared), ("acme", "b", shared)])
    assert [one.resolution for one in found.conflicts] == ["dropped", "dropped"]
    assert len(found.kept) == 3


def test_two_names_of_one_product_become_the_larger_one() -> None:
    poses = [draw_shoe(pose=pose) for pose in range(4)]
    pictures: list[Picture] = [("acme", "runner", image) for image in poses]
    pictures += [("acme", "runner-new", again(image, 85)) for image in poses[:2]]
    found = run(pictures)
    assert {one.product for one in found.kept} == {"runner"} and len(found.kept) == 4
    assert sum(one.resolution == "dropped" for one in found.conflicts) == 2
    assert all("two names" in one.reason for one in found.conflicts)


def test_one_photo_is_under_one_product_at_most() -> None:
    image = draw_shoe()
    found = run([("acme", "a", image), ("luna", "b", image), ("luna", "b", draw_shoe(pose=3))])
    ids = [one.photo_id for one in found.kept]
    assert len(ids) == len(set(ids))


def ids_of(count: int) -> dict[str, int]:
    return {hashlib.sha256(bytes([row])).hexdigest(): row for row in range(count)}


def chain(count: int) -> list[Link]:
    """0 - 1 - 2 - ..., the later the weaker."""
    return [Link(row, 0.0, row, row + 1, "wide") for row in range(count - 1)]


def test_groups_follow_chains_and_lose_their_weakest_link_when_too_large() -> None:
    rows = ids_of(6)
    groups, dropped = leakage_groups(rows, chain(6), 40)
    assert [len(group) for group in groups] == [6] and not dropped
    groups, dropped = leakage_groups(rows, chain(6), 4)
    assert sorted(len(group) for group in groups) == [2, 4]
    assert [(one.distance, one.size) for one in dropped] == [(3, 5)]


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24), st.integers(0, 8)), max_size=60),
    st.integers(1, 30),
    st.randoms(use_true_random=False),
)
def test_groups_do_not_depend_on_order_and_keep_to_their_size(
    count: int, ends: list[tuple[int, int, int]], most: int, shuffler: random.Random
) -> None:
    rows = ids_of(count)
    links = sorted(
        Link(bits, 0.0, min(one, two), max(one, two), "wide")
        for one, two, bits in ends
        if one != two and max(one, two) < count
    )
    groups, dropped = leakage_groups(rows, links, most)
    shuffled = list(rows.items())
    shuffler.shuffle(shuffled)
    assert leakage_groups(dict(shuffled), links, most) == (groups, dropped)
    assert all(1 < len(group) <= most for group in groups)
    apart = {one: number for number, group in enumerate(groups) for one in group}
    name = {row: photo_id for photo_id, row in rows.items()}
    cut = {frozenset((one.first, one.second)) for one in dropped}
    for link in links:
        first, second = name[link.first], name[link.second]
        is_together = first in apart and apart.get(first) == apart.get(second)
        assert is_together or frozenset((first, second)) in cut


def test_wrong_radii_are_refused() -> None:
    none = Signatures.of([])
    empty = np.empty((0, 2, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="narrow"):
        find_links(none, empty, 9, 3)
    assert find_links(none, empty, 4, 8) == []
    with pytest.raises(ValueError, match="max_group"):
        leakage_groups({}, [], 0)
