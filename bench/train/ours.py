"""`python -m bench.train.ours PACK`: the project's training loop on a pack, timed as `reference` times itself.

Prints one JSON object: seconds, pictures, and with --until the seconds to that accuracy on val, None
where it was never reached.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch
from ruamel.yaml import YAML

from bench.rivals.project import settings_of
from train import loop
from train.data import Pack, load_pack, select
from train.memory import keep_freed_memory
from train.model import ShoeNet
from train.seed import make_deterministic

ROOT = Path(__file__).resolve().parents[2]


class ReachedError(Exception):
    """The accuracy that was asked for is there."""


@click.command()
@click.argument("folder", metavar="PACK", type=click.Path(exists=True, path_type=Path))
@click.option("--size", type=int, required=True)
@click.option("--arch", default="resnet18", show_default=True)
@click.option("--batch-size", type=int)
@click.option("--epochs", type=int)
@click.option("--threads", type=int, default=1, show_default=True)
@click.option("--until", type=float, help="Accuracy on val at which to stop.")
def main(
    folder: Path, size: int, arch: str, batch_size: int | None, epochs: int | None, threads: int, until: float | None
) -> None:  # fmt: skip
    """Train a net from scratch on the train photos of PACK with the params of `base:`."""
    params = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")["base"]
    changed = {"size": size, "arch": arch, "batch_size": batch_size, "epochs": epochs}
    settings = settings_of(params, changed)
    make_deterministic(threads)
    keep_freed_memory()
    pack = load_pack(folder)
    few = select(pack, pack.rows("train")[: 2 * settings.batch_size])
    _train(few, replace(settings, epochs=1, progressive=False))  # warms up
    told: dict[str, Any] = {"pictures": len(pack.rows("train")) * settings.epochs}
    if until is None:
        settings = replace(settings, progressive=False)  # the rate of whole pictures
        # the rivals, too, do not evaluate; what is done once a run goes out with the shorter of two
        alone = select(pack, pack.rows("train"))
        least_s = _train(alone, replace(settings, epochs=1))
        told["seconds"] = _train(alone, replace(settings, epochs=1 + settings.epochs)) - least_s
    else:
        told["seconds_to_accuracy"] = _time_to(until, pack, settings)
    click.echo(json.dumps(told))


def _train(pack: Pack, settings: loop.Settings) -> float:
    """The seconds that a net from scratch takes."""
    torch.manual_seed(0)
    net = ShoeNet(settings.arch, len(pack.labels), settings.size)
    with tempfile.TemporaryDirectory() as work:
        began = time.perf_counter()
        loop.run(net, pack, settings, Path(work))
        return time.perf_counter() - began


def _time_to(wanted: float, pack: Pack, settings: loop.Settings) -> float | None:
    """Seconds to the first epoch whose accuracy on val is ``wanted``; None where none is."""
    measured, began = loop.accuracy, time.perf_counter()

    def accuracy(*words: Any) -> float:
        value = measured(*words)
        if value >= wanted:
            raise ReachedError
        return value

    loop.accuracy = accuracy  # type: ignore[assignment]
    try:
        _train(pack, settings)
    except ReachedError:
        return time.perf_counter() - began
    return None


if __name__ == "__main__":
    main()
