"""The `evaluate` stage: every arm on the same photos; val chooses, test reports, once.

Writes ``metrics/val.json`` and ``metrics/system.json`` (all arms), ``metrics/answers.jsonl`` (the
chosen arm's answer to each test photo), ``metrics/summary.json`` (what `dvc metrics show` prints) and ``models/system.json`` (the arm, its temperature and the unknown
threshold that `identify` loads).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catalogue.manifest import write_json, write_manifest
from train.calibrate import fit_temperature, fit_threshold
from train.data import Pack, load_pack, select
from train.evidence import Evidence, System, gather, load_system
from train.fusion import CANDIDATES, FITTED, RULES
from train.metrics import auroc, expected_calibration_error, fpr_at_95, retrieval, top_k
from train.records import Answer
from train.seed import make_deterministic

log = logging.getLogger(__name__)
DECIMALS = 4


@dataclass(frozen=True)
class Photos:
    """Photos of one split with what the models say of them; ``truth`` (N,) is -1 for unknown."""

    evidence: Evidence
    truth: Tensor
    photo_id: tuple[str, ...]
    view_seen: (
        Tensor  # (N,) int64: 1 a view that the product's training photos show, 0 not, -1 not known
    )


@dataclass(frozen=True)
class Measured:
    """One split: photos of known products and of products no net has seen."""

    known: Photos
    unknown: Photos


def evaluate(
    brands: list[str], packs: Path, models: Path, metrics: Path, unknown_cost: float
) -> dict[str, Any]:
    """Measure every arm and write the four files; return the summary.

    Raises:
        CatalogueError: a pack or a model cannot be read.
    """
    make_deterministic()
    system = load_system(models, brands)
    known = [load_pack(packs / brand) for brand in brands]
    unknown = load_pack(packs / "_unknown")
    val = Measured(*(_measure(system, kind, "val") for kind in (known, [unknown])))
    test = Measured(*(_measure(system, kind, "test") for kind in (known, [unknown])))

    temperatures = {name: _fit(name, val.known, system) for name in FITTED}
    val_arms = {name: _arm(name, val, system, temperatures) for name in RULES}
    default = max(CANDIDATES, key=lambda name: val_arms[name]["top1"] or 0.0)  # the first of equals
    scores = RULES[default](val.known.evidence, system, temperatures.get(default, 1.0))
    confidence, answer = scores.max(dim=1)
    strange = RULES[default](val.unknown.evidence, system, temperatures.get(default, 1.0))
    right = confidence[answer == val.known.truth]
    threshold = fit_threshold(
        right, strange.amax(dim=1) if len(strange) else right[:0], unknown_cost
    )

    test_arms = {name: _arm(name, test, system, temperatures) for name in RULES}
    counts = {
        "brands": len(brands),
        "brand_nets": len(system.brand_nets),
        "products": len(system.labels),
        "base_lacks_brands": sorted(
            set(brands) - {label.partition("/")[0] for label in system.base_description.labels}
        ),
        "val": {"known": len(val.known.truth), "unknown": len(val.unknown.truth)},
        "test": {"known": len(test.known.truth), "unknown": len(test.unknown.truth)},
        # products of too few photos for a test photo train and are answered, and measure nothing
        "products_tested": len(set(test.known.truth.tolist())),
        "test_views": {
            name: int((test.known.view_seen == code).sum())
            for name, code in (("seen", 1), ("unseen", 0), ("not_told", -1))
        },
    }
    write_json(metrics / "val.json", {"default": default, "arms": val_arms, "counts": counts})
    report = {
        "default": default,
        "threshold": round(threshold, 6),
        "arms": test_arms,
        "similar": _similar(system, unknown),
        "at_threshold": _at_threshold(default, test, system, temperatures, threshold),
        "per_brand": _per_brand(default, test.known, system, temperatures),
        "counts": counts,
    }
    write_json(metrics / "system.json", report)
    write_manifest(
        metrics / "answers.jsonl", _answers(default, test, unknown, system, temperatures)
    )
    summary = {
        "default": default,
        **{key: test_arms[default][key] for key in ("top1", "top5", "brand_top1", "unknown_auroc")},
        "within_brand_top1": test_arms[default]["within_brand_top1"],
        "arms_top1": {name: test_arms[name]["top1"] for name in RULES},
    }
    write_json(metrics / "summary.json", summary)
    write_json(
        models / "system.json",
        {
            "arm": default,
            "temperature": temperatures.get(default, 1.0),
            "threshold": round(threshold, 6),
            "brands": brands,
        },
    )
    return summary


def _measure(system: System, packs: list[Pack], split: str) -> Photos:
    parts = [select(pack, pack.rows(split)) for pack in packs]
    place = {label: index for index, label in enumerate(system.labels)}
    truth = [place.get(part.labels[int(index)], -1) for part in parts for index in part.label_index]
    side = system.size
    pixels = torch.cat(
        [torch.zeros(0, 3, side, side, dtype=torch.uint8), *(p.pixels for p in parts)]
    )
    return Photos(
        evidence=gather(system, pixels),
        truth=torch.tensor(truth, dtype=torch.int64),
        photo_id=tuple(photo_id for part in parts for photo_id in part.photo_id),
        view_seen=torch.tensor(
            [seen for pack in packs for seen in _views_seen(pack, split)], dtype=torch.int64
        ),
    )


def _views_seen(pack: Pack, split: str) -> list[int]:
    """Of each photo of ``split``, whether its product was trained on in its view; -1: no view told."""
    trained = {(int(pack.label_index[row]), pack.view[row]) for row in pack.rows("train").tolist()}
    return [
        -1
        if pack.view[row] is None
        else int((int(pack.label_index[row]), pack.view[row]) in trained)
        for row in pack.rows(split).tolist()
    ]


def _fit(name: str, known: Photos, system: System) -> float:
    """The temperature of a rule on val; its scores at temperature 1 are softmaxes, so log is back."""
    scores = RULES[name](known.evidence, system, 1.0)
    in_reach = (
        scores.gather(1, known.truth[:, None]).squeeze(1) > 0 if len(scores) else known.truth > 0
    )
    logits = scores[in_reach].double().clamp_min(1e-300).log()
    low = 0.002 if name.endswith("nn") else 0.25
    return round(fit_temperature(logits, known.truth[in_reach], low=low, high=4.0), 6)


def _arm(
    name: str, measured: Measured, system: System, temperatures: dict[str, float]
) -> dict[str, float | None]:
    """All figures of one arm on one split."""
    known, temperature = measured.known, temperatures.get(name, 1.0)
    scores = RULES[name](known.evidence, system, temperature)
    strange = RULES[name](measured.unknown.evidence, system, temperature)
    confidence, answer = scores.max(dim=1)
    brand = _brand_index(system)
    own_brand = brand[None, :] == brand[known.truth][:, None]  # (N, P)
    figures = {
        "top1": top_k(scores, known.truth, 1),
        "top5": top_k(scores, known.truth, 5),
        "brand_top1": float((brand[answer] == brand[known.truth]).float().mean())
        if len(answer)
        else 0.0,
        "within_brand_top1": top_k(scores.where(own_brand, -1.0), known.truth, 1),
        "ece": expected_calibration_error(confidence, answer == known.truth),
        "unknown_auroc": auroc(confidence, strange.amax(dim=1)),
        "unknown_fpr95": fpr_at_95(confidence, strange.amax(dim=1)),
        "top1_seen_view": _top1_of(scores, known, 1),
        "top1_unseen_view": _top1_of(scores, known, 0),
    }
    return {
        key: None if value is None else round(value, DECIMALS) for key, value in figures.items()
    }


def _top1_of(scores: Tensor, known: Photos, seen: int) -> float | None:
    rows = torch.nonzero(known.view_seen == seen).squeeze(1)
    return top_k(scores[rows], known.truth[rows], 1) if len(rows) else None


def _at_threshold(
    name: str, test: Measured, system: System, temperatures: dict[str, float], threshold: float
) -> dict[str, float]:
    """What a person meets: shares of all known, and of all unknown, test photos."""
    temperature = temperatures.get(name, 1.0)
    confidence, answer = RULES[name](test.known.evidence, system, temperature).max(dim=1)
    strange = RULES[name](test.unknown.evidence, system, temperature).amax(dim=1)
    right, said = answer == test.known.truth, confidence >= threshold
    shares = {
        "known_named_right": (right & said).float().mean(),
        "known_named_wrong": (~right & said).float().mean(),
        "known_called_unknown": (~said).float().mean(),
        "unknown_called_unknown": (strange < threshold).float().mean(),
    }
    return {key: round(float(value.nan_to_num(0.0)), DECIMALS) for key, value in shares.items()}


def _answers(
    name: str, test: Measured, unknown: Pack, system: System, temperatures: dict[str, float]
) -> list[Answer]:
    rows = unknown.rows("test").tolist()
    truths = [
        *((system.labels[int(index)], True) for index in test.known.truth),
        *((unknown.labels[int(unknown.label_index[row])], False) for row in rows),
    ]
    found: list[tuple[float, int]] = []
    for photos in (test.known, test.unknown):
        scores = RULES[name](photos.evidence, system, temperatures.get(name, 1.0))
        confidence, answer = scores.max(dim=1)
        found += zip(confidence.tolist(), answer.tolist(), strict=True)
    photo_ids = (*test.known.photo_id, *test.unknown.photo_id)
    return [
        Answer(photo_id, truth, is_known, system.labels[answer], round(confidence, DECIMALS))
        for photo_id, (truth, is_known), (confidence, answer) in zip(
            photo_ids, truths, found, strict=True
        )
    ]


def _per_brand(
    name: str, known: Photos, system: System, temperatures: dict[str, float]
) -> dict[str, dict[str, float]]:
    scores = RULES[name](known.evidence, system, temperatures.get(name, 1.0))
    brand = [label.partition("/")[0] for label in system.labels]
    truth_brand = [brand[int(index)] for index in known.truth]
    table = {}
    for slug in sorted(set(truth_brand)):
        rows = torch.tensor([i for i, own in enumerate(truth_brand) if own == slug])
        own_columns = torch.tensor([own == slug for own in brand])
        part, truth = scores[rows], known.truth[rows]
        table[slug] = {
            "photos": len(rows),
            "top1": round(top_k(part, truth, 1), DECIMALS),
            "within_brand_top1": round(top_k(part.where(own_columns, -1.0), truth, 1), DECIMALS),
        }
    return table


def _brand_index(system: System) -> Tensor:
    brands = [label.partition("/")[0] for label in system.labels]
    place = {brand: index for index, brand in enumerate(sorted(set(brands)))}
    return torch.tensor([place[brand] for brand in brands], dtype=torch.int64)


def _similar(system: System, unknown: Pack) -> dict[str, float | int | None]:
    """Similar shoes on test products the embedding never trained on, the training gallery among them."""
    rows = unknown.rows("test")
    own = gather(system, unknown.pixels[rows]).embedding
    gallery = torch.cat([own, system.vectors.embedding])
    offset = len(unknown.labels)
    labels = torch.cat([unknown.label_index[rows], system.vectors.label_index + offset])
    found = retrieval(own, unknown.label_index[rows], gallery, labels, torch.arange(len(own)))
    return {key: None if value is None else round(value, DECIMALS) for key, value in found.items()}
