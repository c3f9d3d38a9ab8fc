"""The data that a page's scripts and attributes hold, as plain values, whoever wrote them.

Scripts of type JSON, literals assigned or passed in JavaScript, Nuxt's and Next's own wire formats,
and attributes that hold JSON. Scripts that name no picture and no brand are not looked into.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from crawler.items import Page
from crawler.readers import javascript
from crawler.readers.repair import MAX_CHARACTERS, parse_json

_HINT = re.compile(
    r"image|photo|picture|gallery|media|thumb|\.jpe?g|\.webp|\.png|brand|vendor", re.IGNORECASE
)
_START = re.compile(r"(?:[=(,?:]|return|\|\|)\s*(?=[{\[])")
_PUSHED = re.compile(r"__next_f\.push\(\s*(?=\[)")
_CHUNK = re.compile(r"^[0-9a-f]+:[A-Z]{0,2}(?=[\[{])", re.MULTILINE)
_ATTRIBUTE_SIGNS = ('"{', "'{", "={", '"[', "'[", "=[", "&#123", "&#x7b", "&#91", "&#x5b", "&l")
_MAX_TRIES = 400  # places of a script that are tried
_WRAPPERS = ("Reactive", "ShallowReactive", "Ref", "ShallowRef", "EmptyRef")


def values(page: Page) -> list[Any]:
    """All values that hold something, in the order of the page; found once per page."""
    if "scripts" not in page.memo:
        page.memo["scripts"] = [*_of_scripts(page), *_of_attributes(page)]
    found: list[Any] = page.memo["scripts"]
    return found


def _of_scripts(page: Page) -> Iterator[Any]:
    pushed: list[str] = []
    for script in page.find("//script[not(@src)]"):
        kind = (script.get("type") or "").lower()
        text = "".join(script.itertext())
        if "ld+json" in kind or not _HINT.search(text) or len(text) > MAX_CHARACTERS:
            continue
        if "json" in kind or "x-magento" in kind:
            value = parse_json(text)
            is_flat = script.get("id") == "__NUXT_DATA__" and isinstance(value, list)
            yield unflattened(value) if is_flat else value
        elif "__next_f" in text:
            pushed += _pushed(text)
        elif "template" not in kind and "html" not in kind:
            yield from literals(text)
    yield from _chunks("".join(pushed))


def literals(text: str) -> list[Any]:
    """Objects and lists that a script assigns or passes."""
    if "__NUXT__" in text and (value := javascript.wrapped(text)) is not None:
        return [value]
    found: list[Any] = []
    place = spent = 0
    for _ in range(_MAX_TRIES):
        start = _START.search(text, place)
        if start is None or spent > MAX_CHARACTERS:
            break
        try:
            value, place = _value_at(text, start.end())
            found.append(value)
        except javascript.NotLiteral as error:
            place, spent = start.end() + 1, spent + error.read
    parsed = (_in_string(match) for match in re.finditer(r"JSON\.parse\(\s*(?=[\"'`])", text))
    return [value for value in [*found, *parsed] if isinstance(value, dict | list) and value]


def _value_at(text: str, place: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, place)
    except (ValueError, RecursionError):
        return javascript.literal(text, place)


def _in_string(match: re.Match[str]) -> Any:
    try:
        inner, _ = javascript.literal(match.string, match.end())
        return json.loads(inner)
    except (ValueError, TypeError, RecursionError):
        return None


def _pushed(text: str) -> Iterator[str]:
    """The strings that Next's app router streams."""
    for match in _PUSHED.finditer(text):
        try:
            value, _ = _value_at(text, match.end())
        except javascript.NotLiteral:
            continue
        if isinstance(value, list) and len(value) > 1 and isinstance(value[1], str):
            yield value[1]


def _chunks(stream: str) -> Iterator[Any]:
    for match in _CHUNK.finditer(stream):
        try:
            yield json.JSONDecoder(strict=False).raw_decode(stream, match.end())[0]
        except (ValueError, RecursionError):
            continue


def unflattened(flat: list[Any]) -> Any:
    """A value from Nuxt's list, whose entries name each other by number.

    >>> unflattened([["Reactive", 1], {"name": 2, "images": 3}, "Runner", [4], "/1.jpg"])
    {'name': 'Runner', 'images': ['/1.jpg']}
    """

    def at(number: Any, depth: int) -> Any:
        is_place = isinstance(number, int) and not isinstance(number, bool)
        if not is_place or not 0 <= number < len(flat) or depth > 40:
            return None
        entry = flat[number]
        if isinstance(entry, dict):
            return {key: at(place, depth + 1) for key, place in entry.items()}
        if not isinstance(entry, list):
            return entry
        if entry and isinstance(entry[0], str):
            return at(entry[1], depth + 1) if entry[0] in _WRAPPERS and len(entry) > 1 else None
        return [at(place, depth + 1) for place in entry]

    return at(0, 0)


def _of_attributes(page: Page) -> Iterator[Any]:
    """JSON in attributes: data-product, data-props, :product and the like."""
    if not page.has(*_ATTRIBUTE_SIGNS):
        return
    path = "//body//@*[(starts-with(., '{') or starts-with(., '[')) and string-length(.) > 20]"
    for text in page.find(path):
        if _HINT.search(text) and (value := parse_json(text)) is not None:
            yield value
