"""Log: what is said to the person, on stderr, as text or as JSON lines. Data never passes here."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forecaster.errors import ForecasterError

if TYPE_CHECKING:
    from forecaster.data.audit import Finding

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM."""


@dataclass
class Log:
    """One line a message on stderr. Whatever is said is made inert first."""

    quiet: bool = False
    """Errors only."""
    json: bool = False
    """One JSON object a line."""

    def info(self, text: str, **facts: object) -> None:
        """Say what was done."""
        if not self.quiet:
            self._line("info", text, facts)

    def warn(self, text: str, **facts: object) -> None:
        """Say what the person should look at."""
        if not self.quiet:
            self._line("warning", text, facts)

    def error(self, error: ForecasterError) -> None:
        """Say what went wrong, and the way out."""
        if self.json:
            self._line("error", error.message, {"hint": error.hint, "exit_code": error.exit_code})
            return
        self._write(f"error: {inert(error.message)}")
        for line in error.hint.splitlines():
            self._write(f"  {inert(line)}")

    def finding(self, finding: Finding) -> None:
        """Say what was noticed in the data: a repair is a warning."""
        facts = {"code": finding.code, "count": finding.count, "places": list(finding.places)}
        if self.json:
            facts["action"] = finding.action
        places = f" ({'; '.join(finding.places)})" if finding.places and not self.json else ""
        action = f": {finding.action}" if finding.action and not self.json else ""
        say = self.warn if finding.severity == "repair" else self.info
        say(f"{finding.message}{places}{action}", **facts)

    def _line(self, level: str, text: str, facts: dict[str, object]) -> None:
        if self.json:
            self._write(json.dumps({"level": level, "message": text} | facts))
            return
        code = f"{facts['code']} " if "code" in facts else ""
        prefix = "warning: " if level == "warning" else ""
        self._write(prefix + inert(code + text))

    @staticmethod
    def _write(line: str) -> None:
        print(line, file=sys.stderr, flush=True)


def inert(text: str) -> str:
    """`text` on one line, with control, invisible and bidirectional characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


stderr = Log()
"""The log of this process; `options` sets it up from the flags."""
