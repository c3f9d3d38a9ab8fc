"""The page data/review/index.html: groups of cases as contact sheets, with the lines to copy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from dataset.review import THUMB, Case, Group, Shown

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #3a3f47); --soft: light-dark(#5b6470, #a7b0bc);
        --code: light-dark(#f2f4f7, #23272e); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
nav { columns: 20rem; font-size: 14px; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; font-size: 1.15rem; }
.cases { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.case { border: 1px solid var(--line); border-radius: 8px; padding: .6rem; }
.row { display: flex; gap: .5rem; flex-wrap: wrap; }
figure { margin: 0; width: 140px; font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
img, .none { display: block; width: 140px; height: 168px; background: var(--code); border-radius: 4px; }
.none { display: grid; place-items: center; text-align: center; }
code { display: block; width: fit-content; background: var(--code); padding: .1rem .4rem; margin-top: .3rem; font-size: 12px;
       user-select: all; overflow-wrap: anywhere; }
p { color: var(--soft); }
"""
_INTRO = (
    "What the dataset stages rejected, removed or found odd. Where a decision is wrong, copy a line below the "
    "pictures into <b>overrides.csv</b> (a click selects it), say why in its last column, and run <b>dvc repro</b>."
)


def page(groups: Sequence[Group], pictured: Collection[str]) -> str:
    """The page; ``pictured`` are the photos that have a thumbnail."""
    links = "".join(
        f'<li><a href="#g{number}">{escape(group.title)}</a> {group.total}</li>'
        for number, group in enumerate(groups)
    )
    parts = "".join(_group(number, group, pictured) for number, group in enumerate(groups))
    nothing = "" if groups else "<p>Nothing was rejected, removed or in conflict.</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Review</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><body><h1>Review</h1><p>{_INTRO}</p>"
        f"<nav><ul>{links}</ul></nav>{nothing}{parts}</body></html>\n"
    )


def _group(number: int, group: Group, pictured: Collection[str]) -> str:
    shown = len(group.cases)
    told = f"{group.total} in all" + (f", the first {shown} shown" if shown < group.total else "")
    cases = "".join(_case(case, pictured) for case in group.cases)
    return f'<h2 id="g{number}">{escape(group.title)}</h2><p>{told}</p><div class="cases">{cases}</div>'


def _case(case: Case, pictured: Collection[str]) -> str:
    figures = "".join(_figure(one, one.photo_id in pictured) for one in case.pictures)
    lines = "".join(f"<code>{escape(line)}</code>" for line in case.lines)
    return f'<div class="case"><div class="row">{figures}</div>{lines}</div>'


def _figure(shown: Shown, has_picture: bool) -> str:
    picture = (
        f'<img src="pictures/{escape(shown.photo_id[:16])}.jpg" width="{THUMB[0]}" height="{THUMB[1]}" '
        f'loading="lazy" alt="{escape(shown.told)}">'
        if has_picture
        else '<div class="none">cannot be shown</div>'
    )
    return f"<figure>{picture}<figcaption>{escape(shown.told)}</figcaption></figure>"
