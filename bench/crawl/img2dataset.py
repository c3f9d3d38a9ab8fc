"""The other rival: img2dataset, told every picture address; it finds nothing by itself.

Installed by whoever measures, in an environment of its own (`pip install img2dataset`): it brings
OpenCV, pandas and pyarrow. Pictures are taken as they are (no resize), by one process, as many at a
time as ours.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def run(place: Path, program: Path, feed: Path, timeout_s: int) -> dict[str, Any]:
    """Fetch the pictures that ``feed`` names; how many came."""
    items = [json.loads(line) for line in feed.read_text("utf-8").splitlines()]
    urls = sorted({image["url"] for item in items for image in item["images"]})
    (place / "urls.txt").write_text("\n".join(urls) + "\n", "utf-8")
    subprocess.run(
        [
            str(program), "--url_list", "urls.txt", "--output_folder", "out", "--resize_mode", "no",
            "--disable_all_reencoding", "True", "--processes_count", "1", "--thread_count", "12",
            "--enable_wandb", "False", "--retries", "2",
        ],
        cwd=place,
        env={**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"},
        capture_output=True,
        timeout=timeout_s,
        check=True,
    )  # fmt: skip
    came = sum(path.suffix not in (".json", ".txt") for path in (place / "out").rglob("*.*g"))
    return {"requests": len(urls), "pictures": came}
