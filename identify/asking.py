"""Which brand nets are asked about a photo: the likeliest first, until the rest cannot win.

Asking every brand's net, as the paper does, makes an answer dearer with each brand. Where the chosen
rule weighs a net's answer by the gate, most nets cannot change who wins, whatever they say:

- `gate`, `gate_m`: a product's score is at most the gate's share of its brand. Exact.
- `learned`: its cue of the share within the brand is at most 1; for its two other cues of nets, an
  unasked net is taken to speak no louder than the loudest asked one, and `MOST` are asked at most.
  `python -m bench.identify` says what that costs.
- `max_softmax`, `temperature`, `max_logit`, `energy`, `feature`: each net may win. All are asked.
- the rest ask none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from train.evidence import Evidence, System, ask, look, with_histograms_of
from train.fusion import RULES, WEIGHTED, Fitted, cues, gate_of_products

GATED = ("gate", "gate_m", "learned")
RIVALS = ("color_1nn", "border_1nn")
WITHOUT_NETS = ("joint", "embedding_knn", "color_mean", "learned_no_nets", *RIVALS)
COLORS = (*WEIGHTED, "color_mean", *RIVALS)
MOST = 3  # nets that `learned` asks


def evidence_for(
    system: System,
    pixels: Tensor,
    arm: str,
    fitted: Fitted,
    left_out: dict[str, str],
    colors: bool = False,
    most: int | None = None,
) -> Evidence:
    """What ``arm`` needs to know of one photo, pixels (1, 3, S, S).

    Args:
        left_out: brands whose nets cannot be read, which are not asked; more are added.
        colors: whether colours are needed for something else than the arm.
        most: nets that are asked at most by a rule of `GATED`; None for the rule's own number.
    """
    known = look(system, pixels, colors or arm in COLORS, arm in RIVALS)
    if arm in GATED:
        known = ask_likeliest(
            system,
            known,
            lambda known, brand: ask(system, known, pixels, [brand], left_out),
            arm,
            fitted,
            left_out,
            most,
        )
    elif arm not in WITHOUT_NETS:
        brands = [brand for brand in system.brand_nets if brand not in left_out]
        known = ask(system, known, pixels, brands, left_out)
    if arm not in WEIGHTED:
        return known
    answer = int(RULES[arm](known, system, fitted)[0].argmax())  # its confidence changes no order
    return with_histograms_of(system, known, answer)


def ask_likeliest(
    system: System,
    known: Evidence,
    ask_net: Callable[[Evidence, str], Evidence],
    arm: str,
    fitted: Fitted,
    left_out: Mapping[str, str],
    most: int | None = None,
) -> Evidence:
    """``known`` of one photo with the answers of the nets that ``arm``, one of `GATED`, needs.

    ``ask_net`` adds the answer of one brand's net.
    """
    if most is None and arm == "learned":
        most = MOST
    is_open = torch.tensor(
        [brand in system.brand_nets and brand not in left_out for brand in system.brands]
    )  # (B,), whether there is a net still to ask
    while is_open.any() and (most is None or len(known.brand_logits) < most):
        of_open = is_open[system.brand_index]  # (P,)
        scores, ceiling = _scores_and_ceiling(known, system, arm, fitted)
        likeliest = int(ceiling.where(of_open, -torch.inf).argmax())
        settled = scores.where(~of_open, -torch.inf).max()
        if ceiling[likeliest] < settled and (known.brand_logits or arm != "learned"):
            break
        number = int(system.brand_index[likeliest])
        known = ask_net(known, system.brands[number])
        is_open[number] = False
    return known


def _scores_and_ceiling(
    known: Evidence, system: System, arm: str, fitted: Fitted
) -> tuple[Tensor, Tensor]:
    """Each product's score as things stand, and the most that its own net could make of it, (P,)."""
    if arm != "learned":
        return RULES[arm](known, system, fitted)[0], gate_of_products(known, system, arm)[0]
    found = {name: cue[0] for name, cue in cues(known, system).items()}
    ceilings = {
        **found,
        "brand_net": torch.zeros_like(found["brand_net"]),  # log of a share of at most 1
        "max_logit": found["max_logit"].max().expand_as(found["max_logit"]),
        "feature": found["feature"].max().expand_as(found["feature"]),
    }
    weighted = (
        sum((fitted.get(name, 0.0) * cue for name, cue in of.items()), torch.zeros(()))
        for of in (found, ceilings)
    )
    scores, ceiling = weighted
    return scores, ceiling
