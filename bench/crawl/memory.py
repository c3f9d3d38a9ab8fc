"""`python -m bench.crawl.memory`: peak memory of a crawl of many generated product pages.

A shop of its own process has a sitemap index and PAGES product pages, one in ten with a picture of its
own. The crawl's resident memory is read from /proc every second. Results go to
bench/results/crawl-memory.json.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click

from bench.crawl.__main__ import PACKAGES, ROOT
from bench.machine import machine

RESULTS = ROOT / "bench" / "results" / "crawl-memory.json"
LIMIT_MIB = 500
PER_SITEMAP = 25_000
SIDE = 200  # px


@click.command()
@click.option("--pages", default=100_000, show_default=True)
def main(pages: int) -> None:
    """Crawl PAGES generated product pages and tell the peak of resident memory."""
    ours, theirs = multiprocessing.Pipe()
    shop = multiprocessing.Process(target=_serve, args=(pages, theirs), daemon=True)
    shop.start()
    url = f"http://127.0.0.1:{ours.recv()}/"
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        (place / "scrapy.cfg").write_text("[settings]\ndefault = crawler.settings\n", "utf-8")
        site = {"url": url, "max-pages": 2 * pages + 1000}
        params = {"crawl": {"sites": {"large": site}}, "ingest": {}, "split": {}}
        (place / "params.yaml").write_text(json.dumps(params), "utf-8")
        began = time.perf_counter()
        crawl = subprocess.Popen(
            [sys.executable, "-m", "scrapy", "crawl", "shoes"],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        curve = []
        while crawl.poll() is None:
            curve.append((round(time.perf_counter() - began), _resident_mib(crawl.pid)))
            if len(curve) % 30 == 0:
                click.echo(f"{curve[-1][0]} s: {curve[-1][1]} MiB")
            time.sleep(1)
        took_s = time.perf_counter() - began
        feed = place / "data" / "crawl" / "items.jsonl"
        products = sum(1 for _ in feed.open("rb")) if feed.exists() else 0
    shop.terminate()
    peak = max(mib for _, mib in curve)
    told = {
        "machine": machine(PACKAGES),
        "pages": pages,
        "products": products,
        "exit_code": crawl.returncode,
        "seconds": round(took_s),
        "peak_mib": peak,
        "limit_mib": LIMIT_MIB,
        "resident_mib_by_second": curve[:: max(1, len(curve) // 40)],
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    click.echo(f"{products} products of {pages} pages in {took_s:.0f} s, peak {peak} MiB")
    sys.exit(peak > LIMIT_MIB or products != pages)


def _resident_mib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(found[0]) // 1024 if found else 0


def _serve(pages: int, told: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            kind, body = _answer(self.path, f"http://{self.headers['Host']}", pages)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    server.serve_forever()


def _answer(path: str, base: str, pages: int) -> tuple[str, bytes]:
    number = int("".join(filter(str.isdigit, path)) or 0)
    if path == "/sitemap.xml":
        parts = range((pages + PER_SITEMAP - 1) // PER_SITEMAP)
        told = "".join(f"<sitemap><loc>{base}/part{part}.xml</loc></sitemap>" for part in parts)
        return "text/xml", f"<sitemapindex>{told}</sitemapindex>".encode()
    if path.startswith("/part"):
        held = range(number * PER_SITEMAP, min(pages, (number + 1) * PER_SITEMAP))
        told = "".join(f"<url><loc>{base}/shoe/{one}</loc></url>" for one in held)
        return "text/xml", f"<urlset>{told}</urlset>".encode()
    if path.startswith("/shoe/") and number < pages:
        return "text/html; charset=utf-8", _page(number, pages).encode()
    if path.endswith(".png"):
        return "image/png", _png(number)
    return "text/html", b"<h1>Home</h1>" if path == "/" else b""


def _page(number: int, pages: int) -> str:
    picture = f"/picture-{number - number % 10}.png"
    told = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": f"Runner {number}",
        "brand": {"@type": "Brand", "name": f"Brand {number % 50}"},
        "sku": f"R-{number}",
        "category": "Shoes > Running",
        "image": [picture],
    }
    others = "".join(
        f'<li><a href="/shoe/{other % pages}"><img src="/picture-{other % pages}.png">Runner</a></li>'
        for other in range(number + 1, number + 9)
    )
    return (
        f'<html><head><title>Runner {number}</title><script type="application/ld+json">{json.dumps(told)}'
        f'</script></head><body><main><img src="{picture}"><h1>Runner {number}</h1><button>Add to cart'
        f"</button></main><h2>You may also like</h2><ul>{others}</ul></body></html>"
    )


def _png(number: int) -> bytes:
    """A grey picture of ``SIDE`` px with noise of its own, as the PNG specification has it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # fmt: skip

    row = b"\0" + (number.to_bytes(8, "big") * SIDE)[:SIDE]
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    body = zlib.compress(row * SIDE, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


if __name__ == "__main__":
    main()
