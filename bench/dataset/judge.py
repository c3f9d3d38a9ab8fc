"""What each rule of the clean stage finds, and what it finds wrongly: on real photos, drawn ones, planted ones.

    python -m bench.dataset.judge [DIR ...]

Each DIR holds a catalogue.csv; its rows with use=1 are good photos, on which a rule that fires is a
false alarm, and those with use=0 are dirty on purpose. Folders named ``*noisy*`` are told apart: nobody
looked at all of their pictures. The drawn shop with its planted dirt comes with it. Planted pictures
(size charts, text, collages, blurred and enlarged copies of good photos) are made in memory. Writes
bench/results/judge.json: figures only, never a picture.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from bench.dataset.planted import blurred, collage, enlarged, saved, size_chart, text_card
from dataset.judge import Evidence, judge
from dataset.measures import measure
from dataset.picture import canvas_of, examine
from demo.drawn import drawn_catalogue

ROOT = Path(__file__).resolve().parents[2]
MIN_SIDE = 120  # px, as in params.yaml
QUALITY = 95
PLANTED = 100  # pictures of each kind
EXPECTED = {
    "size chart": "mostly text",
    "page of text": "mostly text",
    "collage": "collage",
    "blur of 0.4 % of the width": "blurred",
    "blur of 0.6 %": "blurred",
    "blur of 1 %": "blurred",
    "blur of 2 %": "blurred",
    "enlarged from 64 px": "blurred",
    "enlarged from 100 px": "blurred",
    "enlarged from 160 px": "blurred",
}  # kind of planted picture -> the rule that should find it
ALSO = ("blurred", "almost no detail")  # what blur leaves little of; both say review


@dataclass(frozen=True)
class Picture:
    """One row of a catalogue."""

    set: str  # good | dirty | noisy | drawn | drawn dirt
    path: Path
    kind: str
    note: str
    product: str


def read_pictures(folder: Path, is_drawn: bool = False) -> Iterator[Picture]:
    with (folder / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            is_dirty = row.get("use") == "0"
            if is_drawn:
                name = "drawn dirt" if is_dirty else "drawn"
            elif "noisy" in folder.name:
                name = "noisy"
            else:
                name = "dirty" if is_dirty else "good"
            product = f"{row['brand']}/{row.get('product_key') or row['product']}"
            path = folder / row["image"]
            note = (row.get("note") or "").split(":")[0].split(";")[0][:40]
            yield Picture(name, path, row.get("kind", ""), note, product)


def fired(content: bytes, products: int) -> str | None:
    """The first words of the reason of the rule that judged, None for none."""
    facts = examine(hashlib.sha256(content).hexdigest(), content, QUALITY).facts
    found = judge(Evidence(facts, products, MIN_SIDE))
    return found.reason.split(":")[0] if found else None


def judge_rows(pictures: Sequence[Picture]) -> list[tuple[Picture, str | None]]:
    """Each row with what fired; a picture that many products show counts with all of them."""
    hashes = {one.path: hashlib.sha256(one.path.read_bytes()).hexdigest() for one in pictures}
    shown_by: dict[str, set[str]] = defaultdict(set)
    for one in pictures:
        shown_by[hashes[one.path]].add(one.product)
    return [
        (one, fired(one.path.read_bytes(), len(shown_by[hashes[one.path]]))) for one in pictures
    ]


def planted(good: Sequence[Picture], chance: Random) -> Iterator[tuple[str, str | None]]:
    """Kind of planted picture, and what fired."""
    whole = [_canvas(one) for one in chance.sample(list(good), min(PLANTED, len(good)))]
    studio = [one for one in good if one.kind in ("studio", "", "side")]
    shoes = [_canvas(one) for one in chance.sample(studio, min(PLANTED, len(studio)))]
    changes: dict[str, Callable[[Image.Image], Image.Image]] = {
        "blur of 0.4 % of the width": partial(blurred, share=0.004),
        "blur of 0.6 %": partial(blurred, share=0.006),
        "blur of 1 %": partial(blurred, share=0.01),
        "blur of 2 %": partial(blurred, share=0.02),
        "enlarged from 64 px": partial(enlarged, width=64),
        "enlarged from 100 px": partial(enlarged, width=100),
        "enlarged from 160 px": partial(enlarged, width=160),
    }
    for kind, change in changes.items():
        yield from ((kind, fired(saved(change(one)), 1)) for one in whole)
    for _ in range(PLANTED):
        yield "size chart", fired(saved(size_chart(chance)), 1)
        yield "page of text", fired(saved(text_card(chance)), 1)
        yield "collage", fired(saved(collage(chance, shoes)), 1)


def _canvas(picture: Picture) -> Image.Image:
    return canvas_of(picture.path.read_bytes())[0]


def told(rows: Sequence[tuple[Picture, str | None]], made: Sequence[tuple[str, str | None]]) -> dict[str, Any]:  # fmt: skip
    """Per rule and per kind of picture, counted."""
    sets = Counter(one.set for one, _ in rows)
    by_set: dict[str, Counter[str]] = defaultdict(Counter)
    for one, rule in rows:
        if rule:
            by_set[rule][one.set] += 1
    rules = sorted({*by_set, *EXPECTED.values()})
    return {
        "pictures": dict(sets),
        "rules": {rule: _rule(rule, by_set[rule], sets, made) for rule in rules},
        "planted": {
            kind: dict(Counter(rule or "none" for name, rule in made if name == kind).most_common())
            for kind in EXPECTED
        },
        "dirty": _fates(rows, "dirty"),
        "drawn dirt": _fates(rows, "drawn dirt"),
    }


def _rule(
    rule: str, found: Counter[str], sets: Counter[str], made: Sequence[tuple[str, str | None]]
) -> dict[str, Any]:
    """Right: on planted pictures of its kind and on dirty rows; false: on good and on drawn good ones."""
    hits = sum(got == rule and _is_right(kind, rule) for kind, got in made)
    others = sum(got == rule and not _is_right(kind, rule) for kind, got in made)
    wanted = sum(EXPECTED[kind] == rule for kind, _ in made)
    right = hits + found["dirty"] + found["drawn dirt"]
    wrong = found["good"] + found["drawn"]
    good = sets["good"] + sets["drawn"]
    return {
        "fired": right + wrong + others,
        "right": right,
        "precision": round(right / (right + wrong + others), 3) if right + wrong + others else None,
        "recall_on_planted": round(hits / wanted, 3) if wanted else None,
        "false_alarms": wrong,
        "false_alarm_rate": round(wrong / good, 5) if good else None,
        "on_planted_of_another_kind": others,
        "on_noisy": found["noisy"],
    }


def _is_right(kind: str, rule: str) -> bool:
    return EXPECTED[kind] == rule or (EXPECTED[kind], rule) == ALSO


def _fates(rows: Sequence[tuple[Picture, str | None]], name: str) -> dict[str, dict[str, int]]:
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    for one, rule in rows:
        if one.set == name:
            fates[one.note or one.kind][rule or "none"] += 1
    return {note: dict(counts.most_common()) for note, counts in sorted(fates.items())}


def cost(pictures: Sequence[Picture]) -> dict[str, float]:
    """ms per picture of a whole decode, and of the measures in it; of each the best of three."""
    whole, part = 0.0, 0.0
    for one in pictures:
        content = one.path.read_bytes()
        name = hashlib.sha256(content).hexdigest()
        whole += _seconds(lambda name=name, content=content: examine(name, content, QUALITY))  # type: ignore[misc]
        encoded = examine(name, content, QUALITY).encoded
        with Image.open(io.BytesIO(encoded or b"")) as canvas:
            canvas.load()
            part += _seconds(lambda canvas=canvas: measure(canvas))  # type: ignore[misc]
    count = max(len(pictures), 1)
    return {
        "examine_ms": round(whole / count * 1e3, 1),
        "measures_ms": round(part / count * 1e3, 1),
    }


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", help="folders with a catalogue.csv")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    drawn = list(read_pictures(drawn_catalogue(ROOT / "var" / "drawn", 2, 3, 6), is_drawn=True))
    real = [one for folder in chosen.folders for one in read_pictures(folder.resolve())]
    rows = judge_rows(real) + judge_rows(drawn)
    good = [one for one in real if one.set == "good"] or [
        one for one in drawn if one.set == "drawn"
    ]
    made = list(planted(good, Random(chosen.seed)))
    found = told(rows, made)
    for one, rule in rows:
        if rule and one.set in ("good", "noisy", "drawn"):
            print(f"on {one.set}: {rule}: {one.path.parent.name}/{one.path.name}")
    results = {
        **found,
        "cost": cost(Random(chosen.seed).sample(good, min(100, len(good)))),
        "machine": f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}",
    }
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    print(text, end="")
    path = ROOT / "bench" / "results" / "judge.json"
    path.write_text(text, "utf-8")
    print(f"figures: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
