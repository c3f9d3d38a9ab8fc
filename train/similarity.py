"""One photo or many against rows that are kept in float16."""

from __future__ import annotations

from torch import Tensor


def similarities(asked: Tensor, rows: Tensor) -> Tensor:
    """Dot products of ``asked`` (N, D), float32, and ``rows`` (G, D), float16: (N, G), float32.

    One photo is compared in float16: of 40,000 rows, reading them is all that takes time.
    """
    if len(asked) == 1:
        return (rows @ asked[0].half()).float()[None]
    return asked @ rows.float().T
