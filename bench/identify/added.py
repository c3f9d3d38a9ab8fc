"""`python -m bench.identify.added PROJECT`: how well products are named that were added by pictures alone, and what that costs the trained ones.

The shoes that were held out as unknown (test) are added, half of their photos each; the other half and
the test photos of trained products are asked. PROJECT is a folder after `make demo` or `make real`; figures go to
bench/results/identify-added.json, by project.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import click

from bench.machine import keep_part
from catalogue.manifest import read_manifest
from catalogue.schema import Photo, Sample
from dataset.picture import encode_canvas
from identify import Identifier
from identify.added import add_pictures
from identify.photo import CANVAS_QUALITY, decode_photo
from train.gallery import GalleryProduct

RESULTS = Path(__file__).resolve().parents[1] / "results" / "identify-added.json"


@click.command()
@click.argument("project", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(project: Path) -> None:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as scratch:
        models = Path(scratch) / "models"
        shutil.copytree(project / "models", models, ignore=shutil.ignore_patterns("added"))
        data = Path(scratch) / "data"
        data.symlink_to((project / "data").resolve())
        keep_part(RESULTS, project.resolve().name, measure(models, data), ("numpy", "torch"))


def measure(models: Path, data: Path) -> dict[str, float | int | None]:
    """Shares of photos; see the keys."""
    originals = {
        photo.photo_id: (data / "crawl" / photo.path)
        for photo in read_manifest(data / "catalogue.jsonl", Photo)
    }
    known, unknown = [], defaultdict(list)
    for path in sorted((data / "split").glob("*.jsonl")):
        for sample in read_manifest(path, Sample):
            if sample.split == "test" and path.name == "_unknown.jsonl":
                unknown[f"{sample.brand}/{sample.product}"].append(sample)
            elif sample.split == "test":
                known.append(sample)

    before = Identifier.load(models)
    naming = None
    for label, samples in sorted(unknown.items()):
        first = samples[0]
        product = GalleryProduct(label, first.brand, first.product, first.product_name, ())
        canvases = {
            one.photo_id: encode_canvas(decode_photo(originals[one.photo_id].read_bytes())[0], CANVAS_QUALITY)
            for one in samples[::2]
        }  # fmt: skip
        naming = add_pictures(models, product, canvases, before.system, data / "pack").naming
    after = Identifier.load(models)

    def right(identifier: Identifier, samples: list[Sample]) -> tuple[float, float]:
        """Shares named right, and named wrong."""
        answers = [
            (one, identifier.identify(originals[one.photo_id].read_bytes())) for one in samples
        ]
        named = [(one, told) for one, told in answers if told.verdict == "known"]
        hits = sum((told.brand, told.product) == (one.brand, one.product) for one, told in named)
        return round(hits / len(samples), 4), round((len(named) - hits) / len(samples), 4)

    asked = [one for samples in unknown.values() for one in samples[1::2]]
    added_right, added_wrong = right(after, asked)
    _, wrong_before = right(before, asked)
    known_before, known_after = right(before, known), right(after, known)
    return {
        "threshold": None if naming is None else round(naming.threshold, 4),
        "added_products": len(unknown),
        "added_photos_asked": len(asked),
        "added_named_right": added_right,
        "added_named_wrong": added_wrong,
        "added_named_wrong_before": wrong_before,
        "known_photos_asked": len(known),
        "known_named_right_before": known_before[0],
        "known_named_right_after": known_after[0],
        "known_named_wrong_before": known_before[1],
        "known_named_wrong_after": known_after[1],
    }


if __name__ == "__main__":
    main(prog_name="python -m bench.identify.added")
