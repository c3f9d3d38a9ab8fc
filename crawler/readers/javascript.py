"""Values that JavaScript writes as literals, read without running anything.

Shops hand their state to their scripts as object literals that are not quite JSON: bare keys, single
quotes, ``void 0``, arguments of a wrapping function. What is no literal (a call, an expression) is None.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\s*\.\s*[A-Za-z_$][\w$]*)*")
_STRING = re.compile(
    r'"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'" + r"|`(?:[^`\\]|\\.)*`", re.DOTALL
)
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None}
_WRAPPER = re.compile(r"\(?function\s*\w*\(([\w$,\s]*)\)\s*\{")
_MAX_DEPTH = 60
_MAX_EXPRESSION = 20_000  # characters; a longer one is code that is not worth its reading


class NotLiteral(ValueError):
    """The text is no value; ``read`` characters of it were looked at."""

    read = 0


class _Unbound(str):
    """A name whose value is not known here."""


def literal(text: str, start: int = 0) -> tuple[Any, int]:
    """(the value that stands at ``start``, where it ends).

    >>> literal("{name: 'Runner', \\"sizes\\": [42, .5,], sold: !1, at: new Date(), none: void 0}")[0]
    {'name': 'Runner', 'sizes': [42, 0.5], 'sold': False, 'at': None, 'none': None}

    Raises:
        NotLiteral: no value starts there, or it is nested too deep.
    """
    scanner = _Scanner(text)
    try:
        value, end = scanner.value(start, 0)
    except NotLiteral as error:
        error.read = scanner.furthest - start
        raise
    return _bound(value, {}), end


def wrapped(text: str) -> Any:
    """What ``(function(a,b){return {...}}("x",1))`` returns; None where the text is no such thing.

    >>> wrapped("window.__NUXT__=(function(a,b){return {name:a,images:[b]}}('Runner','/1.jpg'))")
    {'name': 'Runner', 'images': ['/1.jpg']}
    """
    head = _WRAPPER.search(text)
    place = text.find("return", head.end()) if head else -1
    if head is None or place < 0:
        return None
    scanner = _Scanner(text)
    try:
        value, end = scanner.value(place + len("return"), 0)
        call = re.compile(r"[\s;})]*\(").match(text, end)
        given = scanner.array(call.end(), 0, ")")[0] if call else []
    except (NotLiteral, RecursionError):
        return None
    names = [name.strip() for name in head.group(1).split(",")]
    return _bound(value, dict(zip(names, given, strict=False)))


def _bound(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, _Unbound):
        found = names.get(value)
        return None if isinstance(found, _Unbound) else found
    if isinstance(value, list):
        return [_bound(entry, names) for entry in value]
    if isinstance(value, dict):
        return {key: _bound(entry, names) for key, entry in value.items()}
    return value


def unquoted(text: str) -> str:
    """The text that a string literal, quotes included, stands for."""

    def plain(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "ux" and len(code) > 1:
            number = int(code[1:].strip("{}"), 16)
            return chr(number) if number < 0x110000 else ""
        return _PLAIN.get(code, code)

    resolved = _ESCAPE.sub(plain, text[1:-1])
    # pairs of surrogates, as \ud83d\udc5f, are one character
    return resolved.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Scanner:
    """Reads values out of one text; every method takes a place and returns (value, end)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.furthest = 0

    def skip(self, place: int) -> int:
        """The next place with something to read."""
        found = _SPACE.match(self.text, place)
        place = found.end() if found else place
        self.furthest = max(self.furthest, place)
        return place

    def value(self, place: int, depth: int) -> tuple[Any, int]:
        """The value at ``place``; what is computed is None."""
        place = self.skip(place)
        head = self.text[place : place + 1]
        if depth > _MAX_DEPTH or not head or head in ",:;)]}":
            raise NotLiteral
        found: tuple[Any, int]
        if head == "{":
            found = self.object(place + 1, depth + 1)
        elif head == "[":
            found = self.array(place + 1, depth + 1, "]")
        else:
            found = self._simple(place, head)
        after = self.skip(found[1])
        if self.text[after : after + 1] in (",", "}", "]", ")", ";", "") or depth == 0:
            return found
        return None, self._past(after)  # an expression goes on here

    def _simple(self, place: int, head: str) -> tuple[Any, int]:
        if head in "\"'`":
            match = _STRING.match(self.text, place)
            if match is None:
                raise NotLiteral
            return unquoted(match.group()), match.end()
        if number := _NUMBER.match(self.text, place):
            return _number(number.group()), number.end()
        if self.text.startswith(("!0", "!1"), place):
            return self.text[place + 1] == "0", place + 2
        if self.text.startswith("void 0", place):
            return None, place + 6
        if self.text.startswith("JSON.parse(", place):
            return self._parsed(place + len("JSON.parse("))
        name = _NAME.match(self.text, place)
        if name is None or name.group() in ("function", "new", "class"):
            return None, self._past(place)
        word = name.group()
        return (_CONSTANTS[word] if word in _CONSTANTS else _Unbound(word)), name.end()

    def _parsed(self, place: int) -> tuple[Any, int]:
        inner, end = self._simple(self.skip(place), self.text[self.skip(place)])
        try:
            return json.loads(inner), self.skip(end) + 1
        except (TypeError, ValueError, RecursionError):
            return None, self.skip(end) + 1

    def array(self, place: int, depth: int, closing: str) -> tuple[list[Any], int]:
        """Values up to ``closing``."""
        values: list[Any] = []
        while True:
            place = self.skip(place)
            head = self.text[place : place + 1]
            if head == closing:
                return values, place + 1
            if head == ",":
                place += 1
                continue
            value, place = self.value(place, depth)
            values.append(value)

    def object(self, place: int, depth: int) -> tuple[dict[str, Any], int]:
        """Pairs up to the closing brace."""
        pairs: dict[str, Any] = {}
        while True:
            place = self.skip(place)
            head = self.text[place : place + 1]
            if head == "}":
                return pairs, place + 1
            if head == ",":
                place += 1
                continue
            key, place = self._key(place, head)
            place = self.skip(place)
            if self.text[place : place + 1] != ":":
                raise NotLiteral  # a method, a spread: rather code than data
            pairs[key], place = self.value(place + 1, depth)

    def _key(self, place: int, head: str) -> tuple[str, int]:
        match = (
            _STRING.match(self.text, place)
            if head in "\"'"
            else re.compile(r"[\w$]+").match(self.text, place)
        )
        if match is None:
            raise NotLiteral
        return (unquoted(match.group()) if head in "\"'" else match.group()), match.end()

    def _past(self, place: int) -> int:
        """Where the expression at ``place`` ends: at a comma or closing sign of its own level."""
        level, last = 0, min(len(self.text), place + _MAX_EXPRESSION)
        while place < last:
            sign = self.text[place]
            if sign in "\"'`":
                match = _STRING.match(self.text, place)
                place = match.end() if match else place + 1
                continue
            if level == 0 and sign in ",}]);":
                return place
            level += (sign in "{[(") - (sign in "}])")
            place += 1
        self.furthest = max(self.furthest, place)
        raise NotLiteral


def _number(text: str) -> int | float:
    if "x" in text.lower():
        return int(text, 16)
    return float(text) if re.search(r"[.eE]", text) else int(text)
