"""The clean stage: every photo of the catalogue decoded once, put on a canvas, and judged.

In: catalogue records and the crawl's original bytes. Out: facts per photo (`examine_all`) and
verdicts per photo and product (`verdicts`); the cache holds the canvas files and their signatures.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from catalogue.errors import CatalogueError
from catalogue.schema import CleanPhoto, Photo
from dataset.facts import FactsCache
from dataset.files import canvas_file, store_canvas
from dataset.judge import Evidence, Judgement, judge
from dataset.picture import Examined, Facts, UnreadablePicture, examine, read_bounded

Progress = Callable[[int, int], None]  # done, of how many
_AHEAD = 32  # tasks per worker in flight: bounds memory whatever the catalogue's size


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
        facts[found.facts.photo_id] = found.facts
        progress(len(facts), len(paths))
    return facts


def _examine_file(task: tuple[str, str], crawl: Path, canvases: Path, quality: int) -> Examined:
    photo_id, relative = task
    path = crawl / relative
    if Path(relative).is_absolute() or ".." in Path(relative).parts:
        return _faulty(photo_id, "missing: its path leads out of the crawl folder")
    try:
        content = read_bounded(path)
    except UnreadablePicture as error:
        return _faulty(photo_id, str(error))
    except FileNotFoundError:
        return _faulty(photo_id, "missing: its file is not in the crawl folder")
    except OSError as error:
        return _faulty(photo_id, f"missing: {error.strerror}")
    found = examine(photo_id, content, quality)
    if found.signature is not None and found.encoded is not None:
        store_canvas(canvases, found.signature.canvas, found.encoded)
    return replace(found, encoded=None)


def _faulty(photo_id: str, fault: str) -> Examined:
    return Examined(Facts(photo_id, fault=fault))


def _map(
    work: Callable[[tuple[str, str]], Examined], tasks: Sequence[tuple[str, str]], jobs: int
) -> Iterator[Examined]:
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
    photos: Iterable[Photo],
    facts: Mapping[str, Facts],
    folder: Path,
    min_side_px: int,
    decided: Mapping[str, str] = MappingProxyType({}),
) -> list[CleanPhoto]:
    """One judged record per photo and product; canvas paths lie under ``folder``/images.

    ``decided``: photo_id -> keep or reject, a person's word, which goes before every rule.
    """
    ordered = list(photos)
    shown_by = Counter(photo.photo_id for photo in ordered)
    return [
        _verdict(
            photo,
            facts[photo.photo_id],
            judge(
                Evidence(
                    facts[photo.photo_id],
                    shown_by[photo.photo_id],
                    min_side_px,
                    decided.get(photo.photo_id),
                )
            ),
            folder,
        )
        for photo in ordered
    ]


def _verdict(photo: Photo, facts: Facts, found: Judgement | None, folder: Path) -> CleanPhoto:
    verdict = found.verdict if found else "keep"
    path = None
    if verdict != "reject" and facts.canvas is not None:
        path = canvas_file(folder / "images", facts.canvas).as_posix()
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
        box=facts.box if path is not None else None,
    )


def canvases(judged: Iterable[CleanPhoto]) -> list[str]:
    """The hashes of the canvas files that were not rejected, sorted."""
    return sorted({Path(photo.path).stem for photo in judged if photo.path is not None})
