"""The clean stage: every photo of the catalogue decoded once, put on a canvas, and judged.

In: catalogue records and the crawl's original bytes. Out: facts per photo (`examine_all`), verdicts
per photo and product (`verdicts`), signatures per canvas for the dedup stage.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from catalogue.errors import CatalogueError
from catalogue.schema import CleanPhoto, Photo
from dataset.facts import FactsCache, store_canvas
from dataset.judge import Evidence, Judgement, judge
from dataset.picture import MAX_BYTES, Facts, examine

Progress = Callable[[int, int], None]  # done, of how many
_AHEAD = 32  # tasks per worker in flight: bounds memory whatever the catalogue's size


@dataclass(frozen=True)
class Signature:
    """What dedup needs of one canvas without decoding it: a line of data/clean/signatures.jsonl."""

    canvas: str  # SHA-256 of the canvas file
    phash: str  # 16 hex digits
    mirror: str  # of the flipped canvas
    sharpness: float
    pixels: int  # of the original picture


def examine_all(
    photos: Sequence[Photo],
    crawl: Path,
    cache: FactsCache,
    quality: int,
    jobs: int,
    progress: Progress,
) -> dict[str, Facts]:
    """The facts of every distinct photo, from ``cache`` or by ``jobs`` processes.

    The result does not depend on ``jobs``. One bad photo is a fault in its facts; others go on.
    """
    paths = {photo.photo_id: photo.path for photo in photos}
    facts = {photo_id: held for photo_id in paths if (held := cache.find(photo_id))}
    missing = [(photo_id, paths[photo_id]) for photo_id in sorted(paths.keys() - facts.keys())]
    work = partial(_examine_file, crawl=crawl, canvases=cache.canvas_folder, quality=quality)
    progress(len(facts), len(paths))
    for found in _map(work, missing, jobs):
        cache.add(found)
        facts[found.photo_id] = found
        progress(len(facts), len(paths))
    return facts


def _examine_file(task: tuple[str, str], crawl: Path, canvases: Path, quality: int) -> Facts:
    photo_id, relative = task
    path = crawl / relative
    if Path(relative).is_absolute() or ".." in Path(relative).parts:
        return Facts(photo_id, fault="missing: its path leads out of the crawl folder")
    try:
        if path.stat().st_size > MAX_BYTES:
            return Facts(photo_id, fault=f"too large: over {MAX_BYTES} bytes")
        content = path.read_bytes()
    except FileNotFoundError:
        return Facts(photo_id, fault="missing: its file is not in the crawl folder")
    except OSError as error:
        return Facts(photo_id, fault=f"missing: {error.strerror}")
    facts, encoded = examine(photo_id, content, quality)
    if facts.canvas is not None and encoded is not None:
        store_canvas(canvases, facts.canvas, encoded)
    return facts


def _map(
    work: Callable[[tuple[str, str]], Facts], tasks: Sequence[tuple[str, str]], jobs: int
) -> Iterator[Facts]:
    """``work`` over ``tasks``, in order; in this process where one job is enough."""
    if jobs == 1 or len(tasks) < 2 * jobs:
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("spawn")
    waiting = iter(tasks)
    try:
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            running = [pool.submit(work, task) for task in islice(waiting, jobs * _AHEAD)]
            while running:
                yield running.pop(0).result()
                running.extend(pool.submit(work, task) for task in islice(waiting, 1))
    except BrokenProcessPool as error:
        raise CatalogueError(
            "clean: a worker process died (killed, or out of memory); finished pictures are kept. "
            "Run the command again, with fewer --jobs if memory was short: it goes on from there."
        ) from error


def verdicts(
    photos: Iterable[Photo], facts: Mapping[str, Facts], folder: Path, min_side_px: int
) -> list[CleanPhoto]:
    """One judged record per photo and product; canvas paths lie under ``folder``/images."""
    ordered = list(photos)
    shown_by = Counter(photo.photo_id for photo in ordered)
    return [
        _verdict(
            photo,
            facts[photo.photo_id],
            judge(Evidence(facts[photo.photo_id], shown_by[photo.photo_id], min_side_px)),
            folder,
        )
        for photo in ordered
    ]


def _verdict(photo: Photo, facts: Facts, found: Judgement | None, folder: Path) -> CleanPhoto:
    verdict = found.verdict if found else "keep"
    path = None
    if verdict != "reject" and facts.canvas is not None:
        path = (folder / "images" / facts.canvas[:2] / f"{facts.canvas}.jpg").as_posix()
    return CleanPhoto(
        photo_id=photo.photo_id,
        brand=photo.brand,
        product=photo.product,
        product_name=photo.product_name,
        group=photo.group,
        color=photo.color,
        sku=photo.sku,
        view=photo.view,
        position=photo.position,
        verdict=verdict,
        reason=found.reason if found else None,
        score=found.score if found else None,
        path=path,
        width_px=facts.width_px,
        height_px=facts.height_px,
    )


def signatures(judged: Iterable[CleanPhoto], facts: Mapping[str, Facts]) -> list[Signature]:
    """One signature per canvas that was not rejected; of equal canvases, the largest original."""
    found: dict[str, Signature] = {}
    for photo in judged:
        held = facts[photo.photo_id]
        if photo.path is None or held.canvas is None:
            continue
        pixels = (held.width_px or 0) * (held.height_px or 0)
        if held.canvas in found and found[held.canvas].pixels >= pixels:
            continue
        found[held.canvas] = Signature(
            held.canvas, held.phash or "", held.mirror or "", held.sharpness or 0.0, pixels
        )
    return [found[canvas] for canvas in sorted(found)]
