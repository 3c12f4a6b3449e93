"""Findings: what was noticed, repaired or refused in the data. CODES lists them all.

A repair goes into the log and into a model's facts, a warning into the log; `--strict` makes each an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from forecaster.errors import DataError

Severity = Literal["info", "repair", "warning", "error"]
SHOWN = 3  # places named in a finding
CODES: dict[str, tuple[Severity, str]] = {
    "E001": ("error", "the data cannot be used, for a reason that has no code of its own"),
    "E002": ("error", "damaged rows"),
    "E003": ("error", "cells that are not numbers"),
    "E004": ("error", "cells that are not times"),
    "E005": ("error", "duplicate timestamps with different values"),
    "E006": ("error", "covariates known of the future that are missing there"),
    "E007": ("error", "no series with any value"),
    "E008": ("error", "no series that is long enough"),
    "R001": ("repair", "text that is not UTF-8, decoded"),
    "R002": ("repair", "spaces around column names, removed"),
    "R003": ("info", "a column without a name, named by its place"),
    "R004": ("repair", "rows of empty cells, left out"),
    "R005": ("repair", "a delimiter at the end of each row, left out"),
    "R006": ("repair", "damaged rows, left out as asked; each is named"),
    "R007": ("info", "the text is written in a rare dialect"),
    "R008": ("repair", "a damaged header, of which only the certain names were read"),
    "R009": ("repair", "rows of words below the header, such as units, left out"),
    "R010": ("info", "comments, lines that begin with #, left out"),
    "R011": ("repair", "the header, repeated within the file, left out"),
    "R012": ("repair", "a row of column types below the header, left out"),
    "R013": ("repair", "rows of whole years among months or quarters, left out"),
    "R014": ("repair", "lines above the header, left out"),
    "N001": ("repair", "marks between groups of thousands, removed"),
    "N002": ("repair", "the minus sign U+2212, read as -"),
    "N003": ("repair", "numbers in brackets, read as negative"),
    "N004": ("repair", "whole numbers beyond 2^53, rounded"),
    "N005": ("repair", "decimal numbers, read as floating point"),
    "N006": ("repair", "decimal commas, recognised by the dates or semicolons beside them"),
    "N007": ("info", "cells that say a word for missing values, as set"),
    "N008": ("info", "words such as TRUE and FALSE, read as 1 and 0"),
    "N009": ("repair", "signs such as $ and %, beside every number of a column, removed"),
    "C001": ("info", "the target was chosen among several columns"),
    "C002": ("info", "columns that are not used"),
    "C003": ("info", "times made of a date column and a time column"),
    "C004": ("info", "files that follow one another in time, read as one series"),
    "L001": ("info", "column names on several lines, joined"),
    "L002": ("info", "columns of several series, made a row for each series and time"),
    "L003": ("info", "columns that are times, made a row for each time"),
    "L004": ("info", "times of rows without any, made of --start and --freq"),
    "L005": ("info", "annotations of InfluxDB, used"),
    "L006": ("info", "row names without a column name, left out"),
    "T001": ("repair", "numbers, read as time since 1970"),
    "T002": ("repair", "timestamps with different UTC offsets, brought to UTC"),
    "T003": ("info", "dates read day first or month first"),
    "T004": ("warning", "timestamps in the future"),
    "T005": ("repair", "local times repeated when clocks go back, distinguished by the order of rows"),
    "T006": ("repair", "times of 24:00, read as 00:00 of the day after"),
    "T007": ("warning", "a clock that was set back, as it is in some time zones"),
    "T008": ("info", "numbers, read as dates, years or weeks"),
    "T009": ("info", "intervals, named by their start"),
    "T010": ("warning", "no new rows for more than three steps, named when forecasting"),
    "D001": ("repair", "duplicate rows without a different value, of which one stays"),
    "D002": ("repair", "missing timestamps, marked as not observed"),
    "D003": ("repair", "duplicate timestamps with different values, combined as asked"),
    "D004": ("repair", "rows that are not in order of time, sorted"),
    "D005": ("repair", "gaps of more than five business days, crossed"),
    "D006": ("repair", "readings put on a grid, as asked"),
    "D007": ("info", "holidays learned from the trading days, left out of forecasts"),
    "D008": ("info", "days of the week and hours that never have a row, left out of forecasts"),
    "D009": ("warning", "occasional rows on such days and at such hours"),
    "D010": ("info", "the rate of a counter is forecast, as asked; places where it began again"),
    "D011": ("repair", "weekly rows on another day than usual, read as if on the usual one"),
    "K001": ("info", "columns that go on after the target ends, taken as known of the future"),
    "K002": ("info", "rows after the last target value, with covariates known of the future"),
    "K003": ("info", "values of the future that are not used"),
    "K004": ("info", "missing values of known covariates"),
    "K005": ("repair", "missing values of the future, filled as asked"),
    "K006": ("repair", "rows of the future on closed days, or of unknown series, left out"),
    "K007": ("info", "words of a category that were never seen before"),
    "K008": ("info", "values of the future that replace others"),
    "K009": ("info", "series without a value of a fact"),
    "H001": ("info", "public holidays, known columns of past and future"),
    "H002": ("info", "holidays ahead that the data has not seen"),
    "H003": ("warning", "years whose holidays are not known, or not all of them"),
    "H004": ("info", "events, known columns of past and future"),
    "H005": ("warning", "events of ids that are in no series, left out"),
    "H006": ("repair", "events given twice, taken once"),
    "H007": ("warning", "events ahead that have not happened before"),
    "P001": ("warning", "jumps of prices that look like stock splits"),
    "P002": ("repair", "stock splits, undone as asked"),
    "P003": ("info", "the close and the adjusted close differ"),
    "S001": ("info", "series shorter than their season"),
    "S002": ("info", "series that end long before others"),
    "S003": ("info", "series with many gaps"),
    "S004": ("info", "series with few rows since a gap that no window crosses"),
    "S005": ("info", "series shorter than what the model looks back on, named when forecasting"),
    "A001": ("info", "ids that look like a hierarchy, whose sums are forecast with --hierarchy"),
    "A002": ("info", "the sums of a hierarchy"),
    "A003": ("info", "sums that are missing because a value of a series is"),
    "A004": ("warning", "series of a hierarchy that begin later than others, and count as nothing before"),
    "A005": ("repair", "series of a hierarchy that end a little before others, and miss the newest rows"),
    "A006": ("repair", "series of a hierarchy that ended long before others, and are not forecast"),
    "A007": ("repair", "series that are the sums of others, left out and added up again"),
    "V001": ("info", "missing values"),
    "V002": ("repair", "missing values at the start or end of a series, left out"),
    "V003": ("repair", "constant series"),
    "V004": ("repair", "series without any value, left out"),
    "V005": ("warning", "values extremely far from the others"),
    "V006": ("repair", "gaps that no window crosses"),
    "V007": ("repair", 'numbers that stand for "no reading", left out'),
    "V008": ("repair", "dropouts and impossible single values, left out"),
    "V009": ("repair", "readings of a stuck sensor, left out"),
    "V010": ("warning", "counters that began again near zero"),
    "V011": ("repair", "lasting changes of level; what lies before is brought to the new level"),
    "V012": ("warning", "values outside the limits that were set"),
    "W001": ("info", "what --set changed in the rows of a forecast"),
    "W002": ("warning", "covariates that were set, without a confirmed effect on some series"),
    "W003": ("warning", "values or words that were set, and that the past of a series never had"),
    "W004": ("info", "series without a base: what was set is the only future known of them"),
}
"""Code: severity and meaning. docs/intake.md shows this table."""


@dataclass(frozen=True)
class Finding:
    """One kind of thing noticed in the data: how often, where, and what was done."""

    code: str
    severity: Severity
    message: str
    count: int
    places: tuple[str, ...]
    action: str


def info(code: str, message: str, *, count: int = 1, places: Sequence[str] = (), action: str = "") -> Finding:
    """A finding that changes nothing."""
    return Finding(code, "info", message, count, tuple(places[:SHOWN]), action)


def repair(code: str, message: str, *, count: int, places: Sequence[str] = (), action: str) -> Finding:
    """A finding that was repaired."""
    return Finding(code, "repair", message, count, tuple(places[:SHOWN]), action)


def warn(code: str, message: str, *, count: int = 1, places: Sequence[str] = (), action: str) -> Finding:
    """A finding to look at, although nothing was changed; a model does not remember it."""
    return Finding(code, "warning", message, count, tuple(places[:SHOWN]), action)


def fault(error: DataError) -> Finding:
    """An error as a finding."""
    return Finding(error.code, "error", error.message, error.count, error.places[:SHOWN], error.hint)


def of_plain(values: Mapping[str, Any]) -> Finding:
    """The finding that `dataclasses.asdict` has turned into plain values, such as those of JSON."""
    return Finding(**{**values, "places": tuple(values["places"])})


def merged(pieces: Iterable[Sequence[Finding]]) -> tuple[Finding, ...]:
    """The findings of the pieces of a table as those of the whole: each code once, in the words of the first
    piece that has it, with the counts of all.
    """
    by_code: dict[str, list[Finding]] = {}
    for findings in pieces:
        for finding in findings:
            by_code.setdefault(finding.code, []).append(finding)
    return tuple(_as_one(each) for each in by_code.values())


def _as_one(findings: list[Finding]) -> Finding:
    first, further = findings[0], len(findings) - 1
    if not further:
        return first
    places = tuple(place for finding in findings for place in finding.places)[:SHOWN]
    message = f"{first.message}; and in {further:,} more piece{'s' * (further > 1)} of the data"
    count = sum(finding.count for finding in findings)
    return replace(first, message=message, count=count, places=places)


def enforce(findings: Iterable[Finding], *, strict: bool) -> None:
    """Under `strict`, raise DataError for the first repair or warning."""
    for finding in findings:
        if strict and finding.severity in ("repair", "warning"):
            places = f" ({'; '.join(finding.places)})" if finding.places else ""
            raise DataError(
                f"{finding.code} {finding.message}{places}",
                hint=f"Without --strict: {finding.action}. Or repair the source.",
            )
