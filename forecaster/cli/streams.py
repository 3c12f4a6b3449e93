"""Where results go: Rich consoles for tables, and JSON on stdout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console(*, to_stderr: bool = False) -> Console:
    """A console for tables. It uses colour only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # handled by `border`; Rich would end the process with exit code 1

    return Piped(stderr=to_stderr)


def write_json(schema: str, value: dict[str, Any]) -> None:
    """One JSON document on stdout, with the name of its schema in docs/schemas."""
    document = {"schema": schema} | value
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=str))
