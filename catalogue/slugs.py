"""Raw text to slugs that are safe in a path, a stage name and YAML, and stable when data grows.

A slug depends on its own text alone, never on which other names exist. Case, accents, punctuation
and spacing are spelling: names that differ in these alone meet. Signs that tell names apart are
spelled (``Type C#``, ``1½``); where letters or signs had to be dropped, a short hash of the text keeps
names apart that would otherwise meet. Korean is romanised, and so may meet what sounds like it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_LENGTH = 80
_SPELLED = {
    "+": " plus ",
    "&": " and ",
    "@": " at ",
    "%": " percent ",
    "#": " hash ",
    "*": " star ",
    "=": " equals ",
    "$": " dollar ",
    "\N{FRACTION SLASH}": " over ",
    "ß": "ss",
    "æ": "ae",
    "ø": "o",
}
_LOSABLE = set("°™®©℠`´'\"’‘“”·•")

# Revised Romanization of Korean, letter by letter (no sound changes between syllables):
# National Institute of Korean Language, 2000, tables 2.1 and 2.2.
_INITIALS = "g kk n d tt r m b pp s ss _ j jj ch k t p h".replace("_", "-").split()
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_FINALS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()


def slug(text: str) -> str:
    """An ASCII slug of ``text``: ``a-z0-9`` in words joined by '-', at most 80 characters.

    >>> slug("Air Force 1 '07"), slug("나이키 에어"), slug("Supernova+"), slug("1½ C#")
    ('air-force-1-07', 'naiki-eeo', 'supernova-plus', '1-1-over-2-c-hash')
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    kept = [character for character in folded if character not in _LOSABLE]
    joined = "-".join(re.findall(r"[a-z0-9]+", "".join(map(_ascii, kept))))
    if not joined:
        return f"x-{_short_hash(folded)}"
    if any(map(_is_lost, kept)) or len(joined) > MAX_LENGTH:
        return f"{joined[: MAX_LENGTH - 9].rstrip('-')}-{_short_hash(folded)}"
    return joined


def _ascii(character: str) -> str:
    """``character`` in ASCII; a space for what ends a word or cannot be said."""
    if "가" <= character <= "힣":
        return _romanise(character)
    if character in _SPELLED:
        return _SPELLED[character]
    parts = unicodedata.normalize("NFKD", character)
    if "\N{FRACTION SLASH}" in parts:
        return f" {''.join(map(_ascii, parts))} "
    return parts.encode("ascii", "ignore").decode().casefold() or " "


def _is_lost(character: str) -> bool:
    """Whether `_ascii` does not say what tells ``character`` from others: emoji, other scripts, 10²."""
    said = _ascii(character)
    if unicodedata.category(character) == "No":  # ½ is spelled; ² and ① would be plain digits
        return " over " not in said
    return said == " " and unicodedata.category(character)[0] not in "PZCM"


def _romanise(syllable: str) -> str:
    index = ord(syllable) - ord("가")
    letters = (
        _INITIALS[index // 588],
        _VOWELS[index % 588 // 28],
        _FINALS[index % 28],
    )
    return "".join(letters).replace("-", "")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()[:8]
