"""`python -m bench.crawl.kills [DIR]`: kill -9 a crawl of a faulty shop again and again, then let it end.

The shop of DIR (a folder with a catalogue.csv; without one, the drawn shoes) answers with --faults. Each
crawl is killed at a random moment, counted from the first line of its journal, so that the time a machine
takes to start Python changes nothing; one in five is killed at a random moment of its start. The last one
is left alone. Then nothing may be lost or doubled.
Results go to bench/results/crawl-kills.json.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.crawl.__main__ import PACKAGES, ROOT, drawn, prepare, served
from bench.crawl.score import score
from bench.machine import machine

RESULTS = ROOT / "bench" / "results" / "crawl-kills.json"


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--kills", default=20, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--timeout", default=900, show_default=True, help="Seconds for the last crawl.")
def main(folder: Path | None, kills: int, seed: int, timeout: int) -> None:
    """Kill crawls of FOLDER's shop and count what is lost or doubled."""
    folder = folder.resolve() if folder else drawn()
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as text, served(folder, is_faulty=True) as shop:
        place = Path(text)
        prepare(place)
        feed, done = place / "data" / "crawl" / "items.jsonl", 0
        for number in range(kills):
            before = _written(place)
            crawl = _start(place, shop.url)
            is_early = number % 5 == 0
            while not is_early and crawl.poll() is None and _written(place) == before:
                time.sleep(0.01)
            wait_s = chance.uniform(0.0, 1.0)  # of work: a short piece, so that much is left
            try:
                crawl.wait(wait_s)
            except subprocess.TimeoutExpired:
                crawl.send_signal(signal.SIGKILL)
                crawl.wait()
                done += 1
            else:
                click.echo(f"crawl {number + 1} ended by itself (exit code {crawl.returncode})")
                break
            what = "of its start" if is_early else "of work"
            click.echo(f"killed {number + 1} of {kills} after {wait_s:.1f} s {what}, {_pages(place)} pages done")  # fmt: skip
        last = _start(place, shop.url)
        code = last.wait(timeout)
        # once more: what failed in a fault is asked for again, and nothing may come twice
        again = _start(place, shop.url).wait(timeout)
        scored = score(folder, feed)
    told = {
        "machine": machine(PACKAGES),
        "catalogue": folder.name,
        "kills": done,
        "exit_codes": [code, again],
        **scored,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    click.echo(f"{done} kills: {scored['items_lost']} products lost, {scored['items_twice']} twice")
    sys.exit(bool(scored["items_lost"] or scored["items_twice"]))


def _start(place: Path, url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", "crawl", "shoes", "-a", f"url={url}"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _written(place: Path) -> int:
    """How much the journal holds."""
    return sum(path.stat().st_size for path in place.rglob("run.jsonl"))


def _pages(place: Path) -> int:
    return sum(
        line.startswith(b'{"page"')
        for path in place.rglob("run.jsonl")
        for line in path.read_bytes().splitlines()
    )


if __name__ == "__main__":
    main()
