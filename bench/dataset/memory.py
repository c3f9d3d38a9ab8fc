"""Peak memory of the dataset stages for a catalogue of many rows.

The feed is generated: five pictures a product, 50 brands, two shops. Pictures are not drawn: the cache of
the clean stage is filled with facts, hashes (made from real ones as in `bench.dataset.scale`, one in four
with near copies) and noise for thumbs, its canvas files with a few bytes each. So each stage runs as ever
on the records, the audit included; only decoding is left out (`bench.dataset.unseen`). Packs get 16 px,
as a million pictures of 128 px would be 65 GB on disk: their rows are written one by one, whatever the size.
Anonymous memory is what a stage needs; the peak of resident memory also counts pages of files that
are mapped, which the system takes back when others need them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.dataset.duplicates import read_rows
from bench.dataset.results import keep
from bench.dataset.scale import WIDE, made, other_distances, real_hashes
from bench.dataset.unseen import content
from dataset.phash import Hashes, distance
from dataset.picture import CODE_VERSION
from dataset.signature import THUMB

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MIB = 2048
PICTURES = 5  # of a product
STAGES = {  # words after the stage's name
    "ingest": [],
    "clean": [],
    "dedup": [],
    "review": [],
    "split": [],
    "pack": ["--brand", "brand-0", "--size", "16"],
    "pin": ["--size", "16"],
}


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--rows", default=1_000_000, show_default=True, help="Of the catalogue.")
@click.option("--place", type=click.Path(path_type=Path), help="Work here and leave it, to go on with --from.")  # fmt: skip
@click.option(
    "--from", "first", type=click.Choice(list(STAGES)), default="ingest", help="Begin here."
)
def memory(folders: tuple[Path, ...], rows: int, place: Path | None, first: str) -> None:
    """Run the dataset stages on generated records; hashes are made from FOLDERS."""
    stages = list(STAGES)[list(STAGES).index(first) :]
    with tempfile.TemporaryDirectory() as scratch:
        where = place or Path(scratch)
        told: dict[str, Any] = {}
        if first != "ingest":
            told = json.loads((where / "told.json").read_bytes())
        else:
            photos = [row for folder in folders for row in read_rows(folder.resolve()) if row.use]
            real, products = real_hashes(photos)
            others = other_distances(real, products, 20)
            generate(where, made(real, others, [0, 2, 4], rows, seed=0, power=3.0))
        for stage in stages:
            told[stage] = run(where, stage)
            (where / "told.json").write_text(json.dumps(told))
    keep("memory", {"rows": rows, "limit_mib": LIMIT_MIB, "stages": told})
    sys.exit(any(one["peak_anonymous_mib"] > LIMIT_MIB or one["exit_code"] for one in told.values()))  # fmt: skip


def generate(place: Path, hashes: Hashes) -> None:
    """A feed and the clean stage's cache, both of one picture per hash."""
    crawl, cache = place / "data" / "crawl", place / "var" / "clean"
    crawl.mkdir(parents=True)
    cache.mkdir(parents=True)
    name = cache / f"facts-v{CODE_VERSION}-q95"
    noise = np.random.default_rng(0)
    with (
        (crawl / "items.jsonl").open("w", encoding="utf-8") as feed,
        name.with_suffix(".jsonl").open("w", encoding="utf-8") as journal,
        name.with_suffix(".thumbs").open("wb") as thumbs,
    ):
        kin, thumb = 0, b""
        for first in range(0, len(hashes), PICTURES):
            some = hashes[first : first + PICTURES].tolist()
            feed.write(json.dumps(_listing(first // PICTURES, first, len(some))) + "\n")
            for number, value in enumerate(some, start=first):
                canvas = hashlib.sha256(content(number, value)).hexdigest()
                path = cache / "canvas" / canvas[:2] / f"{canvas}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content(number, value))
                journal.write(json.dumps(_facts(number, canvas, value)) + "\n")
                if not thumb or distance(kin, value) > WIDE:  # no copy of those before it
                    kin, thumb = value, noise.bytes(2 * THUMB * THUMB * 3)
                thumbs.write(thumb)
    (place / "brands.yaml").write_text(
        "brands:\n" + "".join(f'  - "brand-{n}"\n' for n in range(50))
    )


def _photo_id(number: int) -> str:
    return hashlib.sha256(b"photo %d" % number).hexdigest()


def _listing(product: int, first: int, count: int) -> dict[str, Any]:
    site = f"shop{product % 2}"
    images = []
    for position in range(count):
        photo = _photo_id(first + position)
        images.append(
            {
                "url": f"https://cdn.{site}.example/products/{product}/{photo[:12]}.jpg",
                "alt": f"Runner {product} view {position}",
                "position": position,
                "status": "stored",
                "reason": None,
                "sha256": photo,
                "path": f"images/{photo[:2]}/{photo}.jpg",
                "width_px": 800,
                "height_px": 800,
                "bytes": 60_000 + product % 1000,
                "content_type": "image/jpeg",
            }
        )
    return {
        "site": site,
        "url": f"https://{site}.example/products/{product}",
        "brand_text": f"Brand {product % 50}",
        "name": f"Runner {product} Black",
        "sku": f"R{product:08d}",
        "gtin": None,
        "color": "Black",
        "group": None,
        "category": "Shoes > Running",
        "source": "json-ld",
        "fetched_at": "2026-11-24T00:00:00Z",
        "images": images,
    }


def _facts(number: int, canvas: str, value: int) -> dict[str, Any]:
    digits = f"{value:016x}"
    facts = {
        "photo_id": _photo_id(number), "fault": None, "canvas": canvas, "width_px": 800, "height_px": 800,
        "contrast": 200.0, "edges": 0.05, "steepness": 0.6, "letters": 0, "solid": 0.3, "parts": 1, "flat": 0.1,
    }  # fmt: skip
    signature = {"canvas": canvas, "phash": digits, "box": digits, "mirror": f"{value ^ (2**64 - 1):016x}"}  # fmt: skip
    return {"facts": facts, "signature": {**signature, "sharpness": 20.0 + number % 100}}


def run(place: Path, stage: str) -> dict[str, Any]:
    """One stage in a process of its own, watched."""
    command = [sys.executable, "-m", "bench.dataset.unseen", stage, *STAGES[stage]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    with (place / f"{stage}.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)
        anonymous = resident = 0
        while running.poll() is None:
            anonymous = max(anonymous, _status_mib(running.pid, "RssAnon"))
            resident = max(resident, _status_mib(running.pid, "VmHWM"))
            time.sleep(0.05)
    told = {
        "exit_code": running.returncode,
        "seconds": round(time.perf_counter() - began, 1),
        "peak_anonymous_mib": anonymous,
        "peak_resident_mib": resident,
    }
    click.echo(f"{stage}: {told} {(place / f'{stage}.log').read_text('utf-8')[-300:].strip()}")
    return told


def _status_mib(pid: int, field: str) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith(field)]
    return int(found[0]) // 1024 if found else 0
