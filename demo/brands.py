"""The brands that the demo shop sells: each one's design language, models and colourways.

Out: `BRANDS`. All names are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.design import Color


@dataclass(frozen=True)
class Brand:
    """A design language: what all shoes of the brand have in common."""

    name: str
    emblem: str
    models: tuple[tuple[str, str], ...]  # (name, a key of FORMS)
    colorways: tuple[tuple[str, str, str, str], ...]  # upper, accent, midsole, outsole paints
    last: dict[str, Any]
    sole: dict[str, Any]
    upper: dict[str, Any]
    is_korean: bool = False
    ground: Color = (255, 255, 255)


BRANDS: tuple[Brand, ...] = (
    Brand(
        "Velmora", "chevrons",
        (("Aero Strand 3", "runner"), ("Flux Mile", "runner"), ("Stride Nine", "court"),
         ("Ridge Dash", "trail"), ("Metro Knit", "slip-on"), ("Tempo Hi", "hoop"),
         ("Halo Racer", "runner")),
        (("White", "Cobalt", "White", "Ink"), ("Coral", "Ink", "White", "Coral"),
         ("Ink", "Lime", "White", "Lime"), ("Lime", "Black", "White", "Black"),
         ("Sky", "Coral", "White", "Sky"), ("Black", "Coral", "White", "Black"),
         ("Ash", "Cobalt", "White", "Cobalt")),
        {"toe_power": 1.9, "ball": 0.166}, {"heel_stack": 0.14, "sidewall": "layers", "tread": "waves"},
        {"emblem_size": 0.078},
    ),
    Brand(
        "Brackwater", "diamond",
        (("Harbour 71", "court"), ("Quay Canvas", "slip-on"), ("Mariner Hi", "high"),
         ("Ferry Low", "skate"), ("Dockside Chelsea", "chelsea"), ("Pier Sandal", "sandal"),
         ("Breakwall", "court")),
        (("Bone", "Ink", "White", "Gum"), ("Ink", "Sand", "Bone", "Gum"),
         ("Tan", "Cocoa", "Bone", "Cocoa"), ("Slate", "Bone", "Bone", "Gum"),
         ("Wine", "Bone", "Bone", "Gum"), ("Sand", "Teal", "Bone", "Gum"),
         ("White", "Wine", "Bone", "Gum")),
        {"toe_power": 2.4, "waist": 0.134}, {"tread": "herringbone", "outsole": 0.026},
        {"emblem_size": 0.05}, ground=(251, 250, 248),
    ),
    Brand(
        "루나", "crescent",
        (("문라이트 로우", "court"), ("달빛 슬립온", "slip-on"), ("클라우드 러너", "runner"),
         ("새벽 하이", "high"), ("라라 샌들", "sandal"), ("소프트 첼시", "chelsea"),
         ("블룸 2", "skate")),
        (("White", "Rose", "White", "White"), ("Lilac", "White", "White", "Lilac"),
         ("Rose", "Wine", "White", "Rose"), ("Bone", "Plum", "White", "Bone"),
         ("Mint", "White", "White", "Mint"), ("Sky", "Plum", "White", "White"),
         ("Black", "Lilac", "White", "Black")),
        {"ball": 0.152, "heel": 0.112, "waist": 0.114, "toe_power": 1.85, "swing": 0.03},
        {"sidewall": "plain", "tread": "dots", "flare": 0.004}, {"counter": 0.15}, is_korean=True,
    ),
    Brand(
        "한길", "paths",
        (("트레일 러너 2", "trail"), ("백두 하이커", "boot"), ("둘레길 로우", "trail"),
         ("능선 미드", "hoop"), ("계곡 샌들", "sandal"), ("한강 러너", "runner"),
         ("오름 GT", "trail")),
        (("Moss", "Amber", "Bone", "Black"), ("Slate", "Red", "Ash", "Black"),
         ("Tan", "Pine", "Bone", "Black"), ("Black", "Sun", "Slate", "Black"),
         ("Teal", "Sun", "Bone", "Slate"), ("Sand", "Red", "Bone", "Cocoa"),
         ("Pine", "White", "Bone", "Black")),
        {"ball": 0.182, "toe_height": 0.1, "toe_power": 2.3},
        {"sidewall": "ribs", "tread": "lugs", "flare": 0.026, "outsole": 0.036},
        {"emblem_size": 0.055}, is_korean=True,
    ),
    Brand(
        "Corvane", "bolt",
        (("Apex Court", "hoop"), ("Vertex 5", "hoop"), ("Zephyr Run", "runner"),
         ("Baseline Low", "court"), ("Sprint Lab", "runner"), ("Locker Slide", "slide"),
         ("Crossover Hi", "hoop")),
        (("Red", "Black", "White", "Red"), ("White", "Red", "White", "Gum"),
         ("Black", "Sun", "White", "Sun"), ("Cobalt", "White", "White", "Cobalt"),
         ("Ash", "Red", "Black", "Red"), ("Plum", "Sun", "White", "Plum"),
         ("Black", "Red", "Black", "Red")),
        {"ball": 0.178, "toe_height": 0.1, "rim": 0.018},
        {"sidewall": "pods", "tread": "herringbone", "bulge": 0.016, "heel_stack": 0.13},
        {"emblem_size": 0.09, "toe": "mudguard"},
    ),
    Brand(
        "Tessel", "checks",
        (("Grid Low", "skate"), ("Mosaic Hi", "high"), ("Parquet Slip", "slip-on"),
         ("Tile Pro", "skate"), ("Facet Court", "court"), ("Patio Slide", "slide"),
         ("Kerb Hi", "high")),
        (("Black", "White", "White", "Gum"), ("Red", "White", "White", "Gum"),
         ("Sun", "Black", "White", "Gum"), ("Pine", "Bone", "White", "Gum"),
         ("Ink", "Sky", "White", "Gum"), ("White", "Black", "White", "Gum"),
         ("Plum", "Mint", "White", "Gum")),
        {"toe_power": 2.9, "toe_length": 0.22},
        {"sidewall": "foxing", "tread": "blocks", "cup": 0.022, "heel_stack": 0.076, "fore_stack": 0.07},
        {"emblem_size": 0.038, "emblem_height": 0.07, "toe": "shell", "counter": 0.1, "toe_x": 0.85},
    ),
    Brand(
        "Mossgard", "peak",
        (("Forester 8", "boot"), ("Fell Walker", "trail"), ("Cairn Chelsea", "chelsea"),
         ("Bothy Mid", "boot"), ("Tarn Sandal", "sandal"), ("Heath Low", "court"),
         ("Summit GT", "boot")),
        (("Cocoa", "Sand", "Cocoa", "Black"), ("Moss", "Sand", "Cocoa", "Black"),
         ("Tan", "Cocoa", "Bone", "Gum"), ("Black", "Moss", "Black", "Black"),
         ("Slate", "Amber", "Black", "Black"), ("Pine", "Tan", "Cocoa", "Gum"),
         ("Wine", "Sand", "Cocoa", "Black")),
        {"toe_height": 0.108, "ball": 0.18, "toe_power": 2.5},
        {"tread": "lugs", "outsole": 0.044, "flare": 0.014, "sidewall": "plain"},
        {"toe": "wing", "toe_x": 0.82, "mudguard": 0.0},
    ),
    Brand(
        "Pikolo", "dots",
        (("Bubble One", "runner"), ("Gummi Low", "court"), ("Jelly Slide", "slide"),
         ("Sherbet Hi", "high"), ("Popcorn", "runner"), ("Candy Slip", "slip-on"),
         ("Marble Run", "trail")),
        (("Sun", "Cobalt", "White", "Coral"), ("Mint", "Coral", "Rose", "Sun"),
         ("Rose", "Teal", "White", "Sun"), ("Sky", "Sun", "Coral", "Cobalt"),
         ("Coral", "White", "Sun", "Teal"), ("Lilac", "Lime", "White", "Plum"),
         ("White", "Teal", "Sky", "Sun")),
        {"ball": 0.186, "heel": 0.136, "waist": 0.146, "toe_height": 0.112, "toe_power": 2.3},
        {"heel_stack": 0.15, "fore_stack": 0.115, "bulge": 0.024, "sidewall": "speckle",
         "tread": "dots"},
        {"emblem_size": 0.065, "counter": 0.17},
    ),
    Brand(
        "Orbit", "ring",
        (("Apogee", "runner"), ("Perigee Low", "court"), ("Eclipse Hi", "hoop"),
         ("Lander", "trail"), ("Docking Slip", "slip-on"), ("Nova 4", "runner"),
         ("Module", "court")),
        (("White", "Black", "Ash", "Black"), ("Ash", "Amber", "White", "Black"),
         ("Black", "Ash", "Ash", "Amber"), ("Slate", "Lime", "White", "Black"),
         ("White", "Plum", "Ash", "Plum"), ("Ink", "Ash", "White", "Ink"),
         ("Amber", "Black", "White", "Black")),
        {"toe_power": 2.2, "heel_bulge": 0.022},
        {"sidewall": "pods", "tread": "dots", "bulge": 0.02, "heel_stack": 0.135},
        {"emblem_size": 0.085, "has_stay": False},
    ),
    Brand(
        "Tideline", "wave",
        (("Ebb Runner", "runner"), ("Reef Low", "skate"), ("Kelp Slip", "slip-on"),
         ("Current 2", "runner"), ("Lagoon Slide", "slide"), ("Swell Hi", "high"),
         ("Drift Court", "court")),
        (("Teal", "White", "White", "Gum"), ("White", "Teal", "White", "Sky"),
         ("Sand", "Teal", "White", "Gum"), ("Ink", "Sky", "White", "Ink"),
         ("Sky", "Ink", "White", "White"), ("Bone", "Coral", "White", "Gum"),
         ("Mint", "Ink", "White", "Teal")),
        {"toe_power": 2.0, "toe_height": 0.08}, {"sidewall": "layers", "tread": "waves"},
        {"emblem_size": 0.062},
    ),
)  # fmt: skip
