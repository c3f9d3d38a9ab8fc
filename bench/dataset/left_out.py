"""Whether the limits of the clean stage hold on shops that they were not tuned on.

    python -m bench.dataset.left_out DIR DIR [DIR ...]

The limits in `dataset.judge` were set with all of these folders in view. Here each folder is left out in
turn: the blur and no-detail limits are set on the others alone, to the largest value without a false
alarm there, and tried on the left-out folder: false alarms on its good photos, and what is found of
blurred and enlarged copies of them. Beside them the shipped limits. Writes bench/results/left_out.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from bench.dataset.judge import read_pictures
from bench.dataset.planted import blurred, enlarged, saved
from dataset.judge import (
    BLURRED,
    COLLAGE_PARTS,
    PLACEHOLDER_EDGES,
    PRINT_LETTERS,
    PRINT_SOLID,
)
from dataset.measures import Measures, measure
from dataset.picture import canvas_of

ROOT = Path(__file__).resolve().parents[2]
PLANTED = 40  # pictures of each kind and folder
KINDS = {
    "blur of 0.6 % of the width": partial(blurred, share=0.006),
    "blur of 1 %": partial(blurred, share=0.01),
    "enlarged from 64 px": partial(enlarged, width=64),
    "enlarged from 100 px": partial(enlarged, width=100),
}


@dataclass(frozen=True)
class Limits:
    """Below these a picture is odd."""

    steepness: float
    edges: float


SHIPPED = Limits(BLURRED, PLACEHOLDER_EDGES)


def tuned(good: Sequence[Measures]) -> Limits:
    """The largest limits without a false alarm on ``good``."""
    return Limits(
        min(one.steepness for one in good if one.steepness is not None),
        min(one.edges for one in good),
    )


def is_soft(one: Measures, limits: Limits) -> bool:
    return one.steepness is not None and one.steepness < limits.steepness


def tried(
    limits: Limits, good: Sequence[Measures], planted: dict[str, list[Measures]]
) -> dict[str, Any]:
    """False alarms by rule and the share of planted pictures that the blur or no-detail rule finds."""
    return {
        "limits": {"steepness": round(limits.steepness, 4), "edges": round(limits.edges, 5)},
        "false_alarms": {
            "blurred": sum(is_soft(one, limits) for one in good),
            "almost no detail": sum(one.edges < limits.edges for one in good),
        },
        "found": {
            kind: round(
                sum(is_soft(one, limits) or one.edges < limits.edges for one in found)
                / max(len(found), 1),
                3,
            )
            for kind, found in planted.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="folders with a catalogue.csv")
    chance = Random(0)
    good: dict[str, list[Measures]] = {}
    planted: dict[str, dict[str, list[Measures]]] = {}
    for folder in parser.parse_args().folders:
        pictures = [one for one in read_pictures(folder.resolve()) if one.set == "good"]
        good[folder.name] = [_measured(one.path.read_bytes()) for one in pictures]
        chosen = chance.sample(pictures, min(PLANTED, len(pictures)))
        canvases = [canvas_of(one.path.read_bytes())[0] for one in chosen]
        planted[folder.name] = {
            kind: [_measured(saved(change(one))) for one in canvases]
            for kind, change in KINDS.items()
        }
    results = {
        name: {
            "good": len(found),
            "print_or_collage_false_alarms": sum(
                one.parts >= COLLAGE_PARTS
                or (one.letters >= PRINT_LETTERS and one.solid < PRINT_SOLID)
                for one in found
            ),
            "limits_of_the_others": tried(
                tuned([one for other in good if other != name for one in good[other]]),
                found,
                planted[name],
            ),
            "shipped_limits": tried(SHIPPED, found, planted[name]),
        }
        for name, found in good.items()
    }
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (ROOT / "bench" / "results" / "left_out.json").write_text(text, "utf-8")
    print(text, end="")


def _measured(content: bytes) -> Measures:
    return measure(canvas_of(content)[0])


if __name__ == "__main__":
    main()
