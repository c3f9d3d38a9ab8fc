"""Which brands and shoes the demo shop sells: each brand's design language, models and colourways.

In: how many products a brand shall have. Out: `Article`s, the same ones for a name forever: small
differences between models follow from a hash of brand and model, never from their order. All names are
invented.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from demo.design import Color, Colors, Last, Shoe, Sole, Upper
from demo.surface import lightened

Part = TypeVar("Part", Last, Sole, Upper)

PAINTS: dict[str, Color] = {
    "White": (244, 244, 240),
    "Bone": (226, 217, 200),
    "Ash": (176, 178, 180),
    "Slate": (88, 98, 110),
    "Black": (34, 34, 37),
    "Ink": (28, 40, 82),
    "Cobalt": (32, 84, 200),
    "Sky": (140, 190, 226),
    "Teal": (16, 128, 130),
    "Mint": (158, 218, 190),
    "Moss": (92, 106, 58),
    "Pine": (30, 82, 58),
    "Lime": (190, 222, 46),
    "Sun": (248, 200, 40),
    "Amber": (226, 140, 36),
    "Coral": (244, 104, 84),
    "Red": (200, 32, 42),
    "Wine": (112, 24, 46),
    "Rose": (236, 168, 184),
    "Plum": (98, 52, 120),
    "Lilac": (190, 170, 226),
    "Sand": (206, 178, 134),
    "Tan": (176, 118, 66),
    "Cocoa": (90, 58, 40),
    "Gum": (186, 126, 70),
}
KOREAN_PAINTS = {
    "White": "화이트", "Bone": "아이보리", "Ash": "그레이", "Slate": "차콜", "Black": "블랙",
    "Ink": "네이비", "Sky": "스카이", "Teal": "청록", "Mint": "민트", "Moss": "카키",
    "Pine": "그린", "Sun": "옐로", "Amber": "오렌지", "Coral": "코랄", "Red": "레드",
    "Wine": "와인", "Rose": "핑크", "Plum": "퍼플", "Lilac": "라일락", "Sand": "베이지",
    "Tan": "탄", "Cocoa": "브라운", "Cobalt": "블루", "Lime": "라임", "Gum": "검",
}  # fmt: skip


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


@dataclass(frozen=True)
class Article:
    """One product of the shop: a model in one colourway."""

    brand: Brand
    name: str
    sku: str
    color: str
    group: str
    category: str
    shoe: Shoe


# form -> (category, last, sole, upper): what kind of shoe, whoever makes it.
FORMS: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "runner": (
        "running shoes",
        {"vamp_height": 0.125, "throat_height": 0.235, "collar_height": 0.225, "toe_power": 2.0},
        {"heel_stack": 0.125, "fore_stack": 0.08, "toe_spring": 0.07, "flare": 0.018},
        {"material": "mesh", "mudguard": 0.035, "lace_rows": 6},
    ),
    "trail": (
        "trail shoes",
        {"vamp_height": 0.13, "toe_height": 0.095, "throat_height": 0.24},
        {"heel_stack": 0.12, "fore_stack": 0.085, "tread": "lugs", "outsole": 0.036, "flare": 0.024},
        {"material": "mesh", "toe": "mudguard", "mudguard": 0.062, "is_crossed": True, "lace_rows": 5},
    ),
    "court": (
        "sneakers",
        {"toe_power": 2.5, "toe_height": 0.092, "vamp_height": 0.135},
        {"heel_stack": 0.092, "fore_stack": 0.07, "toe_spring": 0.035, "bulge": 0.004, "flare": 0.006},
        {"material": "leather", "toe": "cap", "mudguard": 0.0, "lace_rows": 6},
    ),
    "skate": (
        "sneakers",
        {"toe_power": 2.7, "toe_height": 0.085, "vamp_height": 0.125, "collar_height": 0.2},
        {"heel_stack": 0.075, "fore_stack": 0.068, "toe_spring": 0.02, "bulge": 0.0, "flare": 0.002,
         "cup": 0.02, "sidewall": "foxing"},
        {"material": "suede", "mudguard": 0.0, "toe": "plain", "lace_rows": 5},
    ),
    "high": (
        "high tops",
        {"throat_x": 0.385, "throat_height": 0.4, "collar_height": 0.39, "collar_dip": 0.012,
         "heel_x": 0.028, "taper": 0.28, "vamp_height": 0.13, "rim": 0.011},
        {"heel_stack": 0.078, "fore_stack": 0.064, "toe_spring": 0.03, "cup": 0.018,
         "sidewall": "foxing", "bulge": 0.002, "flare": 0.004},
        {"material": "canvas", "toe": "shell", "toe_x": 0.83, "lace_rows": 8, "mudguard": 0.0,
         "tongue": 0.05, "emblem_x": 0.22, "emblem_height": 0.22, "emblem_size": 0.05},
    ),
    "hoop": (
        "high tops",
        {"throat_x": 0.4, "throat_height": 0.36, "collar_height": 0.36, "collar_dip": 0.04,
         "heel_x": 0.03, "taper": 0.26, "vamp_height": 0.145, "toe_height": 0.1, "rim": 0.018},
        {"heel_stack": 0.12, "fore_stack": 0.085, "toe_spring": 0.05, "cup": 0.012, "flare": 0.016},
        {"material": "leather", "toe": "mudguard", "lace_rows": 7, "mudguard": 0.055, "tongue": 0.075},
    ),
    "boot": (
        "boots",
        {"throat_x": 0.39, "throat_height": 0.5, "collar_height": 0.49, "collar_dip": 0.0,
         "heel_x": 0.025, "taper": 0.22, "toe_height": 0.105, "vamp_height": 0.15, "rim": 0.016},
        {"heel_stack": 0.13, "fore_stack": 0.075, "tread": "lugs", "outsole": 0.045,
         "heel_block": 0.055, "sidewall": "plain", "toe_spring": 0.035, "bulge": 0.0},
        {"material": "leather", "toe": "cap", "toe_x": 0.8, "lace_rows": 8, "mudguard": 0.0,
         "tongue": 0.04, "counter": 0.17, "emblem_x": 0.2, "emblem_height": 0.34,
         "emblem_size": 0.045},
    ),
    "chelsea": (
        "boots",
        {"throat_x": 0.37, "throat_height": 0.42, "collar_height": 0.42, "collar_dip": 0.008,
         "heel_x": 0.03, "taper": 0.26, "toe_height": 0.085, "vamp_height": 0.125, "rim": 0.008},
        {"heel_stack": 0.11, "fore_stack": 0.05, "outsole": 0.028, "heel_block": 0.055,
         "sidewall": "plain", "toe_spring": 0.03, "bulge": 0.0, "flare": 0.004},
        {"material": "leather", "closure": "gore", "toe": "plain", "mudguard": 0.0, "counter": 0.13,
         "emblem_x": 0.13, "emblem_height": 0.1, "emblem_size": 0.026},
    ),
    "slip-on": (
        "slip-ons",
        {"throat_x": 0.47, "throat_height": 0.2, "collar_height": 0.185, "vamp_height": 0.14,
         "collar_dip": 0.045, "toe_height": 0.085, "rim": 0.01},
        {"heel_stack": 0.07, "fore_stack": 0.058, "toe_spring": 0.03, "cup": 0.014, "bulge": 0.0,
         "sidewall": "foxing"},
        {"material": "canvas", "closure": "gore", "toe": "plain", "mudguard": 0.0, "has_stay": False,
         "counter": 0.15, "emblem_x": 0.62, "emblem_height": 0.07, "emblem_size": 0.045},
    ),
    "sandal": (
        "sandals",
        {"throat_height": 0.215, "collar_height": 0.2, "vamp_height": 0.115, "toe_height": 0.075},
        {"heel_stack": 0.095, "fore_stack": 0.07, "toe_spring": 0.035, "outsole": 0.02},
        {"material": "leather", "closure": "straps", "straps": ((0.78, 0.034), (0.6, 0.036)),
         "emblem_x": 0.62, "emblem_height": 0.06, "emblem_size": 0.022},
    ),
    "slide": (
        "sandals",
        {"throat_height": 0.2, "collar_height": 0.18, "vamp_height": 0.12, "ball": 0.18},
        {"heel_stack": 0.1, "fore_stack": 0.08, "toe_spring": 0.02, "outsole": 0.014, "bulge": 0.014},
        {"material": "rubber", "closure": "straps", "straps": ((0.66, 0.085),), "is_open_back": True,
         "emblem_x": 0.64, "emblem_height": 0.065, "emblem_size": 0.04},
    ),
}  # fmt: skip

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
        {"emblem_size": 0.05, "overlay_material": "suede"}, ground=(251, 250, 248),
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
COLORS_OF_MODEL = (2, 1, 1, 2, 1, 2, 1)  # sibling colourways; ten products of seven models


def dice(*names: object) -> np.random.Generator:
    """A generator that the names alone decide."""
    digest = hashlib.sha256("\n".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def articles(brand: Brand, count: int) -> list[Article]:
    """The first ``count`` products of ``brand``; past its models come further generations of them."""
    found: list[Article] = []
    for model, (name, form) in _models(brand):
        for way in range(COLORS_OF_MODEL[model % len(COLORS_OF_MODEL)]):
            if len(found) == count:
                return found
            found.append(_article(brand, model, name, form, way))
    return found


def _models(brand: Brand) -> Iterator[tuple[int, tuple[str, str]]]:
    model = 0
    while True:
        generation, index = divmod(model, len(brand.models))
        name, form = brand.models[index]
        yield model, (name if not generation else f"{name} Mk{generation + 1}", form)
        model += 1


def _article(brand: Brand, model: int, name: str, form: str, way: int) -> Article:
    category, *_ = FORMS[form]
    paints = brand.colorways[(model + 3 * way) % len(brand.colorways)]
    words = [KOREAN_PAINTS[paint] if brand.is_korean else paint for paint in paints[:2]]
    digits = int(dice("sku", brand.name, name).integers(1000, 9999))
    group = f"{brand.emblem[:2].upper()}{digits}"
    return Article(
        brand=brand,
        name=name,
        sku=f"{group}-{paints[0][:2].upper()}{paints[1][:2].upper()}",
        color="/".join(words),
        group=group,
        category=category,
        shoe=shoe_of(brand, name, form, paints),
    )


def shoe_of(brand: Brand, name: str, form: str, paints: tuple[str, str, str, str]) -> Shoe:
    """The form, then the brand's language, then what makes the model its own."""
    _, last, sole, upper = FORMS[form]
    shaft = {"throat_height", "collar_height", "throat_x", "heel_x"}
    roll = dice("model", brand.name, name)
    small = {"emblem_size", "emblem_height", "emblem_x"} if "emblem_size" in upper else set()
    own = (
        {"toe", "toe_x", "counter", "mudguard"} if form in ("boot", "slip-on", "chelsea") else set()
    )
    brand_sole = {
        key: value
        for key, value in brand.sole.items()
        if not (form in ("boot", "chelsea", "slip-on", "skate", "high") and key.endswith("stack"))
    }
    brand_upper = {k: v for k, v in brand.upper.items() if k not in small | own}
    return Shoe(
        _varied(
            Last(**(last | {k: v for k, v in brand.last.items() if k not in shaft})), roll, 0.05
        ),
        _varied(Sole(**(sole | brand_sole)), roll, 0.1),
        _varied(Upper(**(upper | brand_upper | {"emblem": brand.emblem})), roll, 0.06),
        colors_of(brand, paints, roll),
    )


