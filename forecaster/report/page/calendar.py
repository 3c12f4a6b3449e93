"""Errors on the calendar: by hour and weekday, by day, or by month and year, as the data allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.calendar.clock import DAY, HOUR, MONTHS, WEEKDAYS, to_local, weekday_of
from forecaster.report.page.charts import heat_map
from forecaster.report.page.parts import Chart, Key, Table
from forecaster.report.text import numbers

if TYPE_CHECKING:
    from forecaster.evaluation.backtest import Backtest

MOST_WEEKS = 53
"""More weeks than this are shown as months and weekdays."""


def calendar_chart(backtest: Backtest, sizes: Floats, unit: str) -> Chart | None:
    """Mean of `sizes` (O, S, H), absolute residuals, by when they fell.

    None where all fell into one row or column.
    """
    times = backtest.times
    seen = np.isfinite(sizes) & (times != np.iinfo(np.int64).min)
    local = to_local(times[seen], backtest.panel.names.tz)
    rows, columns, row, column, what = _layout(local, _step(backtest))
    total = np.zeros((len(rows), len(columns)))
    count = np.zeros_like(total)
    np.add.at(total, (row, column), sizes[seen])
    np.add.at(count, (row, column), 1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    some = np.isfinite(mean)
    if some.sum() < 4 or min(some.any(axis=0).sum(), some.any(axis=1).sum()) < 2:
        return None
    place = np.unravel_index(np.nanargmax(mean), mean.shape)
    title = f"Errors were largest {_at(what, rows[place[0]], columns[place[1]])}"
    text = (
        f"Mean absolute residual by {what}, in the {unit}, on the clock of the data: the stronger the "
        "colour, the larger. Cells without a held-out value are empty; those with few are rough."
    )
    cells = [numbers(line, like=mean) for line in mean]
    table = Table(("", *columns), tuple((name, *line) for name, line in zip(rows, cells, strict=True)))
    keys = (Key("heat-0", "smallest"), Key("heat-3", "middle"), Key("heat-5", "largest"))
    spec = heat_map(rows, columns, mean, measure="Mean absolute residual")
    return Chart("calendar", title, text, spec, table, keys, wide=True)


def _step(backtest: Backtest) -> int:
    """The usual step between rows, ns."""
    panel = backtest.panel
    longest = int(panel.lengths.argmax())
    time = panel.time[panel.offsets[longest] : panel.offsets[longest + 1]][:1000]
    return int(np.median(np.diff(time))) if len(time) > 1 else DAY


def _layout(local: Ints, step: int) -> tuple[list[str], list[str], Ints, Ints, str]:
    """Names of rows and columns, the place of each time (n,), (n,), and what they are."""
    day = local // DAY
    weekday = weekday_of(day)
    months = local.view("M8[ns]").astype("M8[M]").astype(np.int64)
    if step < DAY:
        width = max(step, HOUR)
        names = [
            f"{hour * width // HOUR:02d}:{hour * width % HOUR // (60 * 10**9):02d}"
            for hour in range(-(-DAY // width))
        ]
        return list(WEEKDAYS), names, weekday, local % DAY // width, "weekday and time of day"
    if step < 5 * DAY:
        week = (day + 3) // 7
        first = int(week.min())
        if week.max() - first < MOST_WEEKS:
            starts = (np.arange(first, int(week.max()) + 1) * 7 - 3).astype("datetime64[D]")
            return list(WEEKDAYS), [str(start) for start in starts], weekday, week - first, "day"
        return list(WEEKDAYS), list(MONTHS), weekday, months % 12, "weekday and month"
    years = months // 12 + 1970
    first = int(years.min())
    names = [str(year) for year in range(first, int(years.max()) + 1)]
    return names, list(MONTHS), years - first, months % 12, "year and month"


def _at(what: str, row: str, column: str) -> str:
    """Where a cell is, as words."""
    full = {"Mon": "Mondays", "Tue": "Tuesdays", "Wed": "Wednesdays", "Thu": "Thursdays", "Fri": "Fridays",
            "Sat": "Saturdays", "Sun": "Sundays"}  # fmt: skip
    if what == "day":
        return f"on the {full[row][:-1]} of the week from {column}"
    if what == "year and month":
        return f"in {column} {row}"
    return f"on {full[row]} {'at ' + column if ':' in column else 'in ' + column}"
