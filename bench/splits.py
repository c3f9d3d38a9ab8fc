"""`python -m bench.splits PROJECT`: the project split, trained and measured with several split seeds.

One split of few photos is a matter of luck: its test photos are the products' views that fell to it. PROJECT is a
folder after `dvc repro`; its own split is one of those, the others run its stages from `split` on
with another `split.seed`, no ledger and no pin. Figures are means over the splits; differences are paired
over all test photos of all splits, their products drawn with replacement (a product's photos of
all splits together). A split is kept in PROJECT/var/splits when it ends: run the command again
after a kill. Results: bench/results/splits.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import click
import torch

from bench.machine import machine
from bench.stages import ROOT, run_stages, scale_epochs
from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_json
from catalogue.params import read_params
from train.arms import paired_gain
from train.metrics import ece_by_chance, expected_calibration_error
from train.records import Answer

RESULTS = ROOT / "bench" / "results" / "splits.json"
STAGES = ("split", "pack", "pack-unknown", "pin", "overrides", "base", "train", "gate", "index", "evaluate")  # fmt: skip
FIGURES = ("top1", "top5", "brand_top1", "within_brand_top1", "ece", "unknown_auroc", "unknown_fpr95", "top1_seen_view")  # fmt: skip


@click.command()
@click.argument("project", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seeds", default="1,2", show_default=True, help="Besides the project's own, comma-separated.")  # fmt: skip
@click.option("--passes-share", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True,
              help="Of the project's epochs: the project's own split is trained anew, too, if below 1.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, show_default=True)  # fmt: skip
def main(project: Path, seeds: str, passes_share: float, jobs: int, out: Path) -> None:
    """Measure PROJECT on more than one split."""
    try:
        params = read_params(project / "params.yaml")
        own = params["split"]["seed"]
        found = {} if passes_share < 1 else {own: measured(project)}
        for seed in [own, *(int(one) for one in seeds.split(",") if one)]:
            if seed not in found:
                found[seed] = trained(project, params, seed, passes_share, jobs)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    told = {
        "project": project.name,
        "seeds": list(found),
        "passes_share": passes_share,
        **summary(list(found.values())),
        "machine": machine(("torch", "torchvision")),
    }
    write_json(out, told)
    print_table(told)
    click.echo(f"written: {out}")


def measured(project: Path) -> dict[str, Any]:
    """What `evaluate` found in ``project``: all figures, and who named each known test photo."""
    system = json.loads((project / "metrics" / "system.json").read_bytes())
    answers = [one for one in read_manifest(project / "metrics" / "answers.jsonl", Answer) if one.is_known]  # fmt: skip
    if answers and not any(one.right for one in answers):
        raise CatalogueError(f"{project}/metrics/answers.jsonl: of an older version; run `dvc repro evaluate`")  # fmt: skip
    return {
        "default": system["default"],
        "counts": system["counts"],
        "arms": {name: {key: arm[key] for key in FIGURES} for name, arm in system["arms"].items()},
        "photos": [[one.truth, one.right, one.right_within, one.confidence] for one in answers],
    }


def trained(
    project: Path, params: dict[str, Any], seed: int, passes_share: float, jobs: int
) -> dict[str, Any]:
    """The project with another split seed, from its deduplicated photos to its figures."""
    params = {**params, "base": dict(params["base"]), "train": dict(params["train"])}
    params["split"] = {**params["split"], "seed": seed}
    scale_epochs(params, passes_share)
    work = project / "var" / "splits" / f"{seed}-{_identity(project, params)}"
    kept = work.with_suffix(".json")
    if kept.exists():
        told: dict[str, Any] = json.loads(kept.read_bytes())
        return told
    shutil.rmtree(work, ignore_errors=True)
    (work / "data").mkdir(parents=True)
    for name in ("catalogue.jsonl", "clean", "dedup"):
        (work / "data" / name).symlink_to((project / "data" / name).resolve())
    shutil.copy(project / "brands.yaml", work)
    write_json(work / "params.yaml", params)  # JSON is YAML
    began = time.perf_counter()
    click.echo(f"split seed {seed}: {work}")
    run_stages(STAGES, work, params, tuple(read_brands(work / "brands.yaml")), jobs)
    found = measured(work)
    write_json(kept, found)
    shutil.rmtree(work)
    own = found["arms"][found["default"]]
    click.echo(f"  {found['default']}: top-1 {own['top1']}, {time.perf_counter() - began:.0f} s")
    return found


def _identity(project: Path, params: dict[str, Any]) -> str:
    """Of photos, params and code: a split of other ones is measured anew."""
    told = {
        name: section for name, section in params.items() if name != "crawl"
    }  # ports of local shops
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    inputs = [project / "brands.yaml", *sorted((project / "data" / "dedup").glob("*.jsonl"))]
    for path in [*inputs, *sorted((ROOT / "train").glob("*.py")), *sorted((ROOT / "dataset").glob("*.py")), Path(__file__)]:  # fmt: skip
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def summary(splits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means, lowest and highest over the splits; the default arm against each, paired over all photos."""
    arms = list(splits[0]["arms"])
    photos = [(one["default"], *photo) for one in splits for photo in one["photos"]]
    names = {truth: number for number, truth in enumerate(sorted({photo[1] for photo in photos}))}
    product = torch.tensor([names[photo[1]] for photo in photos])

    def named(arm: str | None, place: int) -> torch.Tensor:
        """Whether ``arm``, None the default, was right, (N,); ``place`` 2: of all, 3: the brand given."""
        return torch.tensor([(arm or photo[0]) in photo[place] for photo in photos])

    confidence = torch.tensor([photo[4] for photo in photos])
    return {
        "defaults": [one["default"] for one in splits],
        "test_photos": len(photos),
        "test_products": len(names),
        "arms": {
            arm: {key: _spread([one["arms"][arm][key] for one in splits]) for key in FIGURES}
            for arm in arms
        },
        "default_minus": {arm: paired_gain(named(None, 2), named(arm, 2), product) for arm in arms},
        "calibration": {  # of the default over the photos of all splits, which leave less to chance than one's
            "ece": round(expected_calibration_error(confidence, named(None, 2)), 4),
            "ece_by_chance": round(ece_by_chance(confidence), 4),
        },
        "within_brand": {
            f"{first} - {second}": paired_gain(named(first, 3), named(second, 3), product)
            for first, second in (
                ("gate", "joint"),
                ("learned", "joint"),
                ("learned", "learned_no_nets"),
                ("learned", "color_1nn"),
            )
            if {first, second} <= set(arms)
        },
    }


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    told = [value for value in values if value is not None]
    if not told:
        return None
    return {"mean": round(mean(told), 4), "low": min(told), "high": max(told)}


def print_table(told: dict[str, Any]) -> None:
    """A line an arm: means, and how much lower than the default its top-1 is."""
    click.echo(f"{'arm':16}" + "".join(f"{key:>18}" for key in FIGURES) + "   default minus this")
    for name, arm in sorted(
        told["arms"].items(), key=lambda pair: -(pair[1]["top1"] or {"mean": 0})["mean"]
    ):
        cells = "".join(f"{arm[key]['mean'] if arm[key] else float('nan'):>18.3f}" for key in FIGURES)  # fmt: skip
        click.echo(f"{name:16}{cells}   {_interval(told['default_minus'][name])}")
    calibration = told["calibration"]
    click.echo(f"ECE over all photos: {calibration['ece']:.3f}, by chance {calibration['ece_by_chance']:.3f}")  # fmt: skip
    for pair, gain in told["within_brand"].items():
        click.echo(f"within brand, {pair}: {_interval(gain)}")


def _interval(gain: dict[str, float | None]) -> str:
    if gain["difference"] is None:
        return "no test photo"
    return f"{gain['difference']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"


if __name__ == "__main__":
    main(prog_name="python -m bench.splits")
