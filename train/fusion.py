"""One function per fusion rule: raw answers of many nets to one score per product.

Every rule returns scores (N, P) over ``system.labels``, each row a confidence of at most 1; a
product that a rule cannot name scores 0. The rows of most sum to 1, those of `max_softmax` and
`temperature` do not: in the paper's rule every net gives its own certain answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from train.confidence import with_confidence
from train.evidence import Evidence, System
from train.gallery import best_per_label

# What is fitted on validation, by name: a rule's own temperature, the weights of `learned`.
Fitted = Mapping[str, float]
GATE_BRANDS = 2  # how many of the likeliest brands `gate_m` asks
GALLERY_TEMPERATURE = 0.1  # cosine differences of a tenth are e-fold: too few photos to fit one
BORDER_TIE = 1e-3  # cosine: about a thousandth of the border's pixels differ
FLOOR = 1e-6  # a probability below this is as good as none: its logarithm may not decide alone


def max_softmax(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The paper's rule: each net's softmax; the highest probability over all nets wins."""
    return _spread(
        evidence,
        system,
        {brand: logits.softmax(dim=1) for brand, logits in evidence.brand_logits.items()},
    )


def temperature(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """`max_softmax` after each net's logits are divided by its own temperature (Guo et al. 2017)."""
    return _spread(evidence, system, _within_brand(evidence, system))


def max_logit(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The highest logit over all nets wins; one softmax over all of them is its confidence."""
    logits = _spread(evidence, system, evidence.brand_logits, -torch.inf)
    return _softmax(logits, fitted)


def energy(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """A net speaks as loudly as its free energy, the mean over its classes (Liu et al. 2020).

    logsumexp(logits) - log(classes): the mean, since a sum would favour brands of many products.
    """
    loudness = {
        brand: logits.logsumexp(dim=1, keepdim=True) - math.log(logits.shape[1])
        for brand, logits in evidence.brand_logits.items()
    }
    within = _within_brand(evidence, system)
    return _softmax(
        _spread(
            evidence,
            system,
            {brand: loudness[brand] + within[brand].clamp_min(FLOOR).log() for brand in loudness},
            -torch.inf,
        ),
        fitted,
    )


def feature(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The product whose mean is nearest in its own brand net's embedding."""
    return _softmax(_spread(evidence, system, evidence.brand_similarity, -torch.inf), fitted)


def gate(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """Brand probability times the brand net's probability within the brand.

    Within a brand that has no net, the gallery's similarities decide.
    """
    return _gated(evidence, system, evidence.gate)


def gate_m(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """`gate` that asks the likeliest brands alone: the others' nets need not run."""
    return _gated(evidence, system, _likeliest(evidence.gate))


def joint(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The base's own head: one softmax over all products it was pinned with."""
    logits = torch.full((len(evidence.embedding), len(system.labels)), -torch.inf)
    logits[:, system.base_columns] = evidence.base_logits
    return _softmax(logits, fitted)


def color_1nn(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The product of the known photo with the nearest colour histogram."""
    return _nearest(evidence.histogram_similarity, fitted)


def color_mean(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The product whose mean colours are nearest by the distance learned from the gallery."""
    return _nearest(evidence.mean_color_similarity, fitted)


def border_1nn(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The brand of the known photos with the likest background: no arm, a check on the data.

    Studios' borders are equal to the bit or nearly so: the products within `BORDER_TIE` of the likest
    vote for their brand, else the order of names would decide.
    """
    similarity = evidence.border_similarity
    tied = similarity >= similarity.amax(dim=1, keepdim=True) - BORDER_TIE
    brand_of = system.brand_index
    votes = torch.zeros(len(similarity), int(brand_of.max()) + 1)
    votes.index_add_(1, brand_of, tied.float())
    share = votes / tied.sum(dim=1, keepdim=True)
    return _nearest(torch.where(tied, similarity + share[:, brand_of], similarity), fitted)


def embedding_knn(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """The product of the known photo with the nearest base embedding."""
    return _nearest(evidence.embedding_similarity, fitted)


def learned(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """A softmax over weighted cues of each product, the weights fitted on validation.

    With the confidence of the highest score that was fitted there, too, see ``confidence.py``.
    """
    return _weighted(cues(evidence, system), evidence, system, fitted)


def learned_no_nets(evidence: Evidence, system: System, fitted: Fitted) -> Tensor:
    """`learned` from colours and outlines alone: no arm, a check of what all nets add to them."""
    found = cues(evidence, system)
    return _weighted({name: found[name] for name in LOOKS}, evidence, system, fitted)


def _weighted(
    found: Mapping[str, Tensor], evidence: Evidence, system: System, fitted: Fitted
) -> Tensor:
    total = torch.zeros(len(evidence.embedding), len(system.labels))
    for name, cue in found.items():
        if weight := fitted.get(name, 0.0):
            total += weight * cue
    return with_confidence(total.softmax(dim=1), color_similarities(evidence), fitted)


def color_similarities(evidence: Evidence) -> tuple[Tensor, Tensor]:
    """What a confidence looks at, (N, P) each; where only the answer's histograms were compared, all have its."""
    return known_similarity(evidence.color_similarity), known_similarity(
        evidence.histogram_similarity
    )


def cues(evidence: Evidence, system: System) -> dict[str, Tensor]:
    """What speaks for each product, (N, P) each: the nets', the gate's and the galleries' opinions.

    Log-probabilities where there are probabilities. ``…_brand`` is the best similarity within the
    product's brand: which brand a shoe looks like can be surer than which of its products.
    """
    embedding = known_similarity(evidence.embedding_similarity)
    color = known_similarity(evidence.color_similarity)
    outline = known_similarity(evidence.outline_similarity)
    brand_of = system.brand_index
    brands = int(brand_of.max()) + 1 if len(brand_of) else 0
    everywhere = torch.ones_like(evidence.gate)

    def of_brand(similarity: Tensor) -> Tensor:
        return best_per_label(similarity, brand_of, brands)[:, brand_of]

    return {
        "gate": _log(_per_product(evidence.gate, system)),
        "brand_net": _log(_gated(evidence, system, everywhere)),
        "max_logit": _log(max_logit(evidence, system, {})),
        "joint": _log(joint(evidence, system, {})),
        "feature": known_similarity(_spread(evidence, system, evidence.brand_similarity, -1.0)),
        "color": color,
        "color_brand": of_brand(color),
        "mean_color": known_similarity(evidence.mean_color_similarity),
        "embedding": embedding,
        "embedding_brand": of_brand(embedding),
        "outline": outline,
        "outline_brand": of_brand(outline),
    }


Rule = Callable[[Evidence, System, Fitted], Tensor]
# In order of preference where two are equally good on val.
RULES: dict[str, Rule] = {
    "learned": learned,
    "gate": gate,
    "gate_m": gate_m,
    "max_logit": max_logit,
    "energy": energy,
    "feature": feature,
    "temperature": temperature,
    "max_softmax": max_softmax,
    "joint": joint,
    "embedding_knn": embedding_knn,
    "color_mean": color_mean,
    "color_1nn": color_1nn,
    "learned_no_nets": learned_no_nets,
    "border_1nn": border_1nn,
}
CHECKS = ("learned_no_nets", "border_1nn")
CANDIDATES = tuple(name for name in RULES if name not in CHECKS)  # for the default
# Rules with weights of cues and a confidence; the cues.
LOOKS = ("color", "color_brand", "mean_color", "outline", "outline_brand")
WEIGHTED = ("learned", "learned_no_nets")
# Rules with one temperature of their own.
TEMPERED = (
    "max_logit",
    "energy",
    "feature",
    "joint",
    "embedding_knn",
    "color_mean",
    "color_1nn",
    "border_1nn",
)


def _within_brand(evidence: Evidence, system: System) -> dict[str, Tensor]:
    """Each net's softmax at its own temperature."""
    return {
        brand: (logits / system.brand_nets[brand].temperature).softmax(dim=1)
        for brand, logits in evidence.brand_logits.items()
    }


def gate_of_products(evidence: Evidence, system: System, rule: str) -> Tensor:
    """What ``rule``, `gate` or `gate_m`, gives each product's brand, (N, P): its score is at most that."""
    share = _likeliest(evidence.gate) if rule == "gate_m" else evidence.gate
    return _per_product(share, system)


def _likeliest(share: Tensor) -> Tensor:
    """The shares (N, B) of the `GATE_BRANDS` likeliest brands, 0 for others."""
    asked = share.topk(min(GATE_BRANDS, share.shape[1]), dim=1).indices
    return torch.zeros_like(share).scatter(1, asked, share.gather(1, asked))


def _gated(evidence: Evidence, system: System, brand_share: Tensor) -> Tensor:
    """``brand_share`` (N, B) of each brand of the gate times the probability within the brand.

    Within a brand whose net was not asked, or that has none, by the gallery.
    """
    similarity, brand_of = evidence.embedding_similarity, system.gate_index
    closeness = ((similarity - 1) / GALLERY_TEMPERATURE).exp()  # cosines are at most 1
    closeness = closeness.where(similarity > -1, 0.0)  # (N, P)
    total = torch.zeros(len(closeness), len(system.gate.brands) + 1)
    total.index_add_(1, brand_of % total.shape[1], closeness)  # -1, not known: the last column
    within = closeness / total[:, brand_of].clamp_min(torch.finfo(total.dtype).tiny)
    for brand, own in _within_brand(evidence, system).items():
        columns = system.columns(system.brand_nets[brand].labels)
        within[:, brand_of == brand_of[columns[0]]] = 0.0
        within[:, columns] = own
    return _per_product(brand_share, system) * within


def _per_product(brand_share: Tensor, system: System) -> Tensor:
    """What each brand of the gate has, (N, B), at all of its products, (N, P); 0 where it knows none."""
    return torch.nn.functional.pad(brand_share, (0, 1))[:, system.gate_index]


def _spread(
    evidence: Evidence, system: System, by_brand: Mapping[str, Tensor], nothing: float = 0.0
) -> Tensor:
    """Each net's (N, C) at the columns of its products; ``nothing`` elsewhere."""
    spread = torch.full((len(evidence.embedding), len(system.labels)), nothing)
    for brand, own in by_brand.items():
        spread[:, system.columns(system.brand_nets[brand].labels)] = own
    return spread


def _log(probability: Tensor) -> Tensor:
    return probability.clamp_min(FLOOR).log()


def known_similarity(similarity: Tensor) -> Tensor:
    """Similarities with those of products that were not compared at the least of the others."""
    compared = similarity > -1
    least = similarity.where(compared, torch.inf).amin(dim=1, keepdim=True)
    return similarity.where(compared, least.nan_to_num(posinf=0.0))


def _nearest(similarity: Tensor, fitted: Fitted) -> Tensor:
    return _softmax(torch.where(similarity > -1, similarity, -torch.inf), fitted)


def _softmax(logits: Tensor, fitted: Fitted) -> Tensor:
    return (logits / fitted.get("temperature", 1.0)).softmax(dim=1).nan_to_num(0.0)
