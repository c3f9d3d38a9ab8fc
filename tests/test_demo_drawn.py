"""The drawn catalogue: plants are what their notes say, a killed run goes on, bytes never change."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalogue.errors import CatalogueError
from demo.brands import BRANDS
from demo.dirt import SIZE
from demo.drawn import CODE, COLUMNS, drawn_catalogue
from demo.plan import PLACEHOLDER, plan_catalogue
from demo.ranges import articles

ROOT = Path(__file__).resolve().parent.parent
PRODUCTS, ANGLES, SMALL = 2, 4, (100, 120)
draw_small = partial(drawn_catalogue, products=PRODUCTS, angles=ANGLES, size_px=SMALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue drawn without interruption by one process."""
    return draw_small(tmp_path_factory.mktemp("drawn"), jobs=1)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def changed_at(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


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
            assert opened(made / row["image"]).size == SMALL
    assert opened(made / PLACEHOLDER).size == SIZE == (500, 600)  # the default of shoes too


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
            assert opened(made / row["image"]).size == (70, 84)


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
    stamps = changed_at(made)
    assert draw_small(made.parent) == made
    assert changed_at(made) == stamps


KILLED = f"""
import sys
from pathlib import Path
from demo.drawn import drawn_catalogue
drawn_catalogue(Path(sys.argv[1]), 2, {PRODUCTS}, {ANGLES}, size_px={SMALL})
"""


def test_a_killed_run_goes_on_and_jobs_change_no_byte(made: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while len(list(tmp_path.rglob("*.jpg"))) < 3:
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)
    run.kill()
    run.communicate(timeout=30)  # its workers hold the pipe too: they end with it
    left = changed_at(tmp_path / made.name)
    finished = {path: stamp for path, stamp in left.items() if not path.name.endswith(".tmp")}
    assert run.returncode == -signal.SIGKILL
    assert 3 <= len(finished) < len(hashes(made)) and "catalogue.csv" not in hashes(tmp_path)
    half = next(iter(finished)).with_name(".01-side.jpg.77.tmp")  # in case no write was cut short
    half.write_bytes(b"half")

    told: list[tuple[int, int]] = []
    again = draw_small(tmp_path, jobs=1, progress=lambda done, of: told.append((done, of)))
    assert hashes(again) == hashes(made)
    assert finished.items() <= changed_at(again).items()
    assert told[-1] == (80, 80) and told == sorted(told)


def test_the_folder_is_named_after_all_code_that_draws() -> None:
    """What `demo.drawn` imports, directly or not, is in its fingerprint."""
    found, waiting = set(), {"drawn"}
    while waiting:
        module = waiting.pop()
        found.add(module)
        text = (ROOT / "demo" / f"{module}.py").read_text("utf-8")
        waiting |= set(re.findall(r"^from demo\.(\w+) import", text, re.MULTILINE))
        for names in re.findall(r"^from demo import (.+)", text, re.MULTILINE):
            waiting |= set(names.split(", "))
        waiting -= found
    assert found == set(CODE)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_sizes_below_one_are_refused(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        drawn_catalogue(tmp_path, *sizes)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(CatalogueError, match="could not be written"):
        drawn_catalogue(blocked, jobs=1, products=1, angles=1)
