"""Log: messages to the user on stderr, as text or as JSON lines, and in a file. Results never go here."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forecaster.errors import ForecasterError, StorageError, UsageError
from forecaster.machine.system import BINARY, NO_WAIT

if TYPE_CHECKING:
    from forecaster.data.findings import Finding

LOG = re.compile(rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[|\{"timestamp": "')
"""How a log file begins."""
INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM."""


@dataclass
class Log:
    """One line per message on stderr. Control characters in messages are escaped."""

    quiet: bool = False
    """Errors only. A file gets everything."""
    as_json: bool = False
    """One JSON object a line."""
    file: LogFile | None = None

    def info(self, text: str, **facts: object) -> None:
        """Report what was done."""
        self._event("info", text, facts)

    def warn(self, text: str, **facts: object) -> None:
        """Report something that the user should check."""
        self._event("warning", text, facts)

    def error(self, error: ForecasterError) -> None:
        """Report what went wrong, with its hint."""
        facts = {"hint": without_secrets(error.hint), "exit_code": error.exit_code}
        if self.as_json:
            self._event("error", error.message, facts)
            return
        self.note("error", error.message + (f" ({error.hint})" if error.hint else ""), facts)
        self._write(f"error: {inert(without_secrets(error.message))}")
        for line in error.hint.splitlines():
            self._write(f"  {inert(without_secrets(line))}")

    def finding(self, finding: Finding) -> None:
        """Report a finding in the data. A repair is a warning."""
        write = self.warn if finding.severity in ("repair", "warning") else self.info
        facts = {"code": finding.code, "count": finding.count, "places": list(finding.places)}
        if self.as_json:
            write(finding.message, action=finding.action, **facts)
            return
        times = f", {finding.count:,} times" if finding.count > 1 else ""
        more = "; ..." if finding.count > len(finding.places) else ""
        places = f" ({'; '.join(finding.places)}{more})" if finding.places else ""
        write(
            f"{finding.message}{times}{places}" + (f": {finding.action}" if finding.action else ""), **facts
        )

    def note(self, level: str, text: str, facts: dict[str, object]) -> None:
        """Write an event to the file only, if there is one. After a failure, say so and go on without."""
        if self.file is None:
            return
        try:
            self.file.write(self._line(level, text, facts, process=self.file.process))
        except OSError as error:
            path, self.file = self.file.path, None
            self.warn(f"the log file {path!r} cannot be written ({error.strerror}): going on without")

    def _event(self, level: str, text: str, facts: dict[str, object]) -> None:
        self.note(level, text, facts)
        if not self.quiet or level == "error":
            self._write(self._line(level, text, facts))

    def _line(self, level: str, text: str, facts: dict[str, object], process: int | None = None) -> str:
        """An event as one line; with the number of a `process`, as a file has it: it holds many runs."""
        text = without_secrets(text)
        facts = {
            name: without_secrets(fact) if isinstance(fact, str) else fact for name, fact in facts.items()
        }
        code = f"{facts['code']} " if "code" in facts else ""
        if self.as_json:
            ours = {} if process is None else {"process": process}
            line = json.dumps({"timestamp": timestamp(), "level": level, "message": text} | ours | facts)
            return line.replace("\x7f", "\\u007f")  # all else that is not printed is escaped
        if process is not None:
            return f"{timestamp()} [{process}] {level}: {inert(code + text)}"
        return ("warning: " if level == "warning" else "") + inert(code + text)

    @staticmethod
    def _write(line: str) -> None:
        if sys.stderr is not None:  # `print` would take stdout instead
            print(line, file=sys.stderr, flush=True)


class LogFile:
    """A file that runs append their events to, each with one write, so that lines of two runs never mix."""

    def __init__(self, path: str) -> None:
        """Open it. Raises StorageError, and UsageError where the file is no log, or elsewhere."""
        if "://" in path:
            what = f"the log is appended to, which {without_secrets(path)!r} does not allow"
            raise UsageError(what, hint="Name a file of this machine, or let your scheduler collect stderr.")
        check_kind(path, LOG, "log")
        self.path, self.process = path, os.getpid()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | BINARY | NO_WAIT
        try:
            self._descriptor = os.open(at_home(path), flags, 0o666)
        except OSError as error:
            raise StorageError(f"the log file {path!r} cannot be opened: {error.strerror}") from error

    def write(self, line: str) -> None:
        """Append a line. Raises OSError."""
        os.write(self._descriptor, (line + "\n").encode("utf-8", "backslashreplace"))


def at_home(path: str | os.PathLike[str]) -> str:
    """The path with the home folder in place of ~; of an unknown user it stays as it is."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path raises for unknown users


def check_kind(path: str, begins: re.Pattern[bytes], what: str) -> None:
    """Raise UsageError where a file exists whose first bytes are not those of a `what`."""
    if "://" in path:
        _check_kind_elsewhere(path, begins, what)
        return
    place = at_home(path)
    try:
        if not stat.S_ISREG(os.stat(place).st_mode):  # noqa: PTH116 - without pathlib, which help does not need
            return
        with open(place, "rb") as file:  # noqa: PTH123 - likewise
            start = file.read(40)
    except OSError:
        return  # there is none, or it says so when it is written
    if start and not begins.match(start):
        raise UsageError(f"{path!r} is there and is no {what}", hint=f"Name another file for the {what}.")


def _check_kind_elsewhere(path: str, begins: re.Pattern[bytes], what: str) -> None:
    """The same for a file elsewhere. Raises StorageError where its store cannot be asked."""
    from forecaster.data.storage.failures import Missing
    from forecaster.data.storage.files import start

    try:
        first = start(path, 40)
    except Missing:
        return
    if first and not begins.match(first):
        path = without_secrets(path)
        raise UsageError(f"{path!r} is there and is no {what}", hint=f"Name another file for the {what}.")


def without_secrets(text: str) -> str:
    """`text` with *** for the passwords, keys and tokens in its URLs."""
    if "://" not in text:
        return text
    from forecaster.data.storage.secrets import masked_text

    return masked_text(text)


def timestamp(seconds: float | None = None) -> str:
    """A time (since 1970; None: now) as RFC 3339 text in UTC, to the millisecond."""
    moment = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def inert(text: str) -> str:
    """`text` on one line, with control characters escaped."""
    from forecaster.report import text as report_text  # imports NumPy, which help does not need

    return report_text.inert(text)


stderr = Log()
"""The log of this process. `options` configures it from the flags."""
