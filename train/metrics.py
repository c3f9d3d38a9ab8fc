"""Every measure in ``metrics/*.json``, defined once, as a pure function with its denominator.

Photos are the unit: each counts the same, whatever its brand.
"""

from __future__ import annotations

import torch
from torch import Tensor

from train.seed import generator

CHANCE_DRAWS = 200


def top_k(scores: Tensor, truth: Tensor, k: int) -> float:
    """Share of photos that `is_among` finds; 0.0 for no photos."""
    return float(is_among(scores, truth, k).float().mean()) if len(truth) else 0.0


def is_among(scores: Tensor, truth: Tensor, k: int) -> Tensor:
    """Whether each photo's true product is among its ``k`` highest scores, bool (N,).

    Ties count against us: a product that merely equals the k-th score is not found. So does a score
    that is no number. ``scores`` (N, P), ``truth`` int64 (N,).
    """
    own = scores.gather(1, truth[:, None])  # (N, 1)
    below = (scores < own).sum(dim=1)
    return (below >= scores.shape[1] - k) & ~own[:, 0].isnan()


def expected_calibration_error(confidence: Tensor, is_right: Tensor, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by photos in a bin.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3. Both arguments (N,).
    """
    if not len(confidence):
        return 0.0
    index = (confidence.clamp(0, 1) * bins).long().clamp(max=bins - 1)
    gap = 0.0
    for b in range(bins):
        inside = index == b
        if inside.any():
            bias = confidence[inside].double().mean() - is_right[inside].double().mean()
            gap += float(bias.abs()) * int(inside.sum())
    return gap / len(confidence)


def ece_by_chance(confidence: Tensor) -> float:
    """The error that these confidences (N,) would have on average if each meant exactly what it says.

    Few photos leave few in each bin, and their accuracy strays; what is below this says nothing.
    The mean over `CHANCE_DRAWS` draws of who is right.
    """
    drawn = torch.rand(CHANCE_DRAWS, len(confidence), generator=generator("ece"))
    errors = [expected_calibration_error(confidence, row < confidence) for row in drawn]
    return sum(errors) / len(errors)


def auroc(known: Tensor, unknown: Tensor) -> float | None:
    """Chance that a random known photo scores above a random unknown one; ties count half.

    None where either is empty. Cost: n log n.
    """
    if not len(known) or not len(unknown):
        return None
    ordered = unknown.sort().values
    below = torch.searchsorted(ordered, known, right=False)
    up_to = torch.searchsorted(ordered, known, right=True)
    return float((below + up_to).double().mean() / 2 / len(unknown))


def fpr_at_95(known: Tensor, unknown: Tensor) -> float | None:
    """Share of unknown photos that pass the highest threshold which at least 95 % of known pass."""
    if not len(known) or not len(unknown):
        return None
    ordered = known.sort(descending=True).values
    threshold = ordered[-(-len(known) * 95 // 100) - 1]
    return float((unknown >= threshold).double().mean())


def retrieval(
    queries: Tensor, query_labels: Tensor, gallery: Tensor, gallery_labels: Tensor, own_row: Tensor
) -> dict[str, float | int | None]:
    """recall@1, recall@5 and mAP by cosine similarity.

    The denominator is the queries that have another photo of their own product in the gallery; how
    many were left out is stated. Without any, the figures are None. ``own_row`` (Q,) is the query's own gallery row, never retrieved,
    or -1. Embeddings are L2-normalised, (Q, F) and (G, F). Average precision is over all relevant
    photos: Manning et al. 2008, "Introduction to Information Retrieval", section 8.4.
    """
    similarity = queries @ gallery.T  # (Q, G)
    relevant = query_labels[:, None] == gallery_labels[None]  # (Q, G)
    rows = torch.arange(len(queries))
    has_own = own_row >= 0
    similarity[rows[has_own], own_row[has_own]] = -2.0
    relevant[rows[has_own], own_row[has_own]] = False
    answerable = relevant.any(dim=1)
    order = similarity[answerable].argsort(dim=1, descending=True, stable=True)
    hits = relevant[answerable].gather(1, order).double()  # (Q', G) in order of similarity
    if not len(hits):
        nothing = dict.fromkeys(("recall_at_1", "recall_at_5", "map"))
        return {"queries": 0, "unanswerable": int((~answerable).sum()), **nothing}
    precision = hits.cumsum(dim=1) / torch.arange(1, hits.shape[1] + 1)
    return {
        "queries": len(hits),
        "unanswerable": int((~answerable).sum()),
        "recall_at_1": float(hits[:, 0].mean()),
        "recall_at_5": float((hits[:, :5].sum(dim=1) > 0).double().mean()),
        "map": float(((precision * hits).sum(dim=1) / hits.sum(dim=1)).mean()),
    }
