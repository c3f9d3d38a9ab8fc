"""Label Mapping (Zhang et al. 2018, arXiv 1806.02507): classes split over nets by coprime moduli.

Net i names a class's number modulo m_i and sees all photos. The moduli are pairwise coprime and their
product is no less than the classes, so that the remainders name one class (Chinese remainder theorem);
decoded as the class with the highest sum of log-probabilities.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from train.data import Pack


def coprime_moduli(classes: int, count: int) -> tuple[int, ...]:
    """``count`` pairwise coprime moduli as low as possible whose product reaches ``classes``.

    >>> coprime_moduli(179, 2), coprime_moduli(1000, 3), coprime_moduli(2, 2)
    ((13, 14), (10, 11, 13), (2, 3))
    """
    start = 2
    while True:
        found: list[int] = []
        number = start
        while len(found) < count:
            if all(math.gcd(number, other) == 1 for other in found):
                found.append(number)
            number += 1
        if math.prod(found) >= classes:
            return tuple(found)
        start += 1


def mapped(pack: Pack, modulus: int) -> Pack:
    """The pack with each photo's label modulo ``modulus``."""
    return dataclasses.replace(
        pack,
        labels=tuple(f"{remainder} modulo {modulus}" for remainder in range(modulus)),
        label_index=pack.label_index % modulus,
        sha256=f"{pack.sha256}%{modulus}",
    )


def decode(logits: Sequence[Tensor], moduli: Sequence[int], classes: int) -> Tensor:
    """Scores (N, classes), each row summing to 1, from every net's logits (N, m_i)."""
    numbers = torch.arange(classes)
    summed = torch.zeros(len(logits[0]), classes)
    for own, modulus in zip(logits, moduli, strict=True):
        summed += own.log_softmax(dim=1)[:, numbers % modulus]  # (N, P)
    return summed.softmax(dim=1)
