"""The learned distance of colours: by hand, and what may not matter to it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from train import whitening
from train.whitening import fit_whitening, sampled


def made(
    seed: int, products: int = 40, photos: int = 5, width: int = 30
) -> tuple[torch.Tensor, torch.Tensor]:
    """Photos whose products differ in ten directions and which vary much more in ten others."""
    draw = torch.Generator().manual_seed(seed)
    label_index = torch.arange(products * photos) // photos
    own = 2 * torch.randn(products, 10, generator=draw)[label_index]
    varying = 5 * torch.randn(len(label_index), 10, generator=draw)
    rest = 0.1 * torch.randn(len(label_index), width - 20, generator=draw)
    return torch.cat([own, varying, rest], dim=1), label_index


def nearest_is_own(features: torch.Tensor, label_index: torch.Tensor) -> float:
    similarity = torch.nn.functional.normalize(features, dim=1) @ torch.nn.functional.normalize(features, dim=1).T  # fmt: skip
    similarity.fill_diagonal_(-2)
    return float((label_index[similarity.argmax(dim=1)] == label_index).float().mean())


def test_directions_that_vary_within_products_count_as_much_less_as_they_vary_more() -> None:
    """Two products at -1 and 1 of the first axis; photos 2 to either side of them on the second.

    Within them 0.02 varies on the first axis, 4 on the second; a third of their mean is added to each.
    """
    rows = [[at + 0.1 * far / 2, far] for at in (-1.0, 1.0) for far in (-2.0, 2.0)]
    found = fit_whitening(torch.tensor(rows), torch.tensor([0, 0, 1, 1]))
    within = torch.tensor(
        [[0.02, 0.4], [0.4, 8.0]], dtype=torch.float64
    )  # two photos, one degree of freedom each
    shrunk = within + whitening.SHRINK * (8.02 / 2) * torch.eye(2)
    metric = found.projection.double() @ found.projection.double().T
    assert torch.allclose(metric, torch.linalg.inv(shrunk), atol=1e-5)
    assert torch.allclose(found.mean, torch.zeros(2), atol=1e-6)


def test_it_holds_for_products_that_it_has_not_seen() -> None:
    features, label_index = made(0)
    seen = label_index < 20
    found = fit_whitening(features[seen], label_index[seen])
    unseen, labels = features[~seen], label_index[~seen]
    assert nearest_is_own(unseen, labels) < 0.6 < 0.8 < nearest_is_own(found(unseen), labels)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from((1, 2, 3)))
def test_names_of_products_do_not_matter_and_results_are_unit_vectors(
    seed: int, photos: int
) -> None:
    features, label_index = made(seed, products=6, photos=photos)
    found = fit_whitening(features, label_index)
    again = fit_whitening(features, 100 - 7 * label_index)
    assert torch.equal(found.projection, again.projection)
    assert torch.allclose(found(features).norm(dim=1), torch.ones(len(features)), atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_few_or_equal_photos_are_no_fault(rows: int) -> None:
    found = fit_whitening(torch.ones(rows, 8), torch.zeros(rows, dtype=torch.int64))
    assert bool(torch.isfinite(found(torch.rand(3, 8))).all())


def test_of_many_photos_whole_products_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    features, label_index = made(1)
    monkeypatch.setattr(whitening, "MOST", 100)
    half = label_index % 2 == 0
    assert torch.equal(sampled(label_index), half)
    monkeypatch.setattr(whitening, "MOST", len(features))
    assert bool(sampled(label_index).all())
