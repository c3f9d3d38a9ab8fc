"""The dataset card of an export: YAML for Hugging Face at its head, then what a person must know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RIGHTS = (
    "**The pictures are not ours and not yours.** They belong to the shops, brands and photographers that made "
    "them; Solemap's licence covers its code alone. This export gives no right to use, copy or publish them. "
    "Do not upload it, or hand it on, unless you know that you may for every site below. Names of brands and "
    "products are marks of their owners."
)

MADE_BY = "Made by Solemap (`solemap export parquet`)"  # by this an earlier export is known


@dataclass(frozen=True)
class Shard:
    """One Parquet file of an export."""

    name: str  # from the export's folder
    split: str
    rows: int
    pictures_bytes: int
    file_bytes: int
    sha256: str


def card(
    shards: Sequence[Shard],
    counts: Mapping[str, Counter[str]],
    sites: Mapping[str, int],
    licences: Mapping[str, str],
    texts: Iterable[str],
) -> str:
    """README.md of an export.

    Args:
        counts: photos per split and brand.
        sites: photos per site.
        licences: what is stated, by site.
        texts: the columns beside ``image``.
    """
    return "\n".join(
        [
            *_front(shards, licences, texts),
            "# Shoes by brand and product",
            "",
            RIGHTS,
            "",
            f"{MADE_BY} from the sites below. A picture is a JPEG canvas of "
            "500 x 600 px, fitted and padded, never cropped. No near-duplicate stands in two splits: a `cluster_id` is "
            "always on one side. `view` is null where nobody said it.",
            "",
            "## Sites and licences",
            "",
            *_table(
                ("site", "photos", "licence"),
                [(site, count, licences.get(site, "unknown")) for site, count in sites.items()],
            ),
            "",
            "A photo that several sites show is counted for each.",
            "",
            "## Photos",
            "",
            *_table(("brand", *counts), _by_brand(counts)),
            "",
            "## Files",
            "",
            *_table(
                ("file", "rows", "bytes", "SHA-256"),
                [(one.name, one.rows, one.file_bytes, one.sha256) for one in shards],
            ),
            "",
        ]
    )


def _front(shards: Sequence[Shard], licences: Mapping[str, str], texts: Iterable[str]) -> list[str]:
    splits = list(dict.fromkeys(shard.split for shard in shards))
    lines = [
        "---",
        "pretty_name: Shoes by brand and product",
        f"license: {'other' if licences else 'unknown'}",
        "task_categories:",
        "- image-classification",
        "configs:",
        "- config_name: default",
        "  data_files:",
    ]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: data/{split}-*"]
    lines += ["dataset_info:", "  features:", "  - name: image", "    dtype: image"]
    for name in texts:
        lines += [f"  - name: {name}", "    dtype: string"]
    lines.append("  splits:")
    for split in splits:
        found = [shard for shard in shards if shard.split == split]
        lines += [
            f"  - name: {split}",
            f"    num_bytes: {sum(shard.pictures_bytes for shard in found)}",
            f"    num_examples: {sum(shard.rows for shard in found)}",
        ]
    return [
        *lines,
        f"  download_size: {sum(shard.file_bytes for shard in shards)}",
        f"  dataset_size: {sum(shard.pictures_bytes for shard in shards)}",
        "---",
        "",
    ]


def _by_brand(counts: Mapping[str, Counter[str]]) -> list[tuple[object, ...]]:
    brands = sorted({brand for found in counts.values() for brand in found})
    rows = [(brand, *(found[brand] for found in counts.values())) for brand in brands]
    return [*rows, ("all", *(sum(found.values()) for found in counts.values()))]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    told = [[_cell(str(cell)) for cell in row] for row in (head, *rows)]
    return [
        f"| {' | '.join(told[0])} |",
        f"|{' --- |' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in told[1:]),
    ]


def _cell(text: str) -> str:
    """``text`` in a cell of a table: one line, no markup of its own."""
    plain = " ".join(text.split())
    for sign in "\\`*[]<>|":
        plain = plain.replace(sign, f"\\{sign}")
    return plain
