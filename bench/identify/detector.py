"""`python -m bench.identify.detector PROJECT`: boxes and answers on other ground, with the detector and without.

PROJECT is a folder after `make demo` or `make real`. Its test photos' shoes are put on grounds that nothing
was trained on (`bench.identify.grounds`), 20 to 60 % of the frame wide; beside them the grounds alone, the test photos
as they are, and the real photos of ``../shared/data`` that were taken outside a studio. Figures go to
bench/results/identify-detector.json, by project.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from bench.identify.grounds import DRAWN, SIZE, Draws, photographs
from bench.identify.unseen import shared_rows
from bench.machine import keep_part
from catalogue.manifest import read_manifest
from catalogue.schema import Photo, Sample
from dataset.foreground import find_foreground
from dataset.mask import soft_mask
from dataset.pack import read_canvas
from demo.dirt import jpeg
from identify import Identifier
from identify.answer import Identification
from identify.finder import Finder
from identify.photo import Box
from train.fit_detector import RIGHT, overlap

RESULTS = Path(__file__).resolve().parents[1] / "results" / "identify-detector.json"
SHARE = (0.2, 0.6)  # of the frame's width that the shoe's longer side takes
EMPTY = 4  # frames of each ground without a shoe


@dataclass
class Tally:
    """Answers to photos of one kind, with the detector and without."""

    photos: int = 0
    boxes: int = 0
    right_boxes: int | None = None  # of photos whose shoe's box is known
    top1: list[bool] = field(default_factory=list)
    top1_without: list[bool] = field(default_factory=list)
    named: int = 0
    named_without: int = 0
    changed: int = 0

    def add(
        self,
        both: tuple[Identification, Identification],
        label: str | None,
        truth: Box | None = None,
    ) -> None:
        """Count one photo of ``label``, None where it is of no shoe; ``truth`` is its shoe's box."""
        answer, before = both
        self.photos += 1
        self.boxes += answer.box is not None and before.box is None
        if truth:
            is_right = answer.box is not None and overlap(answer.box, truth) >= RIGHT
            self.right_boxes = (self.right_boxes or 0) + is_right
        self.named += answer.verdict == "known"
        self.named_without += before.verdict == "known"
        self.changed += _first(answer) != _first(before)
        if label:
            self.top1.append(_first(answer) == label)
            self.top1_without.append(_first(before) == label)

    def figures(self) -> dict[str, Any]:
        """Counts, and shares of all photos."""
        found: dict[str, Any] = {"photos": self.photos, "boxes": _share(self.boxes, self.photos)}
        if self.right_boxes is not None:
            found["right_boxes"] = _share(self.right_boxes, self.photos)
        if self.top1:
            found["top1"] = _share(sum(self.top1), self.photos)
            found["top1_without"] = _share(sum(self.top1_without), self.photos)
        return found | {
            "named": _share(self.named, self.photos),
            "named_without": _share(self.named_without, self.photos),
            "other_answers": self.changed,
        }


def _first(answer: Identification) -> str | None:
    best = answer.candidates[0] if answer.candidates else None
    return f"{best.brand}/{best.product}" if best else None


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None


@click.command()
@click.argument("project", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--most", type=click.IntRange(1), help="Test photos that are asked at most; all by default."
)
def main(project: Path, most: int | None) -> None:
    """Measure, print, write."""
    asked = Asked(project, most)
    found: dict[str, Any] = {"most": most}
    for part in (composites, location, without_a_shoe, as_they_are):
        found[part.__name__] = part(asked)
        click.echo(f"{part.__name__}: {json.dumps(found[part.__name__])}")
    keep_part(RESULTS, project.resolve().name, found, ("numpy", "pillow", "torch"))


