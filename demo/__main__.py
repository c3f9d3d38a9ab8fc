"""`python -m demo`: open the shop."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import click

from catalogue.errors import CatalogueError
from demo.server import ShopServer
from demo.shop import Shop
from demo.stock import NAME, read_stock

DRAWN = Path("var/demo")


def serve(
    catalogue: Path, port: int = 0, faults: bool = False, javascript: bool = False
) -> ShopServer:
    """A running shop that sells what ``catalogue`` holds; close it, or use it in a `with`.

    Raises:
        CatalogueError: the catalogue cannot be read, or the port cannot be opened.
    """
    return ShopServer(Shop(read_stock(catalogue), faults, javascript), port)


@click.command("demo-shop")
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder with a {NAME} (at least image,brand,product). Without it, drawn shoes.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="Port of 127.0.0.1; 0 takes any free one.")  # fmt: skip
@click.option("--faults", is_flag=True, help="Busy, slow and broken answers, loops and mazes.")
@click.option("--javascript", is_flag=True, help="Every page is empty until its script ran.")
@click.option("--exit-on-eof", is_flag=True, help="Close when standard input ends.")
@click.option("--verbose", is_flag=True, help="One line on stderr for each request.")
def demo_shop(
    catalogue: Path | None,
    port: int,
    faults: bool,
    javascript: bool,
    exit_on_eof: bool,
    verbose: bool,
) -> None:
    """Open a shop on 127.0.0.1 that looks like a real one, to practise crawling.

    Prints its address on standard output once it is open; Ctrl-C closes it.
    """
    try:
        stock = read_stock(catalogue if catalogue is not None else _drawn())
        for problem in stock.problems:
            click.echo(problem, err=True)
        if not stock.products:
            click.echo(
                f"{stock.folder / NAME}: no row can be shown; the shop opens empty. "
                "Each row needs image, brand and product.",
                err=True,
            )
        server = ShopServer(Shop(stock, faults, javascript), port, verbose)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    with server:
        pictures = sum(len(product.pictures) for product in stock.products)
        click.echo(f"{len(stock.products)} products, {pictures} pictures; Ctrl-C closes", err=True)
        click.echo(server.url)
        sys.stdout.flush()
        _wait(exit_on_eof)


def _wait(exit_on_eof: bool) -> None:
    try:
        if exit_on_eof:
            while sys.stdin.buffer.read(4096):
                pass
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("closed", err=True)


def _drawn() -> Path:
    """The folder of drawn shoes, drawn first where that was not done yet."""
    from demo.drawn import drawn_catalogue  # numpy, and only when it is asked for

    shown_at = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal shown_at
        is_live = sys.stderr.isatty()
        if time.monotonic() - shown_at > (0.2 if is_live else 5.0) or done == total:
            shown_at = time.monotonic()
            line = f"drawing shoes: {done} of {total}"
            click.echo(f"\r{line}" if is_live else line, err=True, nl=not is_live or done == total)

    folder: Path = drawn_catalogue(DRAWN, jobs=2, progress=progress)
    return folder


if __name__ == "__main__":
    demo_shop()
