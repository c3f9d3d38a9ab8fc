"""`python -m bench.rivals.curves PROJECT`: accuracy against pictures per product, products and brands.

PROJECT is a folder after `dvc repro`. For each point its packs are cut, base and brand nets trained anew by the
commands of dvc.yaml, and all arms measured; that is a training of the project for each point of
"pictures" and less for the others. A point is kept in PROJECT/var/curves when it ends: run the command
again after a kill. Results: bench/results/curves.json and curves.svg.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench.machine import machine
from bench.rivals.chart import chart, page
from bench.rivals.cut import (
    Cut,
    Rows,
    by_brands,
    by_pictures,
    by_products,
    measure,
    read_rows,
)
from bench.stages import ROOT
from catalogue.manifest import write_json, write_text

RESULTS = ROOT / "bench" / "results" / "curves.json"
AXES: dict[str, Callable[[tuple[str, ...], Rows, int], Cut]] = {
    "pictures": by_pictures,
    "products": by_products,
    "brands": by_brands,
}
LABELS = {
    "pictures": "pictures per product learned from, at most",
    "products": "products per brand, at most",
    "brands": "brands",
}
SHOWN = ("learned", "gate", "max_softmax", "joint", "embedding_knn", "color_1nn")
FIGURES = ("top1", "top5", "brand_top1", "within_brand_top1")


@click.command()
@click.argument("project", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pictures", default="1,2,3,5,8", show_default=True, help="Counts, comma-separated; empty: none.")  # fmt: skip
@click.option("--products", default="2,4,8,16", show_default=True)
@click.option("--brands", default="2,4,8", show_default=True)
@click.option("--passes-share", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True,
              help="Of the project's epochs: less is cheaper and tells less.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, show_default=True)  # fmt: skip
def main(project: Path, passes_share: float, jobs: int, out: Path, **counts: str) -> None:
    """Measure PROJECT cut down along three axes."""
    brands, rows = read_rows(project)
    points: dict[str, list[dict[str, Any]]] = {}
    for axis, cut_by in AXES.items():
        asked = sorted({int(one) for one in counts[axis].split(",") if one})
        cuts = {count: cut_by(brands, rows, count) for count in asked}
        distinct = {
            cut.kept: count for count, cut in reversed(cuts.items())
        }  # the lowest of equals
        points[axis] = []
        for count in sorted(distinct.values()):
            click.echo(f"{axis} {count}: {len(cuts[count].kept)} photos, {len(cuts[count].brands)} brands")  # fmt: skip
            point = _point(project, axis, count, cuts[count], jobs, passes_share)
            points[axis].append(point)
            _write(out, project, passes_share, points)
    click.echo(f"written: {out} and {out.with_suffix('.svg')}")


def _point(
    project: Path, axis: str, count: int, cut: Cut, jobs: int, passes_share: float
) -> dict[str, Any]:
    work = project / "var" / "curves" / f"{axis}-{count}-{_identity(project, cut, passes_share)}"
    kept = work.with_suffix(".json")
    if kept.exists():
        point: dict[str, Any] = json.loads(kept.read_bytes())
        return point
    began = time.perf_counter()
    system = measure(project, cut, work, jobs, passes_share)
    point = {
        "count": count,
        "brands": len(cut.brands),
        "products": len({label for label, _ in cut.kept}),
        "test_photos": system["counts"]["test"]["known"],
        "default": system["default"],
        "arms": {name: {key: arm[key] for key in FIGURES} for name, arm in system["arms"].items()},
        "seconds": round(time.perf_counter() - began, 1),
    }
    write_json(kept, point)
    shutil.rmtree(work)
    default = point["arms"][point["default"]]
    click.echo(f"  {point['default']}: top-1 {default['top1']}, {point['seconds']} s")
    return point


def _identity(project: Path, cut: Cut, passes_share: float) -> str:
    """Of data, params and code: a point of other ones is measured anew."""
    digest = hashlib.sha256(repr((cut.brands, sorted(cut.kept), passes_share)).encode())
    for path in [project / "params.yaml", Path(__file__).with_name("cut.py"), ROOT / "bench" / "stages.py", ROOT / "dvc.yaml", *sorted((ROOT / "train").glob("*.py"))]:  # fmt: skip
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _write(
    out: Path, project: Path, passes_share: float, points: dict[str, list[dict[str, Any]]]
) -> None:
    told = {
        "project": project.name,
        "passes_share": passes_share,
        "points": points,
        "machine": machine(("torch", "torchvision")),
    }
    write_json(out, told)
    write_text(out.with_suffix(".svg"), page([_chart(axis, own) for axis, own in points.items() if own]))  # fmt: skip


def _chart(axis: str, points: list[dict[str, Any]]) -> str:
    series = {
        name: [(one["count"], one["arms"][name]["top1"]) for one in points]
        for name in SHOWN
        if all(name in one["arms"] for one in points)
    }
    within = "gate" if "gate" in series else next(iter(series))
    series["brand given"] = [
        (one["count"], one["arms"][within]["within_brand_top1"]) for one in points
    ]
    return chart("Product right, test photos", LABELS[axis], series)


if __name__ == "__main__":
    main(prog_name="python -m bench.rivals.curves")
