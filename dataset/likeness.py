"""Whether two shops' words can mean one product: codes, colour words, numbers, audience, likeness of names.

Each function reads what one shop wrote; nothing here decides. Korean and English are equals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import cache

from rapidfuzz import fuzz

_GTIN_LENGTHS = (8, 12, 13, 14)
_SKU_LEAST = 6  # characters; shorter codes are a shop's own counting
_DIGITS_LEAST = 7  # of a SKU without letters
_CODE_WORDS = 4  # that a code in a name may fall into
_COLORS = {  # English words stand alone, Korean ones also inside a word (올블랙)
    "beige": "베이지",
    "black": "블랙 검정 검은",
    "blue": "블루 파랑 파란",
    "brown": "브라운 갈색",
    "cream": "크림",
    "gold": "골드 금색",
    "green": "그린 초록 녹색",
    "grey gray": "그레이 회색",
    "ivory": "아이보리",
    "khaki": "카키",
    "mint": "민트",
    "navy": "네이비 남색",
    "orange": "오렌지 주황",
    "pink": "핑크 분홍",
    "purple": "퍼플 보라",
    "red": "레드 빨강 빨간",
    "silver": "실버 은색",
    "white": "화이트 흰색 하양",
    "yellow": "옐로우 노랑 노란",
}
_AUDIENCES = {
    "men": "men mens man male 남성 남자 맨즈",
    "women": "women womens woman wmns female 여성 여자 우먼 우먼스",
    "kids": "kids kid junior youth gs ps td 키즈 주니어 아동 유아",
}
_ENGLISH = {word: words.split()[0] for words in _COLORS for word in words.split()}
_KOREAN = {word: words.split()[0] for words, korean in _COLORS.items() for word in korean.split()}
_AUDIENCE_OF = {word: who for who, words in _AUDIENCES.items() for word in words.split()}


def gtin(text: str | None) -> str | None:
    """A GTIN of 8, 12, 13 or 14 digits as 14 digits; None for what is none by length or check digit.

    GS1 General Specifications, 7.9: from the right, digits count 3 and 1 in turn.

    >>> gtin("4-006381-333931"), gtin("00012345"), gtin("0000000000000")
    ('04006381333931', None, None)
    """
    digits = re.sub(r"[\s-]", "", text or "")
    if not re.fullmatch(r"[0-9]+", digits) or len(digits) not in _GTIN_LENGTHS or not int(digits):
        return None
    full = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(full))
    return full if total % 10 == 0 else None


def maker_code(sku: str | None) -> str | None:
    """A SKU that may be the maker's, in capitals without signs; None for a shop's own counting.

    >>> maker_code("dd1391-100"), maker_code("12345"), maker_code("Runner")
    ('DD1391100', None, None)
    """
    code = compact(sku or "")
    least = _DIGITS_LEAST if code.isdigit() else _SKU_LEAST
    return code if len(code) >= least and any(map(str.isdigit, code)) else None


@cache
def words(text: str) -> tuple[str, ...]:
    """``text`` in words without case and signs; ``+`` is one.

    >>> words("Women's Super-Nova+ 에어")
    ('womens', 'super', 'nova', 'plus', '에어')
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("+", " plus ")
    kept = re.sub(r"['’`]", "", folded)
    return tuple(re.findall(r"[^\W_]+", kept))


@cache
def colors(text: str) -> frozenset[str]:
    """The colours that ``text`` names, in English.

    >>> sorted(colors("샘바 OG 블랙/화이트")), sorted(colors("Samba Core Black White"))
    (['black', 'white'], ['black', 'white'])
    """
    found = {_ENGLISH[word] for word in words(text) if word in _ENGLISH}
    found |= {color for korean, color in _KOREAN.items() if any(korean in word for word in words(text))}  # fmt: skip
    return frozenset(found)


@cache
def audience(text: str) -> frozenset[str]:
    """For whom ``text`` says the shoe is: men, women, kids."""
    return frozenset(_AUDIENCE_OF[word] for word in words(text) if word in _AUDIENCE_OF)


def compact(code: str) -> str:
    """``code`` in capitals, its ASCII letters and digits alone."""
    folded = unicodedata.normalize("NFKC", code).upper()
    return "".join(character for character in folded if character.isascii() and character.isalnum())


def bare(name: str, told: str, codes: Collection[str]) -> tuple[str, ...]:
    """The words of ``name`` without colours, ``told`` (the colour by the page) and compact ``codes``.

    >>> bare("Dunk Low 블랙 Panda dd1391-100", "Black Panda", {"DD1391100"})
    ('dunk', 'low')
    """
    left = list(words(name))
    for count in range(min(_CODE_WORDS, len(left)), 0, -1):
        at = 0
        while at + count <= len(left):
            if compact("".join(left[at : at + count])) in codes:
                del left[at : at + count]
            else:
                at += 1
    kept = [word for word in left if word not in words(told) and not colors(word)]
    return tuple(kept) or words(name)


def numbers(bare_name: tuple[str, ...]) -> frozenset[str]:
    """The numbers in a name: models that differ in these alone are different models.

    >>> numbers(("fresh", "foam", "1080v13")) == numbers(("foam", "1080", "v13"))
    True
    """
    return frozenset(re.findall(r"\d+", " ".join(bare_name)))


def likeness(one: tuple[str, ...], two: tuple[str, ...]) -> float:
    """0..100, of whole names; order of words and spacing do not matter.

    >>> likeness(("에어맥스", "90"), ("에어", "맥스", "90"))
    100.0
    """
    sorted_words = fuzz.token_sort_ratio(" ".join(one), " ".join(two))
    return max(sorted_words, fuzz.ratio("".join(one), "".join(two)))


def overlap(one: tuple[str, ...], two: tuple[str, ...]) -> float:
    """0..100; 100 where one name's words are all in the other's, which may say more."""
    return max(likeness(one, two), fuzz.token_set_ratio(" ".join(one), " ".join(two)))
