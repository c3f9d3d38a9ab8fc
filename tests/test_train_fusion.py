"""Fusion rules by hand on two brands; the learned weights; the paired interval."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from train.arms import paired
from train.evidence import Evidence, System
from train.fusion import RULES
from train.learned import fit_weights, folds_of

# Brand a has two products, b has one, c has no net: its gallery answers.
LABELS = ("a/1", "a/2", "b/1", "c/1")
NETS = {"a": ("a/1", "a/2"), "b": ("b/1",)}


def system() -> System:
    place = {label: index for index, label in enumerate(LABELS)}
    made = SimpleNamespace(
        labels=LABELS,
        brand_nets={b: SimpleNamespace(labels=own, temperature=2.0) for b, own in NETS.items()},
        gate=SimpleNamespace(brands=("a", "b", "c")),
        vectors=SimpleNamespace(labels=LABELS),
        base_columns=torch.tensor([0, 1, 2]),
        brand_index=torch.tensor([0, 0, 1, 2]),
        gate_index=torch.tensor([0, 0, 1, 2]),
        columns=lambda labels: torch.tensor([place[label] for label in labels], dtype=torch.int64),
    )
    return cast(System, made)


def evidence(**changed: Any) -> Evidence:
    """One photo of a/1, which its own net tells with odds of 4 to 1 at its temperature."""
    odds = 2 * math.log(4)
    values: dict[str, Any] = {
        "brand_logits": {"a": torch.tensor([[odds, 0.0]]), "b": torch.tensor([[1.0]])},
        "brand_similarity": {"a": torch.tensor([[0.9, 0.1]]), "b": torch.tensor([[0.2]])},
        "base_logits": torch.tensor([[2.0, 1.0, 0.0]]),
        "embedding": torch.ones(1, 1),
        "histogram": torch.ones(1, 1),
        "color": torch.ones(1, 1),
        "gate": torch.tensor([[0.6, 0.3, 0.1]]),
        "embedding_similarity": torch.tensor([[0.8, 0.3, 0.2, 0.1]]),
        "color_similarity": torch.tensor([[0.5, 0.9, 0.2, -1.0]]),
        "histogram_similarity": torch.tensor([[0.5, 0.9, 0.2, -1.0]]),
        "mean_color_similarity": torch.tensor([[0.6, 0.7, 0.3, -1.0]]),
        "outline": torch.ones(1, 2, 1),
        "outline_similarity": torch.tensor([[0.4, 0.3, 0.2, -1.0]]),
        "border_similarity": torch.tensor([[0.1, 0.2, 0.3, 0.4]]),
    }
    return Evidence(**{**values, **changed})


def scores(rule: str, **changed: Any) -> list[float]:
    return [round(x, 4) for x in RULES[rule](evidence(**changed), system(), {})[0].tolist()]


def test_a_brand_of_one_product_wins_by_being_small_in_the_papers_rule_alone() -> None:
    assert scores("max_softmax") == [round(16 / 17, 4), round(1 / 17, 4), 1.0, 0.0]
    assert scores("temperature") == [0.8, 0.2, 1.0, 0.0]
    for rule in RULES.keys() - {
        "max_softmax",
        "temperature",
        "border_1nn",
        "color_1nn",
        "color_mean",
        "learned",
        "learned_no_nets",
    }:
        assert scores(rule).index(max(scores(rule))) == 0, rule


def test_of_equal_borders_the_brand_with_most_of_them_is_named() -> None:
    """By the order of names it would be the first product, and by rounding any."""
    for borders, brand in (((0.8995, 0.9, 0.9002, 0.1), "a"), ((0.8, 0.8, 0.9, 0.3), "b")):
        told = scores("border_1nn", border_similarity=torch.tensor([borders]))
        assert LABELS[told.index(max(told))][0] == brand


def test_the_gate_splits_its_shares_within_brands() -> None:
    assert scores("gate") == [0.48, 0.12, 0.3, 0.1]
    assert scores("gate_m") == [0.48, 0.12, 0.3, 0.0]


def test_energy_is_the_mean_and_not_the_sum_over_a_brands_classes() -> None:
    """Ten products that are all as loud as b's one: no brand is louder than the other."""
    logits = {"a": torch.tensor([[1.0, 1.0]]), "b": torch.tensor([[1.0]])}
    assert scores("energy", brand_logits=logits) == [0.25, 0.25, 0.5, 0.0]
    assert scores("max_logit", brand_logits=logits)[2] == pytest.approx(1 / 3, abs=1e-4)


def test_without_nets_no_net_changes_a_score() -> None:
    weights = {"color": 10.0, "brand_net": 3.0, "gate": 3.0, "embedding": 3.0}
    loud = evidence(brand_logits={"a": torch.tensor([[9.0, 0.0]])}, gate=torch.rand(1, 3))
    of_both = [RULES["learned_no_nets"](of, system(), weights) for of in (evidence(), loud)]
    assert torch.equal(*of_both)
    assert not torch.equal(*[RULES["learned"](of, system(), weights) for of in (evidence(), loud)])


