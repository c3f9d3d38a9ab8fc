"""The stages' command groups: faults as one line, and where in params.yaml a refused option stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from catalogue.errors import CatalogueError

NO_PARAMS = ("jobs", "brand")  # options that no section holds, paths apart


class Stages(click.Group):
    """A group whose commands answer a fault in the data with one line and exit code 1.

    DVC spells out params.yaml as options: a refused one is told with its place there, exit code 2.
    """

    def __init__(self, *words: Any, sections: Mapping[str, str], **more: Any) -> None:
        """``sections``: command -> the section of params.yaml that DVC hands it."""
        super().__init__(*words, **more)
        self._sections = sections

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CatalogueError as error:
            raise click.ClickException(str(error)) from error
        except click.UsageError as error:
            place = _place(error, self._sections)
            if place is None:
                raise
            raise click.UsageError(f"{error.format_message()} {place}", error.ctx) from error


def _place(error: click.UsageError, sections: Mapping[str, str]) -> str | None:
    """Where in params.yaml a refused option may stand and what is allowed; None where nowhere."""
    section = sections.get((error.ctx and error.ctx.command.name) or "")
    param = getattr(error, "param", None)
    if isinstance(error, click.BadParameter):
        option = param.opts[0] if param else str(error.param_hint)
    else:
        option = getattr(error, "option_name", "")  # no such one, or one without its value
    key = option.removeprefix("--").removeprefix("no-")  # DVC says --no-crop for `crop: false`
    if section is None or key in NO_PARAMS or (param and isinstance(param.type, click.Path)):
        return None
    if not key:  # a word too many
        return f"In params.yaml: a value of {section}."
    return f"In params.yaml: {section}.{key}{_allowed(param) if param else ''}."


def _allowed(param: click.Parameter) -> str:
    kind = param.type
    if isinstance(kind, click.IntRange | click.FloatRange):
        name = "a whole number" if isinstance(kind, click.IntRange) else "a number"
        bound = "or more" if kind.max is None else f"to {kind.max}"
        return f", {name}, {kind.min} {bound}"
    return ", a whole number" if kind is click.INT else ""
