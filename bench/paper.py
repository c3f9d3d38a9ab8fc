"""`make paper`: the drawn shop at the size of the paper's data, built, trained and measured.

    python -m bench.paper [--products N] [--angles N]

10 brands of 70 products from 12 angles are 8,400 shoes, planted dirt apart. Works in var/paper and
writes bench/results/paper.json; of other numbers, var/paper-70x16 and paper-70x16.json. There are eight views, and
angles past them show the first again, from further round: 6 angles show no view twice, 12 show four of
them twice, 16 all. Two brands are held out as unknown, as `make real` does.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from bench.real.__main__ import ROOT, main
from demo.drawn import drawn_catalogue

PARAMS = Path(__file__).with_name("paper.yaml")


def _told() -> Callable[[int, int], None]:
    last = -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        percent = 100 * done // total
        if percent > last:
            print(f"drawing shoes: {done} of {total}", flush=True)
            last = percent

    return tell


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=70, help="of each brand")
    parser.add_argument("--angles", type=int, default=12, help="pictures of each product")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    size = (chosen.products, chosen.angles)
    name = "paper" if size == (70, 12) else "paper-{}x{}".format(*size)
    work = ROOT / "var" / name
    drawn = drawn_catalogue(work / "drawn", chosen.jobs, chosen.products, chosen.angles, _told())
    results = ROOT / "bench" / "results" / f"{name}.json"
    where = ["--work", str(work), "--params", str(PARAMS), "--results", str(results)]
    main([str(drawn), "--jobs", str(chosen.jobs), *where])
