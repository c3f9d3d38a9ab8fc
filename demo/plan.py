"""Which pictures the drawn catalogue has: every product's views, and the dirt of a real shop.

In: how many products a brand has and how many pictures a product has. Out: a `Plan`: the lines of
catalogue.csv, what to draw for them and what to copy. Nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalogue.slugs import slug
from demo.brands import BRANDS
from demo.camera import Camera
from demo.ranges import Article, articles, dice

PLACEHOLDER = "images/no-image.png"
# view -> camera, in the order in which the shop shows them.
VIEWS: tuple[tuple[str, Camera], ...] = (
    ("side", Camera(0, 8)),
    ("front_angle", Camera(42, 17)),
    ("medial", Camera(180, 8)),
    ("rear_angle", Camera(308, 18)),
    ("front", Camera(90, 16)),
    ("rear", Camera(270, 15)),
    ("top", Camera(0, 87, 90)),
    ("outsole", Camera(0, -87, 90, has_ground=False)),
    ("pair", Camera(38, 30, is_pair=True)),
    ("front_angle", Camera(138, 22)),
    ("rear_angle", Camera(228, 20)),
    ("side", Camera(14, 42)),
    ("front_angle", Camera(68, 34)),
    ("rear_angle", Camera(330, 46)),
    ("medial", Camera(168, 40)),
    ("pair", Camera(-30, 38, is_pair=True)),
)
# brand -> what it sells besides shoes: (name, category, pictures, body and trim paint)
OTHER = {
    "Brackwater": ("Harbour Holdall", "bag", 3, ("Ink", "Tan")),
    "한길": ("둘레길 모자", "cap", 2, ("Moss", "Amber")),
    "Corvane": ("Courtside Cap", "cap", 4, ("Black", "Red")),
}


@dataclass(frozen=True)
class Shot:
    """One picture to draw."""

    path: str  # from the catalogue's folder
    article: Article
    camera: Camera
    is_cutout: bool


@dataclass(frozen=True)
class Copy:
    """One picture made from another picture's file."""

    path: str
    source: str
    way: str  # exact | recompressed | resized


@dataclass(frozen=True)
class Row:
    """A line of catalogue.csv, field by field."""

    image: str
    brand: str
    product: str
    sku: str
    color: str
    group: str
    category: str
    view: str
    kind: str = "studio"
    use: int = 1
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """All rows, and what to draw for them."""

    rows: list[Row]
    shots: list[list[Shot]]  # by product, so that a mesh is built once
    copies: list[Copy]


def plan_catalogue(products: int, angles: int) -> Plan:
    """Every row in the shop's order; the dirt comes after a product's good pictures."""
    plan = Plan([], [], [])
    for position, brand in enumerate(BRANDS):
        sold = articles(brand, products)
        rows = [_add_shots(plan, article, k, angles) for k, article in enumerate(sold)]
        _plant_copies(plan, rows, position)
        _plant_shared(rows, position)
        if position % 3 == 0:
            rows[-1].append(_placeholder_row(rows[-1][0]))
        for of_product in rows:
            plan.rows.extend(of_product)
        if brand.name in OTHER:
            plan.rows.extend(other_rows(brand.name))
    return plan


def _add_shots(plan: Plan, article: Article, place: int, angles: int) -> list[Row]:
    """The rows of one product's good pictures; their shots join the plan."""
    stem = f"images/{slug(article.brand.name)}/{slug(f'{article.name} {article.color}')}"
    shots, rows = [], []
    for angle in range(angles):
        view, camera = VIEWS[angle % len(VIEWS)]
        camera = _jittered(camera, article, angle)
        is_cutout = place % 4 == 1 and angle == 3
        ending = "png" if is_cutout else "webp" if place % 4 == 0 and angle == 2 else "jpg"
        path = f"{stem}/{angle + 1:02d}-{view.replace('_', '-')}.{ending}"
        shots.append(Shot(path, article, camera, is_cutout))
        rows.append(_row(article, path, view))
    plan.shots.append(shots)
    return rows


def _jittered(camera: Camera, article: Article, angle: int) -> Camera:
    """The camera a little off, as no photographer puts two shoes down alike."""
    roll = dice("camera", article.brand.name, article.name, article.color, angle)
    turn = 18.0 * (angle // len(VIEWS))  # past the list: the same views from further round
    azimuth, elevation, tilt = roll.uniform(-4.5, 4.5), roll.uniform(-2.5, 2.5), roll.uniform(-1, 1)
    return replace(
        camera,
        azimuth_deg=camera.azimuth_deg + turn + float(azimuth),
        elevation_deg=camera.elevation_deg + float(elevation),
        roll_deg=camera.roll_deg + float(tilt),
        zoom=camera.zoom * float(roll.uniform(0.93, 1.04)),
    )


def _row(article: Article, path: str, view: str) -> Row:
    return Row(
        image=path,
        brand=article.brand.name,
        product=article.name,
        sku=article.sku,
        color=article.color,
        group=article.group,
        category=article.category,
        view=view,
    )


def _plant_copies(plan: Plan, rows: list[list[Row]], position: int) -> None:
    """An exact copy in one product of every second brand, changed copies in one of the others."""
    of_product = rows[0] if position % 2 == 0 else rows[-1]
    for way in ("exact",) if position % 2 == 0 else ("recompressed", "resized"):
        good = [row for row in of_product if row.image.endswith(".jpg") and row.use]
        source = good[0] if way != "resized" else good[-1]
        path = source.image.removesuffix(".jpg") + f"-{way}.jpg"
        plan.copies.append(Copy(path, source.image, way))
        word = "exact" if way == "exact" else "near"
        note = f"{word} duplicate of {source.image}" + ("" if way == "exact" else f": {way}")
        of_product.append(replace(source, image=path, use=0, note=note))


def _plant_shared(rows: list[list[Row]], position: int) -> None:
    """In every fourth brand a product also shows another product's picture."""
    if position % 4 != 1 or len(rows) < 2:
        return
    lent = rows[0][-1]
    taker = rows[1][0]
    rows[1].append(
        replace(
            taker, image=lent.image, view=lent.view, use=0,
            note=f"picture of another product: {lent.product} {lent.color}",
        )
    )  # fmt: skip


def _placeholder_row(row: Row) -> Row:
    note = "placeholder: no picture of the product"
    return replace(row, image=PLACEHOLDER, view="", kind="placeholder", use=0, note=note)


def other_rows(brand: str) -> list[Row]:
    """What ``brand`` sells besides shoes, one row a picture; a key of OTHER."""
    name, category, count, paints = OTHER[brand]
    stem = f"images/{slug(brand)}/{slug(name)}"
    return [
        Row(
            image=f"{stem}/{angle + 1:02d}.jpg",
            brand=brand,
            product=name,
            sku=f"AC{int(dice('sku', brand, name).integers(1000, 9999))}",
            color="/".join(paints),
            group="",
            category=category,
            view="",
            kind="other",
            use=0,
            note=f"no shoe: a {category}",
        )
        for angle in range(count)
    ]
