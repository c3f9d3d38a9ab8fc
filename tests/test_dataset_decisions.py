"""overrides.csv: read strictly, obeyed by ingest, clean and dedup, and shown on the review page."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import CrawlFolder, draw_shoe, encoded

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.schema import CleanPhoto, Photo
from dataset.__main__ import main
from dataset.decisions import read_decisions
from dataset.records import Kept, Removed

HEAD = "subject,decision,target,note\n"
A, B = "a" * 64, "a" * 11 + "b" * 53


def decide(folder: Path, *lines: str) -> Path:
    path = folder / "overrides.csv"
    path.write_text(HEAD + "".join(line + "\n" for line in lines), "utf-8")
    return path


def run(*words: str) -> Result:
    done = CliRunner().invoke(main, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize(
    "line, told",
    [
        ("aaaaaaaa,delete,,", "'delete'; allowed are keep, reject, belongs-to, apart, same-as"),
        ("aaaaaaa,keep,,", "a photo"),  # seven digits
        ("nike/air,keep,,", "a photo"),
        ("aaaaaaaa,keep,nike/air,", "needs nothing there"),
        ("aaaaaaaa,belongs-to,나이키/에어,", "a product"),
        ("aaaaaaaa,belongs-to,,", "a product"),
        ("nike/../x,reject,,", "a product"),
        ("aaaaaaaa,apart,aaaaaaaa,", "the same"),
        ('"aaaaaaaa,keep', "not CSV"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_what_is_allowed(
    tmp_path: Path, line: str, told: str
) -> None:
    with pytest.raises(CatalogueError, match=rf"overrides\.csv:3: .*{re.escape(told)}"):
        read_decisions(decide(tmp_path, "bbbbbbbb,keep,,fine", line))


def test_contradictions_chains_and_short_digits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="decided twice"):
        read_decisions(decide(tmp_path, "aaaaaaaa,keep,,", "aaaaaaaa,reject,,"))
    with pytest.raises(CatalogueError, match="the last one in both"):
        read_decisions(decide(tmp_path, "a/x,same-as,a/y,", "a/y,same-as,a/z,"))
    found = read_decisions(decide(tmp_path, "aaaaaaaa,keep,,"))
    with pytest.raises(CatalogueError, match="beginning of 2 photos"):
        found.of_photos([A, B])
    assert found.of_photos([A]).verdicts == {A: "keep"}
    assert found.of_photos([]).unmatched == ("aaaaaaaa",)
    assert read_decisions(tmp_path / "none.csv").verdicts == {}


@pytest.fixture
def shop(crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrawlFolder:
    """Two products of one brand that share a picture, a logo on three, a picture in two encodings."""
    monkeypatch.chdir(tmp_path)
    logo = encoded(draw_shoe((1, 2, 3), pose=5))
    shared = encoded(draw_shoe((9, 200, 90), pose=4))
    for shape, name in enumerate(("Runner", "Racer", "Walker")):
        poses = [encoded(draw_shoe(pose=pose, shape=shape)) for pose in range(3)]
        again = encoded(draw_shoe(pose=0, shape=shape), "JPEG", quality=60)
        crawl.add("Acme", name, [*poses, again, logo, *([shared] if shape < 2 else [])])
    crawl.write()
    return crawl


def through(*commands: str) -> None:
    for command in commands or ("ingest", "clean --jobs 1", "dedup"):
        run(*command.split())


def test_decisions_are_obeyed(shop: CrawlFolder, tmp_path: Path) -> None:
    through()
    verdicts = list(read_manifest(Path("data/clean/verdicts.jsonl"), CleanPhoto))
    logo = next(one.photo_id for one in verdicts if one.verdict == "reject")
    good = next(one for one in verdicts if one.verdict == "keep" and one.position == 1)
    removed = next(
        one
        for one in read_manifest(Path("data/dedup/removed.jsonl"), Removed)
        if one.product == "walker"
    )
    shared = [one.photo_id for one in verdicts if one.position == 5]
    decide(
        tmp_path,
        f"{logo[:12]},belongs-to,acme/racer,",
        f"{good.photo_id},reject,,on a foot",
        f"{removed.photo_id[:16]},apart,{removed.keeper[:16]},",
        f"{shared[0][:10]},belongs-to,acme/runner,",
        "deadbeef,keep,,gone",
    )
    told = run("clean", "--jobs", "1").output
    assert "no photo begins with deadbeef" in told
    run("dedup")
    after = {
        (one.photo_id, one.product): one.verdict
        for one in read_manifest(Path("data/clean/verdicts.jsonl"), CleanPhoto)
    }
    assert after[good.photo_id, good.product] == "reject"
    kept = {(k.photo_id, k.product) for k in read_manifest(Path("data/dedup/kept.jsonl"), Kept)}
    assert {product for photo, product in kept if photo == logo} == {"racer"}
    assert {product for photo, product in kept if photo == shared[0]} == {"runner"}
    assert {(removed.photo_id, "walker"), (removed.keeper, "walker")} <= kept
    clusters = {
        k.photo_id: k.cluster_id for k in read_manifest(Path("data/dedup/kept.jsonl"), Kept)
    }
    assert clusters[removed.photo_id] == clusters[removed.keeper], "still on one side of a split"


def test_products_are_joined_and_left_out(shop: CrawlFolder, tmp_path: Path) -> None:
    decide(
        tmp_path, "acme/racer,same-as,acme/runner,", "acme/walker,reject,,", "acme/none,reject,,"
    )
    told = run("ingest").output
    assert "no product acme/none" in told
    photos = list(read_manifest(Path("data/catalogue.jsonl"), Photo))
    assert {(one.product, one.product_name) for one in photos} == {("runner", "Runner")}
    assert len({source.url for one in photos for source in one.sources}) == 2


def test_the_page_shows_each_kind_with_its_line(shop: CrawlFolder, tmp_path: Path) -> None:
    shop.add("Acme", "<b>Bad</b>", [b"not a picture", *[encoded(draw_shoe((7, 7, 7)))] * 1])
    shop.write()
    through("ingest", "clean --jobs 1", "dedup", "review --most 2")
    page = Path("data/review/index.html").read_text("utf-8")
    assert "Rejected: placeholder" in page and "3 in all, the first 2 shown" in page
    assert "Rejected: corrupt" in page and "cannot be shown" in page
    logo = hashlib.sha256(encoded(draw_shoe((1, 2, 3), pose=5))).hexdigest()[:12]
    assert f"{logo},belongs-to,acme/runner," in page and f"{logo},keep" not in page
    assert "<b>Bad" not in page and "&lt;b&gt;Bad" in page
    assert "Removed as a duplicate: near" in page and ",apart," in page
    assert ",belongs-to,acme/racer," in page and "acme/racer,same-as,acme/runner," in page
    shown = set(re.findall(r'src="(pictures/[^"]+)"', page))
    assert shown and all((tmp_path / "data/review" / path).stat().st_size > 300 for path in shown)
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page
    # every line that is offered can be pasted as it is
    lines = dict.fromkeys(re.findall(r"<code>([^<]+)</code>", page))
    for line in lines:
        read_decisions(decide(tmp_path, line))
