"""Small files of a text, and what was found in them."""

from pathlib import Path

from forecaster.data.findings import Finding
from forecaster.data.load import Loaded

DAYS = [f"2024-01-{day:02d}" for day in range(1, 29)]
ROWS = [f"{day},{row}" for row, day in enumerate(DAYS)]


def text(folder: Path, *lines: str) -> Path:
    """A file of these lines."""
    path = folder / "x.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def found(loaded: Loaded, code: str) -> Finding:
    """The one finding of this code."""
    (finding,) = [finding for finding in loaded.findings if finding.code == code]
    return finding
