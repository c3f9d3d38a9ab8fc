"""What a parser takes for the page's frame, but holds the page: a header that was never closed.

libxml2 ignores ``</header>`` while a ``<div>`` within is open, so that all that follows stands in it.
A browser closes both. Readers skip what stands in a frame, and so would find nothing at all.
"""

from __future__ import annotations

from typing import Any

_FRAMES = ("header", "nav", "aside")
_DRAWERS = ("aside", "nav", "dialog", "form")  # a basket in the header has a footer of its own


def open_frames(root: Any) -> None:
    """Make plain parts of the frames under ``root`` that hold the page's main part or its footer."""
    footers = list(root.iter("footer"))
    for frame in reversed(list(root.iter(*_FRAMES))):  # inner ones first
        is_within = any(place.tag == "article" for place in frame.iterancestors())
        if is_within or not (_holds_main(frame) or _holds_all(frame, footers)):
            continue
        frame.tag = "div"
        for name in ("class", "id", "aria-label", "role"):
            frame.attrib.pop(name, None)


def _holds_main(frame: Any) -> bool:
    return bool(frame.xpath("boolean(.//main | .//article[.//h1])"))


def _holds_all(frame: Any, footers: list[Any]) -> bool:
    """Whether every footer of the page stands in ``frame``, and in no drawer within it."""
    if frame.tag == "aside":
        return False
    for footer in footers:
        between = []
        for place in footer.iterancestors():
            if place is frame:
                break
            between.append(place.tag)
        else:
            return False
        if set(between) & set(_DRAWERS):
            return False
    return bool(footers)
