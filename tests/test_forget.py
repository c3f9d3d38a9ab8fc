"""`solemap forget`: listings, pictures, caches and what a crawl remembers go; the rest stays byte for byte."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder, draw_shoe, encoded

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.schema import Photo
from crawler.journal import Journal, complete_items, lines
from crawler.run import state_of
from crawler.unchanged import code_hash
from dataset.__main__ import main as dataset_main
from dataset.facts import FactsCache, forget_facts
from solemap.__main__ import cli

CRAWL, STATE, CLEAN = Path("data/crawl"), Path("var/crawl"), Path("var/clean")
FEED = CRAWL / "items.jsonl"
PARAMS = "ingest: {sites: [], min-brand-photos: 2}\nsplit: {unknown-brands: []}\n"
SHARED = encoded(draw_shoe((1, 2, 3), pose=5, shape=9, size=160))


def solemap(*words: str, says: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(words), input=says)


def ended_well(result: Result) -> Result:
    assert result.exit_code == 0, result.output + str(result.exception)
    return result


def fault(*words: str) -> str:
    result = solemap(*words)
    assert isinstance(result.exception, CatalogueError), result.output
    return str(result.exception)


def stage(command: str) -> None:
    result = CliRunner().invoke(dataset_main, command.split(), catch_exceptions=False)
    assert result.exit_code == 0, result.output


def files(*folders: str) -> dict[str, bytes]:
    found = (path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
    return {path.as_posix(): path.read_bytes() for path in found if path.name != "lock"}


def sites() -> list[str]:
    return [str(item["site"]) for _, _, item in lines(FEED)]


@pytest.fixture
def shop(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrawlFolder:
    """Two sites: both sell Acme Runner and share a picture, one has Tide alone; cleaned."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)

    def drawn(*numbers: int) -> list[bytes]:
        return [
            encoded(draw_shoe((20 * n, 90, 250 - 20 * n), pose=n % 6, size=160)) for n in numbers
        ]

    crawl.add("Acme", "Runner", [*drawn(0, 1), SHARED], site="good")
    crawl.add("Acme", "Walker", drawn(2, 3), site="good")
    crawl.add("Acme", "Runner", [*drawn(4), SHARED], site="bad")
    crawl.add("Tide", "Boot", drawn(6, 7, 8), site="bad", color="Red")
    crawl.write()
    ended_well(solemap("brands", "--write"))
    stage("ingest")
    stage("clean --jobs 1")
    return crawl


def test_it_shows_and_asks_first(shop: CrawlFolder) -> None:
    before = files("data", "var")
    result = solemap("forget", "--site", "bad", says="n\n")
    assert result.exit_code == 1 and files("data", "var") == before
    assert "bad: 2 listings of bad (acme, tide)" in result.output
    assert "4 picture files" in result.output and "1 pictures that other" in result.output
    ended_well(solemap("forget", "--site", "bad", says="y\n"))
    assert sites() == ["good", "good"]


def test_a_site_goes_from_feed_disk_cache_and_brands(shop: CrawlFolder) -> None:
    for folder in ("data/pack/tide", "models/brands/tide", "models/brands/acme"):
        Path(folder).mkdir(parents=True)
        (Path(folder) / "x").touch()
    kept_lines = {raw for raw in FEED.read_bytes().splitlines() if b'"site": "good"' in raw}
    gone = {
        image["sha256"] for item in shop.items if item["site"] == "bad" for image in item["images"]
    }
    shared = shop.items[0]["images"][2]["sha256"]
    told = ended_well(solemap("forget", "--site", "bad", "--yes")).output
    assert "forgotten: 2 listings, 4 picture files, 4 cached canvases" in told
    assert set(FEED.read_bytes().splitlines()) == kept_lines
    on_disk = {path.stem for path in (CRAWL / "images").rglob("*.*")}
    assert gone & on_disk == {shared} and len(on_disk) == 5
    assert read_brands(Path("brands.yaml")) == ["acme"]
    assert not Path("data/pack/tide").exists() and not Path("models/brands/tide").exists()
    assert Path("models/brands/acme/x").exists()
    assert "take it off crawl.sites and ingest.sites" in told and "dvc gc --workspace" in told
    assert not any(
        one in text for one in gone - {shared} for text in map(str, files("var").values())
    )


def signatures() -> dict[str, str]:
    told = Path("data/clean/signatures.jsonl").read_text().splitlines()
    return {json.loads(line)["canvas"]: line for line in told}


def test_the_cache_of_the_others_still_answers(shop: CrawlFolder) -> None:
    before = signatures()
    decoded = {path: path.stat().st_mtime_ns for path in (CLEAN / "canvas").rglob("*.jpg")}
    ended_well(solemap("forget", "--site", "bad", "--yes"))
    stage("ingest")
    stage("clean --jobs 1")
    after = signatures()
    assert len(after) == 5 and after.items() <= before.items()
    left = {path: path.stat().st_mtime_ns for path in (CLEAN / "canvas").rglob("*.jpg")}
    assert len(left) == 5 and left.items() <= decoded.items()


