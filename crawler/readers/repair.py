"""JSON as shops really write it: repaired where the intention is plain, given up otherwise."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

MAX_CHARACTERS = 4_000_000
_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|"
    r"(?:-->|//\s*\]\]>|\]\]>|/\*\s*\]\]>\s*\*/)\s*;?\s*$"
)
# an open one goes to the end, or each of its quotes would be tried to the end
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\w])//[^\n]*", re.DOTALL)
_TRAILING = re.compile(r",(?=\s*(?:,|[}\]]))")
_MISSING = re.compile(r"(?<=[}\]])(\s*)(?=[{\[])")
_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))|\\')


def parse_json(text: str) -> Any:
    """The value of ``text``, or None where no repair makes it JSON.

    Repaired: comments, CDATA and HTML comment wraps, control characters, trailing or doubled
    commas, invalid escapes, HTML-escaped quotes, text after the value, several values in a row.

    >>> parse_json('{"a": [1, 2,], /* note */ "b": "x",}')
    {'a': [1, 2], 'b': 'x'}
    >>> parse_json('{&quot;a&quot;: 1}'), parse_json("no json")
    ({'a': 1}, None)
    """
    if len(text) > MAX_CHARACTERS:
        return None
    stripped = text.strip().lstrip("\ufeff")
    for candidate in _attempts(stripped):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            value = _values_in_a_row(candidate)
            if value is not None:
                return value
    return None


def _attempts(text: str) -> Iterator[str]:
    """The text as it is, then ever more repaired forms of it."""
    return (attempt for attempt in _forms(text) if attempt[:1] in ("{", "["))


def _forms(text: str) -> Iterator[str]:
    yield text
    unwrapped = _WRAPPING.sub("", _WRAPPING.sub("", text)).strip().rstrip(";")
    yield unwrapped
    yield _outside_strings(unwrapped).strip().rstrip(";")
    if "&" in unwrapped:
        unescaped = html.unescape(unwrapped)
        yield unescaped
        yield _outside_strings(unescaped).strip().rstrip(";")


def _outside_strings(text: str) -> str:
    """Comments and stray commas taken out between strings, bad escapes mended within them."""
    parts: list[str] = []
    end = 0
    for match in _STRING.finditer(_without_comments(text)):
        text_now = match.string
        parts.append(text_now[end : match.start()])
        parts.append(_ESCAPE.sub(lambda found: found[1] or r"\\", match.group()))
        end = match.end()
    kept = _without_comments(text)[end:]
    # strings are set aside as they stand, so that a comma inside one is never taken for a stray one
    strings = [part for index, part in enumerate(parts) if index % 2]
    bones = "\0".join([part for index, part in enumerate(parts) if not index % 2] + [kept])
    bones = _TRAILING.sub("", _TRAILING.sub("", bones))
    bones = _MISSING.sub(r",\1", bones)
    pieces = bones.split("\0")
    if len(pieces) != len(strings) + 1:
        return text
    joined = [pieces[0]]
    for string, piece in zip(strings, pieces[1:], strict=True):
        joined += [string, piece]
    return "".join(joined)


def _without_comments(text: str) -> str:
    parts: list[str] = []
    end = 0
    for match in _STRING.finditer(text):
        if match.start() < end:
            continue
        parts += [_COMMENT.sub(" ", text[end : match.start()]), match.group()]
        end = match.end()
    return "".join([*parts, _COMMENT.sub(" ", text[end:])])


def _values_in_a_row(text: str) -> Any:
    """The values that stand one after another in ``text``; None unless the first one is whole."""
    decoder = json.JSONDecoder(strict=False)
    values: list[Any] = []
    position = 0
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        values.append(value)
        while position < len(text) and text[position] in " \t\r\n,;":
            position += 1
    if not values or not isinstance(values[0], dict | list):
        return None
    return values[0] if len(values) == 1 else values
