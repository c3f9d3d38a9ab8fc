"""The checkout that `solemap` drives DVC in, checked before DVC is asked."""

from __future__ import annotations

import sys
from pathlib import Path

from catalogue.brand_list import read_brands
from catalogue.errors import CatalogueError

DVC = [sys.executable, "-m", "dvc"]
BRANDS = Path("brands.yaml")


def check_project() -> list[str]:
    """The listed brands of the checkout in the current folder.

    Raises:
        CatalogueError: it is none, brands.yaml is missing, or DVC would refuse to run.
    """
    here = Path.cwd()
    if not Path("dvc.yaml").exists():
        raise CatalogueError(f"{here}: no dvc.yaml here; run in the project's folder.")
    brands = read_brands(BRANDS)
    has_git = any((folder / ".git").exists() for folder in (here, *here.parents))
    local = Path(".dvc/config.local")
    if not has_git and not (local.exists() and "no_scm" in local.read_text("utf-8")):
        raise CatalogueError(
            f"{here}: no git repository, and DVC looks for one. "
            "Run `dvc config --local core.no_scm true` once; DVC then works without."
        )
    return brands
