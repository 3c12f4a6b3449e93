"""Log: messages to the user on stderr, as text or as JSON lines. Results never go here."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forecaster.errors import ForecasterError

if TYPE_CHECKING:
    from forecaster.data.findings import Finding

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM."""


@dataclass
class Log:
    """One line per message on stderr. Control characters in messages are escaped."""

    quiet: bool = False
    """Errors only."""
    as_json: bool = False
    """One JSON object a line."""

    def info(self, text: str, **facts: object) -> None:
        """Report what was done."""
        if not self.quiet:
            self._line("info", text, facts)

    def warn(self, text: str, **facts: object) -> None:
        """Report something that the user should check."""
        if not self.quiet:
            self._line("warning", text, facts)

    def error(self, error: ForecasterError) -> None:
        """Report what went wrong, with its hint."""
        if self.as_json:
            self._line("error", error.message, {"hint": error.hint, "exit_code": error.exit_code})
            return
        self._write(f"error: {inert(error.message)}")
        for line in error.hint.splitlines():
            self._write(f"  {inert(line)}")

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

    def _line(self, level: str, text: str, facts: dict[str, object]) -> None:
        if self.as_json:
            line = json.dumps({"level": level, "message": text} | facts)
            self._write(line.replace("\x7f", "\\u007f"))  # all else that is not printed is escaped
            return
        code = f"{facts['code']} " if "code" in facts else ""
        prefix = "warning: " if level == "warning" else ""
        self._write(prefix + inert(code + text))

    @staticmethod
    def _write(line: str) -> None:
        if sys.stderr is not None:  # `print` would take stdout instead
            print(line, file=sys.stderr, flush=True)


def inert(text: str) -> str:
    """`text` on one line, with control characters escaped."""
    from forecaster.report import text as report_text  # imports NumPy, which help does not need

    return report_text.inert(text)


stderr = Log()
"""The log of this process. `options` configures it from the flags."""
