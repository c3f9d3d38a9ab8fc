"""Colours and outlines compared as photos of one product vary: a distance learned from the gallery.

Two photos of a shoe differ in colour, too: one shows the sole, one more of the lining, the light is
warmer. Directions in which photos of a product differ among themselves are made to count less: within-class covariance normalisation (Hatch, Kajarekar & Stolcke 2006, "Within-Class
Covariance Normalization for SVM-based Speaker Recognition") on the leading principal components.
It is learned over all products together, and so holds for those it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

COMPONENTS = 256  # 128 name 1 to 2 in 100 photos of the demo less, 400 no more
SHRINK = 0.3  # of the mean variance, added to each component's; .1 to 1 name as many
MOST = 8192  # photos that it is learned from, of every n-th product where there are more
SEED = 0
ITERATIONS = 2  # of the randomised decomposition (Halko et al. 2009): more change no figure


@dataclass(frozen=True)
class Whitening:
    """``mean`` (D,) and ``projection`` (D, K)."""

    mean: Tensor
    projection: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """(N, D) to (N, K), L2-normalised: cosines of these are similarities, -1..1."""
        return functional.normalize((features - self.mean) @ self.projection, dim=1)


def sampled(label_index: Tensor) -> Tensor:
    """Which photos of the products ``label_index`` (N,) it is learned from, bool (N,): whole products."""
    step = -(-len(label_index) // MOST)
    return label_index % step == 0 if step > 1 else torch.ones_like(label_index, dtype=torch.bool)


def fit_whitening(features: Tensor, label_index: Tensor) -> Whitening:
    """Learn from ``features`` (N, D), e.g. histograms, of the products ``label_index`` (N,).

    Where no product has two photos that differ, nothing says which directions count: all alike.
    """
    count, width = features.shape
    components = min(COMPONENTS, count, width)
    if not components:
        return Whitening(torch.zeros(width), torch.eye(width, 1))
    mean = features.mean(dim=0)
    centred = features - mean
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        _, _, basis = torch.svd_lowrank(centred, q=components, niter=ITERATIONS)
    within = _within((centred @ basis).double(), label_index)
    scale = float(within.diagonal().mean())
    if not scale > 0:
        return Whitening(mean, basis)
    within += SHRINK * scale * torch.eye(components, dtype=torch.float64)
    half = torch.linalg.cholesky(torch.linalg.inv(within))
    return Whitening(mean, (basis.double() @ half).float())


def _within(features: Tensor, label_index: Tensor) -> Tensor:
    """The covariance of (N, K) within the products of ``label_index``, (K, K)."""
    _, label_index = label_index.unique(return_inverse=True)
    counts = label_index.bincount()
    means = torch.zeros(len(counts), features.shape[1], dtype=features.dtype)
    means.index_add_(0, label_index, features)
    away = features - (means / counts[:, None])[label_index]
    return away.T @ away / max(len(features) - len(counts), 1)
