"""The rivals: two plain Scrapy spiders with Scrapy's own FilesPipeline.

`walking` was written for the shop (`bench.crawl.walker`): it finds the products by their listings, reads
them by hand-written selectors and judges nothing. `told` gets every address beforehand and parses nothing:
no crawl can be that cheap, it shows what Scrapy itself costs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

TOLD = """
import json
import scrapy

class Told(scrapy.Spider):
    name = "told"
    custom_settings = {"ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1}, "FILES_STORE": "files",
                       "LOG_LEVEL": "ERROR", "CONCURRENT_REQUESTS_PER_DOMAIN": 8, "ROBOTSTXT_OBEY": True,
                       "DOWNLOAD_DELAY": 0, "TELNETCONSOLE_ENABLED": False}
    async def start(self):
        for url, files in json.load(open("told.json")):
            yield scrapy.Request(url, cb_kwargs={"files": files}, dont_filter=True)
    def parse(self, response, files):
        yield {"title": response.css("title::text").get(), "file_urls": files}
"""


def walking(place: Path, url: str, timeout_s: int) -> dict[str, Any]:
    """Crawl the shop at ``url``; what came of it."""
    shutil.copy(Path(__file__).with_name("walker.py"), place / "walker.py")
    _scrapy(place, ["runspider", "walker.py", "-a", f"url={url}"], timeout_s)
    feed = place / "items.jsonl"
    items = feed.read_text("utf-8").splitlines() if feed.exists() else []
    answers = json.loads((place / "answers.json").read_text("utf-8"))
    pictures = sum(path.is_file() for path in (place / "files").rglob("*"))
    return {"products": len(items), "pictures": pictures, "requests": answers}


def told(place: Path, feed: Path, timeout_s: int) -> dict[str, Any]:
    """Fetch the pages and pictures that our ``feed`` names."""
    items = [json.loads(line) for line in feed.read_text("utf-8").splitlines()]
    named = [(item["url"], [image["url"] for image in item["images"]]) for item in items]
    (place / "told.json").write_text(json.dumps(named), "utf-8")
    (place / "told.py").write_text(TOLD, "utf-8")
    _scrapy(place, ["runspider", "told.py"], timeout_s)
    return {"requests": len(named) + len({url for _, files in named for url in files})}


def _scrapy(place: Path, arguments: list[str], timeout_s: int) -> None:
    command = [sys.executable, "-m", "scrapy", *arguments, "-L", "ERROR"]
    environment = {**os.environ, "PYTHONPATH": ""}  # none of our settings
    subprocess.run(command, cwd=place, env=environment, timeout=timeout_s, check=True)