def _varied(part: Part, roll: np.random.Generator, by: float) -> Part:
    """Every length of ``part`` changed by up to the share ``by``."""
    changes: dict[str, Any] = {
        entry.name: value * float(roll.uniform(1 - by, 1 + by))
        for entry in fields(part)
        if isinstance(value := getattr(part, entry.name), float)
    }
    return replace(part, **changes)


def colors_of(brand: Brand, paints: tuple[str, str, str, str], roll: np.random.Generator) -> Colors:
    """A colourway from four paints; which parts take the accent is the model's own choice."""
    base, accent, middle, bottom = (PAINTS[paint] for paint in paints)
    is_dark = sum(base) < 300
    shade = lightened(base, 0.12 if is_dark else -0.14)
    counter = (accent, shade, base)[int(roll.integers(3))]
    toe = (shade, base, accent if brand.name in ("Pikolo", "Corvane") else shade)[
        int(roll.integers(3))
    ]
    lace = (PAINTS["White"], accent, lightened(base, 0.3))[int(roll.integers(3))]
    return Colors(
        upper=base,
        overlay=(shade, lightened(base, 0.25))[int(roll.integers(2))],
        toe=PAINTS["White"] if brand.name == "Tessel" else toe,
        counter=counter,
        accent=accent,
        tongue=(base, shade, accent)[int(roll.integers(3))],
        lace=lace,
        lining=lightened(accent, 0.45) if roll.random() < 0.4 else (196, 194, 190),
        midsole=middle,
        stripe=accent,
        outsole=bottom,
    )
