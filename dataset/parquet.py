"""The dataset as Parquet files in the layout of Hugging Face `datasets`, with a card that says what it is.

In: the split manifests, the catalogue (for the sites) and the canvases. Out: ``data/<split>-*.parquet``
and README.md. Rows are ordered by photo_id, a hash, so that a reader who streams meets the brands mixed.
One row group of pictures is in memory at a time. The same dataset gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalogue.errors import CatalogueError
from catalogue.manifest import read_manifest, write_text
from catalogue.schema import SPLITS, Photo, Sample
from dataset.card import MADE_BY, Shard, card
from dataset.export import check_out
from dataset.files import disk_error, replaced

TEXTS = ("brand", "product", "product_name", "view", "photo_id", "cluster_id")
_ROWS = 100  # per row group: about 5 MB of canvases
_WRITTEN = {"data", "README.md"}  # all that an export holds


@dataclass(frozen=True)
class Row:
    """A sample, and the size of its canvas file."""

    sample: Sample
    path: Path
    size: int  # bytes


def _strange(out: Path) -> list[Path]:
    """What no export of ours writes; without our card, other people's Parquet files look the same."""
    found = sorted(path for path in out.glob("*") if path.name not in _WRITTEN)
    card_file = out / "README.md"
    is_ours = card_file.is_file() and MADE_BY in card_file.read_text("utf-8", "replace")
    return found if is_ours else [*found, *sorted(out.glob("*"))]


def export_parquet(
    split_folder: Path,
    catalogue: Path,
    root: Path,
    out: Path,
    shard_bytes: int,
    licences: Mapping[str, str],
) -> list[Shard]:
    """Write the known brands' photos to ``out``, replaced as a whole; the shards.

    Args:
        shard_bytes: a file ends with the picture that reaches this.
        licences: what is stated of the rights, by site; unknown for the others.

    Raises:
        CatalogueError: there is no split yet, a canvas is gone, a licence is of no site, or ``out``
            holds something else than an export.
    """
    check_out(out, _strange(out))
    rows = _rows(split_folder, root)
    sites = _sites(catalogue, {row.sample.photo_id for of in rows.values() for row in of})
    if unknown := sorted(set(licences) - set(sites)):
        raise CatalogueError(
            f"--licence {unknown[0]}: no picture is of that site; sites are {', '.join(sites)}."
        )
    shards: list[Shard] = []
    with replaced(out) as partial:
        (partial / "data").mkdir()
        for split, found in rows.items():
            cut = list(_cut(found, shard_bytes))
            for number, part in enumerate(cut):
                name = f"data/{split}-{number:05}-of-{len(cut):05}.parquet"
                _write(partial / name, part)
                size = sum(row.size for row in part)
                shards.append(Shard(name, split, len(part), size, *_hashed(partial / name)))
        counts = {split: Counter(row.sample.brand for row in rows[split]) for split in rows}
        write_text(partial / "README.md", card(shards, counts, sites, licences, TEXTS))
    return shards


def _rows(split_folder: Path, root: Path) -> dict[str, list[Row]]:
    """The rows of each split that has any, in the order of the files."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for manifest in sorted(split_folder.glob("*.jsonl")):
        if manifest.name.startswith("_"):
            continue
        for sample in read_manifest(manifest, Sample):
            path = root / sample.path
            try:
                size = path.stat().st_size
            except OSError:
                raise CatalogueError(f"{path}: a canvas is gone. Run `dvc repro clean`.") from None
            rows[sample.split].append(Row(sample, path, size))
    if not rows:
        raise CatalogueError(f"{split_folder}: no brand's manifest in it. Run `dvc repro` first.")
    return {
        split: sorted(rows[split], key=lambda row: (row.sample.photo_id, row.sample.product))
        for split in SPLITS
        if split in rows
    }


def _sites(catalogue: Path, photo_ids: set[str]) -> dict[str, int]:
    """How many of the photos each site showed, sorted by site."""
    shown: dict[str, set[str]] = defaultdict(set)
    for photo in read_manifest(catalogue, Photo):
        if photo.photo_id in photo_ids:
            for source in photo.sources:
                shown[source.site].add(photo.photo_id)
    return {site: len(shown[site]) for site in sorted(shown)}


def _cut(rows: Sequence[Row], shard_bytes: int) -> Iterator[list[Row]]:
    part: list[Row] = []
    size = 0
    for row in rows:
        part.append(row)
        size += row.size
        if size >= shard_bytes:
            yield part
            part, size = [], 0
    if part:
        yield part


def _schema() -> Any:
    """The columns; their metadata tells `datasets` which one is a picture."""
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in TEXTS}
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = [("image", image), *((name, pa.string()) for name in TEXTS)]
    told = json.dumps({"info": {"features": features}})
    return pa.schema(columns, metadata={"huggingface": told})


def _write(path: Path, rows: Sequence[Row]) -> None:
    schema = _schema()
    try:
        with pq.ParquetWriter(path, schema, compression="snappy") as writer:
            for start in range(0, len(rows), _ROWS):
                group = [_record(row) for row in rows[start : start + _ROWS]]
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
    except OSError as error:
        raise disk_error(path, error) from error


def _record(row: Row) -> dict[str, Any]:
    content = row.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != row.path.stem:
        raise CatalogueError(f"{row.path}: its bytes are not those of its name. Run `dvc repro clean`.")  # fmt: skip
    image = {"bytes": content, "path": f"{row.sample.photo_id}.jpg"}
    return {"image": image, **{name: getattr(row.sample, name) for name in TEXTS}}


def _hashed(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest
