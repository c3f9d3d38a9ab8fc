"""What evaluation takes from validation: each rule's temperature or weights, its confidence, the threshold."""

from __future__ import annotations

from torch import Tensor

from train.arms import Measured, Photos, Scores
from train.calibrate import fit_temperature, fit_threshold
from train.confidence import Similarities, fit_confidence, with_confidence
from train.evidence import System
from train.fusion import LOOKS, RULES, TEMPERED, WEIGHTED, Fitted, color_similarities, cues
from train.learned import FOLDS, fit_weights, folds_of
from train.metrics import is_among


def fit_rule(name: str, known: Photos, system: System) -> dict[str, float]:
    """What a rule needs from validation: a temperature, the weights of its cues, or nothing."""
    if name in WEIGHTED:
        return fit_weights(_cues_of(name, known, system), known.truth)
    if name not in TEMPERED:
        return {}
    # Its scores at temperature 1 are softmaxes, so that their logarithm is logits again.
    scores = RULES[name](known.evidence, system, {})
    in_reach = scores.gather(1, known.truth[:, None]).squeeze(1) > 0
    logits = scores[in_reach].double().clamp_min(1e-300).log()
    low = 0.002 if name.endswith(("nn", "mean")) or name == "feature" else 0.25
    return {
        "temperature": round(fit_temperature(logits, known.truth[in_reach], low=low, high=4.0), 6)
    }


def _cues_of(name: str, known: Photos, system: System) -> dict[str, Tensor]:
    found = cues(known.evidence, system)
    return found if name == "learned" else {cue: found[cue] for cue in LOOKS}


def scores_of(name: str, measured: Measured, system: System, fitted: Fitted) -> Scores:
    return Scores(
        known=RULES[name](measured.known.evidence, system, fitted),
        unknown=RULES[name](measured.unknown.evidence, system, fitted),
    )


def val_scores_of(name: str, val: Measured, system: System, fitted: Fitted) -> Scores:
    """Scores of val photos; those of `WEIGHTED` rules by weights fitted without the photo's product.

    Otherwise the rule with the most to fit would win by having seen the answers.
    """
    scores = scores_of(name, val, system, fitted)
    if name not in WEIGHTED or not len(val.known.truth):
        return scores
    found, fold = _cues_of(name, val.known, system), folds_of(val.known.label)
    for held_out in range(FOLDS):
        rest, own = fold != held_out, fold == held_out
        weights = fit_weights(
            {cue: value[rest] for cue, value in found.items()}, val.known.truth[rest]
        )
        scores.known[own] = RULES[name](val.known.evidence, system, weights)[own]
    return scores


def confidence_of(val: Measured, scores: Scores) -> tuple[dict[str, float], Scores]:
    """The confidence of a `WEIGHTED` rule, and its val ``scores`` with confidences in them.

    Fitted on all val photos for those to come; a val photo's own is fitted without its product, known or not,
    as the arm and its threshold are chosen by it. Where the rest leave nothing to fit, it is that of all.
    """
    known, unknown = scores.known, scores.unknown
    color, strange_color = (color_similarities(of.evidence) for of in (val.known, val.unknown))
    is_right = is_among(known, val.known.truth, 1)
    fitted = fit_confidence(known, color, is_right, unknown, strange_color)
    sure = Scores(known=known.clone(), unknown=unknown.clone())
    fold, strange_fold = folds_of(val.known.label), folds_of(val.unknown.label)
    for held_out in range(FOLDS):
        rest, strange_rest = fold != held_out, strange_fold != held_out
        own = fit_confidence(
            known[rest],
            _rows(color, rest),
            is_right[rest],
            unknown[strange_rest],
            _rows(strange_color, strange_rest),
        )
        for target, given, colors, rows in (
            (sure.known, known, color, ~rest),
            (sure.unknown, unknown, strange_color, ~strange_rest),
        ):
            target[rows] = with_confidence(given[rows], _rows(colors, rows), own or fitted)
    return fitted, sure


def _rows(color: Similarities, rows: Tensor) -> Similarities:
    return color[0][rows], color[1][rows]


def worth(scores: Scores, truth: Tensor, unknown_cost: float) -> float:
    """What an arm does for people, at its own threshold: the share of known photos that it names
    right, less ``unknown_cost`` times the share of unknown ones that it names.

    An arm that knows every shoe and no doubt is worth little.
    """
    if not len(truth):
        return 0.0
    threshold = threshold_of(scores, truth, unknown_cost)
    is_said = scores.known.amax(dim=1) >= threshold
    right = (is_among(scores.known, truth, 1) & is_said).float().mean()
    if not len(scores.unknown):
        return float(right)
    named = (scores.unknown.amax(dim=1) >= threshold).float().mean()
    return float(right - unknown_cost * named)


def threshold_of(scores: Scores, truth: Tensor, unknown_cost: float) -> float:
    confidence, is_right = scores.known.amax(dim=1), is_among(scores.known, truth, 1)
    return fit_threshold(confidence, is_right, scores.unknown.amax(dim=1), unknown_cost)
