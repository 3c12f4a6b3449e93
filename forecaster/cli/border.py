"""The border: the only place that turns an exception into one message on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

import typer

from forecaster.cli.account import account
from forecaster.cli.app import COMMANDS
from forecaster.cli.log import INTERRUPTED, TERMINATED, stderr
from forecaster.cli.streams import lost_output
from forecaster.errors import ForecasterError, StorageError, StorageWarning, UsageError
from forecaster.machine import memory

# Typer raises these two. Older versions import them from the package click, newer ones define their own.
WrongUsage: type[Exception] = typer.BadParameter.__bases__[0]
Exit = typer.Exit
LONGEST = 1000
"""Characters of a message and of a hint: what a user types may be of any length."""


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. Raises nothing, except SystemExit after SIGTERM."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if before[signal.SIGINT] is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, _terminate)
        with warnings.catch_warnings():
            _show_warnings()
            code = _guarded(app, arguments)
            for number in before:
                signal.signal(number, signal.SIG_IGN)  # all is done
            code = account.close(code or _check_stdout())
            return code or _check_stdout()  # the summary may go there
    except SystemExit:
        account.close(TERMINATED)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        memory.lift()


def _guarded(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command; an exception becomes a message and an exit code."""
    try:
        account.begin(arguments, COMMANDS)
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would interrupt the message
        stderr.info(f"interrupted; {_files_written()}")
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
    except ImportError as error:  # a damaged installation, no memory, too many open files
        name = f" {error.name!r}" if error.name else ""
        hint = "Run again. If that does not help, install forecaster again."
        return _report(StorageError(f"the package{name} cannot be loaded", hint=hint))
    except Exception as error:  # noqa: BLE001 - a bug: its message might show the data
        return _bug(error, debug="--debug" in arguments)


def _files_written() -> str:
    """Which files an interrupted run changed, as text."""
    from forecaster.data.writing.atomic import WRITTEN

    return f"written before: {', '.join(map(str, WRITTEN))}" if WRITTEN else "no file was changed"


def _show_warnings() -> None:
    """Log warnings about files, each once; all others go where they went."""
    warnings.simplefilter("always", StorageWarning)
    before, shown = warnings.showwarning, set[str]()

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, StorageWarning):
            before(message, category, *place, **more)
        elif str(message) not in shown:
            shown.add(str(message))
            stderr.warn(str(message))

    warnings.showwarning = show


def _check_stdout() -> int:
    """Exit code 0, or that of a result that stdout did not take. Files are written all the same."""
    error = lost_output()
    if error is None:
        return 0
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return _report(StorageError(f"the result cannot be written to standard output: {reason}"))


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
    account.error = error
    stderr.error(error)
    return error.exit_code


def _usage_error(error: Exception) -> UsageError:
    """An error that Typer raised, as a UsageError with a hint at the help of the command."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "forecast"
    format_message = getattr(error, "format_message", error.__str__)
    if getattr(error, "option_name", None) == "--future":
        hint = "It is for forecasts: `forecast predict --future FILE`. Others read the future below the data."
        return UsageError(f"`{command}` has no --future", hint=hint)
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
