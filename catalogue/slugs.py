"""Raw text to slugs that are safe in a path, a stage name and YAML, and stable when data grows.

A slug depends on its own text alone, never on which other names exist. Punctuation and spacing are
dropped; where letters or signs had to be dropped, a short hash of the text keeps names apart that
would otherwise meet.
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

    >>> slug("Air Force 1 '07"), slug("나이키 에어"), slug("Supernova+")
    ('air-force-1-07', 'naiki-eeo', 'supernova-plus')
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    words, is_lossy = [], False
    for character in folded:
        if "가" <= character <= "힣":
            words.append(_romanise(character))
            continue
        character = _SPELLED.get(character, character)
        ascii_form = (
            unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode().casefold()
        )
        if character in _LOSABLE:
            continue
        if not ascii_form and unicodedata.category(character[0])[0] not in "PZC":
            is_lossy = is_lossy or unicodedata.category(character[0])[0] != "M"
        words.append(ascii_form or " ")
    joined = "-".join(re.findall(r"[a-z0-9]+", "".join(words)))
    if not joined:
        return f"x-{_short_hash(folded)}"
    if is_lossy or len(joined) > MAX_LENGTH:
        return f"{joined[: MAX_LENGTH - 9].rstrip('-')}-{_short_hash(folded)}"
    return joined


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