def test_thumbs_still_belong_to_their_lines(shop: CrawlFolder) -> None:
    photos = list(read_manifest(Path("data/catalogue.jsonl"), Photo))
    with FactsCache(CLEAN, 95) as cache:
        facts = {one.photo_id: cache.find(one.photo_id) for one in photos}
        canvases = sorted({str(one.canvas) for one in facts.values() if one})
        thumbs = {one.canvas: found for one, found in cache.signatures(canvases)}
    first = sorted(facts)[0]
    assert forget_facts(CLEAN, {first}) == 1
    with FactsCache(CLEAN, 95) as cache:
        assert cache.find(first) is None
        left = sorted(str(one.canvas) for name, one in facts.items() if one and name != first)
        for one, found in cache.signatures(left):
            assert (found == thumbs[one.canvas]).all()
    assert forget_facts(CLEAN, {first}) == 0


def test_a_product_goes_on_all_sites_and_what_keeps_it_out_is_told(shop: CrawlFolder) -> None:
    told = ended_well(solemap("forget", "--product", "acme/runner", "--yes")).output
    assert [item["name"] for _, _, item in lines(FEED)] == ["Walker", "Boot"]
    assert "\nacme/runner,reject,,\n" in told
    Path("overrides.csv").write_text("subject,decision,target,note\nacme/runner,reject,,\n")
    stage("ingest")  # the line is understood


def test_a_product_takes_those_that_were_joined_into_it(shop: CrawlFolder) -> None:
    Path("overrides.csv").write_text(
        "subject,decision,target,note\nacme/walker,same-as,acme/runner,\n"
    )
    ended_well(solemap("forget", "--product", "acme/runner", "--yes"))
    assert [item["name"] for _, _, item in lines(FEED)] == ["Boot"]


def test_a_product_takes_those_that_a_rule_joined_into_it(shop: CrawlFolder) -> None:
    for name, site in (("Glider", "good"), ("Glider Trail", "bad")):
        shop.add("Acme", name, [SHARED + bytes([pose]) for pose in (1, 2)], site=site)
    shop.write()
    stage("ingest")
    names = {photo.product for photo in read_manifest(Path("data/catalogue.jsonl"), Photo)}
    assert "glider" in names and "glider-trail" not in names
    ended_well(solemap("forget", "--product", "acme/glider", "--yes"))
    assert "Glider" not in FEED.read_text()


def test_a_product_is_named_as_ingest_names_it(shop: CrawlFolder) -> None:
    ended_well(solemap("forget", "--product", "tide/boot-red", "--yes"))
    assert "Boot" not in FEED.read_text()


def test_a_product_may_be_called_by_its_name(shop: CrawlFolder) -> None:
    shop.add("나이키", "운동화", [SHARED, SHARED + b"1"], site="good")
    shop.write()
    told = ended_well(solemap("forget", "--product", "나이키/운동화", "--yes")).output
    assert "\nnike/undonghwa,reject,,\n" in told and "운동화" not in FEED.read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--site", "bat"), "has bad, good (did you mean bad?)"),
        (("--product", "acme/runer"), "did you mean acme/runner, acme/walker?"),
    ],
)
def test_what_is_not_there_names_what_was_meant(
    shop: CrawlFolder, words: tuple[str, str], says: str
) -> None:
    before = files("data", "var")
    assert says in fault("forget", *words, "--yes")
    assert files("data", "var") == before


@pytest.mark.parametrize("words", [(), ("--site", "a", "--product", "b/c"), ("--product", "b")])
def test_bad_usage(shop: CrawlFolder, words: tuple[str, ...]) -> None:
    assert solemap("forget", *words).exit_code == 2


def test_without_a_crawl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    assert "nothing to forget" in fault("forget", "--site", "x")


