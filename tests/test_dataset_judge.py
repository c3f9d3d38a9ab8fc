"""Measures and the rules on them: print, blur and collages are odd, shoes are not; nothing is rejected on suspicion."""

from __future__ import annotations

import hashlib
from random import Random

import numpy as np
import pytest
from conftest import draw_shoe
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from bench.dataset.planted import blurred, collage, enlarged, saved, size_chart, text_card
from dataset.components import find_marks
from dataset.judge import Evidence, Judgement, judge
from dataset.picture import Facts, examine


def judged(image: Image.Image) -> Judgement | None:
    content = saved(image)
    facts = examine(hashlib.sha256(content).hexdigest(), content, 95).facts
    return judge(Evidence(facts, products=1, min_side_px=120))


def told(image: Image.Image) -> str:
    found = judged(image)
    assert found is None or (found.verdict == "review" and found.score is not None)
    return found.reason.split(":")[0] if found else "keep"


def test_print_is_odd() -> None:
    found = [told(draw(Random(seed))) for draw in (size_chart, text_card) for seed in range(10)]
    assert found.count("mostly text") >= 14 and set(found) <= {"mostly text", "keep"}


@pytest.mark.parametrize("pose", range(4))
def test_a_shoe_is_kept_and_its_blurred_copies_are_odd(pose: int) -> None:
    for ground in ((255, 255, 255), (228, 230, 232), (20, 40, 90)):
        shoe = draw_shoe(pose=pose, size=500, ground=ground)
        assert told(shoe) == "keep"
        assert told(blurred(shoe, 0.01)) == told(enlarged(shoe, 50)) == "blurred"


def test_a_collage_is_odd_and_a_pair_is_not() -> None:
    shoes = [draw_shoe((30 * n, 90, 200 - 20 * n), shape=n, size=300) for n in range(9)]
    assert told(collage(Random(0), shoes)) == "collage"
    pair = Image.new("RGB", (600, 300), (255, 255, 255))
    for number in range(2):
        pair.paste(shoes[number], (300 * number, 0))
    assert told(pair) == "keep"


def test_facts_without_measures_are_judged_by_the_others() -> None:
    assert judge(Evidence(Facts("0" * 64, None, "c", 500, 500, 200.0, 0.05), 1, 120)) is None


def test_one_color_and_a_gradient_are_measured_without_a_fault() -> None:
    flat = judged(Image.new("RGB", (300, 300), (200, 200, 200)))
    assert flat is not None and flat.reason.startswith("blank")
    slope = np.linspace(0, 255, 500)[None, :, None].repeat(600, 0).repeat(3, 2).astype(np.uint8)
    assert told(Image.fromarray(slope)) == "almost no detail"


def logo(ground: str, color: str) -> Image.Image:
    """A cat-like mark and a word, as brands put in place of a missing photo."""
    drawn = Image.new("RGB", (1200, 1400), ground)
    pen = ImageDraw.Draw(drawn)
    pen.polygon(
        [(300, 900), (500, 500), (800, 650), (950, 350), (900, 800), (600, 800)], fill=color
    )
    pen.ellipse((300, 950, 420, 1070), fill=color)
    pen.rectangle((460, 950, 800, 1070), fill=color)
    return drawn.resize((600, 700), Image.Resampling.LANCZOS)


def test_a_logo_is_odd_and_a_screenshot_with_a_shoe_is_not() -> None:
    for ground, color in (("white", "black"), ("#202020", "white"), ("white", "#c00010")):
        assert told(logo(ground, color)) == "placeholder"
    page = Image.new("RGB", (800, 1400), "black")
    page.paste("white", (20, 50, 780, 1350))
    page.paste(draw_shoe(size=300), (150, 300))
    assert told(page) == "keep"


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.integers(0, 2**31), st.floats(0.0, 1.0))
def test_marks_are_those_of_a_flood_fill(height: int, width: int, seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    marks = find_marks(mask)
    found = zip(marks.area, marks.top, marks.bottom, marks.left, marks.right, strict=True)
    assert [tuple(map(int, one)) for one in found] == flooded(mask)


def flooded(mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> list[tuple[int, ...]]:
    """Area, top, bottom, left, right of each mark, by a flood from each unseen pixel in turn."""
    unseen = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    marks = []
    for start in sorted(unseen):
        if start not in unseen:
            continue
        unseen.discard(start)
        mark, edge = [start], [start]
        while edge:
            y, x = edge.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & unseen
            unseen -= near
            mark += near
            edge += near
        rows, columns = [y for y, _ in mark], [x for _, x in mark]
        marks.append((len(mark), min(rows), max(rows) + 1, min(columns), max(columns) + 1))
    return marks
