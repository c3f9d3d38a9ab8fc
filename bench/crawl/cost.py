"""What a crawl costs beside its rivals: wall and processor seconds, each the least of several rounds.

The rivals take turns with ours in each round, on the same running shop, so that a busy machine is busy
for all of them. Processor seconds are those of the process and its children alone, not of the shop.
"""

from __future__ import annotations

import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.crawl import img2dataset as images
from bench.crawl import plain

Contender = Callable[[Path], dict[str, Any]]  # works in an empty folder; says what it did


def compare(
    ours: Callable[[Path, str], dict[str, Any]],
    url: str,
    feed: Path,
    img2dataset: Path | None,
    rounds: int,
    timeout_s: int,
) -> dict[str, Any]:
    """Costs of ours and of each rival on the shop at ``url``, of which ``feed`` is our crawl."""
    shop: dict[str, Contender] = {
        "ours": lambda place: ours(place, url),
        "walking_scrapy": lambda place: plain.walking(place, url, timeout_s),
        "told_scrapy": lambda place: plain.told(place, feed, timeout_s),
    }
    if img2dataset is not None:
        shop["img2dataset"] = lambda place: images.run(place, img2dataset, feed, timeout_s)
    found = _rounds(shop, rounds)
    for cost in found.values():
        cost["per_s"] = round(cost["requests"] / cost["seconds"], 1)
        cost["cpu_ms_per_request"] = round(1000 * cost["cpu_s"] / cost["requests"], 2)
    with nothing() as empty:
        start: dict[str, Contender] = {
            "ours": lambda place: ours(place, empty),
            "walking_scrapy": lambda place: plain.walking(place, empty, timeout_s),
        }
        return {**found, "start_alone": _rounds(start, rounds)}


def _rounds(contenders: dict[str, Contender], rounds: int) -> dict[str, dict[str, Any]]:
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            with tempfile.TemporaryDirectory() as place:
                told[name].append(timed(contender, Path(place)))
    return {name: {**of[-1], **_least(of)} for name, of in told.items()}


def _least(costs: list[dict[str, Any]]) -> dict[str, float]:
    return {key: min(cost[key] for cost in costs) for key in ("seconds", "cpu_s")}


def timed(contender: Contender, place: Path) -> dict[str, Any]:
    """What the contender says, with its seconds."""
    before, began = _cpu_s(), time.perf_counter()
    said = contender(place)
    took_s, used_s = time.perf_counter() - began, _cpu_s() - before
    return {**said, "seconds": round(took_s, 2), "cpu_s": round(used_s, 2)}


def _cpu_s() -> float:
    """Processor seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def nothing() -> Iterator[str]:
    """The address of a shop that has no page at all."""

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
