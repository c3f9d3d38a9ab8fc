"""`python -m bench.identify.load PROJECT`: 50 clients on loopback; nothing but 200 and 503 with Retry-After.

PROJECT is a folder after `make demo` or `make real`. Starts `solemap serve` on a free port, lets CLIENTS ask one
photo after another for SECONDS (a client that gets 503 waits as told), and reads the service's memory
from /proc. Results go to bench/results/identify-load.json.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
import httpx

from bench.machine import machine
from catalogue.manifest import write_json

RESULTS = Path(__file__).parent.parent / "results" / "identify-load.json"
START_S = 120


@click.command()
@click.argument("project", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--clients", default=50, show_default=True)
@click.option("--seconds", default=300, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--queue", default=30, show_default=True)
def main(project: Path, clients: int, seconds: int, workers: int, queue: int) -> None:
    """Ask, count, report."""
    photos = sorted((project / "data/crawl/images").glob("*/*"))[:200]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--models", str(project / "models"), "--port", str(port), "--per-minute", "0", "--workers", str(workers), "--queue", str(queue)]  # fmt: skip
    service = subprocess.Popen([sys.executable, "-m", "solemap", "serve", *options])
    try:
        started_s = asyncio.run(_until_ready(port))
        found = asyncio.run(_load(port, service.pid, photos, clients, seconds))
    finally:
        service.terminate()
        service.wait(30)
    found |= {"clients": clients, "seconds": seconds, "workers": workers, "queue": queue}
    found |= {
        "first_answer_of_healthz_s": round(started_s, 1),
        "machine": machine(("fastapi", "pillow", "torch", "uvicorn")),
    }
    write_json(RESULTS, found)
    print(json.dumps(found, indent=2))
    if found["other_answers"] or found["503_without_retry_after"]:
        sys.exit(1)


async def _until_ready(port: int) -> float:
    started = time.monotonic()
    async with httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(f"http://127.0.0.1:{port}/healthz")
                return time.monotonic() - started
            except httpx.TransportError:
                if time.monotonic() - started > START_S:
                    raise
                await asyncio.sleep(0.1)


async def _load(
    port: int, pid: int, photos: list[Path], clients: int, seconds: int
) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    took: dict[str, list[float]] = {"200": [], "503": []}
    silent = 0
    deadline = time.monotonic() + seconds
    address = f"http://127.0.0.1:{port}/api/identify"

    async def ask(number: int) -> None:
        nonlocal silent
        async with httpx.AsyncClient(timeout=120) as client:
            turn = number
            while time.monotonic() < deadline:
                content = photos[turn % len(photos)].read_bytes()
                turn += clients
                started = time.monotonic()
                try:
                    answer = await client.post(address, files={"photo": ("a.jpg", content)})
                except httpx.TransportError as error:
                    statuses[type(error).__name__] += 1
                    continue
                status = str(answer.status_code)
                statuses[status] += 1
                took.setdefault(status, []).append(time.monotonic() - started)
                if status == "503":
                    silent += "retry-after" not in answer.headers
                    await asyncio.sleep(float(answer.headers.get("retry-after", 1)))

    memory: list[int] = []

    async def watch() -> None:
        while time.monotonic() < deadline:
            memory.append(_resident_mib(pid))
            await asyncio.sleep(0.5)

    await asyncio.gather(watch(), *(ask(number) for number in range(clients)))
    half = len(memory) // 2
    return {
        "answers": dict(statuses),
        "other_answers": sum(n for status, n in statuses.items() if status not in ("200", "503")),
        "503_without_retry_after": silent,
        "seconds_of_200": _quantiles(took["200"]),
        "seconds_of_503": _quantiles(took["503"]),
        "memory_mib": {
            "before": memory[0],
            "peak_of_first_half": max(memory[: half + 1]),
            "peak_of_second_half": max(memory[half:]),
        },
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=20)
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3), "max": round(max(values), 3)}


def _resident_mib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()
