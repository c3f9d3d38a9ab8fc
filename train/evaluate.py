"""The `evaluate` stage: every arm on the same photos; val chooses, test reports, once.

Writes ``metrics/val.json`` and ``metrics/system.json`` (all arms), ``metrics/answers.jsonl`` (the
chosen arm's answer to each test photo), ``metrics/summary.json`` (what `dvc metrics show` prints) and
``models/system.json`` (the arm, what was fitted for it and the unknown threshold that `identify`
loads). Validation sees the models that never saw val photos, test those that answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catalogue.manifest import write_json, write_manifest
from train.arms import DECIMALS, Measured, Photos, Scores, at_threshold, figures, paired, per_brand
from train.calibrate import fit_temperature, fit_threshold
from train.confidence import fit_confidence, with_confidence
from train.data import Pack, load_pack, select
from train.evidence import System, gather, load_system
from train.fusion import CANDIDATES, RULES, TEMPERED, Fitted, cues, known_similarity
from train.learned import FOLDS, fit_weights, folds_of
from train.metrics import retrieval
from train.records import Answer
from train.seed import make_deterministic
from train.shelf import sha256_of
from train.twins import WHOLE, WITHOUT_VAL, file_of


def evaluate(
    brands: list[str], packs: Path, models: Path, metrics: Path, unknown_cost: float
) -> dict[str, Any]:
    """Measure every arm and write the files; return the summary.

    Raises:
        CatalogueError: a pack or a model cannot be read.
    """
    make_deterministic()
    known = [load_pack(packs / brand) for brand in brands]
    unknown = load_pack(packs / "_unknown")

    system = load_system(models, brands, WITHOUT_VAL)
    val = Measured(*(_measure(system, kind, "val") for kind in (known, [unknown])))
    fitted = {name: _fit(name, val.known, system) for name in RULES}
    val_scores = {name: _val_scores(name, val, system, fitted[name]) for name in RULES}
    fitted["learned"] = {**fitted["learned"], **_fit_confidence(val, val_scores["learned"])}
    val_scores["learned"] = _sure(val, val_scores["learned"], fitted["learned"])
    val_arms = {name: figures(val_scores[name], val.known, system) for name in RULES}
    default = max(CANDIDATES, key=lambda name: val_arms[name]["top1"] or 0.0)  # the first of equals
    threshold = _threshold(val_scores[default], val.known.truth, unknown_cost)

    system = load_system(models, brands, WHOLE)
    test = Measured(*(_measure(system, kind, "test") for kind in (known, [unknown])))
    scores = {name: _scores(name, test, system, fitted[name]) for name in RULES}
    arms = {name: figures(scores[name], test.known, system) for name in RULES}
    best, truth = scores[default], test.known.truth
    counts = {
        "brands": len(brands),
        "brand_nets": len(system.brand_nets),
        "products": len(system.labels),
        "base_lacks_brands": sorted(
            set(brands) - {label.partition("/")[0] for label in system.base_description.labels}
        ),
        "parameters": {
            "base": _parameters([system.base]),
            "brand_nets": _parameters([own.net for own in system.brand_nets.values()]),
        },
        "val": {"known": len(val.known.truth), "unknown": len(val.unknown.truth)},
        "test": {"known": len(truth), "unknown": len(test.unknown.truth)},
        # products of too few photos for a test photo train and are answered, and measure nothing
        "products_tested": len(set(truth.tolist())),
        "test_views": {
            name: int((test.known.view_seen == code).sum())
            for name, code in (("seen", 1), ("unseen", 0), ("not_told", -1))
        },
    }
    write_json(metrics / "val.json", {"default": default, "arms": val_arms, "counts": counts})
    report = {
        "default": default,
        "threshold": round(threshold, 6),
        "arms": arms,
        "fitted": fitted,
        "default_against": {
            name: paired(best.known, scores[name].known, truth) for name in RULES if name != default
        },
        "similar": _similar(system, test.unknown.evidence.embedding, unknown),
        "at_threshold": at_threshold(best, truth, threshold),
        "per_brand": per_brand(best.known, truth, system),
        "counts": counts,
    }
    write_json(metrics / "system.json", report)
    write_manifest(metrics / "answers.jsonl", _answers(best, test, unknown, system))
    summary = {
        "default": default,
        **{key: arms[default][key] for key in ("top1", "top5", "brand_top1", "unknown_auroc")},
        "within_brand_top1": arms[default]["within_brand_top1"],
        "arms_top1": {name: arms[name]["top1"] for name in RULES},
    }
    write_json(metrics / "summary.json", summary)
    chosen = {"arm": default, "fitted": fitted[default], "threshold": round(threshold, 6)}
    hashes = _hashes(models, system)
    write_json(models / "system.json", {**chosen, "brands": brands, "sha256": hashes})
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
    seen_in = ("train", "val") if split == "test" else ("train",)
    trained = {(int(pack.label_index[row]), pack.view[row]) for row in pack.rows(*seen_in).tolist()}
    return [
        -1
        if pack.view[row] is None
        else int((int(pack.label_index[row]), pack.view[row]) in trained)
        for row in pack.rows(split).tolist()
    ]


def _fit(name: str, known: Photos, system: System) -> dict[str, float]:
    """What a rule needs from validation: a temperature, the weights of its cues, or nothing."""
    if name == "learned":
        return fit_weights(cues(known.evidence, system), known.truth)
    if name not in TEMPERED:
        return {}
    # Its scores at temperature 1 are softmaxes, so that their logarithm is logits again.
    scores = RULES[name](known.evidence, system, {})
    in_reach = (
        scores.gather(1, known.truth[:, None]).squeeze(1) > 0 if len(scores) else known.truth > 0
    )
    logits = scores[in_reach].double().clamp_min(1e-300).log()
    low = 0.002 if name.endswith("nn") or name == "feature" else 0.25
    return {
        "temperature": round(fit_temperature(logits, known.truth[in_reach], low=low, high=4.0), 6)
    }


def _scores(name: str, measured: Measured, system: System, fitted: Fitted) -> Scores:
    return Scores(
        known=RULES[name](measured.known.evidence, system, fitted),
        unknown=RULES[name](measured.unknown.evidence, system, fitted),
    )


def _val_scores(name: str, val: Measured, system: System, fitted: Fitted) -> Scores:
    """Scores of val photos; those of `learned` by weights fitted without the photo's product.

    Otherwise the rule with the most to fit would win by having seen the answers.
    """
    scores = _scores(name, val, system, fitted)
    if name != "learned" or not len(val.known.truth):
        return scores
    found, fold = cues(val.known.evidence, system), folds_of(val.known.truth.tolist())
    for held_out in range(FOLDS):
        rest, own = fold != held_out, fold == held_out
        weights = fit_weights(
            {cue: value[rest] for cue, value in found.items()}, val.known.truth[rest]
        )
        scores.known[own] = RULES[name](val.known.evidence, system, weights)[own]
    return scores


def _fit_confidence(val: Measured, scores: Scores) -> dict[str, float]:
    """What makes a confidence of `learned`'s scores on val, each photo by weights that never saw it."""
    colors = [known_similarity(of.evidence.color_similarity) for of in (val.known, val.unknown)]
    is_right = scores.known.argmax(dim=1) == val.known.truth
    return fit_confidence(scores.known, colors[0], is_right, scores.unknown, colors[1])


