"""How sure an answer of `learned` may be.

Three things say whether it is right: how far the product is ahead of all others, and whether its photos
have the query's colours at all, by the distance learned from shoes and by plain histograms, which see what no
shoe has as well; an unknown shoe may be well ahead of products that resemble it even less. Their logistic regression on val photos is the confidence (Platt 1999, "Probabilistic outputs for
support vector machines"); a photo of an unknown product has no right answer.

Afterwards the offset is moved so that the mean confidence of known photos is their share of right
answers: how many unknown ones a split holds out says nothing of what people will ask.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SHRINK = 0.005  # L2 penalty on the weights, each measure divided by its standard deviation
STEPS = 30
FURTHEST = 10.0  # log odds; beyond them a lead says no more
# the offset and the weights
NAMES = ("confidence", "confidence_lead", "confidence_color", "confidence_histogram")
Similarities = tuple[Tensor, Tensor]  # (N, P) each: of whitened colours, of plain histograms


def fit_confidence(
    known: Tensor,
    known_color: Similarities,
    is_right: Tensor,
    unknown: Tensor,
    unknown_color: Similarities,
) -> dict[str, float]:
    """The regression's offset and weights by the names of `NAMES`; empty where nothing can be fitted.

    Args:
        known: scores (N, P) of photos of known products, rows sum to 1.
        known_color: colour similarities of the same.
        is_right: bool (N,).
        unknown: scores (M, P) of photos of unknown products, ``unknown_color`` as above.
    """
    measured = _measures(known, known_color)
    together = torch.cat([measured, _measures(unknown, unknown_color)])  # (N + M, 3)
    right = torch.cat([is_right, torch.zeros(len(unknown), dtype=torch.bool)]).double()
    if not len(known) or right.min() == right.max():
        return {}
    mean, scale = together.mean(dim=0), together.std(dim=0).clamp_min(1e-9)
    weights = _logistic((together - mean) / scale, right)[1:] / scale
    offset = _calibrated(measured @ weights, (float(is_right.sum()) + 0.5) / (len(known) + 1))
    values = (offset, *weights.tolist())
    return {name: round(value, 6) for name, value in zip(NAMES, values, strict=True)}


def with_confidence(scores: Tensor, color: Similarities, fitted: Mapping[str, float]) -> Tensor:
    """``scores`` (N, P), each row's highest made the confidence that `fit_confidence` fitted.

    What it loses goes to no product, what it gains is taken from the others: their order stays.
    """
    if NAMES[0] not in fitted or not scores.numel():
        return scores
    weights = torch.tensor([fitted[name] for name in NAMES[1:]], dtype=torch.float64)
    sure = (_measures(scores, color) @ weights + fitted[NAMES[0]]).sigmoid().float()[:, None]
    most, answer = scores.max(dim=1, keepdim=True)
    fewer = sure / most
    more = (1 - sure) / (1 - most).clamp_min(1e-9)
    return (scores * torch.minimum(fewer, more)).scatter(1, answer, sure)


def _measures(scores: Tensor, color: Similarities) -> Tensor:
    """The log odds of each row's answer and the colour similarities at it, float64 (N, 3)."""
    if not len(scores):
        return torch.zeros(0, 3, dtype=torch.float64)
    most, answer = scores.double().max(dim=1)
    lead = most.logit(eps=1e-9).clamp(-FURTHEST, FURTHEST)
    at_answer = (of.double().gather(1, answer[:, None])[:, 0] for of in color)
    return torch.stack([lead, *at_answer], dim=1)


def _logistic(measures: Tensor, truth: Tensor) -> Tensor:
    """Offset and weights of a logistic regression, by Newton's method."""
    design = torch.cat([torch.ones(len(measures), 1, dtype=torch.float64), measures], dim=1)
    penalty = SHRINK * torch.eye(design.shape[1], dtype=torch.float64)
    penalty[0, 0] = 1e-9
    weights = torch.zeros(design.shape[1], dtype=torch.float64)
    for _ in range(STEPS):
        share = (design @ weights).sigmoid()
        gradient = design.T @ (share - truth) / len(truth) + penalty @ weights
        curvature = (design * (share * (1 - share))[:, None]).T @ design / len(truth) + penalty
        weights = weights - torch.linalg.solve(curvature, gradient)
    return weights


def _calibrated(lead: Tensor, share_right: float) -> float:
    """The offset with which the mean confidence is ``share_right``, by bisection."""
    low, high = -100.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        if float((lead + middle).sigmoid().mean()) < share_right:
            low = middle
        else:
            high = middle
    return (low + high) / 2
