"""The clean stage: every photo of the catalogue decoded once, put on a canvas, and judged.

In: catalogue records and the crawl's original bytes. Out: facts per photo (`examine_all`) and
verdicts per photo and product (`verdicts`); the cache holds the canvas files and their signatures.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
) -> Mapping[str, Facts]:
    """The facts of every distinct photo, from ``cache`` or by ``jobs`` processes.

    The result does not depend on ``jobs``. One bad photo is a fault in its facts; others go on.
    """
    paths = {photo.photo_id: photo.path for photo in photos}
    missing = [(one, paths[one]) for one in sorted(paths) if not cache.find(one)]
    facts, done = _AllFacts(cache, paths), len(paths) - len(missing)
    work = partial(_examine_file, crawl=crawl, canvases=cache.canvas_folder, quality=quality)
    progress(done, len(paths))
    for found in _map(work, missing, jobs):
        cache.add(found)
        if found.facts.fault is not None:
            facts.faults[found.facts.photo_id] = found.facts
        done += 1
        progress(done, len(paths))
    return facts


class _AllFacts(Mapping[str, Facts]):
    """Photo id -> facts, read from the cache when asked for: a million photos' are 1 GB."""

    def __init__(self, cache: FactsCache, photo_ids: Collection[str]) -> None:
        self.faults: dict[str, Facts] = {}  # the cache has none of these
        self._cache, self._photo_ids = cache, photo_ids

    def __getitem__(self, photo_id: str) -> Facts:
        found = self.faults.get(photo_id) or self._cache.remembered(photo_id)
        if found is None:
            raise KeyError(photo_id)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._photo_ids)

    def __len__(self) -> int:
        return len(self._photo_ids)


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
    photos: Sequence[Photo],
    facts: Mapping[str, Facts],
    folder: Path,
    min_side_px: int,
    decided: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[CleanPhoto]:
    """One judged record per photo and product, as it is asked for; canvas paths lie under ``folder``/images.

    ``decided``: photo_id -> keep or reject, a person's word, which goes before every rule.
    """
    shown_by = Counter(photo.photo_id for photo in photos)
    for photo in photos:
        found, word = facts[photo.photo_id], decided.get(photo.photo_id)
        evidence = Evidence(found, shown_by[photo.photo_id], min_side_px, word)
        yield _verdict(photo, found, judge(evidence), folder)


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
