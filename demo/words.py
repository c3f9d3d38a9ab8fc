"""What the shop says in English and in Korean: labels, categories and names of views."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.slugs import slug

SHOP_NAME = {"en": "Meridian Shoes", "ko": "메리디안 슈즈"}

LABELS: dict[str, tuple[str, str]] = {
    "home": ("Home", "홈"),
    "shoes": ("Shoes", "신발"),
    "accessories": ("Accessories", "패션잡화"),
    "brand": ("Brand", "브랜드"),
    "brands": ("Brands", "브랜드"),
    "name": ("Product", "상품명"),
    "sku": ("Style code", "품번"),
    "color": ("Colour", "색상"),
    "category": ("Category", "카테고리"),
    "price": ("Price", "가격"),
    "size": ("Size", "사이즈"),
    "size_chart": ("Size chart", "사이즈 표"),
    "add": ("Add to bag", "장바구니 담기"),
    "wish": ("Save for later", "찜하기"),
    "related": ("You may also like", "함께 보면 좋은 상품"),
    "details": ("Details", "상품 정보"),
    "colors": ("All colours", "전체 색상 보기"),
    "sort": ("Sort", "정렬"),
    "all": ("All", "전체"),
    "sort_new": ("Newest", "신상품순"),
    "sort_name": ("Name", "상품명순"),
    "sort_price": ("Price", "낮은 가격순"),
    "next": ("Next", "다음"),
    "previous": ("Previous", "이전"),
    "new": ("New in", "새로 들어온 상품"),
    "search": ("Search", "검색"),
    "bag": ("Bag", "장바구니"),
    "account": ("Account", "내 정보"),
    "pay": ("Ways to pay", "결제 수단"),
    "items": ("products", "개 상품"),
    "none": ("There is nothing here yet.", "아직 상품이 없습니다."),
}


def say(label: str, language: str) -> str:
    """The shop's word for ``label`` in ``language`` (en or ko)."""
    return LABELS[label][language == "ko"]


@dataclass(frozen=True)
class Category:
    """One category of the shop."""

    slug: str
    english: str
    korean: str
    is_shoe: bool

    def title(self, language: str) -> str:
        """The category's name in ``language``."""
        return self.korean if language == "ko" else self.english


_KNOWN = (
    (
        "sneakers",
        "Sneakers",
        "운동화",
        True,
        "sneaker sneakers shoe shoes trainers 신발 운동화 스니커즈",
    ),
    (
        "running",
        "Running shoes",
        "러닝화",
        True,
        "running runner running-shoes running-shoe 러닝화",
    ),
    ("trail", "Trail shoes", "트레일화", True, "trail trail-shoes trail-running 트레일화"),
    ("high-tops", "High tops", "하이탑", True, "high-top high-tops hightop basketball 하이탑"),
    ("low-tops", "Low tops", "로우탑", True, "low-top low-tops lowtop 로우탑"),
    ("boots", "Boots", "부츠", True, "boot boots 부츠"),
    ("sandals", "Sandals", "샌들", True, "sandal sandals slides slippers 샌들 슬리퍼"),
    ("slip-ons", "Slip-ons", "슬립온", True, "slip-on slip-ons slipon loafers 슬립온"),
    ("bags", "Bags", "가방", False, "bag bags backpack tote 가방"),
    ("caps", "Caps", "모자", False, "cap caps hat hats 모자"),
)
_BY_WORD = {
    word: Category(name, english, korean, is_shoe)
    for name, english, korean, is_shoe, words in _KNOWN
    for word in words.split()
}


def category_of(text: str | None) -> Category:
    """The shop's category for what a catalogue calls ``text``; sneakers where it says nothing."""
    if text is None:
        return _BY_WORD["sneakers"]
    folded = "-".join(text.casefold().replace("_", " ").split())
    known = _BY_WORD.get(folded)
    return known or Category(slug(text), text, text, is_shoe=True)


_VIEWS_KO = {
    "side": "측면",
    "lateral": "측면",
    "medial": "안쪽 측면",
    "top": "윗면",
    "outsole": "밑창",
    "front": "정면",
    "rear": "뒷면",
    "back": "뒷면",
    "pair": "한 켤레",
    "detail": "상세",
    "angle": "사선",
}


def alt_text(name: str, view: str | None, position: int, language: str) -> str:
    """The alternative text of a picture: product name and view, where the view is known.

    >>> alt_text("Pegasus", "front_angle", 0, "en"), alt_text("Pegasus", "side", 0, "ko")
    ('Pegasus – front angle view', 'Pegasus 측면')
    """
    words = (view or "").replace("_", " ").split()
    if not words:
        return name if position == 0 else f"{name} {position + 1}"
    if language == "ko":
        return f"{name} {' '.join(_VIEWS_KO.get(w, w) for w in words if w != 'and')}"
    return f"{name} – {' '.join(words)} view"
