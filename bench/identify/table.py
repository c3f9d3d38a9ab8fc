"""The table of docs/identify.md, made of bench/results/identify.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalogue.manifest import write_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "identify.md"
START, END = "<!-- python -m bench.identify -->", "<!-- end of the bench's table -->"


def write_table(found: dict[str, Any]) -> None:
    """Put the table between its two marks."""
    lines = ["| measured | figure | goal |", "| --- | --- | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows(found)]
    text = PAGE.read_text("utf-8")
    marks = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
    table = "\n".join([START, *lines, END])
    write_text(PAGE, marks.sub(lambda _: table, text))


def rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What was measured, its figure, its goal."""
    if speed := found.get("speed"):
        yield from _speed(speed)
    if accuracy := found.get("accuracy"):
        yield from _accuracy(accuracy)


def _speed(speed: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    load = f"machine at load {speed['machine']['load']}"
    for size, part in speed["one_photo"].items():
        yield (
            f"gate mode, 10 brands, {size}: model part p50 / p95 ({load})",
            f"{_ms(part['gate_mode'])}; one ResNet forward pass {_ms(part['resnet_forward'])}; "
            f"ratio {_ratio(part['ratio'])}; with filters laid out before {_ms(part['resnet_forward_prepacked'])}; "
            f"ratio {_ratio(part['ratio_to_prepacked'])}",
            "ratio ≤ 2.2",
        )
    for size, part in speed["all_nets"].items():
        others = "; ".join(f"{name.replace('_', ' ')} {_ms(part[name])}" for name in part if name not in ("side_by_side", "ratio"))  # fmt: skip
        yield (
            f"all of 10 nets, {size}, p50 / p95",
            f"side by side {_ms(part['side_by_side'])}; {others}; side by side to loop "
            f"{_ratio(part['ratio'])}",
            "≤ 0.6 of the loop",
        )
    many = speed["many_brands"]
    yield (
        "gate mode, 10 → 1,000 brands, nets in memory, p50 / p95",
        f"{_ms(many['10_brands_warm'])} → {_ms(many['1000_brands_warm'])}; ratio {_ratio(many['ratio'])}",
        "ratio ≤ 1.5",
    )
    yield (
        "the same for the arm `learned`, which compares colours and outlines with the whole gallery",
        f"{_ms(many['10_brands_learned'])} → {_ms(many['1000_brands_learned'])}; "
        f"ratio {_ratio(many['ratio_of_learned'])}",
        "",
    )
    yield (
        "the same with no net in memory: file cached and verified before / never read",
        f"{_ms(many['1000_brands_read_again'])} / {_ms(many['1000_brands_first_read'])}",
        "said",
    )
    for name, part in speed["start"].items():
        goal = "≤ 4 s" if name.startswith("10 ") else "≤ 6 s"
        yield (
            f"`solemap identify` from nothing to the answer, {name}",
            f"{part['wall_s']['least']} s (median {part['wall_s']['median']} s), "
            f"{part['processor_s']} s of a processor",
            goal,
        )


def _accuracy(part: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    where = f"`{part['project']}`, {part['brands']} brands"
    for arm, table in part["gating"].items():
        if "note" in table:
            yield f"asking few nets, arm `{arm}`", str(table["note"]), ""
            continue
        for name, row in table.items():
            if name == "answers_with":
                continue
            mark = ", what answers" if name == table["answers_with"] else ""
            yield (
                f"arm `{arm}`, {name}{mark} ({where})",
                f"{row['nets_asked']:.2f} nets, top-1 {row['top1']:.3f}, lost {row['points_lost']:.2f} points, "
                f"same answer {row['same_answer']:.3f}",
                "lost ≤ 0.5" if mark else "",
            )
    for space, row in part["similar"].items():
        yield (
            f"similar shoes of unknown products, {space.replace('_', ' ')} ({row['queries']} photos)",
            f"recall@1 {_of(row['recall_at_1'])}, recall@5 {_of(row['recall_at_5'])}, mAP {_of(row['map'])}",
            "beside each other",
        )
    for kind, row in part["unknown"].items():
        if isinstance(row, dict) and row["photos"]:
            yield (
                f"unknown: {kind} ({row['photos']} photos)",
                f"AUROC {_of(row['auroc'])}, FPR at 95 % TPR {_of(row['fpr_at_95'])}, named {_of(row['named'])}",
                "",
            )
    for kind, row in part["location"].items():
        if row["photos"]:
            yield (
                f"photographed in: {kind} ({row['photos']} photos)",
                f"top-1 {_of(row['top1'])}",
                "",
            )
    row = part.get("lines", {})
    if photos := row.get("photos"):
        share = {key: _of(count / photos) for key, count in row.items()}
        yield (
            f"image-search photos of lines that are known in one colour or two ({photos} photos)",
            f"line {share['line_top1']}, among five {share['line_top5']}, brand {share['brand']}; "
            f"named {share['named']}, of them the right line {row['named_right']} of {row['named']}; "
            f"line among similar shoes {share['similar']}, among those of the same shape {share['same_shape']}",
            "",
        )


def _ms(row: dict[str, float]) -> str:
    return (
        f"{row['p50_ms']:.1f} / {row['p95_ms']:.1f} ms ({row['processor_ms']:.1f} of a processor)"
    )


def _ratio(row: dict[str, float]) -> str:
    return f"{row['p50']} ({row['processor']} of a processor, {row['least']} of the least times)"


def _of(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
