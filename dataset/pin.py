"""The pinned photos that the base net is trained on: written once, kept while the dataset grows.

A pin is a list of canvas hashes. While it stands, `base` and every net that starts from it stay
byte-identical, whatever brands are added; `solemap base --repin` writes a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from catalogue.errors import CatalogueError
from catalogue.manifest import read_json, read_manifest, write_json, write_manifest
from catalogue.schema import Sample, check_photo_id
from dataset.pack import Packing, write_pack

REPIN = (
    "`solemap base --repin` makes a new pin of today's photos; base and all nets then train anew"
)


@dataclass(frozen=True)
class Pinned:
    """One photo of the pin: a line of data/base/pin.jsonl."""

    photo_id: str
    path: str
    brand: str
    product: str
    split: str  # train | val

    def __post_init__(self) -> None:
        check_photo_id(self.photo_id)


def choose_pinned(split_folder: Path, brands: Iterable[str]) -> list[Pinned]:
    """The train and val photos of the known products of ``brands``, sorted."""
    found = []
    for brand in sorted(set(brands)):
        manifest = split_folder / f"{brand}.jsonl"
        for sample in read_manifest(manifest, Sample) if manifest.exists() else ():
            if sample.split != "test":
                found.append(
                    Pinned(sample.photo_id, sample.path, sample.brand, sample.product, sample.split)
                )
    return sorted(found, key=lambda one: (one.brand, one.product, one.photo_id))


def pin(
    folder: Path, split_folder: Path, brands: Sequence[str], roots: Sequence[Path], params: Packing
) -> tuple[list[Pinned], bool]:
    """Make ``folder`` (data/base) or keep the pin that is there; the pin, and whether it is new.

    Of a pin that stands, only the pixels are made again, when ``params`` are not those that they
    were packed with. It stands as long as no photo has come to a side that the base must not know.

    Args:
        roots: where canvases are looked for, by their path and by <aa>/<sha256>.jpg alone: the
            clean stage's cache may still hold what data/clean has lost.

    Raises:
        CatalogueError: no photo to pin, a pinned canvas is gone, or pinned photos are to measure now.
    """
    path = folder / "pin.jsonl"
    is_new = not path.exists()
    pinned = choose_pinned(split_folder, brands) if is_new else list(read_manifest(path, Pinned))
    if not pinned:
        raise CatalogueError(
            f"{split_folder}: no train photo of a listed brand ({', '.join(brands) or 'none'}); "
            "the base net needs some. Run `solemap brands --write`, or crawl more."
        )
    if not is_new:
        _check_sides(path, pinned, split_folder)
    if is_new or not _is_packed(folder, params):
        (folder / "params.json").unlink(
            missing_ok=True
        )  # cut off here, the pixels may be of either
        write_pack(folder, _samples(pinned, roots), Path(), params)
        write_json(folder / "params.json", _made_by(params))
    if is_new:
        write_manifest(path, pinned)
    return pinned, is_new


def _check_sides(path: Path, pinned: Sequence[Pinned], split_folder: Path) -> None:
    """No pinned photo measures what the base has learnt from it.

    The ledger keeps photos on their side, but other split params or a label that a person changed move them.
    """
    was = {one.photo_id: one.split for one in pinned}
    told = []
    for manifest in sorted(split_folder.glob("*.jsonl")):
        for sample in read_manifest(manifest, Sample):
            side = "an unknown shoe" if manifest.stem == "_unknown" else sample.split
            if sample.photo_id in was and side not in ("train", was[sample.photo_id]):
                told.append(f"{sample.photo_id[:16]} of {sample.brand}/{sample.product}: {side}")
    if told:
        raise CatalogueError(
            f"{path}: {len(told)} of {len(pinned)} pinned photos are in another part of the split now "
            f"({told[0]}); the base net has learnt from them, so all figures would be too good. Take "
            f"the change of the split section in params.yaml back, or: {REPIN}."
        )


def _samples(pinned: Sequence[Pinned], roots: Sequence[Path]) -> list[Sample]:
    """The pinned photos with their canvases where they are found."""
    found = {one.path: _find(one.path, roots) for one in pinned}
    gone = sorted(path for path, place in found.items() if place is None)
    if gone:
        raise CatalogueError(
            f"{gone[0]}: a pinned photo's canvas is gone ({len(gone)} of {len(found)} are); the pin "
            f"needs the very pixels that it lists. {REPIN}."
        )
    return [
        Sample(
            one.photo_id,
            str(found[one.path]),
            one.brand,
            one.product,
            one.product,
            None,
            one.split,
            "",
        )
        for one in pinned
    ]


def _find(path: str, roots: Sequence[Path]) -> Path | None:
    places = (root / end for root in roots for end in (path, Path(*Path(path).parts[-2:])))
    return next((place for place in places if place.exists()), None)


def _is_packed(folder: Path, params: Packing) -> bool:
    files = [folder / name for name in ("pixels.npy", "masks.npy", "pack.json", "params.json")]
    if not all(file.exists() for file in files):
        return False
    return read_json(folder / "params.json") == _made_by(params)


def _made_by(params: Packing) -> dict[str, Any]:
    """All that decides the pixels of given canvases: the params and the code."""
    digest = hashlib.sha256()
    for name in ("canvas.py", "foreground.py", "mask.py", "pack.py"):
        digest.update(Path(__file__).with_name(name).read_bytes())
    return {**asdict(params), "code": digest.hexdigest()[:16]}
