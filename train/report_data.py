"""The report's part on the data: photos per brand, product, view, size and source, and what each source gives away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

from catalogue.manifest import read_manifest
from catalogue.schema import CleanPhoto, Photo, Sample
from train.records import Answer

MOST = 30  # bars of one plot
BAR = 260  # px


def sites_of(catalogue: Path) -> dict[str, tuple[str, ...]]:
    """photo_id -> the sites that show it, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for photo in read_manifest(catalogue, Photo):
        found[photo.photo_id] |= {source.site for source in photo.sources}
    return {photo_id: tuple(sorted(sites)) for photo_id, sites in found.items()}


def per_source(
    answers: Iterable[Answer], sites: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float | int]]:
    """Per site the known test photos, and how many the chosen arm gave the right brand and product.

    A photo that several sites show counts at each.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in answers:
        if one.is_known:
            for site in sites.get(one.photo_id, ("not in the catalogue",)):
                brands = [label.partition("/")[0] for label in (one.truth, one.answer)]
                counts[site]["photos"] += 1
                counts[site]["brand"] += brands[0] == brands[1]
                counts[site]["product"] += one.truth == one.answer
    return {
        site: {
            "photos": found["photos"],
            "brand_top1": round(found["brand"] / found["photos"], 4),
            "top1": round(found["product"] / found["photos"], 4),
        }
        for site, found in sorted(counts.items())
    }


def source_check(
    system: Mapping[str, Any], sources: Mapping[str, Mapping[str, float | int]]
) -> str:
    """A table by source, and what a rival that sees only the background achieves."""
    rows = "".join(
        f"<tr><td>{escape(site)}</td><td>{row['photos']}</td><td>{row['brand_top1']:.3f}</td>"
        f"<td>{row['top1']:.3f}</td></tr>"
        for site, row in sources.items()
    )
    border = system["arms"]["border_1nn"]
    largest = system["counts"]["largest_brand"]
    if border["brand_top1"] is None:
        return "<p>No test photo of a known product: nothing to say of sources.</p>"
    return (
        "<table><tr><th>source</th><th>known test photos</th><th>brand right</th><th>product right</th></tr>"
        f"{rows}</table><p>A rival that sees only the border of the pictures names the brand of "
        f"{border['brand_top1']:.3f} of them; the commonest brand has {largest:.3f}. Where it is much above that, "
        "the background tells the source and the source the brand.</p>"
    )


def plots(samples: Sequence[Sample], clean: Path, sites: Mapping[str, Sequence[str]]) -> str:
    """Bars of what is in the dataset."""
    photos = Counter(sample.brand for sample in samples)
    products: dict[str, set[str]] = defaultdict(set)
    per_product: Counter[str] = Counter()
    for sample in samples:
        products[sample.brand].add(sample.product)
        per_product[f"{sample.brand}/{sample.product}"] += 1
    how_many = Counter(min(count, 12) for count in per_product.values())
    sides = Counter(
        _side(photo) for photo in read_manifest(clean, CleanPhoto) if photo.verdict != "reject"
    )
    shown_by = Counter(site for sample in samples for site in sites.get(sample.photo_id, ()))
    middle = f"; {median(per_product.values()):g} in the middle" if per_product else ""
    return '<div class="row">' + "".join(
        [
            _bars("photos by brand", dict(photos.most_common())),
            _bars("products by brand", {brand: len(products[brand]) for brand, _ in photos.most_common()}),
            _bars(f"products by their number of photos{middle}", {f"{n}{'+' * (n == 12)}": how_many[n] for n in sorted(how_many)}),
            _bars("photos by view", dict(Counter(s.view or "not told" for s in samples).most_common())),
            _bars("originals by shorter side, px", dict(sorted(sides.items(), key=lambda pair: int(pair[0].split("–")[0])))),
            _bars("photos by source", dict(shown_by.most_common())),
        ]
    ) + "</div>"  # fmt: skip


def _side(photo: CleanPhoto) -> str:
    side = min(photo.width_px or 0, photo.height_px or 0)
    steps = (0, 120, 250, 500, 750, 1000, 1500, 2000)
    low = max(step for step in steps if step <= side)
    high = next((step for step in steps if step > low), None)
    return f"{low}–{high or ''}"


def _bars(title: str, values: Mapping[str, int]) -> str:
    most = max(values.values(), default=1)
    rows = "".join(
        f'<tr><td>{escape(name[:40])}</td><td><svg width="{BAR // 2}" height="10">'
        f'<rect width="{max(1, BAR // 2 * count // most)}" height="10" fill="var(--bar)"/></svg></td><td>{count}</td></tr>'
        for name, count in list(values.items())[:MOST]
    )
    more = f"<p><small>and {len(values) - MOST} more</small></p>" if len(values) > MOST else ""
    return f"<figure><figcaption>{escape(title)}</figcaption><table>{rows}</table>{more}</figure>"
