"""Which shoes the demo shop sells: a brand's language laid over a form, model by model.

In: a brand and how many products it shall have. Out: `Article`s, the same ones for a name forever:
small differences between models follow from a hash of brand and model, never from their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from demo.brands import Brand
from demo.color import KOREAN_PAINTS, PAINTS, lightened
from demo.design import Colors, Last, Shoe, Sole, Upper
from demo.forms import FORMS

Part = TypeVar("Part", Last, Sole, Upper)
COLORS_OF_MODEL = (2, 1, 1, 2, 1, 2, 1)  # sibling colourways; ten products of seven models


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
    paints = _paints(brand, model, name, way)
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


def _paints(brand: Brand, model: int, name: str, way: int) -> tuple[str, str, str, str]:
    """Upper, accent, midsole and outsole: the brand's own, or for further generations new ones on its soles.

    In its forerunner's colours, a generation would differ by a few percent of its lengths alone.
    """
    upper, accent, middle, bottom = brand.colorways[(model + 3 * way) % len(brand.colorways)]
    if model >= len(brand.models):
        order = dice("colorway", brand.name, name).permutation(sorted(PAINTS))
        upper, accent = order[2 * way : 2 * way + 2].tolist()
    return upper, accent, middle, bottom


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