def _sure(val: Measured, scores: Scores, fitted: Fitted) -> Scores:
    """The scores of `learned` with the confidence that was fitted."""
    known, unknown = (
        with_confidence(own, known_similarity(photos.evidence.color_similarity), fitted)
        for own, photos in ((scores.known, val.known), (scores.unknown, val.unknown))
    )
    return Scores(known=known, unknown=unknown)


def _threshold(scores: Scores, truth: Tensor, unknown_cost: float) -> float:
    confidence, answer = scores.known.max(dim=1)
    right = confidence[answer == truth]
    strange = scores.unknown.amax(dim=1) if len(scores.unknown) else right[:0]
    return fit_threshold(right, strange, unknown_cost)


def _parameters(nets: list[Any]) -> int:
    return sum(parameter.numel() for net in nets for parameter in net.parameters())


def _hashes(models: Path, system: System) -> dict[str, str]:
    """The hashes of the nets that were measured, by brand and `base`: no others may answer."""
    folders = {brand: models / "brands" / brand for brand in system.brand_nets}
    folders["base"] = models / "base"
    return {name: sha256_of(file_of(folder, WHOLE)) for name, folder in sorted(folders.items())}


def _answers(scores: Scores, test: Measured, unknown: Pack, system: System) -> list[Answer]:
    rows = unknown.rows("test").tolist()
    truths = [
        *((system.labels[int(index)], True) for index in test.known.truth),
        *((unknown.labels[int(unknown.label_index[row])], False) for row in rows),
    ]
    found: list[tuple[float, int]] = []
    for part in (scores.known, scores.unknown):
        confidence, answer = part.max(dim=1)
        found += zip(confidence.tolist(), answer.tolist(), strict=True)
    photo_ids = (*test.known.photo_id, *test.unknown.photo_id)
    return [
        Answer(photo_id, truth, is_known, system.labels[answer], round(confidence, DECIMALS))
        for photo_id, (truth, is_known), (confidence, answer) in zip(
            photo_ids, truths, found, strict=True
        )
    ]


def _similar(system: System, own: Tensor, unknown: Pack) -> dict[str, float | int | None]:
    """Similar shoes on test products the embedding never trained on, the gallery's photos among them.

    ``own`` (N, F): the embeddings of the unknown pack's test photos.
    """
    rows = unknown.rows("test")
    gallery = torch.cat([own, system.vectors.embedding])
    offset = len(unknown.labels)
    labels = torch.cat([unknown.label_index[rows], system.vectors.label_index + offset])
    found = retrieval(own, unknown.label_index[rows], gallery, labels, torch.arange(len(own)))
    return {key: None if value is None else round(value, DECIMALS) for key, value in found.items()}
