"""The other rival: img2dataset, told every picture address; it finds nothing by itself.

Installed by whoever measures, in an environment of its own (`pip install img2dataset`): it brings
OpenCV, pandas and pyarrow. Pictures are taken as they are (no resize), by one process, as many at a
time as ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.crawl.plain import cpu_s


def run(program: Path, feed: Path, timeout_s: int) -> dict[str, Any]:
    """Fetch the pictures that ``feed`` names; how many came, in how long."""
    items = [json.loads(line) for line in feed.read_text("utf-8").splitlines()]
    urls = sorted({image["url"] for item in items for image in item["images"]})
    with tempfile.TemporaryDirectory() as place:
        Path(place, "urls.txt").write_text("\n".join(urls) + "\n", "utf-8")
        before, began = cpu_s(), time.perf_counter()
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
        took_s, used_s = time.perf_counter() - began, cpu_s() - before
        came = sum(
            path.suffix not in (".json", ".txt") for path in Path(place, "out").rglob("*.*g")
        )
    return {
        "asked": len(urls),
        "came": came,
        "seconds": round(took_s, 2),
        "pictures_per_s": round(came / took_s, 1),
        "cpu_s": round(used_s, 2),
    }
