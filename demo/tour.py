"""`make demo`: the commands as a newcomer types them, each timed, then photos are named.

`solemap train` is there for speed: it trains two nets at a time, and `dvc repro` does the rest.

The photos are of the test split and of shoes that were held out as unknown: no net was trained on
them, and no threshold was fitted on them.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from catalogue.manifest import read_manifest
from catalogue.schema import Photo, Sample

COMMANDS = ("scrapy crawl shoes", "solemap train --jobs 2", "dvc repro", "dvc metrics show")
KNOWN, UNKNOWN = 4, 2  # photos that are named at the end


def timed(command: str, folder: Path, timings: dict[str, float]) -> None:
    """Run ``command`` in ``folder`` as a person would, and note its seconds.

    Raises:
        SystemExit: it failed; its own message stands above.
    """
    print(f"\n$ {command}", flush=True)
    started = time.monotonic()
    code = subprocess.run(shlex.split(command), cwd=folder, check=False).returncode
    timings[command.split(" /")[0]] = time.monotonic() - started
    if code:
        print(f"{command}: exit code {code}; its message is above", file=sys.stderr)
        raise SystemExit(code)


def unseen_photos(folder: Path) -> list[tuple[Path, str]]:
    """Original pictures of test photos, one a brand, and of unknown shoes; with what they show."""
    data = folder / "data"
    originals = {
        photo.photo_id: data / "crawl" / photo.path
        for photo in read_manifest(data / "catalogue.jsonl", Photo)
    }

    def first_of_test(manifest: Path) -> Iterator[Sample]:
        return (one for one in read_manifest(manifest, Sample) if one.split == "test")

    known = [
        next(first_of_test(path), None)
        for path in sorted((data / "split").glob("*.jsonl"))
        if not path.name.startswith("_")
    ]
    unknown = list(first_of_test(data / "split" / "_unknown.jsonl"))
    every = max(1, len(unknown) // UNKNOWN)
    chosen = [
        *((one, "") for one in known[:: max(1, len(known) // KNOWN)] if one),
        *((one, ", a shoe held out as unknown") for one in unknown[::every][:UNKNOWN]),
    ]
    return [
        (originals[one.photo_id], f"{one.product_name} by {one.brand}{note}")
        for one, note in chosen
    ]


def name_photos(folder: Path, timings: dict[str, float]) -> None:
    """Name photos that no net was trained on, and say what they show."""
    photos = unseen_photos(folder)
    timed("solemap identify " + shlex.join(str(path.resolve()) for path, _ in photos), folder, timings)  # fmt: skip
    print("\nThe photos really show:")
    for path, told in photos:
        print(f"  {path.name[:12]}…  {told}")


def tell_arms(folder: Path) -> None:
    """The table of all arms on the test split."""
    report = json.loads((folder / "metrics" / "system.json").read_text("utf-8"))
    columns = ("top1", "top5", "brand_top1", "within_brand_top1", "ece", "unknown_auroc")
    print(f"\n{'arm, on test photos':<20}" + "".join(f"{column:>19}" for column in columns))
    for arm, figures in report["arms"].items():
        cells = (figures[column] for column in columns)
        told = "".join(f"{'-' if value is None else format(value, '.3f'):>19}" for value in cells)
        print(f"{arm + (' *' if arm == report['default'] else ''):<20}{told}")
    print("* chosen on validation; `solemap identify` answers with it")


def tell_times(timings: dict[str, float]) -> None:
    """One line per part."""
    print()
    for part, seconds in timings.items():
        print(f"time  {seconds:6.0f} s  {part}")
    print(f"time  {sum(timings.values()):6.0f} s  in all")


def main() -> None:
    """Run the tour in the current folder."""
    timings: dict[str, float] = {}
    here = Path()
    for command in COMMANDS:
        timed(command, here, timings)
    tell_arms(here)
    name_photos(here, timings)
    tell_times(timings)


if __name__ == "__main__":
    main()
