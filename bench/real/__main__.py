"""`make real`: serve folders of real photos as shops, crawl them, build, train, name a photo.

    python -m bench.real DIR [DIR ...]

Each DIR holds a catalogue.csv (image, brand, product; use=0 marks rows that are dirty on purpose).
Works in var/real, a copy of the code with data of its own, and writes bench/results/real.json:
figures only, never a picture.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.real.truth import Row, compare, read_rows
from demo.tour import name_photos, tell_arms, tell_times, timed

ROOT = Path(__file__).resolve().parents[2]
CODE = ("catalogue", "crawler", "dataset", "demo", "identify", "solemap", "train")
FILES = (
    "dvc.yaml",
    "overrides.csv",
    "params.yaml",
    "scrapy.cfg",
    ".dvcignore",
    ".dvc/config",
    "pyproject.toml",
)
PARAMS = Path(__file__).with_name("params.yaml")
RESULTS = ROOT / "bench" / "results" / "real.json"
FEWEST_PHOTOS = 8  # of a brand that is held out as unknown


def prepare(folder: Path, sites: dict[str, str], unknown: Sequence[str], changes: Path) -> None:
    """A copy of the code in ``folder``, with these sites, unknown brands and ``changes`` in its params."""
    for name in CODE:
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "data" / "crawl").mkdir(parents=True, exist_ok=True)
    (folder / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    yaml = YAML()  # keeps the comments
    params = yaml.load(folder / "params.yaml")
    for section, values in (yaml.load(changes) or {}).items():
        params[section].update(values)
    params["crawl"]["sites"] = {name: {"url": url} for name, url in sites.items()}
    params["split"]["unknown-brands"] = list(unknown)
    yaml.dump(params, folder / "params.yaml")


@contextmanager
def shop(catalogue: Path) -> Iterator[str]:
    """The address of ``catalogue`` served as a shop while the block runs."""
    command = [sys.executable, "-m", "demo", "--catalogue", str(catalogue), "--port", "0", "--exit-on-eof"]  # fmt: skip
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        if not address:
            raise SystemExit(f"{catalogue}: could not be served; the reason is above")
        yield address
        server.terminate()


def smallest_brands(rows: Sequence[Row]) -> list[str]:
    """Two small brands to hold out, one for the threshold and one for the test; none of fewer than 5."""
    products: dict[str, set[str]] = {}
    for row in rows:
        products.setdefault(row.brand, set()).add(row.product)
    photos = Counter(row.brand for row in rows)
    able = [brand for brand in products if photos[brand] >= FEWEST_PHOTOS]
    ordered = sorted(able, key=lambda brand: (len(products[brand]), brand))
    return ordered[:2] if len(products) >= 5 else []


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it all; exit code 1 where a step fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogues", nargs="+", type=Path, help="folders with a catalogue.csv")
    parser.add_argument("--work", type=Path, default=ROOT / "var" / "real")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--params", type=Path, default=PARAMS, help="what is changed in params.yaml"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    absent = [str(one) for one in chosen.catalogues if not (one / "catalogue.csv").is_file()]
    if absent:
        raise SystemExit(
            f"{', '.join(absent)}: no catalogue.csv there. Name folders that have one: "
            "make real CATALOGUES='DIR DIR'; its columns are at least image, brand, product."
        )
    rows = [row for one in chosen.catalogues for row in read_rows(one.resolve())]
    unknown = smallest_brands(rows)
    timings: dict[str, float] = {}
    with ExitStack() as shops:
        sites = {one.resolve().name: shops.enter_context(shop(one)) for one in chosen.catalogues}
        prepare(chosen.work, sites, unknown, chosen.params)
        print(f"shops: {', '.join(sites)}; held out as unknown: {', '.join(unknown) or 'none'}")
        timed("scrapy crawl shoes", chosen.work, timings)
    timed(f"solemap train --jobs {chosen.jobs}", chosen.work, timings)
    timed("dvc repro", chosen.work, timings)
    timed("dvc metrics show", chosen.work, timings)
    found = compare(rows, chosen.work / "data")
    print("\n" + json.dumps(found, indent=2, ensure_ascii=False))
    tell_arms(chosen.work)
    name_photos(chosen.work, timings)
    tell_times(timings)
    write_results(chosen.results, chosen.work, found, unknown, timings)


def write_results(
    path: Path,
    work: Path,
    found: dict[str, Any],
    unknown: Sequence[str],
    timings: dict[str, float],
) -> None:
    """To ``path``: what was found, all arms, times and the machine."""
    report = json.loads((work / "metrics" / "system.json").read_text("utf-8"))
    results = {
        "against_catalogue": found,
        "unknown_brands": list(unknown),
        "default": report["default"],
        "arms": report["arms"],
        "at_threshold": report["at_threshold"],
        "similar": report["similar"],
        "counts": report["counts"],
        "seconds": {part: round(seconds) for part, seconds in timings.items()},
        "machine": f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}",
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(f"figures: {path}")


if __name__ == "__main__":
    main()
