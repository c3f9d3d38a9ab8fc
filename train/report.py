"""The `report` stage: one self-contained page that shows what came in, how good the nets are, and where they err.

Reads manifests and metrics only; pictures are small copies of canvases, embedded. Never publish the
page of a crawl whose pictures are not yours.
"""

from __future__ import annotations

import base64
import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from catalogue.errors import CatalogueError
from catalogue.manifest import read_json, read_lines, read_manifest, write_json, write_text
from catalogue.schema import Sample
from train.gallery import load_names
from train.records import Answer
from train.report_data import per_source, plots, sites_of, source_check

CONFUSIONS = 12  # pairs shown
THUMB = (150, 180)  # px
BINS = 10  # of the reliability diagram
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#667;--line:#d8dce3;--bar:#2d5b8a;--best:#a8552b;--ground:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--soft:#9aa3b2;--line:#333b47;--ground:#15181d;--bar:#5d9bd8}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.25rem .8rem;text-align:right;border-bottom:1px solid var(--line)}
td:first-child,th:first-child{text-align:left}small,figcaption{color:var(--soft)}.best{color:var(--best);font-weight:700}
.row{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;border:1px solid var(--line);border-radius:10px;padding:.6rem;max-width:330px}
img{border-radius:6px;background:#fff}svg text{fill:var(--ink);font:11px system-ui,sans-serif}
"""


def build_report(data: Path, models: Path, metrics: Path, root: Path, out: Path) -> None:
    """Write the page to ``out``.

    Raises:
        CatalogueError: a manifest or a metrics file is missing or damaged.
    """
    system = read_json(metrics / "system.json")
    answers = list(read_manifest(metrics / "answers.jsonl", Answer))
    samples = {
        sample.photo_id: sample
        for path in sorted((data / "split").glob("*.jsonl"))
        for sample in read_manifest(path, Sample)
    }
    sites = sites_of(data / "catalogue.jsonl")
    sources = per_source(answers, sites)
    write_json(metrics / "sources.json", sources)
    parts = [
        "<h1>Solemap report</h1>",
        _counts(system, data),
        "<h2>Data</h2>" + plots(list(samples.values()), data / "clean" / "verdicts.jsonl", sites),
        "<p>What was taken out, with pictures: <code>data/review/index.html</code>.</p>",
        "<h2>Splits</h2>" + _splits(data / "split" / "summary.json", root),
        "<h2>Arms</h2>" + _arms(system),
        "<h2>Brands</h2>" + _brands(system),
        "<h2>Views</h2>" + _views(system),
        "<h2>Sources</h2>" + source_check(system, sources),
        "<h2>Confidence</h2>" + _reliability(answers, system),
        "<h2>Confusions</h2>" + _confusions(answers, samples, models, root),
        "<h2>Training</h2>" + _curves(metrics / "curves"),
    ]
    write_text(
        out,
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Solemap report</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already."""
    lines = ["".join(f"<th>{cell}</th>" for cell in head)]
    lines += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _bar(value: float | None, is_best: bool = False) -> str:
    width = round(160 * (value or 0.0))
    color = "var(--best)" if is_best else "var(--bar)"
    return (
        f'<svg width="160" height="12"><rect width="160" height="12" fill="var(--line)"/>'
        f'<rect width="{width}" height="12" fill="{color}"/></svg>'
    )


def _counts(system: dict[str, Any], data: Path) -> str:
    counts = system["counts"]
    dedup = read_json(data / "dedup" / "summary.json")
    split = read_json(data / "split" / "summary.json")
    reasons: Counter[str] = Counter(
        str(line["reason"]).split(":")[0]
        for _, line in read_lines(data / "clean" / "verdicts.jsonl")
        if line["verdict"] != "keep"
    )
    out = [
        *((f"cleaning: {escape(reason)}", str(count)) for reason, count in reasons.most_common()),
        *((f"duplicate: {kind}", str(n)) for kind, n in sorted(dedup["removed"].items())),
        *((f"label conflict: {kind}", str(n)) for kind, n in sorted(dedup["conflicts"].items())),
    ]
    known = ", ".join(f"{count} {name}" for name, count in sorted(split["known"].items()))
    sizes = "; ".join(
        f"{name}: {counts['parameters'][key] / 1e6:.1f} million parameters, {counts['megabytes'][key]:.0f} MB"
        for key, name in (("base", "base net"), ("brand_nets", "brand nets together"))
    )
    lacking = counts["base_lacks_brands"]
    note = f"<p>The base net lacks {escape(', '.join(lacking))}.</p>" if lacking else ""
    return (
        f"<p>{counts['products']} products of {counts['brands']} brands, {counts['brand_nets']} with a net "
        f"of their own. Photos: {known}; {sum(split['unknown'].values())} of shoes held out as unknown.</p>"
        f"<p>{sizes[0].upper()}{sizes[1:]}.</p>"
        + note
        + (_table(("taken out, or looked at twice", "photos"), out) if out else "")
    )


def _splits(summary: Path, root: Path) -> str:
    """Products with few photos, and how near each brand came to a leak: of the audit, with both pictures."""
    split = read_json(summary)
    few = [
        (f"{name} photo{'s' * (name != 'one')}", *(str(row[key]) for key in ("products", "with_val_photo", "with_test_photo")))
        for name, row in split["few_photos"].items()
    ]  # fmt: skip
    shown = [
        f"<figure>{''.join(_picture(root / path) for path in pair['paths'])}<figcaption>{escape(brand)}: "
        f"{escape(pair['products'][0])} ({pair['sides'][0]}) and {escape(pair['products'][1])} ({pair['sides'][1]}); "
        f"{pair['distance']} of 64 bits apart, unlikeness {pair['unlikeness']:.3f}</figcaption></figure>"
        for brand, pair in split["nearest"].items()
    ]
    return (
        _table(("known products with", "products", "measured on val", "measured on test"), few)
        + "<p>A product's first photo trains; one with a single photo is in training and gallery and in no "
        "metric.</p><p>The most alike photos of each brand that are on different sides, as the audit found "
        f'them in the files:</p><div class="row">{"".join(shown)}</div>'
    )


def _arms(system: dict[str, Any]) -> str:
    columns = (
        "top1", "top5", "brand_top1", "within_brand_top1", "ece", "unknown_auroc", "unknown_fpr95",
        "top1_seen_view", "top1_unseen_view",
    )  # fmt: skip
    rows = []
    for name, arm in sorted(system["arms"].items(), key=lambda pair: -(pair[1]["top1"] or 0)):
        is_best = name == system["default"]
        told = f'<span class="best">{name} *</span>' if is_best else name
        rows.append((told, _bar(arm["top1"], is_best), *(_share(arm[key]) for key in columns)))
    return (
        _table(("arm", "top-1, test", *columns), rows)
        + "<p><small>* chosen on validation; test reports once. Seen views are those that the product's "
        "training photos show, where views are told.</small></p>"
    )


def _brands(system: dict[str, Any]) -> str:
    rows = [
        (escape(brand), str(row["photos"]), _bar(row["top1"]), _share(row["top1"]), _share(row["within_brand_top1"]))
        for brand, row in system["per_brand"].items()
    ]  # fmt: skip
    return _table(("brand", "test photos", "top-1", "brand unknown", "brand given"), rows)


def _views(system: dict[str, Any]) -> str:
    rows = [
        (
            escape(view),
            *(f"{told['top1']:.3f} of {told['photos']}" if told else "" for told in map(row.get, ("seen", "unseen"))),
        )
        for view, row in system["per_view"].items()
    ]  # fmt: skip
    return _table(("view", "top-1 where training photos show it too", "where they do not"), rows)


def _reliability(answers: Sequence[Answer], system: dict[str, Any]) -> str:
    """Accuracy against confidence of the known test photos; on the diagonal it means what it says."""
    side, bars = 220, []
    for index in range(BINS):
        low, high = index / BINS, (index + 1) / BINS
        inside = [
            one
            for one in answers
            if one.is_known
            and low <= one.confidence
            and (one.confidence < high or index == BINS - 1)
        ]
        if inside:
            right = sum(one.truth == one.answer for one in inside) / len(inside)
            bars.append(
                f'<rect x="{low * side:.0f}" y="{(1 - right) * side:.1f}" width="{side / BINS - 1:.0f}" '
                f'height="{right * side:.1f}" fill="var(--bar)"><title>{len(inside)} photos</title></rect>'
            )
    return (
        f'<figure><svg width="{side}" height="{side}" style="border:1px solid var(--line)">{"".join(bars)}'
        f'<line x1="0" y1="{side}" x2="{side}" y2="0" stroke="var(--best)"/></svg>'
        "<figcaption>share right (up) by confidence (right). "
        f"Calibration error {_share(system['arms'][system['default']]['ece'])}; confidences that mean exactly what "
        f"they say would show {_share(system['ece_by_chance'])} with so few photos.</figcaption></figure>"
    )


def _confusions(
    answers: Sequence[Answer], samples: dict[str, Sample], models: Path, root: Path
) -> str:
    wrong = [one for one in answers if one.is_known and one.truth != one.answer]
    pairs = Counter((one.truth, one.answer) for one in wrong)
    photos, products = load_names(models / "gallery")
    gallery = {photo.label: photo.path for photo in reversed(photos)}
    shown = []
    for (truth, answer), count in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:CONFUSIONS]:  # fmt: skip
        example = next(one for one in wrong if (one.truth, one.answer) == (truth, answer))
        names = [products[label].product_name if label in products else label for label in (truth, answer)]  # fmt: skip
        shown.append(
            f"<figure>{_picture(root / samples[example.photo_id].path)} {_picture(root / gallery[answer]) if answer in gallery else ''}"
            f"<figcaption>{escape(names[0])} ({escape(truth.split('/')[0])}), taken for "
            f"{escape(names[1])} ({escape(answer.split('/')[0])}); {count} of the test photos</figcaption></figure>"
        )
    total = sum(one.is_known for one in answers)
    return f'<p>{len(wrong)} of {total} test photos are named wrong.</p><div class="row">{"".join(shown)}</div>'


