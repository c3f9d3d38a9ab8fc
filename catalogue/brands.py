"""Raw brand text to brand slug, by an alias table in English and Korean.

A brand is always a slug. Unknown brands keep a slug of their own text; nothing is guessed.
"""

from __future__ import annotations

import unicodedata

from catalogue.slugs import slug

RESERVED = ("base", "gate", "gallery")
NO_BRAND = "no-brand"

# slug -> other spellings a shop may use; each is compared casefolded, with spaces and signs dropped.
ALIASES: dict[str, tuple[str, ...]] = {
    "adidas": ("아디다스", "adidas originals", "아디다스 오리지널스", "adidas sportswear"),
    "asics": ("아식스", "asics sportstyle", "onitsuka asics"),
    "birkenstock": ("버켄스탁",),
    "brooks": ("브룩스", "brooks running"),
    "clarks": ("클락스",),
    "converse": ("컨버스",),
    "crocs": ("크록스",),
    "descente": ("데상트",),
    "dr-martens": ("dr. martens", "doc martens", "닥터마틴"),
    "fila": ("휠라", "필라"),
    "hoka": ("호카", "hoka one one", "호카오네오네"),
    "jordan": ("조던", "air jordan", "jordan brand", "에어조던"),
    "k-swiss": ("케이스위스", "kswiss"),
    "lacoste": ("라코스테",),
    "li-ning": ("리닝", "lining"),
    "mizuno": ("미즈노",),
    "new-balance": ("뉴발란스", "newbalance", "nb"),
    "nike": ("나이키", "nike sportswear", "nike sb", "나이키 스포츠웨어"),
    "on": ("온", "on running", "온러닝"),
    "onitsuka-tiger": ("오니츠카타이거", "오니츠카 타이거"),
    "prospecs": ("프로스펙스",),
    "puma": ("푸마",),
    "reebok": ("리복",),
    "salomon": ("살로몬",),
    "saucony": ("써코니", "사코니"),
    "skechers": ("스케쳐스",),
    "timberland": ("팀버랜드",),
    "under-armour": ("언더아머", "under armor", "ua"),
    "vans": ("반스",),
}


def _folded(text: str) -> str:
    kept = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in kept if character.isalnum())


_BY_FOLDED = {
    _folded(spelling): brand
    for brand, spellings in ALIASES.items()
    for spelling in (brand, *spellings)
}


def brand_slug(brand_text: str | None) -> str:
    """The slug of a brand: by the alias table, else of its own text; ``no-brand`` for none.

    Reserved words (base, gate, gallery) get the suffix ``-brand``.

    >>> brand_slug("나이키"), brand_slug("On"), brand_slug("361°"), brand_slug("Base")
    ('nike', 'on', '361', 'base-brand')
    """
    if brand_text is None or not brand_text.strip():
        return NO_BRAND
    known = _BY_FOLDED.get(_folded(brand_text))
    if known is not None:
        return known
    found = slug(brand_text)
    return f"{found}-brand" if found in RESERVED else found


def is_known_brand(text: str) -> bool:
    """Whether the alias table holds ``text`` (in any of its spellings)."""
    return _folded(text) in _BY_FOLDED


def brand_at_head(name: str) -> tuple[str, str] | None:
    """Split a name that starts with a known brand into (brand text, the rest).

    The longest spelling wins; None where no known brand stands at the head as whole words.

    >>> brand_at_head("New Balance 9060 Grey"), brand_at_head("Onward 2")
    (('New Balance', '9060 Grey'), None)
    """
    words = name.split()
    for count in range(min(3, len(words) - 1), 0, -1):
        if is_known_brand(" ".join(words[:count])):
            return " ".join(words[:count]), " ".join(words[count:])
    return None
