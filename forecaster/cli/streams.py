"""The standard streams: they never stop the work. Consoles for tables, and JSON on stdout."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console


class Stream(io.RawIOBase):
    """A standard stream that takes everything. After the first error it writes nothing more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.error: OSError | None = None
        """Why output was lost."""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.error is None:
            try:
                return _write(self._descriptor, data)
            except OSError as error:
                self.error = error
        return len(data)


def _write(descriptor: int, data: Any) -> int:
    """Write a part of `data`, and wait where a reader is slow and the stream does not wait itself."""
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            import select

            select.select([], [descriptor], [])


def guard() -> None:
    """Make the standard streams safe: the first thing that a process does.

    A closed stream gets /dev/null, so that no file that is opened later takes its number and gets messages.
    Reading from it and results on it fail; messages vanish.
    """
    for descriptor, unusable in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, unusable), True)  # the smallest free number: this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = _guarded(1, sys.stdout)
    sys.stderr = _guarded(2, sys.stderr)


def _guarded(descriptor: int, stream: TextIO | None) -> TextIO:
    """A text stream on a descriptor that never fails; characters that it cannot encode are escaped."""
    raw = Stream(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor == 2 or raw.isatty(),
    )


def lost_output(*, reader_may_leave: bool = True) -> OSError | None:
    """Why a result on stdout was lost; None where none was, or where its reader left and may do so."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = raw.error if isinstance(raw, Stream) else None
    left = isinstance(error, BrokenPipeError | ConnectionResetError)
    return None if left and reader_may_leave else error


def console(*, to_stderr: bool = False) -> Console:
    """A console for tables. It uses colour only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # handled by `border`; Rich would end the process with exit code 1

    return Piped(stderr=to_stderr)


def write_json(schema: str, value: dict[str, Any]) -> None:
    """One JSON document on stdout, with the name of its schema in docs/schemas.

    It is in ASCII where stdout cannot encode every character.
    """
    _print_json({"schema": schema} | value, indent=2)


def write_json_lines(documents: Iterable[dict[str, Any]]) -> None:
    """JSON documents on stdout, each on a line of its own."""
    for document in documents:
        _print_json(document, indent=None)


def _print_json(document: dict[str, Any], indent: int | None) -> None:
    from forecaster.data.writing.escapes import json_text

    encoding = (sys.stdout.encoding or "ascii").lower()
    print(json_text(document, indent=indent, ensure_ascii=not encoding.startswith("utf"), default=str))
