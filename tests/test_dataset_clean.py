"""The clean stage: facts, verdicts, cache; one bad picture costs only itself."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import socket
import struct
import zlib
from pathlib import Path

import pytest
from conftest import CrawlFolder, draw_shoe, encoded
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalogue.schema import CleanPhoto, Photo
from dataset.clean import examine_all, verdicts
from dataset.facts import FactsCache
from dataset.feed import read_feed
from dataset.files import canvas_file
from dataset.ingest import name_listings, to_photos
from dataset.judge import Evidence, judge
from dataset.picture import Facts, UnreadablePicture, examine, open_picture, read_bounded


def bomb(side: int) -> bytes:
    """A PNG whose header promises ``side`` x ``side`` px and whose body is tiny."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def photos_of(crawl: CrawlFolder) -> list[Photo]:
    listings, _ = read_feed(crawl.write())
    return list(to_photos(name_listings(listings)))


def cleaned(crawl: CrawlFolder, cache: Path, jobs: int = 1) -> dict[str, CleanPhoto]:
    """Verdicts by product."""
    photos = photos_of(crawl)
    with FactsCache(cache, 95) as finished:
        facts = examine_all(photos, crawl.folder, finished, 95, jobs, lambda done, total: None)
        judged = verdicts(photos, facts, Path("data/clean"), 120)
        return {photo.product: photo for photo in judged}


