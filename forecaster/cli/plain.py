"""Plain values past Pydantic: what `forecast` is told is taken as it is where nothing can be wrong with it.

Newer versions of Typer have Pydantic look at every parameter, and importing it takes a sixth of the time of
a forecast. Nothing said, text for text, and digits for a whole number need no look; all else goes Typer's
way, which finds the words for what is wrong.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class PlainGroup(TyperGroup):
    """The commands together."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [_take_plain_values(parameter) for parameter in super().get_params(ctx)]


class PlainCommand(TyperCommand):
    """One command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [_take_plain_values(parameter) for parameter in super().get_params(ctx)]


def _take_plain_values(parameter: Any) -> Any:
    """The parameter, which from now on has Typer look only at what is not plain."""
    if "process_value" in vars(parameter) or not hasattr(parameter, "type_descriptor"):  # a Typer without
        return parameter
    look = parameter.process_value
    several = parameter.multiple or parameter.nargs != 1

    def process_value(ctx: Any, value: Any) -> Any:
        plain = None if value is None else _plain(parameter.type_descriptor.annotation, value)
        if plain is None and (value is not None or parameter.required or several):
            return look(ctx, value)
        return parameter.callback(ctx, parameter, plain) if parameter.callback else plain

    parameter.process_value = process_value
    return parameter


def _plain(kind: Any, value: Any) -> Any:
    """`value` as its `kind` where that is plain; else None."""
    if kind is str and type(value) is str:
        return value
    if kind is int and type(value) is str and value.isascii() and value.isdigit():
        return int(value)
    return None
