"""Each metric on inputs small enough to check by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from train.arms import Photos, Scores, figures, per_view
from train.calibrate import fit_temperature, fit_threshold
from train.evidence import Evidence, System
from train.fitted import worth
from train.metrics import (
    auroc,
    ece_by_chance,
    expected_calibration_error,
    fpr_at_95,
    retrieval,
    top_k,
)

SCORES = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.4, 0.2], [0.2, 0.5, 0.3]])


def test_top_k_counts_a_tie_against_us() -> None:
    truth = torch.tensor([0, 1, 0, 1])
    assert top_k(SCORES, truth, 1) == 0.5  # right, wrong, tie, right
    assert top_k(SCORES, truth, 2) == 1.0
    assert top_k(SCORES[:0], truth[:0], 1) == 0.0


def test_a_constant_score_is_never_right() -> None:
    for constant in (0.25, torch.nan):
        assert top_k(torch.full((3, 4), constant), torch.tensor([0, 1, 2]), 1) == 0.0
    assert top_k(torch.full((2, 1), torch.nan), torch.tensor([0, 0]), 5) == 0.0


def test_ece_of_hand_made_bins() -> None:
    # Two photos at 0.9, one of them right: gap 0.4. Two at 0.5, both right: gap 0.5.
    confidence = torch.tensor([0.9, 0.9, 0.5, 0.5])
    is_right = torch.tensor([True, False, True, True])
    assert expected_calibration_error(confidence, is_right) == pytest.approx(0.45)


def test_few_photos_stray_from_a_confidence_that_is_exact() -> None:
    assert ece_by_chance(torch.ones(50)) == 0.0  # always right
    # One photo at 0.5 is 0.5 off, whatever comes; 10,000 are off by 0.8 standard errors of 0.005.
    assert ece_by_chance(torch.tensor([0.5])) == pytest.approx(0.5)
    assert ece_by_chance(torch.full((10_000,), 0.5)) == pytest.approx(0.004, abs=0.001)
    assert ece_by_chance(torch.zeros(0)) == 0.0


def test_auroc_and_fpr_by_hand() -> None:
    known, unknown = torch.tensor([0.9, 0.8, 0.4]), torch.tensor([0.5, 0.4])
    # pairs won: 0.9 > both, 0.8 > both, 0.4 < 0.5 and ties 0.4: (2 + 2 + 0.5) / 6
    assert auroc(known, unknown) == pytest.approx(4.5 / 6)
    assert fpr_at_95(known, unknown) == 1.0  # all three known must pass: threshold 0.4
    assert auroc(known, unknown[:0]) is None and fpr_at_95(known[:0], unknown) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))  # fmt: skip
def test_auroc_turns_round_when_the_sides_are_swapped(a: list[float], b: list[float]) -> None:
    known, unknown = torch.tensor(a), torch.tensor(b)
    there, back = auroc(known, unknown), auroc(unknown, known)
    assert there is not None and back is not None
    assert there + back == pytest.approx(1.0)


def test_retrieval_by_hand() -> None:
    gallery = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.7, 0.7]]), dim=1
    )
    labels = torch.tensor([0, 1, 0, 2])
    # The query is gallery row 0: order by similarity is row 1 (wrong), 3 (wrong), 2 (right, third).
    found = retrieval(gallery[:1], labels[:1], gallery, labels, torch.tensor([0]))
    assert found == {
        "queries": 1,
        "unanswerable": 0,
        "recall_at_1": 0.0,
        "recall_at_5": 1.0,
        "map": pytest.approx(1 / 3),
    }
    # Label 2 has no other photo: left out, and said.
    assert retrieval(gallery[3:], labels[3:], gallery, labels, torch.tensor([3])) == {
        "queries": 0,
        "unanswerable": 1,
        "recall_at_1": None,
        "recall_at_5": None,
        "map": None,
    }


def test_the_temperature_of_overconfident_logits_is_above_one() -> None:
    torch.manual_seed(0)
    truth = torch.randint(0, 4, (400,))
    honest = torch.nn.functional.one_hot(truth, 4) * 1.5 + torch.randn(400, 4)
    calibrated = fit_temperature(honest, truth)
    assert fit_temperature(honest * 5, truth) == pytest.approx(5 * calibrated, rel=1e-3)
    assert fit_temperature(honest[:0], truth[:0]) == 1.0


def test_the_threshold_lies_in_the_gap() -> None:
    known, unknown = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([0.3, 0.1])
    right = torch.ones(3, dtype=torch.bool)
    assert 0.4 < fit_threshold(known, right, unknown, 1.0) < 0.6
    assert fit_threshold(known, right, unknown, 0.0) < 0.1  # naming an unknown one costs nothing
    assert fit_threshold(known, ~right, unknown, 1.0) == 0.0
    assert 0.7 < fit_threshold(known, right, unknown[:0], 1.0) < 0.8


def test_one_strange_photo_does_not_move_the_threshold_far() -> None:
    """Its best step would be above the stranger, at .8, for the one known photo below it."""
    known = torch.linspace(0.4, 0.95, 30)
    right, unknown = torch.ones(30, dtype=torch.bool), torch.linspace(0.05, 0.45, 12)
    usual = fit_threshold(known, right, unknown, 1.0)
    moved = fit_threshold(known, right, torch.cat([unknown, torch.tensor([0.8])]), 1.0)
    assert 0.3 < usual < 0.6 and abs(moved - usual) < 0.1


def test_an_arm_that_is_mostly_wrong_refuses_more() -> None:
    """Few right answers are lost by refusing, as many strangers are named."""
    generator = torch.Generator().manual_seed(0)
    known, unknown = torch.randn(200, generator=generator), torch.randn(200, generator=generator)
    known, unknown = (known + 1).sigmoid(), unknown.sigmoid()
    every, few = torch.ones(200, dtype=torch.bool), torch.arange(200) % 5 == 0
    usual = fit_threshold(known, every, unknown, 1.0)
    assert fit_threshold(known, few, unknown, 1.0) > usual + 0.2


def test_an_arm_that_names_strangers_is_worth_less() -> None:
    """Of four known photos three are named right, and the threshold lies below them all."""
    truth = torch.tensor([0, 1, 0, 1])
    known = torch.tensor([[0.9, 0.1], [0.05, 0.95], [0.9, 0.1], [0.9, 0.1]])
    strangers = torch.tensor([[0.1, 0.05], [0.1, 0.0]])
    assert worth(Scores(known, strangers), truth, 1.0) == pytest.approx(0.75)
    half = Scores(known, torch.tensor([[0.1, 0.05], [0.999, 0.001]]))
    assert worth(half, truth, 1.0) == pytest.approx(0.75 - 0.5)
    assert worth(half, truth, 0.0) == pytest.approx(0.75)
    without = Scores(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]]), known[:0])
    assert worth(without, truth, 1.0) == pytest.approx(0.5)  # the lowest right one is refused
    assert worth(Scores(known[:0], known), truth[:0], 1.0) == 0.0


def test_figures_are_also_given_for_views_seen_in_training_and_for_others() -> None:
    system = cast(
        System, SimpleNamespace(brand_index=torch.tensor([0, 0, 1, 1]), brands=("a", "b"))
    )
    known = torch.tensor(
        [[0.9, 0.1, 0, 0], [0.6, 0.3, 0.1, 0], [0.2, 0.1, 0.3, 0.4], [0.1, 0, 0.8, 0.1]]
    )
    truth, seen = torch.tensor([0, 1, 2, 2]), torch.tensor([1, 0, 0, -1])

    def photos(rows: Tensor) -> Photos:
        views = ("sole", "sole", "side", None)
        told = tuple(view for view, own in zip(views, rows.tolist(), strict=True) if own)
        return Photos(cast(Evidence, None), truth[rows], (), (), told, seen[rows])

    every = torch.ones(4, dtype=torch.bool)
    found = figures(Scores(known, known[:0]), photos(every), system)
    assert (found["top1"], found["top1_seen_view"], found["top1_unseen_view"]) == (0.5, 1.0, 0.0)
    assert (found["brand_top1"], found["brand_top1_unseen_view"]) == (1.0, 1.0)
    own = ("top1", "top5", "top1_macro", "brand_top1", "within_brand_top1", "ece")
    for name, code in (("seen", 1), ("unseen", 0)):
        alone = figures(Scores(known[seen == code], known[:0]), photos(seen == code), system)
        assert [found[f"{key}_{name}_view"] for key in own] == [alone[key] for key in own]
    assert per_view(known, photos(every)) == {
        "side": {"unseen": {"photos": 1, "top1": 0.0}},
        "sole": {"seen": {"photos": 1, "top1": 1.0}, "unseen": {"photos": 1, "top1": 0.0}},
    }
    nowhere = figures(Scores(known[3:], known[:0]), photos(seen == -1), system)
    assert {nowhere[f"{key}_{name}_view"] for key in own for name in ("seen", "unseen")} == {None}
