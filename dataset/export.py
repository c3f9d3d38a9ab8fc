"""The dataset as folders that other tools load: data/brands/<brand>/<split>/<product>/<photo>.jpg."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest
from catalogue.schema import SPLITS, Sample
from dataset.files import link_or_copy, replaced

_PHOTO = re.compile(r"[0-9a-f]{64}\.jpg")


def export_imagefolder(split_folder: Path, root: Path, out: Path) -> Counter[str]:
    """Link every known brand's canvases into the layout of torchvision's ImageFolder.

    The folder is replaced as a whole; the files are hard links, so they cost no space.

    Returns:
        Photos per brand.

    Raises:
        CatalogueError: there is no split yet, a canvas is gone, or ``out`` holds something else than
            an export.
    """
    check_out(out, (path for path in out.rglob("*") if not _is_exported(path, out)))
    manifests = sorted(
        path for path in split_folder.glob("*.jsonl") if not path.name.startswith("_")
    )
    if not manifests:
        raise CatalogueError(f"{split_folder}: no brand's manifest in it. Run `dvc repro` first.")
    counts: Counter[str] = Counter()
    with replaced(out) as partial:
        for manifest in manifests:
            for sample in read_manifest(manifest, Sample):
                source = root / sample.path
                if not source.exists():
                    raise CatalogueError(f"{source}: a canvas is gone. Run `dvc repro clean`.")
                place = partial / sample.brand / sample.split / sample.product
                link_or_copy(source, place / f"{sample.photo_id}.jpg")
                counts[sample.brand] += 1
    return counts


def _is_exported(path: Path, out: Path) -> bool:
    """Whether an export writes such a file or folder: other collections have brands' splits, too, but no such names."""
    parts = path.relative_to(out).parts
    if len(parts) > 1 and parts[1] not in SPLITS:
        return False
    if len(parts) < 4:
        return path.is_dir()
    return len(parts) == 4 and bool(_PHOTO.fullmatch(path.name))


def check_out(out: Path, strange: Iterable[Path]) -> None:
    """Make sure that replacing ``out`` deletes nothing but an earlier export.

    Raises:
        CatalogueError: there is something in ``strange``, what an export does not write.
    """
    if found := next(iter(strange), None):
        raise CatalogueError(
            f"{out}: holds {found.relative_to(out).as_posix()!r:.80}, which no export wrote, and the "
            "folder is replaced as a whole. Name another folder: --out DIR"
        )