def test_what_was_not_compared_is_not_named() -> None:
    assert scores("color_1nn")[3] == 0.0 and scores("joint")[3] == 0.0


@pytest.mark.parametrize("rule", list(RULES))
def test_scores_are_confidences_also_of_no_photo_and_without_nets(rule: str) -> None:
    found = RULES[rule](evidence(), system(), {})
    assert found.shape == (1, 4) and bool(((found >= 0) & (found <= 1)).all())
    nothing = evidence(
        **{name: value[:0] for name, value in vars(evidence()).items() if isinstance(value, Tensor)}
        | {"brand_logits": {}, "brand_similarity": {}}
    )
    assert RULES[rule](nothing, system(), {}).shape == (0, 4)


def test_learned_is_a_softmax_over_weighted_cues() -> None:
    found = RULES["learned"](evidence(), system(), {"color": 10.0, "gate": 1.0})[0]
    gate = torch.tensor([0.6, 0.6, 0.3, 0.1]).log()
    color = torch.tensor([0.5, 0.9, 0.2, 0.2])
    assert torch.allclose(found, (10 * color + gate).softmax(dim=0), atol=1e-6)


def cues(seed: int, photos: int = 60, products: int = 8) -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(products, (photos,), generator=generator)
    noise = torch.randn(photos, products, generator=generator)
    useful = torch.randn(photos, products, generator=generator)
    useful[torch.arange(photos), truth] += 2.0
    return {"useful": useful, "noise": noise, "constant": torch.ones(photos, products)}, truth


def test_the_fit_finds_the_maximum_of_the_penalised_likelihood() -> None:
    found, truth = cues(0)
    weights = fit_weights(found, truth)
    assert weights["constant"] == 0.0 and weights["useful"] > 5 * weights["noise"] >= 0

    def likelihood(factor: float) -> float:
        total = sum(factor * weights[name] * found[name].double() for name in found)
        return -float(torch.nn.functional.cross_entropy(cast(Tensor, total), truth))

    assert likelihood(1.0) > likelihood(0.5) and likelihood(1.0) > likelihood(2.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_the_unit_of_a_cue_does_not_matter(seed: int, unit: float) -> None:
    found, truth = cues(seed, photos=20)
    plain = fit_weights(found, truth)
    scaled = fit_weights({**found, "useful": found["useful"] * unit}, truth)
    assert scaled["useful"] * unit == pytest.approx(
        plain["useful"], rel=1e-2, abs=1e-3 * unit + 1e-3
    )
    assert fit_weights(found, truth) == plain


def test_a_cue_that_speaks_against_itself_gets_no_weight() -> None:
    found, truth = cues(1)
    assert fit_weights({"wrong": -found["useful"], "noise": found["noise"]}, truth)["wrong"] == 0.0


def test_more_photos_than_memory_should_hold_are_thinned_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, truth = cues(7)
    third = {name: cue[::3] for name, cue in found.items()}
    wanted = fit_weights(third, truth[::3])
    monkeypatch.setattr("train.learned.MOST", 60 * 8 // 3)
    assert fit_weights(found, truth) != wanted  # sixty photos are few
    monkeypatch.setattr("train.learned.FEWEST", 20)
    assert fit_weights(found, truth) == wanted
    monkeypatch.setattr("train.learned.MOST", 60 * 8)
    assert fit_weights(found, truth) != wanted


def test_without_validation_photos_colours_decide() -> None:
    found, truth = cues(1)
    none = found["noise"][:0]
    weights = fit_weights({"mean_color": none, "color": none, "joint": none}, truth[:0])
    assert weights["mean_color"] > weights["color"] > weights["joint"] == 0.0


def test_no_product_is_in_two_folds() -> None:
    label = list("515912347")
    fold = folds_of(label).tolist()
    assert len(set(zip(label, fold, strict=True))) == 7
    assert set(fold) == {0, 1, 2, 3, 4}


def test_the_paired_interval_knows_equal_arms_and_a_clear_winner() -> None:
    truth = torch.arange(40) % 20
    right = torch.nn.functional.one_hot(truth, 20).float()
    wrong = right.roll(1, dims=1)
    assert paired(right, right, truth) == {"difference": 0.0, "low": 0.0, "high": 0.0}
    assert paired(right, wrong, truth) == {"difference": 1.0, "low": 1.0, "high": 1.0}
    half = torch.where((torch.arange(40) < 20)[:, None], right, wrong)
    found = paired(right, half, truth)
    assert (
        found["difference"] == 0.5 and found["low"] == found["high"] == 0.5
    )  # one of each product
    mixed = torch.where((truth < 10)[:, None], right, wrong)
    found = paired(right, mixed, truth)
    assert found["low"] < 0.5 < found["high"] and found["low"] > 0.2
