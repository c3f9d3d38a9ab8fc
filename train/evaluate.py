"""The `evaluate` stage: every arm on the same photos; val chooses, test reports, once.

Writes ``metrics/val.json`` and ``metrics/system.json`` (all arms), ``metrics/answers.jsonl`` (the
chosen arm's answer to each test photo), ``metrics/summary.json`` (what `dvc metrics show` prints) and
``models/system.json`` (the arm, what was fitted for it and the unknown threshold that `identify`
loads). Validation sees the models that never saw val photos, test those that answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catalogue.errors import CatalogueError
from catalogue.manifest import write_json, write_manifest
from train.arms import (
    DECIMALS,
    Measured,
    Photos,
    Scores,
    at_threshold,
    figures,
    paired,
    per_brand,
    per_view,
    within_brand,
)
from train.data import Pack, load_pack, load_views, select
from train.evidence import SHARED, Evidence, System, gather, load_system
from train.fitted import (
    confidence_of,
    fit_rule,
    scores_of,
    threshold_of,
    val_scores_of,
    worth,
)
from train.fusion import CANDIDATES, RULES, WEIGHTED
from train.metrics import ece_by_chance, is_among, retrieval
from train.records import Answer
from train.seed import make_deterministic
from train.shelf import sha256_of
from train.twins import WHOLE, WITHOUT_VAL, file_of

log = logging.getLogger(__name__)
Viewed = tuple[Pack, tuple[str | None, ...]]  # a pack and the views of its photos


def evaluate(
    brands: list[str], packs: Path, models: Path, metrics: Path, unknown_cost: float
) -> dict[str, Any]:
    """Measure every arm and write the files; return the summary.

    Raises:
        CatalogueError: a pack or a model cannot be read.
    """
    make_deterministic()
    known = [_load(packs / brand) for brand in brands]
    unknown = _load(packs / "_unknown")

    system = load_system(models, brands, WITHOUT_VAL)
    val = Measured(*(_measure(system, kind, "val") for kind in (known, [unknown])))
    if not len(val.known.truth):
        log.warning(
            "%s: no product has a validation photo, so that no arm can be chosen and no confidence fitted: `learned` answers "
            "by weights of other shops, its confidence is not calibrated, and every shoe is named, strange ones too. "
            "Collect more photos of each product, or raise split.val: beyond one each for training they may be for validation.",
            packs,
        )  # fmt: skip
    fitted = {name: fit_rule(name, val.known, system) for name in RULES}
    val_scores = {name: val_scores_of(name, val, system, fitted[name]) for name in RULES}
    for name in WEIGHTED:
        confidence, val_scores[name] = confidence_of(val, val_scores[name])
        fitted[name] = {**fitted[name], **confidence}
    val_arms = {name: figures(val_scores[name], val.known, system) for name in RULES}
    worths = {name: worth(val_scores[name], val.known.truth, unknown_cost) for name in CANDIDATES}
    default = max(CANDIDATES, key=lambda name: worths[name])  # the first of equals
    threshold = threshold_of(val_scores[default], val.known.truth, unknown_cost)

    system = load_system(models, brands, WHOLE)
    test = Measured(*(_measure(system, kind, "test") for kind in (known, [unknown])))
    scores = {name: scores_of(name, test, system, fitted[name]) for name in RULES}
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
            "brand_nets": _parameters(own.net for own in system.brand_nets.values()),
        },
        "megabytes": {
            "base": _megabytes(models, ["base"]),
            "brand_nets": _megabytes(models, [f"brands/{brand}" for brand in system.brand_nets]),
        },
        "val": {"known": len(val.known.truth), "unknown": len(val.unknown.truth)},
        "test": {"known": len(truth), "unknown": len(test.unknown.truth)},
        # products of too few photos for a test photo train and are answered, and measure nothing
        "products_tested": len(set(truth.tolist())),
        # what naming the commonest brand each time would achieve, beside `border_1nn`
        "largest_brand": _largest_share(system.brand_index[truth]),
        "test_views": {
            name: int((test.known.view_seen == code).sum())
            for name, code in (("seen", 1), ("unseen", 0), ("not_told", -1))
        },
    }
    told = {name: round(value, DECIMALS) for name, value in worths.items()}
    write_json(
        metrics / "val.json",
        {"default": default, "worth": told, "arms": val_arms, "counts": counts},
    )
    report = {
        "default": default,
        "threshold": round(threshold, 6),
        "arms": arms,
        "fitted": fitted,
        "default_against": {
            name: paired(best.known, scores[name].known, truth) for name in RULES if name != default
        },
        "similar": _similar(system, test.unknown.evidence.embedding, unknown[0]),
        "at_threshold": at_threshold(best, truth, threshold),
        "per_brand": per_brand(best.known, truth, system),
        "per_view": per_view(best.known, test.known),
        # how much of the default's "ece" so few photos would show by chance
        "ece_by_chance": round(ece_by_chance(best.known.amax(dim=1)), DECIMALS),
        "counts": counts,
    }
    write_json(metrics / "system.json", report)
    write_manifest(metrics / "answers.jsonl", _answers(default, scores, test, system))
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


def _load(folder: Path) -> Viewed:
    pack = load_pack(folder)
    return pack, load_views(folder, pack)


def _measure(system: System, packs: list[Viewed], split: str) -> Photos:
    parts = [select(pack, pack.rows(split)) for pack, _ in packs]
    place = {label: index for index, label in enumerate(system.labels)}
    labels = [part.labels[int(index)] for part in parts for index in part.label_index]
    side = system.size
    pixels = torch.cat(
        [torch.zeros(0, 3, side, side, dtype=torch.uint8), *(p.pixels for p in parts)]
    )
    evidence = gather(system, pixels)
    _check_finite(evidence)
    return Photos(
        evidence=evidence,
        truth=torch.tensor([place.get(label, -1) for label in labels], dtype=torch.int64),
        label=tuple(labels),
        photo_id=tuple(photo_id for part in parts for photo_id in part.photo_id),
        view=tuple(views[row] for pack, views in packs for row in pack.rows(split).tolist()),
        view_seen=torch.tensor(
            [seen for viewed in packs for seen in _views_seen(*viewed, split)], dtype=torch.int64
        ),
    )


def _check_finite(evidence: Evidence) -> None:
    """A net whose training went astray answers with no number, which no rule can weigh."""
    logits = {**evidence.brand_logits, "the base": evidence.base_logits}
    for name, own in logits.items():
        if not own.isfinite().all():
            raise CatalogueError(
                f"{name}: its net's answers are no finite numbers, so that its training went astray. "
                "Lower lr in params.yaml and run `dvc repro`; its curve is in metrics/curves."
            )


def _views_seen(pack: Pack, views: tuple[str | None, ...], split: str) -> list[int]:
    """Of each photo of ``split``, whether its product was trained on in its view; -1: no view told."""
    seen_in = ("train", "val") if split == "test" else ("train",)
    trained = {(int(pack.label_index[row]), views[row]) for row in pack.rows(*seen_in).tolist()}
    return [
        -1 if views[row] is None else int((int(pack.label_index[row]), views[row]) in trained)
        for row in pack.rows(split).tolist()
    ]


def _largest_share(brands: Tensor) -> float:
    return round(float(brands.bincount().max()) / len(brands), DECIMALS) if len(brands) else 0.0


def _parameters(nets: Iterable[Any]) -> int:
    return sum(parameter.numel() for net in nets for parameter in net.parameters())


def _megabytes(models: Path, folders: list[str]) -> float:
    sizes = [file_of(models / folder, WHOLE).stat().st_size for folder in folders]
    return round(sum(sizes) / 1e6, 1)


def _hashes(models: Path, system: System) -> dict[str, str]:
    """The hashes of what was measured, by brand and as in `SHARED`: nothing else may answer."""
    files = {brand: file_of(models / "brands" / brand, WHOLE) for brand in system.brand_nets}
    files |= {name: models / path for name, path in SHARED.items()}
    return {name: sha256_of(path) for name, path in sorted(files.items())}


def _answers(
    default: str, scores: dict[str, Scores], test: Measured, system: System
) -> list[Answer]:
    truth = test.known.truth
    named = {name: is_among(one.known, truth, 1) for name, one in scores.items()}
    within = {
        name: is_among(within_brand(one.known, truth, system), truth, 1)
        for name, one in scores.items()
    }
    confidence, answer = scores[default].known.max(dim=1)
    found = [
        Answer(
            photo_id=photo_id,
            truth=test.known.label[row],
            is_known=True,
            answer=system.labels[int(answer[row])],
            confidence=round(float(confidence[row]), DECIMALS),
            right=tuple(name for name, own in named.items() if own[row]),
            right_within=tuple(name for name, own in within.items() if own[row]),
        )
        for row, photo_id in enumerate(test.known.photo_id)
    ]
    confidence, answer = scores[default].unknown.max(dim=1)
    found += [
        Answer(
            photo_id=photo_id,
            truth=test.unknown.label[row],
            is_known=False,
            answer=system.labels[int(answer[row])],
            confidence=round(float(confidence[row]), DECIMALS),
        )
        for row, photo_id in enumerate(test.unknown.photo_id)
    ]
    return found


def _similar(system: System, own: Tensor, unknown: Pack) -> dict[str, float | int | None]:
    """Similar shoes on test products the embedding never trained on, the gallery's photos among them.

    ``own`` (N, F): the embeddings of the unknown pack's test photos.
    """
    rows = unknown.rows("test")
    gallery = torch.cat([own, system.vectors.embedding.float()])
    offset = len(unknown.labels)
    labels = torch.cat([unknown.label_index[rows], system.vectors.label_index + offset])
    found = retrieval(own, unknown.label_index[rows], gallery, labels, torch.arange(len(own)))
    return {key: None if value is None else round(value, DECIMALS) for key, value in found.items()}
