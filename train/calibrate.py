"""Temperatures and the unknown threshold, both from validation photos alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

SMOOTH = 0.5  # log odds
_THRESHOLDS = torch.arange(-280, 281, dtype=torch.float64) / 20  # log odds
_GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(logits: Tensor, truth: Tensor, low: float = 0.05, high: float = 20.0) -> float:
    """The temperature that minimises the negative log-likelihood of ``truth``, 1.0 for no photos.

    Guo et al. 2017, section 4.2, by golden-section search over log T (the loss has one minimum
    in 1 / T), so that the result does not depend on an optimizer. ``logits`` (N, C), truth (N,).
    """
    if not len(truth) or logits.shape[1] < 2:
        return 1.0

    def loss(log_t: float) -> float:
        return float(functional.cross_entropy(logits.double() / math.exp(log_t), truth))

    a, b = math.log(low), math.log(high)
    for _ in range(60):
        c, d = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        if loss(c) < loss(d):
            b = d
        else:
            a = c
    return math.exp((a + b) / 2)


def fit_threshold(
    confidence: Tensor, is_right: Tensor, unknown: Tensor, unknown_cost: float
) -> float:
    """The confidence from which an answer is given rather than "unknown".

    Maximises P(a known photo is named, and rightly) - ``unknown_cost`` * P(an unknown one is named). Validation
    has few unknown photos, and the best of its steps is a matter of single ones: each photo counts as a logistic
    distribution `SMOOTH` log odds wide. With no unknown photos the lowest twentieth of the rightly named is refused.

    Args:
        confidence: (N,) of known photos; ``is_right`` bool (N,).
        unknown: (M,), confidence of photos of unknown products.
    """
    right = confidence[is_right].double()
    if not len(right):
        return 0.0
    if not len(unknown):
        return float(torch.quantile(right, 0.05))
    right, strange = (of.double().logit(eps=1e-6) / SMOOTH for of in (right, unknown))
    worth = [
        float((right - at).sigmoid().sum()) / len(confidence)
        - unknown_cost * float((strange - at).sigmoid().mean())
        for at in _THRESHOLDS / SMOOTH
    ]
    return float(_THRESHOLDS[max(range(len(worth)), key=worth.__getitem__)].sigmoid())
