"""The border: whatever goes wrong inside becomes one message on stderr and an exit code, only here."""

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

from forecaster.cli.log import INTERRUPTED, TERMINATED, stderr
from forecaster.errors import ForecasterError, StorageError, UsageError

# Typer raises these two kinds; older versions take them from the package click, newer ones carry their own.
WrongUsage: type[Exception] = typer.BadParameter.__bases__[0]
Exit = typer.Exit


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code. Raises nothing but SystemExit after SIGTERM."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _guarded(app, arguments)
    finally:
        signal.signal(signal.SIGTERM, before)


def _guarded(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command; whatever it raises becomes a message and an exit code."""
    try:
        code = _invoke(app, arguments)
        sys.stdout.flush()
        return code
    except WrongUsage as error:
        wrong = _in_our_words(error)
        return _explain(wrong) if wrong.message else wrong.exit_code  # no command at all: the help was shown
    except ForecasterError as error:
        return _explain(error)
    except KeyboardInterrupt:
        stderr.info("interrupted; nothing was overwritten")
        return INTERRUPTED
    except SystemExit as end:
        if end.code == TERMINATED:
            raise
        return 0  # Rich ends so when the reader of some help has seen enough
    except BrokenPipeError:  # the reader has seen enough, as in `forecast predict | head`
        _forget_stdout()
        return 0
    except OSError as error:
        _forget_stdout()
        return _explain(_storage(error))
    except Exception as error:  # noqa: BLE001 - this is the border: a fault of ours must not show the data
        return _fault(error, debug="--debug" in arguments)


def _invoke(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command; the exit code is the one it asks for, such as 0 after help."""
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


def _explain(error: ForecasterError) -> int:
    stderr.error(error)
    return error.exit_code


def _in_our_words(error: Exception) -> UsageError:
    """Typer's complaint as an error of ours, with the command whose help to read."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "forecast"
    format_message = getattr(error, "format_message", error.__str__)
    return UsageError(format_message().rstrip("."), hint=f"`{command} --help` shows what can be said.")


def _storage(error: OSError) -> StorageError:
    """An error of the operating system that no room has put into words."""
    where = f" {error.filename!r}" if error.filename else ""
    hint = "Free some space and run again." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return StorageError(f"reading or writing{where} failed: {error.strerror or error}", hint=hint)


def _forget_stdout() -> None:
    """Send what Python would still flush at exit nowhere, so that it does not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fault(error: Exception, *, debug: bool) -> int:
    """A fault of ours: where it happened, without its message, which might quote the data."""
    frames = traceback.extract_tb(error.__traceback__)
    name, last = type(error).__name__, frames[-1]
    if debug:
        sys.stderr.write("".join(traceback.format_tb(error.__traceback__)) + f"{name}\n")
    where = f"{name} at {last.filename.rpartition('forecaster/')[2]}:{last.lineno}"
    hint = "Please report it, with what you typed" + ("." if debug else " and what --debug adds.")
    return _explain(ForecasterError(f"a fault of forecast, not of yours ({where})", hint=hint))
