"""What a drawn shoe is: frozen records of its last, sole, upper and colours; no geometry here.

Lengths are in shoe lengths: x runs from the heel (0) to the toe (1), y to the lateral side, z up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Color = tuple[int, int, int]  # sRGB, 0..255

TREADS = ("herringbone", "lugs", "waves", "dots", "blocks", "flat")
SIDEWALLS = ("plain", "stripe", "ribs", "layers", "speckle", "pods", "foxing")
TOES = ("plain", "cap", "shell", "mudguard", "wing")
EMBLEMS = (
    *("none", "chevrons", "wave", "ring", "crescent", "paths", "peak"),
    *("bolt", "dots", "leaf", "bars", "diamond", "checks"),
)


@dataclass(frozen=True)
class Last:
    """The foot form: outline seen from above and the silhouette seen from the side."""

    ball: float = 0.172  # half width at the ball of the foot
    waist: float = 0.128
    heel: float = 0.124
    toe_length: float = 0.24  # over which the outline closes at the toe
    toe_power: float = 2.2  # 2 is round, 3 is square, 1.6 is pointed
    swing: float = 0.035  # how far the toe turns to the medial side
    toe_height: float = 0.085  # above the sole, as all heights here
    vamp_x: float = 0.68
    vamp_height: float = 0.125
    throat_x: float = 0.42  # front of the collar
    throat_height: float = 0.245
    collar_height: float = 0.215  # at the heel
    collar_dip: float = 0.035  # how far the collar sinks at the ankle
    heel_x: float = 0.035  # how far the collar's rear leans forward
    heel_bulge: float = 0.014
    taper: float = 0.36  # share of width lost from the sole to the ankle
    rim: float = 0.013  # radius of the padded collar


@dataclass(frozen=True)
class Sole:
    """Everything under the foot."""

    heel_stack: float = 0.1
    fore_stack: float = 0.065
    outsole: float = 0.022  # thickness of the rubber
    toe_spring: float = 0.05
    heel_bevel: float = 0.02
    flare: float = 0.012  # how far the bottom stands out
    bulge: float = 0.01  # how far the midsole swells
    heel_block: float = 0.0  # depth of the notch in front of a separate heel
    cup: float = 0.0  # height by which the sole climbs over the upper
    tread: str = "herringbone"
    sidewall: str = "stripe"


@dataclass(frozen=True)
class Upper:
    """Closure, panels, emblem and materials."""

    closure: str = "laces"  # laces, gore or straps
    lace_rows: int = 6
    is_crossed: bool = False
    slit: float = 0.036  # half width of the gap that the laces bridge
    toe: str = "plain"
    toe_x: float = 0.8  # where the toe panel begins
    mudguard: float = 0.05  # height of the overlay round the bottom; 0 is none
    counter: float = 0.2  # length of the heel panel; 0 is none
    has_stay: bool = True  # a panel that carries the eyelets
    has_tab: bool = True
    tongue: float = 0.07  # how far the tongue stands out of the collar
    emblem: str = "chevrons"
    emblem_x: float = 0.47
    emblem_height: float = 0.09
    emblem_size: float = 0.08
    straps: tuple[tuple[float, float], ...] = ()  # (x, width) of a sandal's straps
    is_open_back: bool = False
    material: str = "leather"


@dataclass(frozen=True)
class Colors:
    """One colour per part; a colourway."""

    upper: Color = (235, 235, 230)
    overlay: Color = (220, 220, 215)
    toe: Color = (220, 220, 215)
    counter: Color = (40, 60, 120)
    accent: Color = (40, 60, 120)
    tongue: Color = (240, 240, 236)
    lace: Color = (250, 250, 250)
    lining: Color = (200, 200, 200)
    midsole: Color = (245, 245, 240)
    stripe: Color = (40, 60, 120)
    outsole: Color = (150, 110, 70)


@dataclass(frozen=True)
class Shoe:
    """All that decides how a shoe looks."""

    last: Last = field(default_factory=Last)
    sole: Sole = field(default_factory=Sole)
    upper: Upper = field(default_factory=Upper)
    colors: Colors = field(default_factory=Colors)
