"""The border: the only place that turns an exception into one message on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import typer

from forecaster import memory
from forecaster.cli.log import INTERRUPTED, TERMINATED, stderr
from forecaster.errors import ForecasterError, StorageError, UsageError

# Typer raises these two. Older versions import them from the package click, newer ones define their own.
WrongUsage: type[Exception] = typer.BadParameter.__bases__[0]
Exit = typer.Exit
LONGEST = 1000
"""Characters of a message and of a hint: what a user types may be of any length."""


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. Raises nothing, except SystemExit after SIGTERM."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _guarded(app, arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
        memory.lift()


def _guarded(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command; an exception becomes a message and an exit code."""
    try:
        code = _invoke(app, arguments)
        sys.stdout.flush()
        return code
    except WrongUsage as error:
        wrong = _usage_error(error)
        return (
            _report(wrong) if wrong.message else wrong.exit_code
        )  # without a command, Typer showed the help
    except ForecasterError as error:
        return _report(error)
    except MemoryError as error:
        return _report(memory.ran_out(error))
    except KeyboardInterrupt:
        stderr.info("interrupted; no file was changed")
        return INTERRUPTED
    except SystemExit as end:
        if end.code == TERMINATED:
            raise
        return 0  # Rich exits so when the reader of help text closes the pipe
    except BrokenPipeError:  # the reader closed the pipe, as in `forecast predict | head`
        _discard_stdout()
        return 0
    except OSError as error:
        _discard_stdout()
        return _report(_storage(error))
    except Exception as error:  # noqa: BLE001 - a bug: its message might show the data
        return _bug(error, debug="--debug" in arguments)


def _invoke(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command and return the exit code that it asks for, such as 0 after help."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("forecast", list(arguments)) as context:
            command.invoke(context)
    except Exit as end:
        return end.exit_code
    return 0


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds the stack, so that locks are released and temporary files removed."""
    raise SystemExit(TERMINATED)


def _report(error: ForecasterError) -> int:
    error.message, error.hint = (
        text[:LONGEST] + "…" * (len(text) > LONGEST) for text in (error.message, error.hint)
    )
    stderr.error(error)
    return error.exit_code


def _usage_error(error: Exception) -> UsageError:
    """An error that Typer raised, as a UsageError with a hint at the help of the command."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "forecast"
    format_message = getattr(error, "format_message", error.__str__)
    return UsageError(
        format_message().rstrip("."), hint=f"`{command} --help` lists the arguments and options."
    )


def _storage(error: OSError) -> StorageError:
    """An error of the operating system that was not translated where it arose."""
    where = f" {error.filename!r}" if error.filename else ""
    hint = "Free some space and run again." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return StorageError(f"reading or writing{where} failed: {error.strerror or error}", hint=hint)


def _discard_stdout() -> None:
    """Discard what Python would still flush at exit, so that it does not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _bug(error: Exception, *, debug: bool) -> int:
    """Report a bug: where it happened, without the exception's message, which might quote the data."""
    frames = traceback.extract_tb(error.__traceback__)
    name, last = type(error).__name__, frames[-1]
    if debug:
        sys.stderr.write("".join(traceback.format_tb(error.__traceback__)) + f"{name}\n")
    where = f"{name} at {last.filename.rpartition('forecaster/')[2]}:{last.lineno}"
    hint = "Please report it with the command you typed" + ("." if debug else " and the output of --debug.")
    return _report(ForecasterError(f"a bug in forecast, not in your data ({where})", hint=hint))
