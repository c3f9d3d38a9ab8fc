"""Which side of the shoe an alt text says its picture shows, in English and Korean."""

from __future__ import annotations

import re

VIEWS = ("side", "top", "outsole", "front", "rear", "medial", "pair", "detail")

# In this order: "outer sole" is no side, "inner side" is medial, "sole of the pair" is an outsole.
_KOREAN = (
    ("outsole", ("밑창", "아웃솔", "바닥")),
    ("medial", ("안쪽", "내측")),
    ("detail", ("디테일", "상세", "확대", "클로즈업")),
    ("pair", ("한 켤레", "한켤레", "페어", "양발")),
    ("top", ("윗면", "상단", "위에서", "탑뷰")),
    ("rear", ("뒷면", "후면", "뒤꿈치", "뒷모습")),
    ("front", ("정면", "앞면", "전면", "앞모습")),
    ("side", ("측면", "옆면", "바깥쪽", "외측", "옆모습")),
)
_ENGLISH = (
    ("outsole", r"out ?soles?|soles?|bottom|underside"),
    ("medial", r"medial|inner side|inside|inner"),
    ("detail", r"details?|close ?up|closeup|macro"),
    ("pair", r"pair|both shoes"),
    ("top", r"top|top down|above|overhead"),
    ("rear", r"rear|back|heel|behind"),
    ("front", r"front|toe"),
    ("side", r"side|lateral|profile|left|right"),
)
_MARKS = r"views?|angles?|shots?|photos?|pictures?|images?|sides?"
_FILLER = re.compile(rf"\b(?:{_MARKS}|three quarters?|3 4|the|of|from|in|a|an|and|shoes?|\d+)\b")


def view_of(alt: str | None, name: str) -> str | None:
    """The view that ``alt`` names, None where it does not say.

    Words of the product's ``name`` are taken out first, and what is left must be about the view
    alone or say so ("top view"): a high-top is no top view.
    """
    if alt is None:
        return None
    rest = _without(_plain(alt), _plain(name))
    for view, words in _KOREAN:
        if any(word in rest for word in words):
            return view
    for view, pattern in _ENGLISH:
        if re.search(rf"\b(?:{pattern}) (?:{_MARKS})\b|\bview from (?:the )?(?:{pattern})\b", rest):
            return view
    bare = " ".join(_FILLER.sub(" ", rest).split())
    for view, pattern in _ENGLISH:
        if re.fullmatch(rf"(?:\w+ )?(?:{pattern})", bare):
            return view
    return None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def _without(text: str, name: str) -> str:
    """``text`` less the longest run of the name's words that occurs in it.

    A single word that could name a view stays: "Top Spin" and "top" have it in common by chance.
    """
    words = name.split()
    for count in range(len(words), 0, -1):
        for start in range(len(words) - count + 1):
            run = " ".join(words[start : start + count])
            if count == 1 and count < len(words) and any(re.fullmatch(p, run) for _, p in _ENGLISH):
                continue
            if f" {run} " in f" {text} ":
                return " ".join(text.replace(run, " ").split())
    return text
