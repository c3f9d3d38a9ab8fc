"""The weights of the `learned` rule: a conditional logit over cues, fitted on validation.

Validation is small, so the model is: one weight a cue, none negative (a cue that speaks against
itself is noise), shrunk towards zero. Newton's method in float64: the loss is convex, the result
does not depend on an optimizer's luck.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

SHRINK = (
    0.002  # L2 penalty on the weights, each cue divided by its standard deviation; .001 to .003 are
)
# best by the cross-fitted likelihood of the val photos of demo and real shops
STEPS = 50
MOST = 2**22  # photos times products that are fitted on, in 1.6 GB
FEWEST = 500  # photos, though: a dozen weights want so many
# Without a photo to fit on, as where each product has one: what three splits of real shops fitted, rounded.
UNFITTED = {"color": 3.0, "color_brand": 2.0, "mean_color": 10.0, "outline_brand": 12.0}
FOLDS = 5  # of products, for scores of validation photos that their own weights have not seen


def fit_weights(cues: Mapping[str, Tensor], truth: Tensor) -> dict[str, float]:
    """The weight of each cue, in the cue's own unit.

    Minimises the mean negative log-likelihood of ``truth`` under softmax(sum of weighted cues)
    (McFadden 1974, "Conditional logit analysis of qualitative choice behavior") plus the penalty.
    Without a photo to fit on they are `UNFITTED`; of more than `MOST` allows, every second, third, … counts, down to `FEWEST`.

    Args:
        cues: name -> (N, P).
        truth: (N,) columns.
    """
    names = list(cues)
    if not len(truth):
        return {name: UNFITTED.get(name, 0.0) for name in names}
    every = min(math.ceil(cues[names[0]].numel() / MOST), max(1, len(truth) // FEWEST))
    truth = truth[::every]
    stacked = torch.stack([cues[name][::every].double() for name in names], dim=2)  # (N, P, K)
    stacked = stacked - stacked.mean(dim=1, keepdim=True)
    scale = stacked.flatten(0, 1).std(dim=0).clamp_min(1e-9)  # (K,)
    stacked = stacked / scale
    active = [k for k in range(len(names)) if float(stacked[:, :, k].abs().max()) > 0]
    weights = _newton(stacked[:, :, active], truth)
    while len(weights) and weights.min() < 0:
        del active[int(weights.argmin())]
        weights = _newton(stacked[:, :, active], truth)
    found = dict.fromkeys(names, 0.0)
    for k, weight in zip(active, weights.tolist(), strict=True):
        found[names[k]] = round(weight / float(scale[k]), 6)
    return found


def _newton(cues: Tensor, truth: Tensor) -> Tensor:
    count, _, width = cues.shape
    if not width:
        return torch.zeros(0, dtype=torch.float64)
    own = cues[torch.arange(count), truth]  # (N, K)
    penalty = SHRINK * torch.eye(width, dtype=torch.float64)
    weights = torch.zeros(width, dtype=torch.float64)

    def loss(at: Tensor) -> Tensor:
        likelihood = (own @ at - (cues @ at).logsumexp(dim=1)).mean()
        return 0.5 * SHRINK * at @ at - likelihood

    for _ in range(STEPS):
        share = (cues @ weights).softmax(dim=1)[:, :, None]  # (N, P, 1)
        mean = (share * cues).sum(dim=1)  # (N, K)
        away = cues - mean[:, None]
        gradient = (mean - own).mean(dim=0) + SHRINK * weights
        hessian = torch.einsum("npk,npl->kl", share * away, away) / count + penalty
        step = torch.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-6 and loss(weights - length * step) > loss(weights):
            length /= 2  # a full step may overshoot where the softmax is nearly certain
        weights = weights - length * step
        if float((length * step).abs().max()) < 1e-9:
            break
    return weights


def folds_of(product: Sequence[str]) -> Tensor:
    """The fold of each photo, (N,): products in turn, so that no product is in two."""
    place = {one: rank % FOLDS for rank, one in enumerate(sorted(set(product)))}
    return torch.tensor([place[one] for one in product], dtype=torch.int64)
