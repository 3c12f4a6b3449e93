"""Dataclasses to and from plain JSON values."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any, Literal, TypeVar

from forecaster.errors import UsageError, brief

T = TypeVar("T")


def to_json(config: Any) -> dict[str, Any]:
    """The dataclass as plain JSON values."""
    return dataclasses.asdict(config)


def from_json(kind: type[T], values: dict[str, Any]) -> T:
    """The dataclass `kind` from JSON values. UsageError for unknown, missing or wrongly typed fields."""
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise UsageError(f"{kind.__name__} has no setting {unknown[0]!r}", hint="Known: " + ", ".join(hints))
    try:
        return kind(**{name: _convert(hints[name], value, name) for name, value in values.items()})
    except TypeError as error:
        raise UsageError(f"{kind.__name__}: {error}") from error


def _convert(hint: Any, value: Any, name: str) -> Any:
    """`value` as the type `hint`; UsageError, with the name of the field, where that is not possible."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is dict and isinstance(value, dict):
        return {key: _convert(args[1], item, f"{name}.{key}") for key, item in value.items()}
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        kinds = [arg for arg in args if arg is not type(None)]
        if len(kinds) > 1 and not isinstance(value, tuple(kinds)):
            raise UsageError(f"{name} cannot be {brief(value)}", hint=f"Give {_expected(hint)}.")
        return _convert(next((kind for kind in kinds if type(value) is kind), kinds[0]), value, name)
    if origin is Literal:
        if value in args:
            return value
        raise UsageError(
            f"{name} cannot be {brief(value)}", hint="Choose one of " + ", ".join(map(str, args))
        )
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(args[0], item, name) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_json(typing.cast(type, hint), value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**1023 else math.inf  # which no range contains
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise UsageError(f"{name} cannot be {brief(value)}", hint=f"Give {_expected(hint)}.")


def _expected(hint: Any) -> str:
    """The type `hint` in words."""
    args = [arg for arg in typing.get_args(hint) if arg not in (type(None), ...)]
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_expected, args))
    if origin is tuple:
        return f"a list, each item {_expected(args[0])}"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(
        hint, "named values"
    )
