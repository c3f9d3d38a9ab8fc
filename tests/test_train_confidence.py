"""The confidence of `learned`: what it fits, what it leaves alone."""

from collections.abc import Mapping
from typing import cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import train.fitted
from train.arms import Measured, Photos, Scores
from train.confidence import NAMES, fit_confidence, with_confidence
from train.evidence import Evidence, System

COLORS = (torch.full((1, 3), 0.5),) * 2


def photos(count: int, lead: float, color: float) -> tuple[torch.Tensor, torch.Tensor]:
    """``count`` photos whose first product is ``lead`` log odds ahead, at a colour similarity."""
    first = torch.sigmoid(torch.tensor(lead))
    scores = torch.stack([first, (1 - first) * 0.7, (1 - first) * 0.3]).expand(count, 3)
    return scores, torch.tensor([color, 0.1, 0.1]).expand(count, 3)


def test_an_answer_whose_colours_are_not_those_of_the_photo_is_less_sure() -> None:
    scores, color = photos(40, 1.0, 0.9)
    strange, strange_color = photos(20, 1.0, 0.3)
    is_right = torch.arange(40) % 10 > 0
    fitted = fit_confidence(scores, (color,) * 2, is_right, strange, (strange_color,) * 2)
    near, far = (
        with_confidence(scores[:1], (of[:1],) * 2, fitted) for of in (color, strange_color)
    )
    assert float(near.max()) > 0.85 > 0.5 > float(far.max())


def test_the_mean_confidence_of_known_photos_is_their_share_of_right_answers() -> None:
    parts = [photos(30, lead, color) for lead, color in ((0.2, 0.6), (2.0, 0.9), (4.0, 0.8))]
    scores, color = (torch.cat(of) for of in zip(*parts, strict=True))
    is_right = torch.arange(90) % 3 < torch.tensor([1, 2, 3]).repeat_interleave(30)
    strange, far = photos(25, 0.2, 0.3)
    fitted = fit_confidence(scores, (color,) * 2, is_right, strange, (far,) * 2)
    sure = with_confidence(scores, (color,) * 2, fitted).amax(dim=1)
    assert abs(float(sure.mean()) - 60.5 / 91) < 1e-3


def test_nothing_is_fitted_where_there_is_nothing_to_tell_apart() -> None:
    scores, color = photos(3, 1.0, 0.5)
    every = torch.ones(3, dtype=torch.bool)
    assert fit_confidence(scores, (color,) * 2, every, scores[:0], (color[:0],) * 2) == {}
    assert fit_confidence(scores[:0], (color[:0],) * 2, every[:0], scores, (color,) * 2) == {}
    assert torch.equal(with_confidence(scores, (color,) * 2, {}), scores)


def test_a_validation_photo_is_measured_without_its_own_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    known, unknown = torch.rand(30, 10).softmax(dim=1), torch.rand(12, 10).softmax(dim=1)
    colors = {30: (torch.rand(30, 10),) * 2, 12: (torch.rand(12, 10),) * 2}
    monkeypatch.setattr(train.fitted, "color_similarities", lambda evidence: colors[evidence])
    labels = tuple(f"나이키/{row % 10}" for row in range(30))

    def sure(truth: torch.Tensor) -> Scores:
        def photos(count: int, truth: torch.Tensor, label: tuple[str, ...]) -> Photos:
            return Photos(cast(Evidence, count), truth, label, (), (), truth)

        strange = tuple(f"unknown/{row % 4}" for row in range(12))
        val = Measured(photos(30, truth, labels), photos(12, torch.full((12,), -1), strange))
        fitted, found = train.fitted.confidence_of(val, Scores(known, unknown))
        assert set(fitted) == set(NAMES)
        assert torch.equal(found.known.argmax(dim=1), known.argmax(dim=1))
        assert not torch.equal(found.known, known) and not torch.equal(found.unknown, unknown)
        return found

    answer = known.argmax(dim=1)
    truth = torch.where(torch.arange(30) % 3 > 0, answer, (answer + 1) % 10)
    own = torch.tensor([label == labels[4] for label in labels])
    other = torch.where(own, (answer + 1) % 10, truth)  # that product's answers become wrong
    before, after = sure(truth), sure(other)
    assert torch.equal(before.known[own], after.known[own])
    assert not torch.equal(before.known[~own], after.known[~own])


@given(
    st.lists(st.floats(-8, 8), min_size=3, max_size=3),
    st.floats(-5, 5),
    st.floats(0, 5),
    st.floats(0, 5),
)
def test_the_order_of_products_stays_and_no_row_exceeds_one(
    logits: list[float], offset: float, lead: float, color: float
) -> None:
    scores = torch.tensor([logits]).softmax(dim=1)
    fitted = dict(zip(NAMES, (offset, lead, color, color), strict=True))
    found = with_confidence(scores, COLORS, fitted)
    assert float(found.sum()) <= 1 + 1e-5 and float(found.min()) >= 0
    order = scores[0].argsort(descending=True, stable=True)
    assert bool((found[0][order].diff() <= 1e-6).all())


def test_a_validation_photos_scores_are_weighed_without_its_own_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    cues = {name: torch.randn(30, 10) for name in ("color", "outline")}
    labels = tuple(f"나이키/{row % 10}" for row in range(30))

    def rule(evidence: Evidence, system: System, fitted: Mapping[str, float]) -> torch.Tensor:
        rows = cast(int, evidence)
        total = sum(
            (fitted.get(name, 0.0) * cue[:rows] for name, cue in cues.items()),
            torch.zeros(rows, 10),
        )
        return total.softmax(dim=1)

    monkeypatch.setattr(train.fitted, "_cues_of", lambda name, known, system: cues)
    monkeypatch.setitem(train.fitted.RULES, "learned", rule)

    def scores(truth: torch.Tensor) -> torch.Tensor:
        known = Photos(cast(Evidence, 30), truth, labels, (), (), truth)
        unknown = Photos(cast(Evidence, 0), truth[:0], (), (), (), truth[:0])
        system = cast(System, None)
        found = train.fitted.val_scores_of("learned", Measured(known, unknown), system, {})
        return found.known

    answer = cues["color"].argmax(dim=1)
    truth = torch.where(torch.arange(30) % 3 > 0, answer, (answer + 1) % 10)
    own = torch.tensor([label == labels[4] for label in labels])
    before, after = scores(truth), scores(torch.where(own, (answer + 1) % 10, truth))
    assert torch.equal(before[own], after[own])
    assert not torch.equal(before, after)
