"""Temperatures and the unknown threshold, both from validation photos alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

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


def fit_threshold(known_right: Tensor, unknown: Tensor, unknown_cost: float) -> float:
    """The confidence from which an answer is given rather than "unknown".

    Minimises P(a rightly named known photo is refused) + ``unknown_cost`` * P(an unknown one is
    named), both estimated on validation; the middle of the best gap, so that a new photo has room
    on either side. With no unknown photos the lowest twentieth of the known is refused.
    """
    if not len(known_right):
        return 0.0
    if not len(unknown):
        return float(torch.quantile(known_right.double(), 0.05))
    edges = torch.cat([known_right, unknown]).double().unique()  # sorted
    candidates = torch.cat([edges[:1] - 1e-6, (edges[1:] + edges[:-1]) / 2, edges[-1:] + 1e-6])
    refused = (known_right.double()[:, None] < candidates).double().mean(dim=0)
    named = (unknown.double()[:, None] >= candidates).double().mean(dim=0)
    return float(candidates[(refused + unknown_cost * named).argmin()])
