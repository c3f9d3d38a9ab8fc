"""`python -m bench.rivals PROJECT`: rivals that see everything, beside the project's own arms.

PROJECT is a folder after `dvc repro`, e.g. var/real after `make real`. Each arm trains on its train and val
photos with the project's augmentation, loop and base params, in as many image passes as base and brand
nets together, and is asked for its test photos. Only network or label scheme differ: `joint` is our own
network over all products, `label_mapping` and `outside` are it with other labels, others torchvision's; `efficientnet_lite0` alone
starts from ImageNet's weights (extra `[teacher]`). None has a teacher. An arm's result is
kept in PROJECT/var/rivals when it ends: run the command again after a kill. Results:
bench/results/rivals.json, beside those of other arms that were trained on the same.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import torch

from bench.machine import machine
from bench.rivals.arms import ARMS, figures, identity, train_arm
from bench.rivals.nets import check_able
from bench.rivals.project import Project, read_project, settings_of
from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_json
from train.arms import paired_gain
from train.records import Answer
from train.seed import make_deterministic

RESULTS = Path(__file__).resolve().parents[1] / "results" / "rivals.json"
PACKAGES = ("torch", "torchvision")
COLUMNS = ("top1", "top5", "brand_top1", "within_brand_top1")
COSTS = ("parameters", "image_passes", "seconds")


@click.command()
@click.argument("folder", metavar="PROJECT", type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@click.option("--arms", default=",".join(ARMS), show_default=True, help="Comma-separated.")
@click.option("--epochs", type=click.IntRange(1), help="Of base and brand nets: sets the budget.")
@click.option("--size", type=click.IntRange(32, 512), help="px; the project's base.size if not given.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(2, 4096))
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Peak rate.")
@click.option("--seed", type=click.IntRange(0))
@click.option("--threads", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, show_default=True)  # fmt: skip
def main(folder: Path, arms: str, threads: int, out: Path, **changed: Any) -> None:
    """Train and measure ARMS on the packs of PROJECT."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    chosen = [name for name in arms.split(",") if name]
    if unknown := sorted(set(chosen) - set(ARMS)):
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(ARMS)}", param_hint="--arms")  # fmt: skip
    make_deterministic(threads)
    # on a GPU some of the rivals' layers have no deterministic kernel
    torch.set_deterministic_debug_mode("warn")
    try:
        project = read_project(folder, changed)
        for name in chosen:
            check_able(name, project.base.size)
        asked = {
            "project": folder.name,
            "products": len(project.joint.labels),
            "photos": {one: len(project.joint.rows(one)) for one in ("train", "val", "test")},
            "budget_image_passes": project.budget,
            "base": vars(project.base),
        }
        held: dict[str, Any] = json.loads(out.read_bytes()) if out.exists() else asked
        # a file of before a setting came was measured with the setting's default
        held["base"] = vars(settings_of(held["base"], {}))
        if other := [key for key, value in asked.items() if held.get(key) != value]:
            raise CatalogueError(
                f"{out}: its arms were measured with other {', '.join(other)}, and one table compares equals. "
                "Name another file with --out, or remove this one."
            )
        found = held.get("rivals", {}) | {name: _result(name, project, threads) for name in chosen}
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    told = {**asked, "rivals": found, "ours": _ours(project)}
    write_json(out, told)
    print_table(told)
    click.echo(f"written: {out}")


def _result(name: str, project: Project, threads: int) -> dict[str, Any]:
    """The arm's figures and costs; trained on the same before, they come from its file."""
    work = project.folder / "var" / "rivals" / identity(name, project)
    kept = work.with_suffix(".json")
    if kept.exists():
        click.echo(f"{name}: from {kept}")
        return _compared(json.loads(kept.read_bytes()), project)
    began = time.perf_counter()
    trained = train_arm(name, project, work)
    seconds = round(time.perf_counter() - began, 1)
    found = {
        **figures(trained.scores, project),
        "nets": trained.nets,
        "epochs": trained.epochs,
        "parameters": trained.parameters,
        "image_passes": trained.image_passes,
        "seconds": seconds,
        "machine": machine(PACKAGES + ("timm",) * (name == "efficientnet_lite0"))
        | {
            "threads": threads,
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "named": trained.scores.argmax(dim=1).tolist(),
    }
    write_json(kept, found)
    click.echo(f"{name}: top-1 {found['top1']}, {seconds} s")
    return _compared(found, project)


def _compared(found: dict[str, Any], project: Project) -> dict[str, Any]:
    """The figures of an arm and how much higher the project's default arm is now."""
    if "named" not in found:  # kept by an older version, with its interval
        return found
    named = torch.tensor(found.pop("named"), dtype=torch.int64)
    return {**found, "default_minus_this": _against_default(named, project)}


def _against_default(named: torch.Tensor, project: Project) -> dict[str, float | None] | None:
    """How much higher the project's default arm is than what was ``named`` (N,), with a 95 % interval.

    None where it has not answered.
    """
    path = project.folder / "metrics" / "answers.jsonl"
    if not path.exists():
        return None
    answers = {(one.photo_id, one.truth): one.answer for one in read_manifest(path, Answer)}
    joint = project.joint
    rows = joint.rows("test").tolist()
    truth = joint.label_index[joint.rows("test")]
    place = {label: index for index, label in enumerate(joint.labels)}
    asked = [(joint.photo_id[row], joint.labels[int(joint.label_index[row])]) for row in rows]
    if any(one not in answers for one in asked):
        return None
    # what is no product here, e.g. one that only the gallery knows, is a wrong answer all the same
    own = torch.tensor([place.get(answers[one], len(joint.labels)) for one in asked])
    return paired_gain(own == truth, named == truth, truth)


def _ours(project: Project) -> dict[str, Any] | None:
    """The project's own arms as `evaluate` measured them on the same test photos; None before it ran."""
    path = project.folder / "metrics" / "system.json"
    if not path.exists():
        return None
    system = json.loads(path.read_bytes())
    return {
        "default": system["default"],
        "test_photos": system["counts"]["test"]["known"],
        "parameters": sum(system["counts"]["parameters"].values()),
        "arms": {name: {key: arm[key] for key in COLUMNS} for name, arm in system["arms"].items()},
    }


def print_table(told: dict[str, Any]) -> None:
    """Rivals and ours, best first."""
    ours = told["ours"] or {"default": None, "arms": {}}
    rows: list[tuple[str, dict[str, Any]]] = [*told["rivals"].items()]
    rows += [
        (f"{'* ' if name == ours['default'] else ''}ours: {name}", arm)
        for name, arm in ours["arms"].items()
    ]
    click.echo(_line("arm", ("top-1", "top-5", "brand", "within", *COSTS)))
    for name, row in sorted(rows, key=lambda pair: -pair[1]["top1"]):
        shares = [f"{row[key]:.3f}" for key in COLUMNS]
        click.echo(_line(name, [*shares, *(str(row.get(key, "")) for key in COSTS)]))


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:24}" + "".join(f"{cell:>14}" for cell in cells)


if __name__ == "__main__":
    main(prog_name="python -m bench.rivals")