class Asked:
    """A project's photos, and its answers with the detector and without."""

    def __init__(self, project: Path, most: int | None) -> None:
        self.project = project
        self._identifier = Identifier.load(project / "models")
        self._finder = self._identifier.finder
        self.samples = {
            sample.photo_id: sample
            for path in sorted((project / "data/split").glob("*.jsonl"))
            if not path.name.startswith("_")
            for sample in read_manifest(path, Sample)
        }
        tests = [one for one in self.samples.values() if one.split == "test"]
        self.tests = sorted(tests, key=lambda one: one.photo_id)[:most]  # ids are hashes: any order

    def both(self, content: bytes) -> tuple[Identification, Identification]:
        """The answer with the detector, and the answer without."""
        answers = []
        for finder in (self._finder, Finder()):
            self._identifier.finder = finder
            answers.append(self._identifier.identify(content))
        return answers[0], answers[1]


def composites(asked: Asked) -> dict[str, Any]:
    """Test photos' shoes on other ground, all together and by ground."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for sample, name, image, truth in composed(asked.project, asked.tests):
        both = asked.both(jpeg(image, 90))
        for kind in ("all", name):
            tallies[kind].add(both, f"{sample.brand}/{sample.product}", truth)
    return {kind: tally.figures() for kind, tally in tallies.items()}


def composed(
    project: Path, samples: list[Sample]
) -> Iterator[tuple[Sample, str, Image.Image, Box]]:
    """Each sample whose mask is trusted on one of the grounds: its name, the picture, the shoe's box."""
    grounds = [*DRAWN, *photographs()]
    for number, sample in enumerate(samples):
        canvas = read_canvas(project / sample.path).convert("RGB")
        mask = soft_mask(canvas, find_foreground(canvas))
        if mask is None:
            continue
        draws = np.random.default_rng(number)
        ground = grounds[number % len(grounds)]
        image, truth = _on_ground(canvas, Image.fromarray(mask), ground(draws), draws)
        yield sample, ground.__name__, image, truth


def _on_ground(
    canvas: Image.Image, mask: Image.Image, ground: Image.Image, draws: Draws
) -> tuple[Image.Image, Box]:
    around = mask.point(lambda level: 255 * (level > 127)).getbbox() or (0, 0, *mask.size)
    width, height = around[2] - around[0], around[3] - around[1]
    scale = draws.uniform(*SHARE) * SIZE[0] / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    left = int(draws.integers(0, SIZE[0] - size[0] + 1))
    top = int(draws.integers(0, SIZE[1] - size[1] + 1))
    shoe, layer = (
        one.crop(around).resize(size, Image.Resampling.LANCZOS) for one in (canvas, mask)
    )
    ground.paste(shoe, (left, top), layer)
    return ground, (left, top, left + size[0], top + size[1])


def without_a_shoe(asked: Asked) -> dict[str, Any]:
    """The grounds alone: any box is a false one."""
    found = {}
    for name, grounds in (("drawn", DRAWN), ("photographs", photographs())):
        tally = Tally()
        for ground in grounds:
            for number in range(EMPTY):
                image = ground(np.random.default_rng(10_000 + number))
                tally.add(asked.both(jpeg(image, 90)), None)
        found[name] = tally.figures()
    return found


def as_they_are(asked: Asked) -> dict[str, Any]:
    """The test photos, on plain ground and on other: on plain ground no answer may change."""
    originals = {
        photo.photo_id: asked.project / "data/crawl" / photo.path
        for photo in read_manifest(asked.project / "data/catalogue.jsonl", Photo)
    }
    tallies: dict[str, Tally] = {"plain_ground": Tally(), "other_ground": Tally()}
    for sample in asked.tests:
        both = asked.both(originals[sample.photo_id].read_bytes())
        kind = "other_ground" if both[1].box is None else "plain_ground"
        tallies[kind].add(both, f"{sample.brand}/{sample.product}")
    return {kind: tally.figures() for kind, tally in tallies.items()}


def location(asked: Asked) -> dict[str, Any]:
    """Real photos taken outside a studio, of products that the project knows, by split."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for path, row in shared_rows():
        if row["kind"] == "location":
            content = path.read_bytes()
            sample = asked.samples.get(hashlib.sha256(content).hexdigest())
            label = f"{sample.brand}/{sample.product}" if sample else None
            tallies[sample.split if sample else "not in the project"].add(
                asked.both(content), label
            )
    return {kind: tally.figures() for kind, tally in sorted(tallies.items())}


if __name__ == "__main__":
    main(prog_name="python -m bench.identify.detector")
