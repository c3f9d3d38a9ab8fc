"""Manifests: sorted beyond memory, and whole whatever happened to those who wrote before."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from catalogue import manifest
from catalogue.manifest import read_lines, write_bytes, write_manifest


def test_what_is_sorted_on_disk_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    records = [{"name": f"신발 {number}", "of": number} for number in range(1000)]
    random.Random(0).shuffle(records)
    assert write_manifest(tmp_path / "memory", iter(records)) == 1000
    for run in (1, 7, 500, 1000):
        monkeypatch.setattr(manifest, "_RUN", run)
        write_manifest(tmp_path / "disk", iter(records))
        assert (tmp_path / "disk").read_bytes() == (tmp_path / "memory").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "memory"]


def test_half_a_character_costs_no_line(tmp_path: Path) -> None:
    """A shop's page may say "sku": "AB1\\ud83d", which is JSON and no Unicode."""
    records = [{"sku": "AB1\ud83d"}, {"sku": "가"}, {"sku": "\N{ATHLETIC SHOE}"}, {"sku": "\uffee"}]
    write_manifest(tmp_path / "odd", records)
    found = [line["sku"] for _, line in read_lines(tmp_path / "odd")]
    assert found == ["AB1?", "가", "\uffee", "\N{ATHLETIC SHOE}"]


def test_a_killed_writer_leaves_nothing_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_bytes(path, b"old")
    code = (
        "import os, sys; from pathlib import Path; from catalogue import manifest\n"
        "with manifest.replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half' * 9999); file.flush(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 2
    write_bytes(path, b"new")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"new"]


def test_writers_at_the_same_time_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "out"
    contents = [bytes([letter]) * 200_000 for letter in b"abcdef"]
    writers = [threading.Thread(target=write_bytes, args=(path, one)) for one in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in contents and len(list(tmp_path.iterdir())) == 1
