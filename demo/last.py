"""The curves of a shoe: outline from above, bottom and feather line, vamp, heel and collar.

In: a `Shoe`. Out: functions of x (0 heel, 1 toe) on float arrays. The mesh is lofted over them and
the panels are drawn with them, so that both agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demo.design import Shoe

Floats = NDArray[np.float32]
FEATHER_FRONT, FEATHER_REAR = 0.986, 0.012  # ends of the upper where it meets the sole
SHAFT = (0.25, 0.32)  # heights over the sole between which the vamp becomes a shaft


def smoothstep(low: float, high: float, value: Floats) -> Floats:
    """0 below ``low``, 1 above ``high``, a smooth S between."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)


def between(value: Floats, low: float, high: float) -> Floats:
    """1 between ``low`` and ``high``, 0 outside, soft at both."""
    soft = (high - low) * 0.25
    return smoothstep(low, low + soft, value) * (1.0 - smoothstep(high - soft, high, value))


def hermite(knots: list[float], values: list[float], x: Floats) -> Floats:
    """A smooth curve through the knots that never overshoots (Fritsch and Carlson 1980)."""
    at, to = np.asarray(knots, np.float64), np.asarray(values, np.float64)
    step, rise = np.diff(at), np.diff(to)
    slope = rise / step
    inner = np.where(
        slope[1:] * slope[:-1] > 0,
        2.0
        * slope[1:]
        * slope[:-1]
        / np.where(slope[1:] + slope[:-1] == 0, 1, slope[1:] + slope[:-1]),
        0.0,
    )
    tangent = np.concatenate([slope[:1], inner, slope[-1:]])
    index = np.clip(np.searchsorted(at, x, "right") - 1, 0, len(step) - 1)
    t = np.clip((x - at[index]) / step[index], 0.0, 1.0)
    held = (1 + 2 * t) * (1 - t) ** 2 * to[index] + t * t * (3 - 2 * t) * to[index + 1]
    turned = t * (1 - t) * ((1 - t) * tangent[index] - t * tangent[index + 1]) * step[index]
    return np.asarray(held + turned, np.float32)


def half_width(shoe: Shoe, x: Floats) -> Floats:
    """Half the outline's width, closed at neither end."""
    last = shoe.last
    knots = [0.0, 0.12, 0.4, 0.7, 0.88, 1.0]
    ball = last.ball
    values = [last.heel * 0.94, last.heel, last.waist * 0.93, ball, ball * 0.96, ball * 0.84]
    return hermite(knots, values, x)


def heel_round(distance: Floats, radius: float) -> Floats:
    """How far an outline has opened at ``distance`` from its end, 0..1; an ellipse."""
    left = 1.0 - np.clip(distance / radius, 0.0, 1.0)
    return np.asarray(np.sqrt(np.maximum(1.0 - left * left, 0.0)), np.float32)


def toe_round(shoe: Shoe, distance: Floats) -> Floats:
    """As `heel_round` at the toe, with the last's own power."""
    power = shoe.last.toe_power
    left = 1.0 - np.clip(distance / shoe.last.toe_length, 0.0, 1.0)
    return np.asarray(np.maximum(1.0 - left**power, 0.0) ** (1.0 / power), np.float32)


def center(shoe: Shoe, x: Floats) -> Floats:
    """The y of the middle line, which swings to the medial side at the toe."""
    ahead = np.clip(x - 0.35, 0.0, None)
    return np.asarray(
        -shoe.last.swing * (ahead / 0.65) ** 2 + 0.014 * np.sin(x * np.pi) ** 2, np.float32
    )


def bottom(shoe: Shoe, x: Floats) -> Floats:
    """Height of the outsole's underside above the ground."""
    sole = shoe.sole
    toe = sole.toe_spring * np.clip((x - 0.66) / 0.34, 0.0, None) ** 2
    heel = sole.heel_bevel * np.clip((0.13 - x) / 0.13, 0.0, None) ** 2
    waist = sole.heel_block * smoothstep(0.27, 0.31, x) * (1.0 - smoothstep(0.42, 0.66, x))
    return np.asarray(toe + heel + waist, np.float32)


def sole_top(shoe: Shoe, x: Floats) -> Floats:
    """Height of the line where upper and sole meet (the feather line)."""
    sole = shoe.sole
    toe = sole.toe_spring * np.clip((x - 0.62) / 0.38, 0.0, None) ** 2 * 0.9
    stack = hermite(
        [0.0, 0.2, 0.45, 0.72, 1.0],
        [
            sole.heel_stack * 1.04,
            sole.heel_stack,
            0.55 * sole.heel_stack + 0.45 * sole.fore_stack,
            sole.fore_stack,
            sole.fore_stack * 0.92,
        ],
        x,
    )
    return np.asarray(stack + toe, np.float32)


def vamp_line(shoe: Shoe, count: int) -> tuple[Floats, Floats]:
    """``count`` points (x, height over the sole) up the middle from the toe to the collar's front.

    Evenly spaced along the line, somewhat denser at the toe where it bends most.
    """
    last = shoe.last
    knots = [
        (FEATHER_FRONT, 0.0),
        (FEATHER_FRONT + 0.004, last.toe_height * 0.42),
        (FEATHER_FRONT - 0.022, last.toe_height * 0.82),
        (FEATHER_FRONT - 0.075, last.toe_height),
        (last.vamp_x, last.vamp_height),
        (
            0.55 * last.throat_x + 0.45 * last.vamp_x,
            0.6 * last.throat_height + 0.4 * last.vamp_height,
        ),
        (last.throat_x, last.throat_height),
    ]
    if last.throat_height > 0.32:  # a shaft: bend at the instep, then rise steeply
        knots[5] = (0.52, 0.23)
        knots.insert(6, (0.5 * 0.445 + 0.5 * last.throat_x, 0.32))
    points = np.asarray(knots)
    chords = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T) ** 0.75)])
    fine = np.linspace(0.0, chords[-1], 200, dtype=np.float32)
    x = hermite(list(chords), list(points[:, 0]), fine)
    height = hermite(list(chords), list(points[:, 1]), fine)
    bend = np.hypot(np.diff(x), np.diff(height)) * (1.0 + 1.2 * (fine[1:] < chords[3]))
    length = np.concatenate([[0.0], np.cumsum(bend)])
    even = np.linspace(0.0, length[-1], count)
    return (
        np.interp(even, length, x).astype(np.float32),
        np.interp(even, length, height).astype(np.float32),
    )


def heel_line(shoe: Shoe, share: Floats) -> tuple[Floats, Floats]:
    """The rear's (x, height) at ``share`` (0..1) of the way up to the collar."""
    last = shoe.last
    height = share * last.collar_height
    middle = min(0.09, 0.45 * last.collar_height)
    x = hermite(
        [0.0, middle, max(0.19, last.collar_height)],
        [FEATHER_REAR, FEATHER_REAR - last.heel_bulge, last.heel_x],
        height,
    )
    return x, np.asarray(height, np.float32)


class TopLine:
    """Height of the upper's middle line over the sole, as a function of x."""

    def __init__(self, shoe: Shoe) -> None:
        x, height = vamp_line(shoe, 120)
        order = np.argsort(x, kind="stable")
        self._x = x[order]
        self._height = height[order]
        self._throat = (shoe.last.throat_x, shoe.last.throat_height)

    def __call__(self, x: Floats) -> Floats:
        """Behind the collar's front, the line of the leg, which no ring reaches."""
        behind = np.clip(self._throat[0] - x, 0.0, None) * 2.2
        return np.asarray(np.interp(x, self._x, self._height) + behind, np.float32)
