"""`python -m bench.crawl DIR...`: serve catalogues as shops, crawl them, compare; and the saved pages.

Each folder with a catalogue.csv is sold by the demo shop in a process of its own and crawled by
`scrapy crawl shoes` in a third, without rules, on an empty folder, with no delay (loopback); then
the same shop with --faults (busy, slow and broken answers, loops, mazes). Without faults, rivals crawl
it too (`bench.crawl.cost`). Without a folder, the drawn shoes of var/demo. Results are printed and written to bench/results/crawl.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bench.crawl import cost
from bench.crawl.cases import measure
from bench.crawl.score import score
from bench.machine import machine
from crawler.shop import Shop

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "crawl.json"
PACKAGES = ("scrapy", "twisted", "lxml", "parsel", "pillow")


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--faults/--no-faults", default=True, help="Crawl each shop with faults as well.")
@click.option("--img2dataset", type=click.Path(exists=True, path_type=Path), help="Its program, to compare with.")  # fmt: skip
@click.option("--rounds", default=3, show_default=True, help="Of ours and the rivals; the least counts.")  # fmt: skip
@click.option("--timeout", default=600, show_default=True, help="Seconds for one crawl.")
def main(
    folders: tuple[Path, ...], faults: bool, img2dataset: Path | None, rounds: int, timeout: int
) -> None:
    """Measure crawls of FOLDERS, and the readers on their saved pages."""
    runs = []
    for folder in [path.resolve() for path in folders] or [drawn()]:
        for is_faulty in (False, True) if faults else (False,):
            runs.append(run(folder, is_faulty, timeout, rounds, img2dataset))
            click.echo(json.dumps(runs[-1], ensure_ascii=False))
    saved = measure(ROOT / "tests" / "fixtures" / "sites")
    _print_cases(saved)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(PACKAGES), "runs": runs, "saved_pages": saved}
    RESULTS.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    click.echo(f"written: {RESULTS.relative_to(ROOT)}")


def run(
    folder: Path, is_faulty: bool, timeout_s: int, rounds: int, img2dataset: Path | None
) -> dict[str, Any]:
    """One crawl of one catalogue, scored; without faults, its cost beside that of rivals."""
    with tempfile.TemporaryDirectory() as text, served(folder, is_faulty) as shop:
        place = Path(text)
        crawled = cost.timed(lambda _: crawl(place, shop.url, timeout_s), place)
        feed = place / "data" / "crawl" / "items.jsonl"
        scored = score(folder, feed)
        told = {
            "catalogue": folder.name,
            "faults": is_faulty,
            "exit_code": crawled["exit_code"],
            **scored,
            "pages": crawled["pages"],
            "seconds": crawled["seconds"],  # start of the interpreter included
            "refused": crawled["refused"],
            "picture_outcomes": crawled["pictures"],
        }
        if is_faulty or not feed.exists():
            return told

        def ours(empty: Path, url: str) -> dict[str, Any]:
            again = crawl(empty, url, timeout_s)
            stored = sum(again["pictures"].get(kind, 0) for kind in ("stored", "cached"))
            return {"pictures": stored, "requests": again["pages"] + stored}

        costs = cost.compare(ours, shop.url, feed, img2dataset, rounds, timeout_s)
    return {**told, "cost": costs}


def crawl(place: Path, url: str, timeout_s: int) -> dict[str, Any]:
    """Crawl the shop at ``url`` in the empty folder ``place``; what the report says of it."""
    prepare(place)
    crawled = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "shoes", "-a", f"url={url}"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    report = json.loads(next((place / "var").rglob("report.json")).read_text("utf-8"))
    site = next(iter(report["sites"].values()))
    return {
        "exit_code": crawled.returncode,
        **{key: site[key] for key in ("pages", "pictures", "refused")},
    }


def prepare(place: Path) -> None:
    """Make ``place`` a folder that a crawl can be started in."""
    (place / "scrapy.cfg").write_text("[settings]\ndefault = crawler.settings\n", "utf-8")
    (place / "params.yaml").write_text((ROOT / "params.yaml").read_text("utf-8"), "utf-8")


@contextmanager
def served(folder: Path, is_faulty: bool) -> Iterator[Shop]:
    """The demo shop, selling ``folder``, as long as the block runs."""
    command = [sys.executable, "-m", "demo", "--port", "0", "--exit-on-eof", "--catalogue"]
    shop = Shop([*command, str(folder), *(["--faults"] if is_faulty else [])])
    try:
        yield shop
    finally:
        shop.stop()


def drawn() -> Path:
    """The folder of the drawn shoes, drawn now unless it is there."""
    from demo.drawn import drawn_catalogue  # numpy, and only when it is asked for

    folder: Path = drawn_catalogue(ROOT / "var" / "demo", jobs=1, progress=lambda done, total: None)
    return folder.resolve()


def _print_cases(saved: dict[str, Any]) -> None:
    click.echo(f"saved pages: {saved['cases_all_right']} of {saved['cases']} wholly right")
    for reader, fields in saved["readers"].items():
        told = (f"{name} {c['right']}/{c['told']}/{c['wanted']}" for name, c in fields.items())
        click.echo(f"  {reader:<14} right/told/wanted: {', '.join(told)}")


if __name__ == "__main__":
    main()
