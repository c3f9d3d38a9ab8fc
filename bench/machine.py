"""What a bench's figures were measured on, and the file that keeps them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click


def machine(packages: Iterable[str]) -> dict[str, Any]:
    """When and where, how busy it was, and the versions of ``packages``."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in packages},
    }


def keep_part(path: Path, part: str, found: dict[str, Any], packages: Iterable[str]) -> None:
    """Put ``found`` in the JSON file in place of what was there of ``part``, and print it."""
    held = json.loads(path.read_text("utf-8")) if path.exists() else {}
    held[part] = {"machine": machine(packages), **found}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dict(sorted(held.items())), ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, "utf-8")
    click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    click.echo(f"written: bench/results/{path.name}: {part}")
