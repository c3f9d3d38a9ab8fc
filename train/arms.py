"""The figures of one arm on one split: pure functions of scores and truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from train.evidence import Evidence, System
from train.gallery import best_per_label
from train.metrics import auroc, expected_calibration_error, fpr_at_95, is_among, top_k
from train.seed import generator

DECIMALS = 4
RESAMPLES = 10_000  # of products, for the paired interval
_AT_ONCE = 500  # resamples in memory


@dataclass(frozen=True)
class Photos:
    """Photos of one split with what the models say of them; ``truth`` (N,) is -1 for unknown."""

    evidence: Evidence
    truth: Tensor
    label: tuple[str, ...]  # BRAND/PRODUCT, of unknown ones too
    photo_id: tuple[str, ...]
    view: tuple[str | None, ...]  # as the shop tells it
    # (N,) int64: 1 a view that the product's training photos show, 0 not, -1 not known
    view_seen: Tensor


@dataclass(frozen=True)
class Measured:
    """One split: photos of known products and of products no net has seen."""

    known: Photos
    unknown: Photos


@dataclass(frozen=True)
class Scores:
    """An arm's scores of one split's known and unknown photos, (N, P) each."""

    known: Tensor
    unknown: Tensor


def figures(scores: Scores, known: Photos, system: System) -> dict[str, float | None]:
    """All figures of one arm on one split.

    Those of known photos are also given for the photos whose view the product's training photos show
    (``top1_seen_view``), and for those of other views (``top1_unseen_view``). None where there is no photo.
    """
    confidence = scores.known.amax(dim=1)
    strange = scores.unknown.amax(dim=1)
    found: dict[str, float | None] = {
        **_of_known(scores.known, known.truth, system),
        "unknown_auroc": auroc(confidence, strange),
        "unknown_fpr95": fpr_at_95(confidence, strange),
    }
    for name, code in (("seen", 1), ("unseen", 0)):
        rows = known.view_seen == code
        own = _of_known(scores.known[rows], known.truth[rows], system)
        found |= {f"{key}_{name}_view": value for key, value in own.items()}
    return {key: None if value is None else round(value, DECIMALS) for key, value in found.items()}


_OF_KNOWN = ("top1", "top5", "top1_macro", "brand_top1", "within_brand_top1", "ece")


def _of_known(scores: Tensor, truth: Tensor, system: System) -> dict[str, float | None]:
    """The figures that known photos alone decide; ``scores`` (N, P), ``truth`` (N,)."""
    if not len(truth):
        return dict.fromkeys(_OF_KNOWN)
    brand = system.brand_index
    confidence = scores.amax(dim=1)
    of_brand = best_per_label(scores, brand, len(system.brands))
    is_right, is_brand_right = is_among(scores, truth, 1), is_among(of_brand, brand[truth], 1)
    return {
        "top1": top_k(scores, truth, 1),
        "top5": top_k(scores, truth, 5),
        "top1_macro": _macro(is_right, brand[truth]),
        "brand_top1": float(is_brand_right.float().mean()),
        "within_brand_top1": top_k(within_brand(scores, truth, system), truth, 1),
        "ece": expected_calibration_error(confidence, is_right),
    }


def within_brand(scores: Tensor, truth: Tensor, system: System) -> Tensor:
    """``scores`` (N, P) of the products of each photo's own brand, -1 of all others: the brand is given."""
    brand = system.brand_index
    return scores.where(brand[None, :] == brand[truth][:, None], -1.0)


def _macro(is_right: Tensor, brand: Tensor) -> float:
    """The mean of the brands' own top-1, so that a large brand counts as much as a small one."""
    own = [float(is_right[brand == one].float().mean()) for one in brand.unique()]
    return sum(own) / len(own)


def paired(own: Tensor, rival: Tensor, truth: Tensor) -> dict[str, float | None]:
    """How much higher ``own``'s top-1 is than ``rival``'s, with a 95 % interval over products."""
    return paired_gain(is_among(own, truth, 1), is_among(rival, truth, 1), truth)


def paired_gain(own: Tensor, rival: Tensor, product: Tensor) -> dict[str, float | None]:
    """The mean of ``own`` minus that of ``rival``, (N,) bool each, with a 95 % interval; None for no photos.

    A paired bootstrap over products: photos of one product are right or wrong together, so products
    are drawn with replacement, the same for both.
    """
    if not len(product):
        return dict.fromkeys(("difference", "low", "high"))
    gain = own.double() - rival.double()
    products, place = product.unique(return_inverse=True)
    sums = torch.zeros(len(products), dtype=torch.float64).index_add_(0, place, gain)
    counts = torch.bincount(place).double()
    randomness, resampled = generator("paired"), list[Tensor]()
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = torch.randint(len(products), (_AT_ONCE, len(products)), generator=randomness)
        resampled.append(sums[drawn].sum(dim=1) / counts[drawn].sum(dim=1))
    bounds = torch.tensor([0.025, 0.975], dtype=torch.float64)
    low, high = torch.quantile(torch.cat(resampled), bounds).tolist()
    return {
        "difference": round(float(gain.mean()), DECIMALS),
        "low": round(low, DECIMALS),
        "high": round(high, DECIMALS),
    }


def at_threshold(scores: Scores, truth: Tensor, threshold: float) -> dict[str, float | None]:
    """What a person meets: shares of all known, and of all unknown, photos; None where there are none."""
    right, said = is_among(scores.known, truth, 1), scores.known.amax(dim=1) >= threshold
    shares = {
        "known_named_right": (right & said).float().mean(),
        "known_named_wrong": (~right & said).float().mean(),
        "known_called_unknown": (~said).float().mean(),
        "unknown_called_unknown": (scores.unknown.amax(dim=1) < threshold).float().mean(),
    }
    return {
        key: None if value.isnan() else round(float(value), DECIMALS)
        for key, value in shares.items()
    }


def per_brand(scores: Tensor, truth: Tensor, system: System) -> dict[str, dict[str, float]]:
    """Photos, top-1 and within-brand top-1 of each brand."""
    is_right = is_among(scores, truth, 1)
    is_right_within = is_among(within_brand(scores, truth, system), truth, 1)
    own, table = system.brand_index[truth], {}
    for number in own.unique().tolist():
        rows = own == number
        table[system.brands[number]] = {
            "photos": int(rows.sum()),
            "top1": round(float(is_right[rows].float().mean()), DECIMALS),
            "within_brand_top1": round(float(is_right_within[rows].float().mean()), DECIMALS),
        }
    return table


def per_view(scores: Tensor, known: Photos) -> dict[str, dict[str, dict[str, float]]]:
    """Photos and top-1 of each view, apart by whether the product's training photos show it too."""
    is_right = is_among(scores, known.truth, 1)
    table: dict[str, dict[str, dict[str, float]]] = {}
    for view in sorted({view for view in known.view if view is not None}):
        is_own = torch.tensor([one == view for one in known.view])
        for name, code in (("seen", 1), ("unseen", 0)):
            rows = is_own & (known.view_seen == code)
            if rows.any():
                share = round(float(is_right[rows].float().mean()), DECIMALS)
                table.setdefault(view, {})[name] = {"photos": int(rows.sum()), "top1": share}
    return table
