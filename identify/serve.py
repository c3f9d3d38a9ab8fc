"""`solemap serve`: the answer in a browser and over HTTP."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import click

from catalogue.errors import CatalogueError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0: all networks.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Photos at work at a time.",
)
@click.option(
    "--queue",
    type=click.IntRange(0, 10_000),
    default=30,
    show_default=True,
    help="Requests that may wait; more are told to come back.",
)
@click.option(
    "--per-minute",
    type=click.IntRange(0, 100_000),
    default=120,
    show_default=True,
    help="Photos of one client; 0 is no limit.",
)
@click.option(
    "--max-mb",
    type=click.IntRange(1, 1024),
    default=48,
    show_default=True,
    help="Of one request.",
)
@click.option(
    "--nets-mb",
    type=click.IntRange(1, 1_000_000),
    default=1024,
    show_default=True,
    help="Of brand nets held in memory; the others are read when a photo needs them.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("models"),
    show_default=True,
)
def serve(
    host: str,
    port: int,
    workers: int,
    queue: int,
    per_minute: int,
    max_mb: int,
    nets_mb: int,
    models: Path,
) -> None:
    """Name shoes in a browser and over HTTP (described at /docs).

    Nothing of a photo is kept. Models that `dvc repro` replaces are picked up without a restart.
    """
    # Pillow's blocks of 16 MiB would stay on the heap after a large photo; these go back to the system
    # (RSS after four 50-megapixel photos: 1,247 MB instead of 1,742). Read when Pillow is imported.
    os.environ.setdefault("PILLOW_BLOCK_SIZE", "64m")
    try:
        uvicorn = import_module("uvicorn")
        from identify.app import make_app
        from identify.heads import TimelyProtocol
    except ImportError as error:
        raise click.ClickException(
            f"the extra is not installed ({error}): pip install -e '.[serve]'"
        ) from error
    from identify.desk import Desk, RateLimit
    from identify.live import LiveModels

    max_bytes = max_mb * 1024**2
    try:
        live = LiveModels(models, most_bytes=nets_mb * 1024**2)
        desk = Desk(live, workers, workers + queue, max_bytes)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    app = make_app(desk, RateLimit(per_minute), max_bytes)
    click.echo(f"Open http://{host}:{port}/ in a browser; Ctrl-C ends the service.", err=True)
    uvicorn.run(
        app, host=host, port=port, log_level="warning", server_header=False, http=TimelyProtocol
    )


if __name__ == "__main__":
    serve(prog_name="python -m identify.serve")
