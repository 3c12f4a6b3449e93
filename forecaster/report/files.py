"""The error report as a file: JSON or CSV, by the ending of its name; and whether it is to be a page."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, BinaryIO

from forecaster.data.storage.place import place
from forecaster.data.writing.atomic import check_folder
from forecaster.data.writing.destination import is_stream
from forecaster.data.writing.escapes import csv_cell, json_text
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.evaluation.error_report import Report
    from forecaster.evaluation.leaderboard import Leaderboard

PAGE = ".html"
REPORT_ENDINGS = (".json", ".csv")


def is_page(path: str | None) -> bool:
    """Whether the report is to be a page of HTML."""
    return path is not None and place(path).suffix.lower() == PAGE


def check_report_file(path: str | None, *, errors: bool = True, page: bool = False) -> None:
    """Raise UsageError or StorageError before any work is done where the report could not be written.

    `errors`: as JSON or CSV, or to a stream; `page`: as HTML.
    """
    if path is None:
        return
    endings = (REPORT_ENDINGS if errors else ()) + ((PAGE,) if page else ())
    if place(path).suffix.lower() not in endings and not (errors and is_stream(path)):
        known = ", ".join(endings[:-1]) + (" or " if len(endings) > 1 else "") + endings[-1]
        raise UsageError(f"the report {path!r} must end in {known}")
    if is_page(path):
        from forecaster.report.page.write import check_page_possible

        check_page_possible()
    check_folder(path)


def write_report(report: Report | Leaderboard, path: str) -> None:
    """Write the error report as JSON or CSV, by the ending of `path`; a stream gets JSON. StorageError."""
    from forecaster.data.writing.atomic import atomic_write

    as_csv = place(path).suffix.lower() == ".csv"
    text = _report_csv(report) if as_csv else json_text(report.to_json(), indent=2) + "\n"

    def write(file: BinaryIO) -> None:
        file.write(text.encode())

    atomic_write(path, write)


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
