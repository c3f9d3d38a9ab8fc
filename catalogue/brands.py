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
    "aldo": (),
    "allbirds": ("올버즈",),
    "altra": ("알트라", "altra running"),
    "anta": (),
    "asics": ("아식스", "asics sportstyle", "onitsuka asics"),
    "autry": ("오트리",),
    "axel-arigato": (),
    "bearpaw": ("베어파우",),
    "birkenstock": ("버켄스탁",),
    "blundstone": ("블런드스톤",),
    "brooks": ("브룩스", "brooks running"),
    "camper": (),
    "cariuma": (),
    "chaco": (),
    "clarks": ("클락스",),
    "cole-haan": ("콜한",),
    "columbia": ("컬럼비아", "columbia sportswear"),
    "converse": ("컨버스",),
    "crocs": ("크록스",),
    "danner": (),
    "dc-shoes": ("dc shoe co",),
    "descente": ("데상트",),
    "diadora": ("디아도라",),
    "dr-martens": ("dr. martens", "doc martens", "닥터마틴"),
    "ecco": (),
    "ellesse": ("엘레쎄",),
    "etnies": (),
    "feiyue": ("페이유에",),
    "fila": ("휠라", "필라"),
    "geox": ("제옥스",),
    "gola": (),
    "golden-goose": ("골든구스",),
    "havaianas": ("하바이아나스",),
    "hey-dude": ("heydude", "헤이두드"),
    "hoka": ("호카", "hoka one one", "호카오네오네"),
    "hummel": ("험멜",),
    "hush-puppies": ("허쉬파피",),
    "inov-8": ("inov8",),
    "jordan": ("조던", "air jordan", "jordan brand", "에어조던"),
    "k-swiss": ("케이스위스", "kswiss"),
    "kappa": ("카파",),
    "karhu": ("카르후",),
    "keds": ("케즈",),
    "keen": (),
    "la-sportiva": ("라스포티바",),
    "lacoste": ("라코스테",),
    "le-coq-sportif": ("르꼬끄", "르꼬끄 스포르티브"),
    "li-ning": ("리닝", "lining"),
    "lowa": (),
    "merrell": ("머렐",),
    "mizuno": ("미즈노",),
    "moonstar": ("문스타",),
    "new-balance": ("뉴발란스", "newbalance", "nb"),
    "nike": ("나이키", "nike sportswear", "nike sb", "나이키 스포츠웨어"),
    "on": ("온", "on running", "온러닝"),
    "onitsuka-tiger": ("오니츠카타이거", "오니츠카 타이거"),
    "oofos": ("우포스",),
    "palladium": ("팔라디움",),
    "prospecs": ("프로스펙스",),
    "puma": ("푸마",),
    "red-wing": ("레드윙", "red wing shoes"),
    "reebok": ("리복",),
    "rieker": (),
    "rockport": ("락포트",),
    "salomon": ("살로몬",),
    "saucony": ("써코니", "사코니"),
    "scarpa": ("스카르파",),
    "skechers": ("스케쳐스",),
    "sperry": ("스페리",),
    "steve-madden": ("스티브매든",),
    "suicoke": ("수이코크",),
    "superga": ("수페르가",),
    "teva": ("테바",),
    "the-north-face": ("노스페이스", "north face"),
    "timberland": ("팀버랜드",),
    "toms": ("탐스",),
    "topo-athletic": (),
    "tretorn": (),
    "ugg": (),
    "umbro": ("엄브로",),
    "under-armour": ("언더아머", "under armor", "ua"),
    "vans": ("반스",),
    "veja": ("베자",),
    "vivobarefoot": (),
    "xero-shoes": (),
    "xtep": (),
    "yonex": ("요넥스",),
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


def brand_within(name: str) -> str | None:
    """The known brand whose name stands in ``name`` as whole words; None for none, or for several.

    Spellings of one or two letters are words of other meanings too, and do not count.

    >>> brand_within("Men's New Balance 9060"), brand_within("Slip On Vans x Nike")
    ('New Balance', None)
    """
    words = [word.strip(",.:;|()[]–—-") for word in name.split()]
    spans = (words[n : n + count] for count in (3, 2, 1) for n in range(len(words) - count + 1))
    texts = (" ".join(span) for span in spans)
    known = [text for text in texts if len(_folded(text)) > 2 and is_known_brand(text)]
    return known[0] if len({brand_slug(text) for text in known}) == 1 else None


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
