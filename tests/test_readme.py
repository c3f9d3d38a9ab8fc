"""Every command and file that the README and the how-tos show exists."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from solemap.__main__ import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def anchors(text: str) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        file, _, anchor = link.partition("#")
        if file.startswith("https://"):
            continue
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_options(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"(?:^ {4}|`)make ([a-z]+)", text, re.MULTILINE):
        assert target in TARGETS, f"make {target}"
    for name, rest in re.findall(r"solemap ([a-z][a-z-]+)([^`\n]*)", text):
        assert name in COMMANDS, f"solemap {name}"
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        if isinstance(command, click.Group):
            if not rest.split():  # the group as such
                continue
            sub = rest.split()[0]
            assert sub in command.commands, f"solemap {name} {sub}"
            command = command.commands[sub]
        known = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"--[a-z-]+", rest.split("#")[0].split(",")[0]):
            assert option in known, f"solemap {name} {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_benches_exist_with_their_options(page: Path) -> None:
    text = page.read_text("utf-8")
    shown = re.findall(r"^ {4}python -m (bench[\w.]*)(.*)", text, re.MULTILINE)
    for name, rest in shown + re.findall(r"`python -m (bench[\w.]*)([^`]*)`", text):
        place = ROOT / name.replace(".", "/")
        is_file = place.with_suffix(".py").exists()
        files = [place.with_suffix(".py")] if is_file else sorted(place.rglob("*.py"))
        code = "".join(path.read_text("utf-8") for path in files)
        assert "__main__" in code, f"python -m {name}"
        for option in re.findall(r"--[a-z][a-z0-9-]*", rest.split("#")[0]):
            is_there = re.search(rf'["/]{option}["/]', code) is not None or option == "--help"
            assert is_there, f"python -m {name} {option}"


COLUMNS = {
    "top-1": "top1",
    "top-5": "top5",
    "brand": "brand_top1",
    "within brand": "within_brand_top1",
    "ECE": "ece",
    "unknown AUROC": "unknown_auroc",
    "seen views": "top1_seen_view",
}
TABLES = [
    ("docs/figures.md", "## Real photos", "splits.json"),
    ("docs/figures.md", "## The paper's size", "splits-paper.json"),
    ("docs/figures.md", "## Rivals", "real-small.json"),
    ("docs/figures.md", "## With a teacher", "splits-teacher.json"),
]


def table_after(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table after ``heading``: its head, then its rows."""
    text = (ROOT / page).read_text("utf-8")
    lines = text[text.index(heading) :].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[first:])
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return [rows[0], *rows[2:]]


def results(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "bench" / "results" / name).read_bytes())
    return found


@pytest.mark.parametrize(("page", "heading", "name"), TABLES)
def test_tables_of_arms_are_those_of_the_results(page: str, heading: str, name: str) -> None:
    (_, *head), *rows = table_after(page, heading)
    arms, checked = results(name)["arms"], 0
    for told, *cells in rows:
        arm = re.search(r"`(\w+)`", told)
        if arm is None or arm[1] not in arms:  # a rival's row
            continue
        for column, cell in zip(head, cells, strict=True):
            if column in COLUMNS:
                value = arms[arm[1]][COLUMNS[column]]
                value = value["mean"] if isinstance(value, dict) else value
                assert float(cell) == pytest.approx(value, abs=0.00051), (arm[1], column)
                checked += 1
    assert checked >= 24


def test_the_curves_are_those_of_the_results() -> None:
    (_, *head), *rows = table_after("docs/figures.md", "## Curves")
    axes = {
        "pictures per product": "pictures",
        "products per brand": "products",
        "brands": "brands",
    }
    points = results("curves.json")["points"]
    for told, *cells in rows:
        axis, count = told.split(" ≤ ")
        (point,) = (one for one in points[axes[axis]] if one["count"] == int(count))
        shown = dict(zip(head, map(float, cells), strict=True))
        assert shown.pop("test photos") == point["test_photos"]
        assert shown.pop("products") == point["products"]
        within = point["arms"]["gate"]["within_brand_top1"]
        assert shown.pop("brand given") == pytest.approx(within, abs=0.00051), told
        for arm, value in shown.items():
            found = point["arms"][arm.strip("`")]["top1"]
            assert value == pytest.approx(found, abs=0.00051), (told, arm)
    assert len(rows) == sum(map(len, points.values()))


RIVALS = {
    "EfficientNet-Lite0": ("rivals.json", "efficientnet_lite0"),
    "our network over all products": ("rivals-joint.json", "joint"),
    "ResNet-18": ("rivals.json", "resnet18"),
    "`outside` class": ("rivals.json", "outside"),
    "ResNet-50": ("rivals.json", "resnet50"),
    "ResNet-34": ("rivals.json", "resnet34"),
    "ResNet-101": ("rivals-large.json", "resnet101"),
    "Label Mapping": ("rivals.json", "label_mapping"),
    "VGG-16-bn": ("rivals-joint.json", "vgg16_bn"),
    "AlexNet": ("rivals.json", "alexnet"),
    "GoogLeNet": ("rivals.json", "googlenet"),
}


def test_the_rivals_are_those_of_the_results() -> None:
    (_, *head), *rows = table_after("docs/figures.md", "## Rivals")
    for told, (name, arm) in RIVALS.items():
        (cells,) = (row[1:] for row in rows if row[0].startswith(told))
        found = results(name)["rivals"][arm]
        shown = dict(zip(head, map(float, cells), strict=True))
        assert shown.pop("million parameters") == pytest.approx(
            found["parameters"] / 1e6, abs=0.051
        )
        for column, value in shown.items():
            assert value == pytest.approx(found[COLUMNS[column]], abs=0.00051), (arm, column)


@pytest.mark.parametrize(
    ("column", "name"), [("real photos", "splits.json"), ("the paper's size", "splits-paper.json")]
)
def test_intervals_are_those_of_the_results(column: str, name: str) -> None:
    head, *rows = table_after("docs/figures.md", "Differences of `learned`")
    against = results(name)["default_minus"]
    for row in rows:
        shown = [float(one) for one in re.findall(r"[+-]?\d\.\d+", row[head.index(column)])]
        found = [against[row[0].strip("`")][key] for key in ("difference", "low", "high")]
        assert shown == pytest.approx(found, abs=0.00051), row[0]


# the summary's rows: an arm, and a figure of it
SUMMARY = {
    "**the right product first**": ("learned", "top1"),
    "among the first five": ("learned", "top5"),
    "the right brand": ("learned", "brand_top1"),
    "unknown shoes told from known ones (AUROC)": ("learned", "unknown_auroc"),
    "the right product first, by plain colour histograms": ("color_1nn", "top1"),
    "…, by one net for all brands": ("joint", "top1"),
    "…, by the paper's rule, the highest softmax of all brand nets": ("max_softmax", "top1"),
}


@pytest.mark.parametrize(("column", "name"), [(2, "splits.json"), (3, "splits-paper.json")])
def test_the_summary_is_that_of_the_results(column: int, name: str) -> None:
    told = results(name)
    shown = {row[0]: row[column] for row in table_after("README.md", "## How good is it")}
    assert shown["test photos"].startswith(f"{told['test_photos']:,} ")
    for label, (arm, figure) in SUMMARY.items():
        mean = told["arms"][arm][figure]["mean"]
        assert float(shown[label]) == pytest.approx(mean, abs=0.00051), label
