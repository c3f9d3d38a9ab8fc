"""Words: text cleaning, and the vocabulary by which a product counts as a shoe or not.

English and Korean. A word is matched whole in English; Korean compounds at their end as well,
since Korean writes "running shoe" as one word (러닝화).
"""

from __future__ import annotations

import html
import re
import unicodedata

_SHOES = """
shoe shoes sneaker sneakers trainer trainers boot boots bootie booties sandal sandals slipper slippers
clog clogs loafer loafers heels pump pumps footwear moccasin moccasins mule mules oxford oxfords derby derbies
espadrille espadrilles slides flip-flop flip-flops cleats spikes ballerina ballerinas brogue brogues
slip-on slip-ons chukka wellies plimsoll plimsolls runners kicks high-tops
신발 운동화 스니커즈 구두 부츠 샌들 슬리퍼 로퍼 워커 슬립온 뮬 단화 런닝화 러닝화 축구화 농구화 등산화 트레킹화 아쿠아슈즈
슈즈 하이힐 플랫슈즈 실내화 작업화 안전화 장화 고무신 클로그 옥스포드 더비 모카신 워킹화 골프화 테니스화 풋살화 아동화
""".split()
_OTHER = """
bag bags backpack backpacks tote rucksack duffel duffle pouch wallet wallets purse handbag handbags cap caps hat hats
beanie beanies visor sock socks shirt shirts t-shirt t-shirts tee tees top tops polo jersey hoodie hoodies sweatshirt
sweater jacket jackets coat coats vest pants trousers jeans shorts leggings tights skirt dress dresses bra underwear
glove gloves scarf belt belts watch watches sunglasses bottle bottles towel ball balls insole insoles shoelace
shoelaces laces cleaner polish deodorizer giftcard apparel clothing accessories accessory headband wristband umbrella
jewelry necklace earrings ring keychain sticker stickers gift-card shoe-care
가방 백팩 모자 캡 볼캡 비니 양말 티셔츠 셔츠 자켓 재킷 바지 반바지 팬츠 레깅스 장갑 지갑 벨트 신발끈 인솔 깔창 상품권 후드 후드티 맨투맨 코트
패딩 조끼 스커트 원피스 브라 머플러 목도리 삭스 시계 선글라스 물병 수건 의류 액세서리 악세서리 토트백 크로스백 숄더백 파우치 키링 우산
""".split()
# Departments of shops that sell everything; shoes may be named after any of it, but not filed there
_DEPARTMENTS = """
electronics computers laptop laptops phone phones smartphone smartphones tablet tablets headphones earphones speakers
camera cameras tv television printers furniture chair chairs table tables desk desks sofa sofas mattress mattresses lamp
lamps lighting shelves curtains rugs bedding pillows kitchen cookware cutlery kettles toasters microwaves blenders machine
machines appliances toy toys puzzle puzzles doll dolls book books stationery dvd beauty cosmetics perfume perfumes
fragrance fragrances makeup skincare haircare shampoo grocery food pets tools bikes bicycles helmets tents jewellery
가전 가구 의자 책상 소파 침대 커튼 이불 베개 조명 노트북 휴대폰 이어폰 헤드폰 카메라 화장품 향수 샴푸 장난감 완구 도서 문구 식품
""".split()
_AMBIGUOUS_ENDS = {
    "뮬",
    "캡",
    "워커",
    "더비",
}  # as the end of a longer Korean word they say nothing
_NOT_SHOES = re.compile(
    r"\b(?:shoe|boot|sneaker|trainer)s?[\s-]+(?:bags?|care|cleaners?|laces?|box(?:es)?|trees?|horns?|"
    r"brush(?:es)?|polish|deodori[sz]ers?|covers?|inserts?|racks?)\b|신발\s*(?:끈|가방|주머니|클리너|정리대|장)(?=\s|$)",
    re.IGNORECASE,
)
_SHOE_PHRASES = re.compile(
    r"\b(?:high|hi|low|lo|mid)[\s-]*tops?\b|\b(?:court|running|walking|flip)[\s-]+flops?\b|하이\s?탑|하이\s?톱",
    re.IGNORECASE,
)
BUY = re.compile(
    r"(?:add|put|place)\s+(?:it\s+)?(?:in|into|to)\s+(?:your\s+|my\s+|the\s+)?(?:shopping\s+)?(?:cart|bag|basket|trolley)|"
    r"buy (?:it )?now|order now|pre-?order|sold out|out of stock|"
    r"in (?:den|ihren) (?:warenkorb|einkaufswagen)|ajouter au panier|acheter|(?:añadir|agregar) al carrito|(?:añadir|agregar) a la (?:cesta|bolsa)|"
    r"comprar|aggiungi al carrello|adicionar ao carrinho|in (?:mijn |je )?winkel(?:wagen|mand)|i (?:varukorg|indkøbskurv|handlekurv)|læg i kurv|"
    r"(?:do|dodaj do) koszyka|do košíku|kosárba|sepete ekle|в корзину|купить|カートに入れる|加入购物车|加入購物車|"
    r"장바구니|구매하기|바로\s?구매|카트에 담기|품절",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"[\s,(–-]*(?:\d+[\s-]*(?:pack|pk|pairs?|er[\s-]?pack|켤레|팩)|pack of \d+)\W*$", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_SIZE = re.compile(
    r"[\s,/|(\[–—-]*\b(?:(?:size|eu|us|uk|eur|kr|사이즈)\s*:?\s*)?"
    r"(?:\d{1,2}(?:[.,]5|\s?1/2|½)?|[12]\d[05](?:\s?mm)?|xxs|xs|s|m|l|xl|xxl)\s*(?:mm|eu|us|uk)?[)\]]?\s*$",
    re.IGNORECASE,
)


def clean(text: str) -> str | None:
    """``text`` without entities, control characters and doubled spaces; None where nothing is left."""
    resolved = unicodedata.normalize("NFC", html.unescape(text))
    joined = " ".join(resolved.split())
    if not joined.isprintable():  # most texts are, at a tenth of the time
        kept = (
            char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co") else " "
            for char in joined
        )
        joined = " ".join("".join(kept).split())
    return joined or None


def kind_of(text: str | None) -> str | None:
    """``shoe``, ``other`` or None where the words of ``text`` leave it open (or say both).

    >>> kind_of("Men > Running Shoes"), kind_of("Running Cap"), kind_of("여성 러닝화"), kind_of("Pegasus")
    ('shoe', 'other', 'shoe', None)
    >>> kind_of("Shoe Care"), kind_of("Shoes & Bags")
    ('other', None)
    """
    if not text:
        return None
    text = _SHOE_PHRASES.sub(" shoes ", text)
    without = _NOT_SHOES.sub(" ", text)
    is_other = without != text or bool(_found(without, _OTHER))
    is_shoe = bool(_found(without, _SHOES))
    if is_shoe and is_other:
        return None
    return "shoe" if is_shoe else "other" if is_other else None


def category_kind(text: str | None) -> str | None:
    """What a category holds, as `kind_of` says; a department of other things is other, too.

    >>> category_kind("Coffee Machines"), category_kind("Shoes"), category_kind("Sale")
    ('other', 'shoe', None)
    """
    kind = kind_of(text)
    is_department = kind is None and not _found(text or "", _SHOES)
    return "other" if is_department and _found(text or "", _DEPARTMENTS) else kind


def head_kind(name: str | None) -> str | None:
    """What the last word of a name calls the thing, as `kind_of` does; how many of it says nothing.

    >>> head_kind("Canvas Tote Bag"), head_kind("Crew Socks 3-Pack"), head_kind("Sock Dart")
    ('other', 'other', None)
    """
    words = _WORDS.findall(_COUNT.sub("", name or ""))
    return kind_of(words[-1]) if words else None


def _found(text: str, vocabulary: list[str]) -> list[str]:
    words = {word.casefold() for word in _WORDS.findall(text)}
    parts = words | {part for word in words for part in re.split(r"[-'’]", word)}
    found = [entry for entry in vocabulary if entry in parts]
    hangul = [word for word in words if word[-1:] >= "가"]
    ends = [entry for entry in vocabulary if entry >= "가" and entry not in _AMBIGUOUS_ENDS]
    return found + [end for end in ends for word in hangul if word.endswith(end) and word != end]


def without_size(name: str) -> str:
    """``name`` without a shoe size at its end; a number that is the model's stays.

    >>> without_size("Runner Red / 42"), without_size("Runner, 260 mm"), without_size("Pegasus 41")
    ('Runner Red', 'Runner', 'Pegasus 41')
    """
    match = _SIZE.search(name)
    if (
        not match
        or match.start() == 0
        or not re.match(
            r"[\s]*[,/|(\[–—-]|.*(?:mm|size|eu|us|uk|사이즈)", match.group(), re.IGNORECASE
        )
    ):
        return name
    return name[: match.start()].rstrip(" ,/|-–—") or name


def without_shop(title: str, shop: str | None) -> str:
    """``title`` without the shop's name that many pages hang on it.

    >>> without_shop("Samba OG | Foot Shop", "Foot Shop"), without_shop("Samba - OG", None)
    ('Samba OG', 'Samba - OG')
    """
    if not shop:
        return title
    parts = re.split(r"\s+[|–—:·»-]\s+|\s*\|\s*", title)
    kept = [part for part in parts if part.casefold() != shop.casefold()]
    return (
        title
        if len(kept) in (0, len(parts))
        else title[: title.rfind(kept[-1]) + len(kept[-1])][title.find(kept[0]) :]
    )