def test_every_verdict_has_its_reason(crawl: CrawlFolder, tmp_path: Path) -> None:
    whole = encoded(draw_shoe(), "JPEG", quality=90)
    logo = encoded(draw_shoe(pose=4, size=200))
    crawl.add("Acme", "good", [whole])
    crawl.add("Acme", "torn", [whole[: len(whole) // 2]])
    crawl.add("Acme", "text", [b"<html>404</html>"])
    crawl.add("Acme", "empty", [b""])
    crawl.add("Acme", "small", [encoded(draw_shoe(size=80))])
    crawl.add("Acme", "blank", [encoded(Image.new("RGB", (300, 300), (240, 240, 240)))])
    crawl.add("Acme", "bomb", [bomb(60_000)])
    crawl.add("Acme", "faint", [encoded(faint())])
    for number in range(3):
        crawl.add("Acme", f"logo {number}", [logo])
    crawl.add("Acme", "gone", [encoded(draw_shoe(pose=1))])
    (crawl.folder / crawl.items[-1]["images"][0]["path"]).unlink()
    crawl.add("Acme", "changed", [encoded(draw_shoe(pose=2))])
    (crawl.folder / crawl.items[-1]["images"][0]["path"]).write_bytes(whole)
    found = cleaned(crawl, tmp_path / "cache")
    told = {name: (one.verdict, (one.reason or "").split(":")[0]) for name, one in found.items()}
    assert told == {
        "good": ("keep", ""),
        "torn": ("reject", "corrupt"),
        "text": ("reject", "corrupt"),
        "empty": ("reject", "corrupt"),
        "small": ("reject", "too small"),
        "blank": ("reject", "blank"),
        "bomb": ("reject", "too large"),
        "faint": ("review", "almost no detail"),
        "logo-0": ("reject", "placeholder"),
        "logo-1": ("reject", "placeholder"),
        "logo-2": ("reject", "placeholder"),
        "gone": ("reject", "missing"),
        "changed": ("reject", "changed"),
    }
    assert all((one.path is None) == (one.verdict == "reject") for one in found.values())
    assert (found["good"].width_px, found["good"].height_px) == (300, 300)


def faint() -> Image.Image:
    image = Image.new("RGB", (300, 300), (255, 255, 255))
    image.paste((200, 200, 200), (140, 140, 160, 160))
    return image


def test_the_canvas_file_is_named_by_its_bytes_and_is_a_500_by_600_jpeg(tmp_path: Path) -> None:
    content = encoded(draw_shoe())
    found = examine(hashlib.sha256(content).hexdigest(), content, 95)
    assert found.encoded is not None and found.signature is not None
    assert hashlib.sha256(found.encoded).hexdigest() == found.facts.canvas
    canvas = Image.open(io.BytesIO(found.encoded))
    assert (canvas.format, canvas.size, canvas.info.get("exif")) == ("JPEG", (500, 600), None)
    second = examine(found.facts.photo_id, content, 95)
    assert (second.facts, second.encoded) == (found.facts, found.encoded)


def test_jobs_and_restarts_change_nothing(crawl: CrawlFolder, tmp_path: Path) -> None:
    for number in range(5):
        crawl.add("Acme", f"r{number}", [encoded(draw_shoe(pose=number, size=200))])
    one = cleaned(crawl, tmp_path / "one", jobs=1)
    assert cleaned(crawl, tmp_path / "two", jobs=2) == one
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert cleaned(crawl, tmp_path / "one") == one


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_torn_cache_is_mended_and_a_damaged_canvas_made_again(
    crawl: CrawlFolder, tmp_path: Path
) -> None:
    for number in range(4):
        crawl.add("Acme", f"r{number}", [encoded(draw_shoe(pose=number, size=200))])
    cache = tmp_path / "cache"
    cleaned(crawl, cache)
    whole = tree(cache)
    (journal,) = cache.glob("*.jsonl")
    journal.write_bytes(journal.read_bytes()[:-30])
    cleaned(crawl, cache)
    assert tree(cache) == whole
    (thumbs,) = cache.glob("*.thumbs")
    thumbs.write_bytes(thumbs.read_bytes()[:-5])
    canvas = next(iter((cache / "canvas").rglob("*.jpg")))
    canvas.write_bytes(b"damaged")
    cleaned(crawl, cache)
    assert {name: whole[name] for name in whole if name.endswith(".jpg")} == {
        name: content for name, content in tree(cache).items() if name.endswith(".jpg")
    }


def test_signatures_follow_the_canvases_asked_for(crawl: CrawlFolder, tmp_path: Path) -> None:
    for number in range(4):
        crawl.add("Acme", f"r{number}", [encoded(draw_shoe(pose=number, size=200))])
    found = cleaned(crawl, tmp_path / "cache").values()
    names = sorted(Path(one.path).stem for one in found if one.path)
    with FactsCache(tmp_path / "cache", 95) as finished:
        signed = list(finished.signatures(names[1:3]))
        assert [signature.canvas for signature, _ in signed] == names[1:3]
        assert all(thumbs.shape == (2, 32, 32, 3) for _, thumbs in signed)
        assert not list(finished.signatures([]))
        assert canvas_file(finished.canvas_folder, names[0]).exists()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2000), st.integers(0, 255))
def test_damaged_bytes_are_a_fault_and_never_a_crash(tail: bytes, at: int, value: int) -> None:
    content = bytearray(encoded(draw_shoe(size=40), "PNG"))
    content[at % len(content)] = value
    for damaged in (bytes(content), bytes(content[: at % len(content)]) + tail, tail):
        facts = examine(hashlib.sha256(damaged).hexdigest(), damaged, 95).facts
        assert (facts.fault is None) == (facts.canvas is not None)


@pytest.mark.parametrize("form", ["WEBP", "PNG", "JPEG"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0II*\0", b"Exif\0\0junk", b"Exif\0\0MM\0*" + b"\xff" * 40]
)
def test_damaged_exif_costs_nothing(form: str, exif: bytes) -> None:
    content = encoded(draw_shoe(), form, exif=exif)
    found = examine(hashlib.sha256(content).hexdigest(), content, 95)
    assert found.facts.fault is None and found.encoded is not None


def test_damaged_avif_is_a_fault_and_never_a_crash() -> None:
    whole = encoded(draw_shoe(size=120), "AVIF")
    faults = 0
    for at in range(0, 600, 3):
        content = whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :]
        faults += examine(hashlib.sha256(content).hexdigest(), content, 95).facts.fault is not None
    assert faults


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded() -> None:
    """Each scan is decoded over the whole picture: 400 KB keep a processor busy for 9 s."""
    whole = encoded(draw_shoe(), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    with pytest.raises(UnreadablePicture, match=r"1[56][0-9] scans"):
        open_picture(whole[:-2] + whole[last:-2] * 150 + whole[-2:])
    assert open_picture(whole).format == "JPEG"
    assert (
        open_picture(whole + b"\xff\xda" * 500).format == "JPEG"
    )  # a film behind it, as phones add


def test_unlisted_formats_are_not_opened() -> None:
    with pytest.raises(UnreadablePicture):
        open_picture(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")


def test_paths_out_of_the_crawl_folder_are_refused(crawl: CrawlFolder, tmp_path: Path) -> None:
    crawl.add("Acme", "r", [encoded(draw_shoe())])
    crawl.items[0]["images"][0]["path"] = "../../secret.jpg"
    assert (cleaned(crawl, tmp_path / "c")["r"].reason or "").startswith("missing")


def test_what_is_no_file_is_neither_waited_for_nor_drained(
    crawl: CrawlFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataset.picture.MAX_BYTES", 5000)
    places = {}
    for number, name in enumerate(("pipe", "endless", "socket", "folder", "huge", "nameless")):
        crawl.add("Acme", name, [encoded(draw_shoe(pose=number, size=40))])
        image = crawl.items[-1]["images"][0]
        places[name] = crawl.folder / image["path"]
        places[name].unlink()
    os.mkfifo(places["pipe"])
    places["endless"].symlink_to("/dev/zero")
    with contextlib.chdir(places["socket"].parent):  # a socket's address is short
        socket.socket(socket.AF_UNIX).bind(places["socket"].name)
    places["folder"].mkdir()
    places["huge"].write_bytes(b"\0" * 5001)
    crawl.items[-1]["images"][0]["path"] = "images/a\0b.jpg"
    found = {name: one.reason for name, one in cleaned(crawl, tmp_path / "cache").items()}
    assert found == {
        "pipe": "missing: a pipe or a device, not a file",
        "endless": "missing: a pipe or a device, not a file",
        "socket": "missing: No such device or address",
        "folder": "missing: Is a directory",
        "huge": "too large: over 5000 bytes",
        "nameless": "missing: not a file name (embedded null byte)",
    }


def test_a_link_to_a_picture_is_that_picture(tmp_path: Path) -> None:
    (tmp_path / "shoe.png").write_bytes(b"shoe")
    (tmp_path / "link").symlink_to("shoe.png")
    assert read_bounded(tmp_path / "link") == b"shoe"


def test_rules_reject_only_on_proof() -> None:
    ok = Facts("0" * 64, None, "c", 500, 500, contrast=200.0, edges=0.05)
    assert judge(Evidence(ok, products=2, min_side_px=120)) is None
    verdict = judge(Evidence(ok, products=3, min_side_px=120))
    assert verdict is not None and (verdict.verdict, verdict.score) == ("reject", 3)


def test_a_phones_format_that_is_not_read_is_named() -> None:
    with pytest.raises(UnreadablePicture, match="HEIC"):
        open_picture(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40)
