"""The error report as a file: JSON or CSV, by the ending of its name."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from forecaster.data.writing.atomic import check_folder
from forecaster.data.writing.destination import is_stream
from forecaster.data.writing.escapes import csv_cell, json_text
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.evaluation.error_report import Report
    from forecaster.evaluation.leaderboard import Leaderboard

REPORT_ENDINGS = (".json", ".csv")


def check_report_file(path: str | None) -> None:
    """Raise UsageError or StorageError before any work is done where the report could not be written."""
    if path is None:
        return
    if Path(path).suffix.lower() not in REPORT_ENDINGS and not is_stream(path):
        raise UsageError(f"the report {path!r} must end in .json or .csv")
    check_folder(path)


def write_report(report: Report | Leaderboard, path: str) -> None:
    """Write the error report as JSON or CSV, by the ending of `path`; a stream gets JSON. StorageError."""
    from forecaster.data.writing.atomic import atomic_write

    as_csv = Path(path).suffix.lower() == ".csv"
    text = _report_csv(report) if as_csv else json_text(report.to_json(), indent=2) + "\n"

    def write(file: BinaryIO) -> None:
        file.write(text.encode())

    atomic_write(Path(path), write)


def _report_csv(report: Report | Leaderboard) -> str:
    """One line per scope, key and method, or per method of a board; undefined numbers are empty."""
    rows = report.to_rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    """A cell of the CSV file: empty for NaN and infinity; text that a spreadsheet would compute is quoted."""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return csv_cell(value) if isinstance(value, str) else value
