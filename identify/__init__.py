"""A user's photo to product name, brand and similar shoes: `from identify import Identifier`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from identify.answer import Identification
    from identify.identifier import Identifier

__all__ = ["Identification", "Identifier"]


def __getattr__(name: str) -> Any:
    """Import on first use: torch takes seconds, and `solemap --help` must not wait for it."""
    if name in __all__:
        from identify import answer, identifier

        return getattr(identifier if name == "Identifier" else answer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
