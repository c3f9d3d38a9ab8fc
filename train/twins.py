"""Everything is fitted twice: once without val photos, which validation measures, once with them.

What answers, and what test measures, has learned from train and val photos: at four photos a product
every photo counts.
"""

from __future__ import annotations

from pathlib import Path

WITHOUT_VAL, WHOLE = "without-val", "whole"
SPLITS = {WITHOUT_VAL: ("train",), WHOLE: ("train", "val")}


def file_of(folder: Path, kind: str, name: str = "weights") -> Path:
    """The file of ``folder`` for a ``kind`` of SPLITS; ``name`` is that of the one which answers."""
    return folder / (f"{name}.safetensors" if kind == WHOLE else f"{kind}.safetensors")
