"""Every command and file that the README and the how-tos show exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from solemap.__main__ import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert link.startswith("https://") or (page.parent / link).exists(), link


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
            assert f'"{option}"' in code or option == "--help", f"python -m {name} {option}"
