"""The rival: a plain Scrapy spider that is told every address, and Scrapy's own FilesPipeline.

It finds nothing by itself, decides nothing and remembers nothing: what it costs is what Scrapy
costs. Both crawls are measured by processor seconds of their own process per request, since wall
time on a busy machine says more about its other work.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SPIDER = """
import json
import scrapy

class Plain(scrapy.Spider):
    name = "plain"
    custom_settings = {"ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1}, "FILES_STORE": "files",
                       "LOG_LEVEL": "ERROR", "CONCURRENT_REQUESTS_PER_DOMAIN": 8, "ROBOTSTXT_OBEY": True,
                       "DOWNLOAD_DELAY": 0, "TELNETCONSOLE_ENABLED": False}
    async def start(self):
        for url, files in json.load(open("told.json")):
            yield scrapy.Request(url, cb_kwargs={"files": files}, dont_filter=True)
    def parse(self, response, files):
        yield {"title": response.css("title::text").get(), "file_urls": files}
"""


def cpu_s() -> float:
    """Processor seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(feed: Path, timeout_s: int) -> dict[str, Any]:
    """Crawl with the plain spider what ``feed`` names, in a folder of its own."""
    items = [json.loads(line) for line in feed.read_text("utf-8").splitlines()]
    told = [(item["url"], [image["url"] for image in item["images"]]) for item in items]
    with tempfile.TemporaryDirectory() as place:
        Path(place, "told.json").write_text(json.dumps(told), "utf-8")
        Path(place, "plain.py").write_text(SPIDER, "utf-8")
        before, began = cpu_s(), time.perf_counter()
        command = [sys.executable, "-m", "scrapy", "runspider", "plain.py", "-L", "ERROR"]
        environment = {**os.environ, "PYTHONPATH": ""}
        subprocess.run(command, cwd=place, env=environment, timeout=timeout_s, check=True)
        used, took_s = cpu_s() - before, time.perf_counter() - began
    requests = len(told) + len({url for _, files in told for url in files})
    return {
        "requests": requests,
        "seconds": round(took_s, 2),
        "cpu_s": round(used, 2),
        "cpu_ms_per_request": _ms(used, requests),
    }


def _ms(seconds: float, requests: int) -> float:
    return round(1000 * seconds / max(1, requests), 2)


def ours(used_s: float, pages: int, pictures: int) -> dict[str, Any]:
    """The same numbers of our crawl."""
    requests = pages + pictures
    return {
        "requests": requests,
        "cpu_s": round(used_s, 2),
        "cpu_ms_per_request": _ms(used_s, requests),
    }