def _picture(path: Path) -> str:
    buffer = io.BytesIO()
    try:
        with Image.open(path) as canvas:
            canvas.thumbnail(THUMB)
            canvas.convert("RGB").save(buffer, "JPEG", quality=80)
    except OSError as error:
        raise CatalogueError(
            f"{path}: not a readable canvas ({error}). Rerun the clean stage: `dvc repro clean`."
        ) from error
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="" width="{THUMB[0]}" height="{THUMB[1]}" src="data:image/jpeg;base64,{data}">'
    )


def _curves(folder: Path) -> str:
    return (
        '<div class="row">'
        + "".join(_curve(path.stem.lstrip("_"), path) for path in sorted(folder.glob("*.csv")))
        + "</div>"
    )


def _curve(name: str, path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        values = [float(row["val_top1"]) for row in csv.DictReader(file)]
    if not values:
        return f"<figure>{escape(name)}: too few products for a net</figure>"
    width, height = 200, 80
    points = " ".join(
        f"{index * width / max(1, len(values) - 1):.1f},{(1 - value) * height:.1f}"
        for index, value in enumerate(values)
    )
    return (
        f'<figure><svg width="{width}" height="{height}"><polyline points="{points}" fill="none" '
        f'stroke="var(--bar)" stroke-width="2"/></svg><figcaption>{escape(name)}: top-1 on val, '
        f"{len(values)} epochs, ends at {values[-1]:.2f}</figcaption></figure>"
    )
