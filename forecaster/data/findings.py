"""Findings: what was noticed, repaired or refused in the data, each with a code.

    code   severity   meaning
    E001   error      what makes the data unusable as it is, other than the following
    E002   error      damaged rows
    E003   error      cells that are no numbers
    E004   error      cells that are no times
    E005   error      rows of the same timestamp with different values
    R001   repair     text was not UTF-8 and was decoded
    R002   repair     spaces around column names were removed
    R003   info       a column without a name was given one
    R004   repair     rows of empty cells, left out
    R005   repair     a delimiter at the end of each row
    R006   repair     damaged rows, left out as asked; each is named
    R007   info       the text is written in a rarer dialect
    R008   repair     a damaged header, of which the names that are certain were read
    R009   repair     rows of words, such as units, below the header, left out
    N001   repair     marks between groups of thousands
    N002   repair     the minus sign U+2212
    N003   repair     numbers in brackets, read as negative
    N004   repair     whole numbers beyond 2^53, rounded
    N005   repair     decimal numbers, read as floating point
    C001   info       the target was chosen among several columns
    C002   info       columns that are not used
    C003   info       times are made of a date column and a time column
    C004   info       files that follow one another in time are one series
    N006   repair     decimal commas, known by the dates and semicolons beside them
    T001   repair     numbers were read as time since 1970
    T002   repair     timestamps with different UTC offsets were brought to UTC
    T003   info       dates were read day first or month first
    T004   warning    timestamps in the future
    T005   repair     local times that come twice when clocks go back, told apart by their order
    D001   repair     exact duplicate rows, dropped
    D002   repair     missing timestamps, marked as not observed
    D003   repair     rows of the same timestamp with different values, combined as asked
    D004   repair     rows not in order of time, sorted
    D005   repair     a gap of more than five business days between trading days
    D006   repair     readings put on a grid, as asked
    D007   info       holidays that the trading days show, which forecasts leave out
    D008   info       days of the week that never have a row, which forecasts leave out
    D009   warning    rows on such days, now and then
    P001   warning    jumps of prices that look like splits of shares
    P002   repair     splits of shares, undone as asked
    P003   info       the close and the adjusted close differ
    S001   info       series too short for their season
    S002   info       series that end long before others
    S003   info       series with many gaps
    S004   info       series with few rows since a gap that no window crosses
    V001   info       missing values
    V002   repair     missing values at the start or end of a series, left out
    V003   repair     a constant series
    V005   warning    values absurdly far from the others
    V006   repair     gaps that no window crosses
    V004   repair     a series without any value, left out

A repair goes into the log and into a model's facts, a warning into the log; `--strict` makes each an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from forecaster.errors import DataError

Severity = Literal["info", "repair", "warning", "error"]
SHOWN = 3  # places named in a finding


@dataclass(frozen=True)
class Finding:
    """One kind of thing noticed in the data, with how often and where."""

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
    """A finding that a person should look at, though nothing was changed; a model does not remember it."""
    return Finding(code, "warning", message, count, tuple(places[:SHOWN]), action)


def fault(error: DataError) -> Finding:
    """An error as a finding."""
    return Finding(error.code, "error", error.message, error.count, error.places[:SHOWN], error.hint)


def enforce(findings: Iterable[Finding], *, strict: bool) -> None:
    """Under `strict`, raise DataError for the first repair or warning."""
    for finding in findings:
        if strict and finding.severity in ("repair", "warning"):
            places = f" ({'; '.join(finding.places)})" if finding.places else ""
            raise DataError(
                f"{finding.code} {finding.message}{places}",
                hint=f"Without --strict: {finding.action}. Or repair the source.",
            )
