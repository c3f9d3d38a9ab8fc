"""`solemap import`: three layouts become what a crawl leaves; bad files are told; twice is as once."""

from __future__ import annotations

import csv
import errno
import fcntl
import hashlib
import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import SHARED, CrawlFolder, draw_shoe, encoded

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.schema import Photo
from dataset.__main__ import main as dataset_main
from dataset.feed import read_feed
from dataset.layouts import read_imagefolder, read_zappos
from dataset.table import read_table
from solemap.__main__ import cli

FEED = Path("data/crawl/items.jsonl")
PARAMS = "crawl: {sites: {demo: {url: 'demo:'}}}\ningest: {sites: [], min-brand-photos: 1}\n"


def solemap(*words: str) -> Result:
    return CliRunner().invoke(cli, ["import", *words])


def ended_well(result: Result) -> Result:
    assert result.exit_code == 0, result.output + str(result.exception)
    return result


def failed(*words: str) -> str:
    """The one line that the command line prints for a fault."""
    result = solemap(*words)
    assert isinstance(result.exception, CatalogueError), result.output
    return str(result.exception)


def items() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FEED.read_text("utf-8").splitlines()]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    return tmp_path


def draw(path: Path, number: int, **options: Any) -> Path:
    """A picture of its own for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    color = (31 * number % 200, 47 * number % 200, 90)
    draw_shoe(color, pose=number % 6, shape=number // 6, size=160).save(path, **options)
    return path


@pytest.fixture
def shoes(project: Path) -> Path:
    """shoes/<brand>/<product>/: Hangul, spaces, and a picture whose ending lies about its kind."""
    folder = project / "My shoes"
    for number, name in enumerate(("나이키/에어 포스 1", "Acme/Runner No. 2", "Acme/Walker")):
        for n, file in enumerate(("1-side.png", "2-top.png", "10.png")):
            draw(folder / name / file, 3 * number + n)
    draw(folder / "Acme/Walker/3 really.jpg", 20, format="WEBP")
    return folder


# -- imagefolder ---------------------------------------------------------------------------------


def test_a_folder_of_pictures_becomes_what_a_crawl_leaves(shoes: Path) -> None:
    told = ended_well(solemap("imagefolder", str(shoes))).output
    assert (
        "10 pictures of 3 products, 2 brands, 0 passed over" in told and "next: dvc repro" in told
    )
    listings, refused = read_feed(FEED)
    assert not refused and len(listings) == 3
    korean = next(one for one in listings if one.brand_text == "나이키")
    assert (korean.site, korean.source, korean.name) == ("My shoes", "import", "에어 포스 1")
    assert [one.alt for one in korean.images] == ["side view", "top view", "10"]
    assert [one.position for one in korean.images] == [0, 1, 2]
    for listing in listings:
        for image in listing.images:
            stored = (FEED.parent / str(image.path)).read_bytes()
            assert hashlib.sha256(stored).hexdigest() == image.sha256
            assert len(stored) == image.bytes and image.url.startswith("My shoes/")
    original = (shoes / "Acme/Walker/3 really.jpg").read_bytes()
    assert any(one.content_type == "image/webp" for item in listings for one in item.images)
    assert (FEED.parent / "images").rglob(f"{hashlib.sha256(original).hexdigest()}.webp")
    assert read_brands(Path("brands.yaml")) == ["acme", "nike"]


def test_the_next_stage_reads_it(shoes: Path) -> None:
    ended_well(solemap("imagefolder", str(shoes)))
    result = CliRunner().invoke(dataset_main, ["ingest"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    photos = list(read_manifest(Path("data/catalogue.jsonl"), Photo))
    assert len(photos) == 10 and {one.brand for one in photos} == {"acme", "nike"}
    assert {one.view for one in photos} == {"side", "top", None}


def test_twice_gives_the_same_bytes_and_writes_no_picture_again(shoes: Path) -> None:
    ended_well(solemap("imagefolder", str(shoes)))
    feed = FEED.read_bytes()
    pictures = {path: path.stat().st_mtime_ns for path in Path("data/crawl/images").rglob("*.*")}
    draw(shoes / "Acme/Walker/4.png", 30)
    ended_well(solemap("imagefolder", str(shoes)))
    assert FEED.read_bytes() != feed
    (shoes / "Acme/Walker/4.png").unlink()
    lines = FEED.read_text("utf-8").replace("+00:00", "+00:01")  # an import at another time
    FEED.write_text(lines, "utf-8")
    ended_well(solemap("imagefolder", str(shoes)))
    ours = [one for one in items() if one["name"] != "Walker"]
    assert ours and all(one["fetched_at"].endswith("+00:01") for one in ours)
    assert all(path.stat().st_mtime_ns == at for path, at in pictures.items())


def test_other_sites_stay_and_gone_products_go(shoes: Path, crawl: CrawlFolder) -> None:
    crawl.add("Tide", "Boot", [encoded(draw_shoe())])
    crawl.write()
    ended_well(solemap("imagefolder", str(shoes)))
    for path in (shoes / "Acme/Walker").iterdir():
        path.unlink()
    ended_well(solemap("imagefolder", str(shoes)))
    assert sorted(one["name"] for one in items()) == ["Boot", "Runner No. 2", "에어 포스 1"]
    assert [one["site"] for one in items()] == ["My shoes", "My shoes", "shop"]


def test_a_killed_import_leaves_the_feed_and_is_run_again(
    shoes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_well(
        solemap("imagefolder", str(shoes / "Acme"), "--layout", "product", "--brand", "Acme")
    )
    before = FEED.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("solemap.intake.journal.merge", lambda *_: 1 / 0)
        assert isinstance(solemap("imagefolder", str(shoes)).exception, ZeroDivisionError)
    assert FEED.read_bytes() == before
    ended_well(solemap("imagefolder", str(shoes)))
    assert {one["site"] for one in items()} == {"Acme", "My shoes"}


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    shoes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("crawler.store.os.fsync", full)
        assert "No space left on device" in failed("imagefolder", str(shoes))
    assert not FEED.exists() and not [*Path("data/crawl/images").rglob("*.*")]
    ended_well(solemap("imagefolder", str(shoes)))


def test_splits_and_classes_of_torchvision(project: Path) -> None:
    for number, name in enumerate(("train/Nike_Pegasus-40", "val/Nike_Pegasus-40", "train/Plain")):
        draw(project / "tv" / name / "a.png", number)
    found = read_imagefolder(project / "tv", "split/product")
    told = {(one.brand, one.name): len(one.pictures) for one in found.entries}
    assert told == {("Nike", "Nike_Pegasus-40"): 2, (None, "Plain"): 1}
    branded = read_imagefolder(project / "tv", "split/product", "Acme")
    assert {one.brand for one in branded.entries} == {"Acme"}


@pytest.mark.parametrize(("layout", "says"), [("brand", "no 'product'"), ("brand/name", "'name'")])
def test_a_layout_is_made_of_known_words(shoes: Path, layout: str, says: str) -> None:
    result = solemap("imagefolder", str(shoes), "--layout", layout)
    assert result.exit_code == 2 and says in result.output


def test_the_wrong_layout_says_what_was_found(shoes: Path) -> None:
    told = failed("imagefolder", str(shoes), "--layout", "split/brand/product")
    assert "2 folders deep, and split/brand/product has 3" in told and not FEED.exists()


def test_bad_files_are_told_and_passed_over(shoes: Path, tmp_path: Path) -> None:
    secret = draw(tmp_path / "elsewhere/secret.png", 40)
    place = shoes / "Acme/Walker"
    (place / "notes.txt").write_text("not a picture")
    (place / "empty.jpg").touch()
    whole = encoded(draw_shoe(), "JPEG")
    (place / "half.jpg").write_bytes(whole[: len(whole) // 2])
    os.mkfifo(place / "pipe.jpg")
    (place / "out.png").symlink_to(secret)
    (place / "loop.png").symlink_to(place / "loop.png")
    (place / "within.png").symlink_to(shoes / "나이키/에어 포스 1/10.png")
    (shoes / "Acme/linked").symlink_to(tmp_path / "elsewhere")
    (shoes / "stray\n.png").write_bytes(encoded(draw_shoe()))
    (place / ".DS_Store").write_bytes(b"x")
    (Path(os.fsdecode(os.fsencode(place) + b"/\xff\xfe.png"))).write_bytes(encoded(draw_shoe()))
    result = ended_well(solemap("imagefolder", str(shoes)))
    told = {line.rpartition("/")[2] for line in result.stderr.splitlines() if "passed" in line}
    assert told == {
        "notes.txt: corrupt: no picture in a known format",
        "empty.jpg: corrupt: 0 bytes",
        "half.jpg: truncated",
        "pipe.jpg: missing: a pipe or a device, not a file",
        "out.png: a link that leads out of the folder",
        "loop.png: a link that leads out of the folder",
        "linked: a link to a folder, not followed",
        "product has 2",
        "\\xff\\xfe.png: its name is not UTF-8",
    }
    assert "11 pictures of 3 products" in result.output
    assert "stray\\n.png: 0 folders deep" in result.stderr
    (rejects,) = Path("var/crawl").rglob("import-rejects.jsonl")
    assert len(rejects.read_text().splitlines()) == 9


def test_nothing_usable_changes_nothing(project: Path) -> None:
    (project / "shoes/a/b").mkdir(parents=True)
    assert "no picture that lies as --layout brand/product says" in failed("imagefolder", "shoes")
    (project / "shoes/a/b/c.jpg").write_text("no")
    assert "no picture could be taken, all 1 reasons" in failed("imagefolder", "shoes")
    assert not FEED.exists()


def test_a_product_of_thousands_of_pictures_is_several_lines(
    shoes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solemap.intake._MOST_PICTURES", 2)
    ended_well(solemap("imagefolder", str(shoes)))
    assert len(items()) == 6
    CliRunner().invoke(dataset_main, ["ingest"], catch_exceptions=False)
    photos = list(read_manifest(Path("data/catalogue.jsonl"), Photo))
    assert len(photos) == 10 and len({(one.brand, one.product) for one in photos}) == 3


# -- names of sites ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "says"),
    [("demo", "crawl.sites has 'demo'"), ("a/b", "no name"), (" ", "no name"), ("shop", "crawled")],
)
def test_a_site_that_is_crawled_is_not_imported_over(
    shoes: Path, crawl: CrawlFolder, site: str, says: str
) -> None:
    crawl.add("Tide", "Boot", [encoded(draw_shoe())])
    before = crawl.write().read_bytes()
    assert says in failed("imagefolder", str(shoes), "--site", site)
    assert FEED.read_bytes() == before


def test_sites_that_the_dataset_leaves_out_are_noticed(shoes: Path) -> None:
    ended_well(solemap("imagefolder", str(shoes), "--site", "first"))
    Path("params.yaml").write_text(PARAMS.replace("sites: [],", "sites: [first],"))
    told = ended_well(solemap("imagefolder", str(shoes), "--site", "second")).stderr
    assert "ingest.sites names first; add 'second'" in told


def test_a_crawl_that_goes_on_is_waited_for(shoes: Path) -> None:
    ended_well(solemap("imagefolder", str(shoes)))
    (lock,) = Path("var/crawl").rglob("lock")
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another crawl is writing it" in failed("imagefolder", str(shoes))


# -- csv -----------------------------------------------------------------------------------------


def table(folder: Path, *rows: str, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(row.replace(",", delimiter) for row in rows) + "\n", encoding)
    return path


def test_a_catalogue_is_imported_as_it_is(tiny_catalogue: Path) -> None:
    told = ended_well(solemap("csv", str(tiny_catalogue / "catalogue.csv"), "--where", "use=1"))
    assert "12 pictures of 4 products, 2 brands" in told.output
    assert {one["site"] for one in items()} == {"catalogue"}
    assert {image["alt"] for one in items() for image in one["images"]} == {
        "side view",
        "top view",
        "outsole view",
    }


def test_all_columns_reach_the_feed_whatever_the_dialect(project: Path) -> None:
    for number in range(4):
        draw(project / f"pics/{number} ä.png", number)
    path = table(
        project,
        " Product ,IMAGE,Brand,sku,gtin,color,group,category,position,extra",
        "A/B Low,pics/0 ä.png,Acme,S1,,Red,A/B,Sneakers,2,x",
        "A/B Low,pics/1 ä.png,Acme,S1,,Red,,,0,x",
        "A/B Low,pics/2 ä.png,Acme,S2,,Blue,A/B,Sneakers,,x",
        "신발,pics/3 ä.png,,,,,,",
        delimiter=";",
        encoding="utf-8-sig",
    )
    ended_well(solemap("csv", str(path), "--site", "mine"))
    found = {(one["name"], one["color"]): one for one in items()}
    assert len({one["url"] for one in found.values()}) == 3
    red = found["A/B Low", "Red"]
    assert [one["position"] for one in red["images"]] == [0, 2]
    assert (red["sku"], red["group"], red["category"]) == ("S1", "A/B", "Sneakers")
    assert red["url"] == "mine/Acme/A%2FB%20Low/S1/Red"
    assert red["images"][0]["url"] == "mine/pics/1%20%C3%A4.png"
    assert found["신발", None]["brand_text"] is None


def test_bad_rows_are_told_by_line(project: Path) -> None:
    draw(project / "in/a.png", 1)
    draw(project / "secret.png", 2)
    (project / "in/link.png").symlink_to(project / "secret.png")
    path = table(
        project / "in",
        "image,brand,product,position",
        "a.png,Acme,Runner,",
        "../secret.png,Acme,Runner,",
        f"{project}/secret.png,Acme,Runner,",
        "link.png,Acme,Runner,",
        "gone.png,Acme,Runner,",
        "a.png,Acme,,",
        ",Acme,Runner,",
        "a.png,Acme,Runner,first",
        "a.png,Acme,Runner,1,2,3",
        "",
        f"a.png,Acme,{'x' * 3000},",
    )
    result = ended_well(solemap("csv", str(path)))
    told = [
        line.split("list.csv:", 1)[1] for line in result.stderr.splitlines() if "passed" in line
    ]
    assert [line.partition(":")[0] for line in sorted(told, key=lambda one: int(one.partition(":")[0]))] == "3 4 5 6 7 8 9 10 12".split()  # fmt: skip
    assert sum("leads out of the table's folder" in line for line in told) == 3
    assert "1 pictures of 1 products" in result.output


@pytest.mark.parametrize(
    ("head", "options", "says"),
    [
        ("image,brand", (), "no column 'product'"),
        ("image,image,brand,product", (), "several columns 'image'"),
        ("image,brand,product", ("--where", "use=1"), "no column 'use'"),
    ],
)
def test_a_header_that_cannot_be_used(
    project: Path, head: str, options: tuple[str, ...], says: str
) -> None:
    told = failed("csv", str(table(project, head, "a,b,c")), *options)
    assert "list.csv:1: " in told and says in told


def test_no_row_is_left(tiny_catalogue: Path) -> None:
    told = failed("csv", str(tiny_catalogue / "catalogue.csv"), "--where", "use=0")
    assert "no row to import, 12 are not as --where says" in told
    assert solemap("csv", str(tiny_catalogue / "catalogue.csv"), "--where", "use").exit_code == 2


def test_a_table_that_is_not_utf8_names_its_line(project: Path) -> None:
    path = table(project, "image,brand,product", "a.png,Acme,Café", encoding="latin-1")
    with pytest.raises(CatalogueError, match=r"list.csv:2: not UTF-8"):
        read_table(path, {})


@pytest.mark.skipif(not SHARED.exists(), reason="the shared pictures are not on this machine")
def test_real_catalogues_are_read_as_they_are() -> None:
    for path in sorted(SHARED.glob("*/catalogue.csv")):
        with path.open(encoding="utf-8") as file:
            used = [row for row in csv.DictReader(file) if row["use"] == "1"]
        found = read_table(path, {"use": "1"})
        assert not found.refused
        assert sum(len(one.pictures) for one in found.entries) == len(used)
        assert {(one.brand, one.name) for one in found.entries} == {
            (row["brand"], row["product"]) for row in used
        }


# -- UT-Zappos50K --------------------------------------------------------------------------------


def test_zappos(project: Path) -> None:
    root = project / "ut-zap50k/ut-zap50k-images"
    names = [
        "Shoes/Oxfords/Bostonian/100627.72.jpg",
        "Shoes/Oxfords/Bostonian/100627.255.jpg",
        "Boots/Ankle/Levi's® Kids/7965390.339.jpg",
        "Boots/Mid-Calf/Bacco Co%2E/7965391.3.jpg",
    ]
    for number, name in enumerate(names):
        draw(root / name, number)
    draw(root / "Shoes/Oxfords/readme.jpg", 9)
    told = ended_well(solemap("zappos", "ut-zap50k")).output
    assert "4 pictures of 3 products, 3 brands, 1 passed over" in told and "site ut-zap50k" in told
    found = {one["name"]: one for one in items()}
    assert [image["url"] for image in found["100627"]["images"]] == [
        "ut-zap50k/Shoes/Oxfords/Bostonian/100627.72.jpg",
        "ut-zap50k/Shoes/Oxfords/Bostonian/100627.255.jpg",
    ]
    assert found["7965390"]["brand_text"] == "Levi's® Kids"
    assert found["7965391"]["brand_text"] == "Bacco Co."
    assert found["100627"]["category"] == "Shoes > Oxfords" and found["100627"]["color"] is None
    assert len(read_zappos(root).entries) == 3  # the folder of pictures itself, too


def test_pictures_that_the_clean_stage_would_reject_are_noticed(shoes: Path) -> None:
    assert "min-side" not in ended_well(solemap("imagefolder", str(shoes))).output
    Path("params.yaml").write_text(PARAMS + "clean: {min-side: 161}\n")
    told = ended_well(solemap("imagefolder", str(shoes))).output
    assert "clean.min-side is 161 px, and 10 of 10 pictures" in told
    Path("params.yaml").write_text(PARAMS + "clean: {min-side: 160}\n")
    assert "min-side" not in ended_well(solemap("imagefolder", str(shoes))).output


def test_decomposed_hangul_is_the_same_name(project: Path) -> None:
    draw(project / "a" / unicodedata.normalize("NFD", "나이키/신발") / "1.png", 1)
    draw(project / "b" / "나이키/신발" / "1.png", 1)
    ended_well(solemap("imagefolder", "a", "--site", "mine"))
    before = FEED.read_text("utf-8")
    ended_well(solemap("imagefolder", "b", "--site", "mine"))
    assert [one["url"] for one in items()] == [json.loads(before)["url"]]
