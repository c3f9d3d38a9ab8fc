"""Slugs are safe, depend on their own text alone, and keep names apart that signs tell apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.brands import brand_slug
from catalogue.schema import check_slug
from catalogue.slugs import slug

SPELLED = "#+&@%*=$½"
HASHED = "²①👟×"
NAMES = st.text("ab12" + SPELLED + HASHED + " -/.'", max_size=4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Air Force 1 '07", "air-force-1-07"),
        ("Supernova+", "supernova-plus"),
        ("Samba White/Green", "samba-white-green"),
        ("Type C", "type-c"),
        ("Type C#", "type-c-hash"),
        ("1½", "1-1-over-2"),
        ("1⁄2", "1-over-2"),
        ("11/2", "11-2"),
        ("112", "112"),
        ("Cloud5", "cloud5"),
        ("Straße Café", "strasse-cafe"),
    ],
)
def test_known_answers(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_spelling_meets_on_purpose() -> None:
    assert {slug(text) for text in ("Cloud 5", "Cloud-5", "CLOUD  5!", "cloud_5")} == {"cloud-5"}


def test_signs_that_cannot_be_spelled_keep_names_apart() -> None:
    names = [
        "10²",
        "102",
        "10 2",
        "1①2",
        "112",
        "Air 👟",
        "Air 🏃",
        "Air",
        "x²",
        "x2",
        "Łódź",
        "Odz",
    ]
    assert len({slug(name) for name in names}) == len(names)
    assert slug("Air 👟").startswith("air-")


def spelling(text: str) -> str:
    """``text`` up to what slugs ignore on purpose: separators, apostrophes, space round a sign."""
    spaced = re.sub(f"([{SPELLED}])", r" \1 ", text.replace("'", ""))
    return " ".join(re.split(r"[ \-/.]+", spaced.strip(" -/.")))


@settings(max_examples=1000)
@given(NAMES, NAMES)
def test_names_meet_only_when_they_are_spelled_alike(one: str, other: str) -> None:
    if slug(one) == slug(other):
        assert spelling(one) == spelling(other)
    if not set(one + other) & set(HASHED) and re.search(r"\w", spelling(one)):
        assert (slug(one) == slug(other)) == (spelling(one) == spelling(other))


@settings(max_examples=300)
@given(st.text(max_size=300))
def test_any_text_gives_a_safe_slug(text: str) -> None:
    check_slug("slug", slug(text))
    check_slug("brand", brand_slug(text))
    assert slug(slug(text)) == slug(text)
