"""Option values that skip Pydantic, whose import takes a sixth of the time of a forecast.

Newer versions of Typer validate every parameter with Pydantic. These values need no validation: an option
that is not set, text for a text option (or several), and digits for a whole number. All others take Typer's
own path, which also words the error messages.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from typer.core import TyperCommand, TyperGroup

DIGITS = 18
"""Python refuses to read numbers of thousands of digits."""


class FastGroup(TyperGroup):
    """The group of all commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [_skip_pydantic(parameter) for parameter in super().get_params(ctx)]


class FastCommand(TyperCommand):
    """One command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [_skip_pydantic(parameter) for parameter in super().get_params(ctx)]


def _skip_pydantic(parameter: Any) -> Any:
    """The parameter, changed so that Typer validates only values that need it."""
    if parameter.multiple:
        parameter.value_from_envvar = partial(_whole_variable, parameter)
    if "process_value" in vars(parameter) or not hasattr(parameter, "type_descriptor"):
        return parameter  # changed already, or an older Typer, which does not use Pydantic
    validate = parameter.process_value
    several = parameter.nargs != 1

    def process_value(ctx: Any, value: Any) -> Any:
        if parameter.multiple:  # texts, which the program itself splits and converts
            return list(value) if value else None
        simple = None if value is None else _simple(parameter.type_descriptor.annotation, value)
        if simple is None and (value is not None or parameter.required or several):
            return validate(ctx, value)
        return parameter.callback(ctx, parameter, simple) if parameter.callback else simple

    parameter.process_value = process_value
    return parameter


def _whole_variable(parameter: Any, ctx: Any) -> list[str] | None:
    """The variable of an option that may be repeated, as one value: spaces do not separate."""
    text = parameter.resolve_envvar_value(ctx)
    return None if text is None else [text]


def _simple(kind: Any, value: Any) -> Any:
    """`value` converted to `kind` where that cannot fail; else None."""
    if kind is str and type(value) is str:
        return value
    if kind is int and type(value) is str and value.isascii() and value.isdigit() and len(value) <= DIGITS:
        return int(value)
    return None
