"""The drawn catalogue: plants are what their notes say, a killed run goes on, bytes never change."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalogue.errors import CatalogueError
from demo.drawn import COLUMNS, PLACEHOLDER, drawn_catalogue, plan_catalogue
from demo.ranges import BRANDS, articles


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_catalogue(tmp_path_factory.mktemp("drawn"), jobs=2, products=2, angles=1)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def test_the_csv_has_the_columns_and_only_pictures_that_exist(made: Path) -> None:
    rows = rows_of(made)
    assert list(rows[0]) == COLUMNS
    listed = {row["image"] for row in rows}
    on_disk = set(hashes(made)) - {"catalogue.csv"}
    assert listed == on_disk
    for row in rows:
        if row["kind"] == "studio" and row["use"] == "1":
            assert opened(made / row["image"]).size == (500, 600)


def test_brands_products_and_views_are_as_planned() -> None:
    good = [row for row in plan_catalogue(10, 12).rows if row.use]
    per_product = Counter((row.brand, row.product, row.color) for row in good)
    assert len({row.brand for row in good}) == 10
    assert {"Orbit", "Tideline", "루나", "한길"} <= {row.brand for row in good}
    assert len(per_product) == 100 and set(per_product.values()) == {12}
    assert len({row.sku for row in good}) == 100
    assert len({row.image for row in good}) == 1200
    views = {row.view for row in good}
    assert {"side", "medial", "front", "rear", "top", "outsole", "pair"} <= views
    first = [row.view for row in good][::12]
    assert set(first) == {"side"}
    assert {Path(row.image).suffix for row in good} == {".jpg", ".png", ".webp"}


def test_siblings_share_group_and_shape_and_differ_in_colour() -> None:
    for brand in BRANDS:
        by_group = defaultdict(list)
        for article in articles(brand, 10):
            by_group[article.group].append(article)
        siblings = [group for group in by_group.values() if len(group) > 1]
        assert len(siblings) == 3
        for first, second in siblings:
            assert first.name == second.name and first.color != second.color
            a, b = first.shoe, second.shoe
            assert (a.last, a.sole, a.upper) == (b.last, b.sole, b.upper)
            assert a.colors != b.colors
        shapes = {(a.shoe.last, a.shoe.sole, a.shoe.upper) for a in articles(brand, 10)}
        assert len(shapes) == 7


def test_more_products_keep_the_earlier_ones() -> None:
    assert articles(BRANDS[0], 23)[:10] == articles(BRANDS[0], 10)
    assert len({article.sku for article in articles(BRANDS[0], 23)}) == 23


@pytest.mark.parametrize(("products", "angles"), [(10, 12), (2, 4), (1, 1), (2, 2)])
def test_every_kind_of_dirt_is_planted_in_any_size(products: int, angles: int) -> None:
    plan = plan_catalogue(products, angles)
    dirt = [row for row in plan.rows if not row.use]
    assert all(row.note for row in dirt)
    kinds = Counter(row.note.split(":")[0].split(" of ")[0] for row in dirt)
    assert kinds["exact duplicate"] >= 4 and kinds["near duplicate"] >= 8
    assert kinds["placeholder"] >= 3 and kinds["no shoe"] == 9
    assert products == 1 or kinds["picture"] >= 2
    assert {row.category for row in dirt if row.kind == "other"} == {"bag", "cap"}
    assert len({copy.path for copy in plan.copies}) == len(plan.copies)


def test_duplicates_are_what_their_notes_say(made: Path) -> None:
    rows = [row for row in rows_of(made) if " duplicate of " in row["note"]]
    assert rows
    for row in rows:
        source = row["note"].split(" of ")[1].split(": ")[0]
        content, original = (made / row["image"]).read_bytes(), (made / source).read_bytes()
        if row["note"].startswith("exact"):
            assert content == original
            continue
        assert content != original
        small = opened(made / row["image"]).resize((50, 60))
        apart = np.asarray(small, int) - np.asarray(opened(made / source).resize((50, 60)), int)
        assert np.abs(apart).mean() < 3
        if row["note"].endswith("resized"):
            assert opened(made / row["image"]).size == (350, 420)


def test_shared_pictures_belong_to_another_product(made: Path) -> None:
    rows = rows_of(made)
    owners = {row["image"]: (row["product"], row["color"]) for row in rows if row["use"] == "1"}
    shared = [row for row in rows if row["note"].startswith("picture of another product")]
    assert shared
    for row in shared:
        owner = owners[row["image"]]
        assert owner != (row["product"], row["color"])
        assert row["note"].endswith(" ".join(owner))


def test_the_placeholder_stands_for_several_products(made: Path) -> None:
    rows = [row for row in rows_of(made) if row["kind"] == "placeholder"]
    assert {row["image"] for row in rows} == {PLACEHOLDER}
    assert len({(row["brand"], row["sku"]) for row in rows}) >= 3


def test_a_second_call_draws_nothing(made: Path) -> None:
    began = time.perf_counter()
    assert drawn_catalogue(made.parent, products=2, angles=1) == made
    assert time.perf_counter() - began < 0.05


def test_a_killed_run_goes_on_and_jobs_change_no_byte(made: Path) -> None:
    """What a kill leaves: some pictures, half a temporary file, no CSV."""
    before = hashes(made)
    (made / "catalogue.csv").unlink()
    pictures = [path for path in sorted(made.rglob("*.jpg")) if "-exact" not in path.name]
    lost, kept = pictures[::3], pictures[1]
    for path in lost:
        path.unlink()
    (kept.parent / ".01-side.jpg.77.tmp").write_bytes(b"half")
    stamp = kept.stat().st_mtime_ns
    told: list[tuple[int, int]] = []
    again = drawn_catalogue(
        made.parent, jobs=1, products=2, angles=1, progress=lambda done, of: told.append((done, of))
    )
    assert again == made and hashes(made) == before
    assert kept.stat().st_mtime_ns == stamp
    assert told[-1] == (20, 20) and told == sorted(told)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_sizes_below_one_are_refused(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        drawn_catalogue(tmp_path, *sizes)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(CatalogueError, match="could not be written"):
        drawn_catalogue(blocked, jobs=1, products=1, angles=1)
