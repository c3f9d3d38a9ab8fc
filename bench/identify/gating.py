"""What asking few nets costs: answers of a trained project by m likeliest nets beside those of all.

On its test photos, known and unknown; each net's answers are taken once and handed out as if asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from identify import Identifier
from identify.asking import GATED, MOST, ask_likeliest
from train.data import load_pack
from train.evidence import Evidence, System, gather
from train.fusion import RULES
from train.metrics import auroc, expected_calibration_error

ASKED = (1, 2, 3, None)  # None: until the rest cannot win


@dataclass(frozen=True)
class Asked:
    """A project's test photos and what all models say of them."""

    identifier: Identifier
    evidence: Evidence
    pixels: Tensor  # (N, 3, S, S)
    truth: Tensor  # (N,) columns, -1 for unknown shoes
    labels: tuple[str, ...]  # (N,) what the photos show
    sources: tuple[str, ...]  # (N,) photo_id and pack

    @property
    def system(self) -> System:
        """The models."""
        return self.identifier.system

    def scores(self) -> Tensor:
        """Those of the arm that answers, all nets asked, (N, P)."""
        return RULES[self.identifier.arm](self.evidence, self.system, self.identifier.fitted)


def read_project(project: Path) -> Asked:
    """The test photos of all packs of ``project``."""
    identifier = Identifier.load(project / "models")
    place = {label: index for index, label in enumerate(identifier.system.labels)}
    pixels, labels, sources = [], [], []
    for folder in sorted((project / "data/pack").iterdir()):
        pack = load_pack(folder)
        rows = pack.rows("test")
        pixels.append(pack.pixels[rows])
        labels += [pack.labels[index] for index in pack.label_index[rows].tolist()]
        name = folder.name.removeprefix("_")
        sources += [f"{pack.photo_id[row]}\0{name}" for row in rows.tolist()]
    truth = torch.tensor([place.get(label, -1) for label in labels])
    shown = torch.cat(pixels)
    evidence = gather(identifier.system, shown)
    return Asked(identifier, evidence, shown, truth, tuple(labels), tuple(sources))


def gating(asked: Asked) -> dict[str, Any]:
    """For `gate` and the arm that answers, figures by m."""
    found: dict[str, Any] = {}
    for arm in dict.fromkeys(("gate", asked.identifier.arm)):
        if arm not in GATED:
            found[arm] = {"note": "this rule needs all nets, or none"}
            continue
        fitted = asked.identifier.fitted if arm == asked.identifier.arm else {}
        whole = RULES[arm](asked.evidence, asked.system, fitted)
        table = {"all": figures(asked, whole, whole, [len(asked.system.brand_nets)])}
        for most in ASKED:
            scores, nets = _scores(asked, arm, fitted, most or len(asked.system.brands))
            name = "until the rest cannot win" if most is None else f"at most {most}"
            table[name] = figures(asked, scores, whole, nets)
        found[arm] = table | {"answers_with": f"at most {MOST}" if arm == "learned" else "until the rest cannot win"}  # fmt: skip
    return found


def _scores(
    asked: Asked, arm: str, fitted: dict[str, float], most: int
) -> tuple[Tensor, list[int]]:
    """Scores (N, P) where at most ``most`` nets are asked, and how many were."""
    rows, nets = [], []
    for number in range(len(asked.truth)):
        whole = row_of(asked.evidence, number)
        nothing = replace(whole, brand_logits={}, brand_similarity={})

        def ask_net(known: Evidence, brand: str, whole: Evidence = whole) -> Evidence:
            return only(whole, [*known.brand_logits, brand])

        known = ask_likeliest(asked.system, nothing, ask_net, arm, fitted, {}, most)
        rows.append(RULES[arm](known, asked.system, fitted))
        nets.append(len(known.brand_logits))
    return torch.cat(rows), nets


def row_of(evidence: Evidence, number: int) -> Evidence:
    """The evidence of one photo."""
    values: dict[str, Any] = {}
    for field in fields(evidence):
        value = getattr(evidence, field.name)
        one = slice(number, number + 1)
        values[field.name] = value[one] if isinstance(value, Tensor) else {brand: own[one] for brand, own in value.items()}  # fmt: skip
    return Evidence(**values)


def only(whole: Evidence, brands: Iterable[str]) -> Evidence:
    """``whole`` as if ``brands``' nets alone had been asked."""
    chosen = list(brands)
    return replace(
        whole,
        brand_logits={brand: whole.brand_logits[brand] for brand in chosen},
        brand_similarity={brand: whole.brand_similarity[brand] for brand in chosen},
    )


def figures(asked: Asked, scores: Tensor, whole: Tensor, nets: list[int]) -> dict[str, float]:
    """Accuracy of ``scores`` on known photos, and how far they are from ``whole``, all nets' scores."""
    is_known = asked.truth >= 0
    confidence, answer = scores.max(dim=1)
    whole_confidence, whole_answer = whole.max(dim=1)
    is_right = (answer == asked.truth)[is_known]
    found = {
        "nets_asked": sum(nets) / len(nets),
        "top1": float(is_right.float().mean()),
        "points_lost": 100 * float(
            (whole_answer == asked.truth)[is_known].float().mean() - is_right.float().mean()
        ),
        "same_answer": float((answer == whole_answer).float().mean()),
        "same_confidence": float(((confidence - whole_confidence).abs() < 1e-4).float().mean()),
        "ece": expected_calibration_error(confidence[is_known], is_right),
        "unknown_auroc": auroc(confidence[is_known], confidence[~is_known]) or 0.0,
    }  # fmt: skip
    return {name: round(value, 4) for name, value in found.items()}
