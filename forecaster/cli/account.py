"""The account of a run: what it read, found and wrote, how it ended, and what that took, for --summary."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import forecaster
from forecaster.cli.log import LogFile, at_home, check_kind, stderr, timestamp, without_secrets
from forecaster.errors import ForecasterError, StorageError, UsageError

if TYPE_CHECKING:
    from forecaster.data.findings import Finding
    from forecaster.data.load import Loaded
    from forecaster.data.storage.place import Remote

SCHEMA = "summary-1"
"""docs/schemas has it."""
SUMMARY = re.compile(rb'\{\s*"schema": "summary-')
"""How a summary begins."""
HELP = ("-h", "--help")


@dataclass
class Account:
    """What is known of the run so far. `close` writes it, also after an error."""

    path: str | None = None
    """The file of the summary; None: none is asked for."""
    log_path: str | None = None
    """The file that the log was last appended to, even if that failed since."""
    command: str | None = None
    arguments: tuple[str, ...] = ()
    started: float = 0.0
    error: ForecasterError | None = None
    source: dict[str, Any] | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    model: dict[str, Any] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, arguments: Sequence[str], commands: Iterable[str]) -> None:
        """Start the account of a run. Its files are looked for here already: arguments may be wrong."""
        self.__init__(arguments=tuple(arguments), started=time.time())  # type: ignore[misc] # all anew
        stderr.file = None
        name = arguments[0] if arguments else ""
        if name not in commands or any(word in HELP for word in arguments):
            return
        self.command = name
        self.summarise_in(_asked(arguments, "summary"))
        stderr.as_json = _asked(arguments, "log_format") == "json"
        self.log_to(_asked(arguments, "log_file"))

    def log_to(self, path: str | None) -> None:
        """Append the events of this run to a file from now on. Raises StorageError."""
        if path in (None, self.log_path):
            return
        import shlex

        stderr.file, self.log_path = LogFile(path), path
        typed = shlex.join(map(without_secrets, self.arguments))
        stderr.note("info", f"forecast {forecaster.__version__}: {typed}", {})

    def summarise_in(self, path: str | None) -> None:
        """Write the summary there. Raises StorageError where there is no such folder, and UsageError where
        the file is no summary: it would be lost.
        """
        if path is None or path == self.path:
            return
        if path == "-":
            raise UsageError("the summary needs a file: - is standard output", hint="Use /dev/stdout.")
        check_kind(path, SUMMARY, "summary")
        from forecaster.data.writing.atomic import check_folder

        check_folder(at_home(path))
        self.path = path

    def read(self, loaded: Loaded) -> None:
        """Record the data."""
        from forecaster.data.labels import times_as_strings

        panel = loaded.panel
        newest = panel.time[panel.target_observed].max(keepdims=True)
        self.source = {
            "name": loaded.source,
            "sha256": loaded.digest or None,
            "frequency": panel.frequency.alias,
            "series": len(panel),
            "rows": int(panel.lengths.sum()),
            "newest": times_as_strings(newest, panel.names)[0],
        }
        self.found(loaded.findings)

    def found(self, findings: Iterable[Finding]) -> None:
        """Record the findings, in place of those recorded before."""
        self.findings = [dataclasses.asdict(finding) for finding in findings]

    def uses(self, model: str | Path | Remote) -> None:
        """Record the model that is used or written; "pretrained" has no file."""
        self.model = {"file": without_secrets(str(model)), "sha256": self._digest(model)}

    def wrote(self, path: str | Path | Remote) -> None:
        """Record a file that was written."""
        if self.path is not None:
            digest = self._digest(path)
            size = self._size(path) if digest else None
            self.files.append({"path": without_secrets(str(path)), "bytes": size, "sha256": digest})

    def close(self, code: int) -> int:
        """Write the summary, if one is asked for, and return the exit code: `code`, or 5 where it was 0 and
        the summary cannot be written.
        """
        if self.command is None:
            return code
        seconds = time.time() - self.started
        stderr.note("info", f"ended after {seconds:.1f} s: exit code {code}", {"exit_code": code})
        if self.path is None:
            return code
        from forecaster.data.writing.atomic import atomic_write

        content = (json.dumps(self._document(code, seconds), indent=2, allow_nan=False) + "\n").encode()

        def write(file: BinaryIO) -> None:
            file.write(content)

        try:
            atomic_write(at_home(self.path), write)
        except StorageError as error:
            stderr.error(error)
            return code or error.exit_code
        return code

    def _digest(self, path: str | Path | Remote) -> str | None:
        """SHA-256 of a file; None where no summary is asked for, or where it is no regular file."""
        if self.path is None:
            return None
        from forecaster.data.storage import files
        from forecaster.data.storage.place import at_home

        file = at_home(path)
        return digest_of(file) if files.is_file(file) else None

    @staticmethod
    def _size(path: str | Path | Remote) -> int:
        from forecaster.data.storage.files import size_and_time
        from forecaster.data.storage.place import at_home

        return size_and_time(at_home(path))[0]

    def _document(self, code: int, seconds: float) -> dict[str, Any]:
        import socket

        cpu, peak = _used()
        error = self.error
        return {
            "schema": SCHEMA,
            "command": self.command,
            "arguments": [without_secrets(word) for word in self.arguments],
            "version": forecaster.__version__,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "started": timestamp(self.started),
            "ended": timestamp(self.started + seconds),
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu, 3),
            "peak_memory_bytes": peak,
            "source": self.source,
            "findings": self.findings,
            "model": self.model,
            "files": self.files,
            "exit_code": code,
            "error": None
            if error is None
            else {"message": without_secrets(error.message), "hint": without_secrets(error.hint)},
        }


def digest_of(file: Path | Remote) -> str:
    """SHA-256 of a file. Raises OSError, of one elsewhere StorageError."""
    import hashlib

    from forecaster.data.storage import files

    if not isinstance(file, Path):
        return hashlib.sha256(files.read(file)).hexdigest()
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _used() -> tuple[float, int | None]:
    """Seconds of the cores, and most bytes of memory, of this process and its workers; None: not known."""
    try:
        import resource
    except ImportError:  # Windows
        return sum(os.times()[:4]), None
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime
    unit = 1 if sys.platform == "darwin" else 1024
    return cpu, unit * max(own.ru_maxrss, workers.ru_maxrss)


def _asked(arguments: Sequence[str], name: str) -> str | None:
    """The value of an option, from the words of the command line or its variable."""
    flag = f"--{name.replace('_', '-')}"
    for place, word in enumerate(arguments):
        if word == flag and place + 1 < len(arguments):
            return arguments[place + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return os.environ.get(f"FORECAST_{name.upper()}") or None


account = Account()
"""The account of this process."""
