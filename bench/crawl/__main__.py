"""`python -m bench.crawl DIR...`: serve catalogues as shops, crawl them, compare; and the saved pages.

Each folder with a catalogue.csv is sold by the demo shop in a process of its own and crawled by
`scrapy crawl shoes` in a third, without rules, on an empty folder, with no delay (loopback); then
the same shop with --faults (busy, slow and broken answers, loops, mazes). Without a folder, the
drawn shoes of var/demo. Results are printed and written to bench/results/crawl.json.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from bench.crawl import img2dataset as rival
from bench.crawl import plain
from bench.crawl.cases import measure
from bench.crawl.score import score
from crawler.shop import Shop

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "crawl.json"
PACKAGES = ("scrapy", "twisted", "lxml", "parsel", "extruct", "pillow")


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--faults/--no-faults", default=True, help="Crawl each shop with faults as well.")
@click.option("--img2dataset", type=click.Path(exists=True, path_type=Path), help="Its program, to compare with.")  # fmt: skip
@click.option("--timeout", default=600, show_default=True, help="Seconds for one crawl.")
def main(folders: tuple[Path, ...], faults: bool, img2dataset: Path | None, timeout: int) -> None:
    """Measure crawls of FOLDERS, and the readers on their saved pages."""
    runs = []
    for folder in [path.resolve() for path in folders] or [drawn()]:
        for is_faulty in (False, True) if faults else (False,):
            runs.append(run(folder, is_faulty, timeout, img2dataset))
            click.echo(json.dumps(runs[-1], ensure_ascii=False))
    saved = measure(ROOT / "tests" / "fixtures" / "sites")
    _print_cases(saved)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "runs": runs, "saved_pages": saved}
    RESULTS.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    click.echo(f"written: {RESULTS.relative_to(ROOT)}")


def run(
    folder: Path, is_faulty: bool, timeout_s: int, img2dataset: Path | None = None
) -> dict[str, Any]:
    """One crawl of one catalogue, scored."""
    with tempfile.TemporaryDirectory() as place, served(folder, is_faulty) as shop:
        prepare(Path(place))
        began, cpu_before = time.perf_counter(), plain.cpu_s()
        crawled = subprocess.run(
            [sys.executable, "-m", "scrapy", "crawl", "shoes", "-a", f"url={shop.url}"],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        took_s, cpu_s = time.perf_counter() - began, plain.cpu_s() - cpu_before
        report = json.loads(next(Path(place, "var").rglob("report.json")).read_text("utf-8"))
        site = next(iter(report["sites"].values()))
        feed = Path(place, "data", "crawl", "items.jsonl")
        scored = score(folder, feed)
        cost = {"ours": plain.ours(cpu_s, site["pages"], scored["pictures_stored"])}
        if not is_faulty and feed.exists():
            cost["plain_scrapy"] = plain.run(feed, timeout_s)
            if img2dataset:
                cost["img2dataset"] = rival.run(img2dataset, feed, timeout_s)
    return {
        "catalogue": folder.name,
        "faults": is_faulty,
        "exit_code": crawled.returncode,
        **scored,
        "pages": site["pages"],
        "seconds": round(took_s, 2),  # start of the interpreter included
        "pages_per_s": round(site["pages"] / took_s, 1),
        "pictures_per_s": round(scored["pictures_stored"] / took_s, 1),
        "cost": cost,
        "refused": site["refused"],
        "picture_outcomes": site["pictures"],
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


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in PACKAGES},
    }


def _print_cases(saved: dict[str, Any]) -> None:
    click.echo(f"saved pages: {saved['cases_all_right']} of {saved['cases']} wholly right")
    for reader, fields in saved["readers"].items():
        told = (f"{name} {c['right']}/{c['told']}/{c['wanted']}" for name, c in fields.items())
        click.echo(f"  {reader:<14} right/told/wanted: {', '.join(told)}")


if __name__ == "__main__":
    main()
