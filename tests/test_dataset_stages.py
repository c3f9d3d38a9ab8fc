"""The stages as typed: crawl folder to packs, the same bytes each time, clear errors."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder, draw_shoe, encoded

from catalogue.brand_list import read_brands, write_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.params import read_params
from catalogue.schema import Sample
from dataset.__main__ import SECTIONS, main

STAGES = (
    "ingest",
    "clean --jobs 1",
    "dedup",
    "split --unknown-brands orbit --unknown-brands tide --unknown-products 0",
    "pack --brand acme --size 32",
    "pack --brand _unknown --size 32",
    "pin --size 32",
    "export imagefolder",
)


def run(command: str) -> Result:
    return CliRunner().invoke(main, command.split(), catch_exceptions=False)


def run_all() -> None:
    for stage in STAGES:
        result = run(stage)
        assert result.exit_code == 0, f"{stage}: {result.output}"


@pytest.fixture
def shop(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrawlFolder:
    """A crawl of four brands; the working directory is its root."""
    monkeypatch.chdir(tmp_path)
    colors = {
        "Acme": (200, 40, 40),
        "루나": (40, 60, 200),
        "Orbit": (40, 160, 60),
        "Tide": (120, 60, 120),
    }
    for brand, color in colors.items():
        for shape in range(3):
            poses = [encoded(draw_shoe(color, pose=p, shape=shape, size=220)) for p in range(5)]
            crawl.add(brand, f"{brand} Runner {shape}", poses)
    crawl.write()
    Path("brands.yaml").write_text('brands:\n  - "acme"\n  - "runa"\n')
    return crawl


def tree(*folders: str) -> dict[str, bytes]:
    return {
        path.as_posix(): path.read_bytes()
        for folder in folders
        for path in Path(folder).rglob("*")
        if path.is_file() and "crawl" not in path.parts
    }


def test_the_stages_run_and_write_the_same_bytes_again(shop: CrawlFolder) -> None:
    run_all()
    first = tree("data")
    random.Random(3).shuffle(shop.items)
    shop.write()
    run_all()
    assert tree("data") == first
    samples = list(read_manifest(Path("data/split/acme.jsonl"), Sample))
    assert {one.brand for one in samples} == {"acme"} and len(samples) == 15
    unknown = list(read_manifest(Path("data/split/_unknown.jsonl"), Sample))
    assert {(one.brand, one.split) for one in unknown} == {("orbit", "val"), ("tide", "test")}


def test_the_pack_says_what_its_rows_are(shop: CrawlFolder) -> None:
    run_all()
    pixels = np.load("data/pack/acme/pixels.npy")
    described = json.loads(Path("data/pack/acme/pack.json").read_text())
    assert pixels.shape == (15, 32, 32, 3) and pixels.dtype == np.uint8
    assert described["size"] == 32
    assert described["labels"] == ["acme/runner-0", "acme/runner-1", "acme/runner-2"]
    rows = [(photo["label"], photo["photo_id"]) for photo in described["photos"]]
    assert rows == sorted(rows) and len(rows) == 15
    samples = {one.photo_id: one for one in read_manifest(Path("data/split/acme.jsonl"), Sample)}
    views = json.loads(Path("data/pack/acme/views.json").read_text())["views"]
    for photo, view in zip(described["photos"], views, strict=True):
        true = samples[photo["photo_id"]]
        assert described["labels"][photo["label"]] == f"acme/{true.product}"
        assert (photo["split"], view) == (true.split, true.view)


def test_an_empty_or_missing_brand_gives_an_empty_pack(shop: CrawlFolder) -> None:
    run_all()
    assert run("pack --brand nobody --size 32").exit_code == 0
    assert np.load("data/pack/nobody/pixels.npy").shape == (0, 32, 32, 3)
    assert json.loads(Path("data/pack/nobody/pack.json").read_text())["photos"] == []


def test_an_address_that_changed_changes_nothing_after_ingest(shop: CrawlFolder) -> None:
    run_all()
    first = tree("data/clean", "data/dedup", "data/split", "data/pack", "data/base")
    for item in shop.items:
        item["url"] = item["url"].replace("shop/", "new-shop/")
    shop.write()
    run_all()
    assert tree("data/clean", "data/dedup", "data/split", "data/pack", "data/base") == first


def test_a_new_brand_leaves_the_others_and_the_pin_alone(shop: CrawlFolder) -> None:
    run_all()
    first = tree("data/base", "data/pack")
    others = {name: content for name, content in tree("data/split").items() if "acme" in name}
    shop.add("Nova", "Walker", [encoded(draw_shoe((220, 180, 30), pose=p)) for p in range(5)])
    shop.write()
    Path("brands.yaml").write_text('brands:\n  - "acme"\n  - "nova"\n  - "runa"\n')
    run_all()
    assert tree("data/base", "data/pack") == first
    assert others.items() <= tree("data/split").items()
    assert Path("data/split/nova.jsonl").exists()


def test_the_pin_follows_the_pack_params_by_pixels_alone(shop: CrawlFolder) -> None:
    run_all()
    listed = Path("data/base/pin.jsonl").read_bytes()
    assert run("pin --size 48").exit_code == 0
    assert Path("data/base/pin.jsonl").read_bytes() == listed
    assert np.load("data/base/pixels.npy").shape[1:] == (48, 48, 3)
    splits = {json.loads(line)["split"] for line in listed.splitlines()}
    assert splits <= {"train", "val"}


@pytest.mark.parametrize(
    ("words", "says"),
    [("--seed 5", ": test)"), ("--unknown-brands acme", "of acme/runner-0: an unknown shoe)")],
)
def test_a_pinned_photo_never_measures_the_base(shop: CrawlFolder, words: str, says: str) -> None:
    run_all()
    split = next(stage for stage in STAGES if stage.startswith("split"))
    before = tree("data/base")
    assert run(f"{split} {words}").exit_code == 0
    told = run("pin --size 32")
    assert told.exit_code == 1 and "solemap base --repin" in told.output
    assert says in " ".join(told.output.split()) and tree("data/base") == before
    assert run(split).exit_code == 0 and run("pin --size 32").exit_code == 0
    Path("data/base/pin.jsonl").unlink()
    assert run(f"{split} {words}").exit_code == 0 and run("pin --size 32").exit_code == 0


def test_a_pin_that_was_cut_off_is_packed_anew(
    shop: CrawlFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all()
    before = tree("data/base")
    with monkeypatch.context() as patch:
        patch.setattr("dataset.pin.write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("pin --size 24")
    assert tree("data/base")["data/base/pixels.npy"] != before["data/base/pixels.npy"]
    run("pin --size 32")
    assert tree("data/base") == before


def test_a_pinned_canvas_that_is_gone_names_the_remedy(shop: CrawlFolder) -> None:
    run_all()
    for path in [*Path("data/clean").rglob("*.jpg"), *Path("var/clean").rglob("*.jpg")]:
        path.unlink()
    assert run("pin --size 32").exit_code == 0  # nothing to do
    result = run("pin --size 48")
    assert result.exit_code == 1 and "solemap base --repin" in result.output


def test_the_export_loads_in_torchvision(shop: CrawlFolder) -> None:
    run_all()
    folder = pytest.importorskip("torchvision.datasets").ImageFolder("data/brands/acme/train")
    assert folder.classes == ["runner-0", "runner-1", "runner-2"]
    image, label = folder[0]
    assert image.size == (500, 600) and label == 0


def test_an_export_replaces_nothing_but_an_export(shop: CrawlFolder) -> None:
    run_all()
    mine = [
        Path("mine/thesis.txt"),
        Path("mine2/shoes/nike/01.jpg"),
        Path("mine3/a/notes.txt"),
        Path("mine4/cifar/train/cat/1.jpg"),  # as every ImageFolder collection looks
        Path("mine5/cifar/train/1.jpg"),
    ]
    for path in mine:
        path.parent.mkdir(parents=True)
        path.write_text("not to be lost")
        told = run(f"export imagefolder --out {path.parts[0]}")
        assert told.exit_code == 1 and "Name another folder" in told.output
        assert path.read_text() == "not to be lost"
    before = tree("data/brands")
    Path("empty").mkdir()
    for out in ("data/brands", "empty"):
        assert run(f"export imagefolder --out {out}").exit_code == 0
    assert tree("data/brands") == before and len(list(Path("empty").rglob("*.jpg"))) == len(before)


def test_unlisted_brands_are_told_loudly(shop: CrawlFolder) -> None:
    run_all()
    Path("brands.yaml").write_text('brands:\n  - "acme"\n')
    result = run(STAGES[3])
    assert result.exit_code == 0
    assert "runa (15 photos)" in result.stderr and "solemap brands --write" in result.stderr
    assert "orbit" not in result.stderr
    assert "of listed brands; 15 of unlisted ones; 30 of unknown" in result.stdout
    summary = json.loads(Path("data/split/summary.json").read_text())
    assert sum(summary["listed"].values()) == 15 and summary["unlisted"] == {"runa": 15}
    assert sum(summary["known"].values()) == 30


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("ingest", "scrapy crawl shoes"),
        ("clean", "data/catalogue.jsonl"),
        ("dedup", "signatures.jsonl"),
        ("split", "brands"),
        ("export imagefolder", "dvc repro"),
    ],
)
def test_a_stage_without_its_input_says_what_to_do(
    command: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(command)
    assert result.exit_code == 1 and says in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("clean --quality 0", "In params.yaml: clean.quality, a whole number, 1 to 100."),
        ("clean --min-side x", "In params.yaml: clean.min-side, a whole number, 1 or more."),
        ("dedup --narrow 9 --wide 3", "In params.yaml: dedup.narrow."),
        ("split --val 2", "In params.yaml: split.val, a number, 0 to 0.5."),
        ("split --seed x", "In params.yaml: split.seed, a whole number."),
        ("pin --size 3", "In params.yaml: pack.size, a whole number, 16 to 600."),
        ("clean --min-sid 3", "In params.yaml: clean.min-sid."),
        ("clean --no-quality", "In params.yaml: clean.quality."),
        ("pack --brand acme --crop 5", "In params.yaml: a value of pack."),
    ],
)
def test_bad_options_are_usage_errors_that_say_where_the_value_stands(
    command: str, says: str
) -> None:
    result = run(command)
    assert result.exit_code == 2 and says in " ".join(result.output.split())


@pytest.mark.parametrize("command", ["pack", "clean --jobs 0", "split --out brands.yaml", "none"])
def test_options_that_no_param_holds_name_none(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("brands.yaml").touch()
    result = run(command)
    assert result.exit_code == 2 and "params.yaml" not in result.output


def test_the_keys_of_each_section_are_options_that_say_so() -> None:
    params = read_params(Path(__file__).parent.parent / "params.yaml")
    for command, section in SECTIONS.items():
        options = {option for param in main.commands[command].params for option in param.opts}
        assert {f"--{key}" for key in params[section]} <= options
    shown = " ".join(run("ingest --help").output.split())
    assert "`solemap brands` and the crawl read it" in shown


def test_sites_filter_and_each_of_them_must_be_in_the_crawl(shop: CrawlFolder) -> None:
    for command in ("ingest --sites elsewhere", "ingest --sites shop --sites elsewhere"):
        result = run(command)
        assert result.exit_code == 1 and "ingest.sites: 'elsewhere'" in result.output
        assert "has shop" in result.output
    assert run("ingest --sites shop").exit_code == 0


def test_unknown_brands_are_slugs_and_absent_ones_are_noticed(shop: CrawlFolder) -> None:
    run_all()
    result = run("split --unknown-brands 루나")
    assert result.exit_code == 1 and "did you mean runa?" in result.output
    result = run("split --unknown-brands orbits --unknown-brands tide")
    assert result.exit_code == 0
    assert "NOTICE: params.yaml: split.unknown-brands" in result.stderr
    assert "orbits (did you mean orbit?)" in result.stderr and "tide," not in result.stderr


def test_odd_brands_and_names_and_single_pictures_reach_the_split(
    crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    brands = [
        "On",
        "361°",
        "Base",
        "_unknown",
        "..",
        "a/b",
        "👟",
        "한글",
        "나" * 300,
        "train",
        "no",
    ]
    names = ["a/b\\c", "..", ".", "!!!", "👟👟", "한글 신발", "x" * 300, "base", "_unknown", "con"]
    shoes = [("On", name) for name in names] + [(brand, "Runner") for brand in brands]
    for number, (brand, name) in enumerate(shoes):
        color = (37 * number % 256, 91 * number % 256, 53 * number % 256)
        crawl.add(brand, name, [encoded(draw_shoe(color, shape=number, pose=number % 6))])
    feed = crawl.write()
    Path("params.yaml").write_text("ingest: {min-brand-photos: 1}")
    listed = write_brands(feed, Path("params.yaml"), Path("brands.yaml"))
    assert len(listed) == len(brands) and {"on", "361", "base-brand", "unknown"} <= set(listed)
    for stage in (
        "ingest",
        "clean --jobs 1",
        "dedup",
        "split --unknown-brands 361",
        "pin --size 32",
    ):
        assert run(stage).exit_code == 0, stage
    samples = [
        sample
        for path in Path("data/split").glob("*.jsonl")
        for sample in read_manifest(path, Sample)
    ]
    assert len({(one.brand, one.product) for one in samples}) == len(samples) == len(shoes)
    assert {one.split for one in samples if one.brand not in ("on", "361")} == {"train"}
    for brand in [*listed, "_unknown"]:
        assert run(f"pack --brand {brand} --size 32").exit_code == 0


def test_lost_and_merged_products_are_told(shop: CrawlFolder) -> None:
    shop.add("Acme", "Gone", [encoded(draw_shoe())])
    shop.items[-1]["images"][0].update(status="failed", reason="http 404", sha256=None, path=None)
    shop.add("Acme", "Acme RUNNER-0", [encoded(draw_shoe(pose=5))])
    shop.write()
    result = run("ingest")
    assert "; 1 products without a picture on disk left out" in result.stdout
    assert "1 products are spelled in several ways" in result.stderr
    assert "acme/runner-0: 'RUNNER-0', 'Runner 0'" in result.stderr
    (reject,) = map(json.loads, Path("data/ingest-rejects.jsonl").read_text().splitlines())
    assert reject["reason"] == "acme/gone: no picture on disk: 1 failed (http 404)"


def test_a_shop_without_any_picture_counts_what_became_of_them(
    crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crawl.add("Acme", "Runner", [encoded(draw_shoe())])
    crawl.items[0]["images"][0].update(status="failed", reason="timeout", sha256=None, path=None)
    crawl.write()
    result = run("ingest")
    assert result.exit_code == 1 and "1 failed (timeout)" in result.output


def test_a_shop_without_a_usable_photo_is_an_error_that_counts_reasons(
    crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    crawl.add("Acme", "Runner", [b"not a picture", encoded(draw_shoe(size=30))])
    crawl.write()
    assert run("ingest").exit_code == 0
    assert run("clean --jobs 1").exit_code == 0
    result = run("dedup")
    assert result.exit_code == 1 and "corrupt" in result.output and "too small" in result.output


def test_a_killed_clean_goes_on_and_ends_with_the_same_bytes(shop: CrawlFolder) -> None:
    assert run("ingest").exit_code == 0
    assert run("clean --jobs 1 --out data/whole --cache var/whole").exit_code == 0
    command = [sys.executable, "-m", "dataset", "clean", "--jobs", "1"]
    paths = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    started = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while not any(Path("var/clean").glob("*.thumbs")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15)
    started.kill()
    started.wait()
    result = run("clean --jobs 1")
    assert result.exit_code == 0
    assert {
        name.replace("data/clean", "data/whole"): content.replace(b"data/clean", b"data/whole")
        for name, content in tree("data/clean").items()
    } == tree("data/whole")


def test_a_disk_without_room_is_told_and_nothing_is_half_written(
    shop: CrawlFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python 3.11 leaves cut .pyc files where there is no room; other tests would stumble over them.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    run_all()
    before = tree("data")
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for stage in (*STAGES[:6], "pin --size 24", "review"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # bytes of a file
        try:
            told = run(stage)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert told.exit_code == 1 and "could not be written" in told.output, stage
        left = tree("data")
        left.setdefault(
            "data/base/params.json", before["data/base/params.json"]
        )  # pixels are to be made
        assert left == before, stage
    run_all()
    assert tree("data") == before


def test_brands_yaml_is_read_as_generated_and_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "brands.yaml"
    path.write_text("# generated\nbrands:\n  - \"on\"\n  - '361'\n  - new-balance  # by hand\n\n")
    assert read_brands(path) == ["on", "361", "new-balance"]
    path.write_text("brands: []\n")
    assert read_brands(path) == []
    path.write_text("brands:\n  - Big Name\n")
    with pytest.raises(CatalogueError, match=r"brands\.yaml:2"):
        read_brands(path)