def test_a_crawl_that_goes_on_is_waited_for(shop: CrawlFolder) -> None:
    place = state_of(CRAWL, STATE)
    place.mkdir(parents=True)
    with (place / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another crawl is writing it" in fault("forget", "--site", "bad", "--yes")


def test_what_an_unfinished_crawl_holds_goes_too(shop: CrawlFolder) -> None:
    place = state_of(CRAWL, STATE)
    journal = Journal(place)
    journal.start({"what": {}})
    ours = [item | {"url": f"{item['site']}/new"} for item in shop.items if item["name"] != "Boot"]
    for number, item in enumerate(ours):
        journal.add_links(item["site"], [(item["url"], 1, 1)])
        journal.add_item(f"page {number}", 0, 1, item)
        journal.add_picture(item["images"][0])
    journal.close(False)
    ended_well(solemap("forget", "--site", "bad", "--yes"))
    assert {item["site"] for _, _, item in complete_items(journal.path)} == {"good"}
    assert journal.unfinished() == {"what": {}} and b"bad" not in journal.path.read_bytes()
    kept = {line["picture"]["sha256"] for _, _, line in lines(journal.path) if "picture" in line}
    assert kept == {item["images"][0]["sha256"] for item in ours if item["site"] == "good"}


def test_a_site_of_the_unfinished_crawl_alone_is_known(shop: CrawlFolder) -> None:
    journal = Journal(state_of(CRAWL, STATE))
    journal.start({"what": {}})
    journal.add_item("page", 0, 1, shop.items[3] | {"site": "third"})
    journal.close(False)
    before = FEED.read_bytes()
    ended_well(solemap("forget", "--site", "third", "--yes"))
    assert FEED.read_bytes() == before and not list(complete_items(journal.path))


def test_its_pages_are_not_taken_for_unchanged(shop: CrawlFolder) -> None:
    pages = state_of(CRAWL, STATE) / "pages.jsonl"
    pages.parent.mkdir(parents=True)
    told = [
        {"site": item["site"], "page": item["url"], "urls": [item["url"]], "links": []}
        | {"etag": "1", "code": code_hash()}
        for item in shop.items
    ]
    pages.write_text("".join(json.dumps(line) + "\n" for line in told))
    ended_well(solemap("forget", "--product", "acme/runner", "--yes"))
    assert [line["page"] for _, _, line in lines(pages)] == ["good/p/1", "bad/p/3"]
    ended_well(solemap("forget", "--site", "bad", "--yes"))
    assert [line["page"] for _, _, line in lines(pages)] == ["good/p/1"]


def test_files_of_earlier_crawls_that_no_listing_shows_go(shop: CrawlFolder) -> None:
    path = CRAWL / shop.image("bad", 0, encoded(draw_shoe((9, 9, 9))))["path"]
    note = CRAWL / "images/00/note.txt"
    note.parent.mkdir(exist_ok=True)
    note.touch()
    told = ended_well(solemap("forget", "--site", "bad", "--yes")).output
    assert "1 more picture files that no listing shows" in told
    assert not path.exists() and note.exists()


@pytest.mark.parametrize(
    "moment",
    ["crawler.forget._filtered", "solemap.forget.clear", "solemap.forget.write_brands"],
)
def test_cut_off_at_any_moment_the_same_command_finishes(
    shop: CrawlFolder, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FEED.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(moment, lambda *_: 1 / 0)
        cut = solemap("forget", "--site", "bad", "--yes")
        assert isinstance(cut.exception, ZeroDivisionError)
    assert FEED.read_bytes() == feed
    ended_well(solemap("forget", "--site", "bad", "--yes"))
    assert sites() == ["good", "good"] and read_brands(Path("brands.yaml")) == ["acme"]
    assert len(list((CRAWL / "images").rglob("*.*"))) == 5
    assert len(list((CLEAN / "canvas").rglob("*.jpg"))) == 5


def test_a_pinned_photo_asks_for_a_new_pin(shop: CrawlFolder) -> None:
    Path("data/base").mkdir()
    photo = shop.items[3]["images"][0]["sha256"]
    Path("data/base/pin.jsonl").write_text(json.dumps({"photo_id": photo}) + "\n")
    told = ended_well(solemap("forget", "--site", "bad", "--yes")).output
    order = ["dvc repro split", "solemap base --repin", "dvc repro  ", "dvc gc --workspace"]
    places = [told.index(step) for step in order]
    assert places == sorted(places) and "pinned to 1 of the photos" in told


def test_when_nothing_is_left_it_says_what_remains(shop: CrawlFolder) -> None:
    ended_well(solemap("forget", "--site", "bad", "--yes"))
    told = ended_well(solemap("forget", "--site", "good", "--yes")).output
    assert FEED.read_bytes() == b"" and "`make clean`" in told
    assert "which has no site" in fault("forget", "--site", "good")


def test_exports_are_told(shop: CrawlFolder) -> None:
    Path("data/brands").mkdir()
    assert (
        "data/brands is an export" in ended_well(solemap("forget", "--site", "bad", "--yes")).output
    )


def test_what_an_import_left_goes_and_added_products_are_told(shop: CrawlFolder) -> None:
    left = [state_of(CRAWL, STATE) / name for name in ("import.jsonl", "import-rejects.jsonl")]
    for path in (*left, Path("models/added/added.safetensors")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"name": "운동화"}\n')
    told = ended_well(solemap("forget", "--site", "bad", "--yes")).output
    assert not any(path.exists() for path in left) and "solemap gallery remove" in told


def test_a_fault_is_one_line(shop: CrawlFolder) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "solemap", "forget", "--site", "nobody"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).resolve().parent.parent), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
