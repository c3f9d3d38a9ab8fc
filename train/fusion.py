"""One function per fusion rule: raw answers of many nets to one score per product.

Every rule returns scores (N, P) over ``system.labels``, each row a confidence of at most 1; a
product that a rule cannot name scores 0. `gate`'s rows sum to 1, `max_softmax`'s do not: that is
the paper's rule, in which every net gives its own certain answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from train.evidence import Evidence, System

Temperatures = Mapping[str, float]  # rule -> temperature fitted on val; 1.0 where absent


def max_softmax(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """The paper's rule: each net's softmax; the highest probability over all nets wins."""
    scores = torch.zeros(len(evidence.embedding), len(system.labels))
    for brand, logits in evidence.brand_logits.items():
        scores[:, system.columns(system.brand_nets[brand].labels)] = logits.softmax(dim=1)
    return scores


def max_logit(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """The highest logit over all nets wins; one softmax over all of them is its confidence."""
    logits = torch.full((len(evidence.embedding), len(system.labels)), -torch.inf)
    for brand, own in evidence.brand_logits.items():
        logits[:, system.columns(system.brand_nets[brand].labels)] = own
    return _softmax(logits, temperature)


def gate(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """Brand probability times the brand net's probability within the brand.

    Within a brand that has no net, the gallery's similarities decide.
    """
    scores = torch.zeros(len(evidence.embedding), len(system.labels))
    for column, brand in enumerate(system.gate.brands):
        if brand in evidence.brand_logits:
            brand_net = system.brand_nets[brand]
            columns = system.columns(brand_net.labels)
            within = (evidence.brand_logits[brand] / brand_net.temperature).softmax(dim=1)
        else:
            own = [label for label in system.vectors.labels if label.startswith(f"{brand}/")]
            columns = system.columns(own)
            within = (evidence.embedding_similarity[:, columns] / GALLERY_TEMPERATURE).softmax(
                dim=1
            )
        scores[:, columns] = evidence.gate[:, column : column + 1] * within
    return scores


def joint(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """The base's own head: one softmax over all products it was pinned with."""
    scores = torch.zeros(len(evidence.embedding), len(system.labels))
    columns = system.columns(system.base_description.labels)
    scores[:, columns] = (evidence.base_logits / temperature).softmax(dim=1)
    return scores


def color_1nn(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """The product of the training photo with the nearest colour histogram."""
    return _nearest(evidence.color_similarity, temperature)


def border_1nn(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """The product of the training photo with the likest background: no arm, a check on the data."""
    return _nearest(evidence.border_similarity, temperature)


def embedding_knn(evidence: Evidence, system: System, temperature: float) -> Tensor:
    """The product of the training photo with the nearest base embedding."""
    return _nearest(evidence.embedding_similarity, temperature)


Rule = Callable[[Evidence, System, float], Tensor]
# In order of preference where two are equally good on val.
RULES: dict[str, Rule] = {
    "gate": gate,
    "max_logit": max_logit,
    "max_softmax": max_softmax,
    "joint": joint,
    "embedding_knn": embedding_knn,
    "color_1nn": color_1nn,
    "border_1nn": border_1nn,
}
CANDIDATES = tuple(name for name in RULES if name != "border_1nn")  # for the default
FITTED = (
    "max_logit",
    "joint",
    "embedding_knn",
    "color_1nn",
    "border_1nn",
)  # rules with one temperature of their own
GALLERY_TEMPERATURE = 0.1  # cosine differences of a tenth are e-fold: too few photos to fit one


def _nearest(similarity: Tensor, temperature: float) -> Tensor:
    return _softmax(torch.where(similarity > -1, similarity, -torch.inf), temperature)


def _softmax(logits: Tensor, temperature: float) -> Tensor:
    return (logits / temperature).softmax(dim=1).nan_to_num(0.0)
