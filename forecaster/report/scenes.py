"""Scenes: what a picture of one series shows, as values. `axes` draws them with matplotlib, `text_plot` on a
terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import to_local
from forecaster.data.series.health import far_rows
from forecaster.data.series.suspicious_values import CODES
from forecaster.data.series.value_findings import named_shifts
from forecaster.report.thinning import kept_rows, merged

if TYPE_CHECKING:
    from forecaster.data.load import Loaded
    from forecaster.data.panel import Panel
    from forecaster.evaluation.backtest import Backtest
    from forecaster.forecasting.forecast import Forecast

Times = NDArray[np.datetime64]

PIXELS = 1400
"""A line is thinned to the least and greatest values of so many pixels."""
HISTORY, LEAST = 6, 24
"""How much history is shown before a forecast: in horizons, and in rows at least."""
MOST_ORIGINS = 8
"""Forecasts of one series that a picture of a backtest shows at most."""
BEYOND = 0.5
"""Marks farther from the usual values than this share of their range are shown at the edge."""
LEAST_SPAN = 1e-250
"""Numbers closer to zero are drawn as zero."""
FINDINGS = {"sentinel": "V007", "dropout": "V008", "spike": "V008", "stuck": "V009", "reset": "V010"}
"""Kind of a suspicious value -> the code of its finding."""
WORDS = {
    "V005": "far from the others",
    "V007": '"no reading"',
    "V008": "dropout or spike",
    "V009": "stuck sensor",
    "V010": "counter began again",
    "V011": "change of level",
}
"""Code of a finding -> the words that stand beside it in a picture."""


class Line(NamedTuple):
    """Values over time; NaN leaves a gap."""

    kind: Literal["observed", "base", "forecast"]
    """base: the forecast without the changes of a what-if."""
    time: Times  # (n,) on the clock of the series
    values: Floats  # (n,)


class Band(NamedTuple):
    """A prediction interval over time."""

    level: int
    """Coverage in percent."""
    time: Times  # (n,)
    lower: Floats  # (n,)
    upper: Floats  # (n,)


class Marks(NamedTuple):
    """Rows that a finding names."""

    code: str
    time: Times  # (n,)
    values: Floats  # (n,)
    total: int
    """How many there are; of thousands, not all are drawn."""


class Shift(NamedTuple):
    """A lasting change of level."""

    time: np.datetime64
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Scene:
    """One series as a picture shows it."""

    title: str
    notes: tuple[str, ...]
    """Facts below the title."""
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()
    """The widest of each forecast first."""
    origins: tuple[np.datetime64, ...] = ()
    """Where forecasts begin."""
    marks: tuple[Marks, ...] = ()
    shifts: tuple[Shift, ...] = ()
    missing: tuple[tuple[np.datetime64, np.datetime64], ...] = ()
    """Spans without observed rows, from half-way after the row before to half-way before the row after."""
    missing_rows: int = 0

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64] | None:
        """First and last time; None without any."""
        times = [line.time for line in self.lines if len(line.time)]
        return (min(time[0] for time in times), max(time[-1] for time in times)) if times else None

    def limits(self) -> tuple[float, float]:
        """Least and greatest value to be shown, with 5 % of room: the usual values, and marks close to them.

        Suspicious values may be so far away that they would flatten all others.
        """
        parts = [line.values for line in self.lines]
        parts += [side for band in self.bands for side in (band.lower, band.upper)]
        marked = np.concatenate([mark.values for mark in self.marks] or [np.empty(0)])
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        usual = values[~np.isin(values, marked)]
        usual = usual if len(usual) else values
        low, high = (float(usual.min()), float(usual.max())) if len(usual) else (0.0, 1.0)
        near = marked[np.abs(marked - (low + high) / 2) <= (0.5 + BEYOND) * (high - low)]
        low, high = min([low, *near]), max([high, *near])
        if high - low < LEAST_SPAN and max(abs(low), abs(high)) < LEAST_SPAN:
            low = high = 0.0
        room = 0.05 * (high - low) or 0.1 * abs(low) or 1.0
        return low - room, high + room


def forecast_scene(forecast: Forecast, series: int) -> Scene:
    """The newest history of a series, its forecast and intervals, which grow out of the last observation."""
    panel, horizon = forecast.panel, forecast.point.shape[1]
    begin = int(panel.offsets[series])
    stop = begin + int(forecast.origins[series])
    past = slice(_history(panel, begin, stop, HISTORY * horizon), stop)
    ahead = panel.frequency.future_times(int(panel.time[stop - 1]), horizon, panel.names.tz)
    start = _last(panel, past)
    point, bands = _rays(panel, start, np.asarray(ahead), forecast.point[series], forecast.bands(series))
    title, notes = _named(panel, series)
    lines: tuple[Line, ...] = (_observed(panel, past), point)
    if forecast.base is not None and np.isfinite(forecast.base.point[series]).all():
        other, _ = _rays(panel, start, np.asarray(ahead), forecast.base.point[series], {})
        lines, notes = (lines[0], other._replace(kind="base"), point), (*notes, "what-if")
    return Scene(
        title,
        notes,
        lines,
        bands,
        tuple(_clock(panel, panel.time[stop - 1 : stop])),
    )


def backtest_scene(backtest: Backtest, series: int, most: int = MOST_ORIGINS) -> Scene:
    """What was observed of a series, and what was forecast of it: from at most `most` of the newest origins
    whose forecasts do not overlap.
    """
    panel, horizon = backtest.panel, backtest.horizon
    origins = backtest.origins[:, series]
    scored = np.flatnonzero((origins > 0) & ~np.isnan(backtest.actual[:, series]).all(axis=1))
    shown = _apart(origins, scored, horizon)[-most:]
    title, notes = _named(panel, series)
    if not shown:
        return Scene(title, notes, (_observed(panel, slice(*panel.offsets[series : series + 2])),))
    begin, end = (int(offset) for offset in panel.offsets[series : series + 2])
    first, last = begin + int(origins[shown[0]]), min(begin + int(origins[shown[-1]]) + horizon, end)
    rows = slice(_history(panel, begin, first, HISTORY * horizon // 2), last)
    values = panel.target[rows].copy()
    lines: list[Line] = []
    bands: list[Band] = []
    starts: list[np.datetime64] = []
    for origin in shown:
        known = begin + int(origins[origin])
        ahead = slice(known, min(known + horizon, end))
        steps = ahead.stop - known
        actual = backtest.actual[origin, series, :steps]
        place = slice(known - rows.start, ahead.stop - rows.start)
        values[place] = np.where(np.isnan(actual), values[place], actual)
        sides = {
            level: tuple(side[origin, series, :steps] for side in backtest.interval(level))
            for level in backtest.levels
            if backtest.quantiles
        }
        point = next(iter(backtest.point.values()))[origin, series, :steps]
        start = _last(panel, slice(begin, known))
        line, fan = _rays(panel, start, panel.time[ahead], point, sides)
        lines.append(line)
        bands += fan
        starts.extend(_clock(panel, panel.time[known - 1 : known]))
    if len(shown) < len(scored):
        notes = (*notes, f"forecasts from {len(shown)} of {len(scored)} origins")
    past = _observed(panel, rows, values)
    return Scene(title, notes, (past, *lines), tuple(bands), tuple(starts))


def data_scene(loaded: Loaded, series: int) -> Scene:
    """A series as it was read, with what the findings name in it."""
    panel, odd = loaded.panel, loaded.odd
    rows = slice(*(int(offset) for offset in panel.offsets[series : series + 2]))
    time, values = panel.time[rows], panel.target[rows]
    seen = panel.target_observed[rows]
    some = odd.suspicious.only(odd.suspicious.series == series)
    codes = np.array([FINDINGS[CODES[code]] for code in some.code], dtype=object)
    marked = {code: some.row[codes == code] for code in sorted(set(codes))}
    far = far_rows(values)
    far = far[~odd.suspicious.left_out[rows][far]]
    marked = ({"V005": far} if len(far) else {}) | marked
    local = _clock(panel, time)
    moved = named_shifts(panel, odd) if (odd.shifts.series == series).any() else odd.shifts
    moved = moved.only(moved.series == series)
    shifts = [
        Shift(moment, float(before), float(after))
        for moment, before, after in zip(local[moved.row], moved.before, moved.after, strict=True)
    ]
    starts, stops = _spans(~seen)
    starts, stops = merged(starts, stops, len(values) // PIXELS)
    gaps = [
        (_middle(local, start - 1), _middle(local, stop - 1))
        for start, stop in zip(starts, stops, strict=True)
    ]
    title, notes = _named(panel, series)
    return Scene(
        title,
        (*notes, f"{len(values):,} row{'s'[: len(values) != 1]}"),
        (_observed(panel, rows),),
        marks=tuple(_marks(code, local[at], values[at]) for code, at in marked.items()),
        shifts=tuple(shifts),
        missing=tuple(gaps),
        missing_rows=int((~seen).sum()),
    )


def _middle(time: Times, row: int) -> np.datetime64:
    """The time half-way from a row to the next; that of the first or the last row where there is none."""
    before, after = time[max(row, 0)], time[min(row + 1, len(time) - 1)]
    return before + (after - before) / 2


def _marks(code: str, time: Times, values: Floats) -> Marks:
    kept = kept_rows(values, PIXELS)
    return Marks(code, time[kept], values[kept], len(values))


def _named(panel: Panel, series: int) -> tuple[str, tuple[str, ...]]:
    """Title and notes: the id with the target below it; of a table without ids the target."""
    name, target = panel.ids[series], panel.names.target
    return (name, (target,)) if name and name != target else (target, ())


def _history(panel: Panel, begin: int, stop: int, rows: int) -> int:
    """The first row of the history that is shown before the row `stop`: with values, if there are any."""
    seen = np.flatnonzero(panel.target_observed[begin:stop])
    newest = begin + int(seen[-1]) + 1 if len(seen) else stop
    return max(begin, min(stop - max(rows, LEAST), newest - max(rows // 2, LEAST)))


def _observed(panel: Panel, rows: slice, values: Floats | None = None) -> Line:
    values = panel.target[rows] if values is None else values
    kept = kept_rows(values, PIXELS)
    return Line("observed", _clock(panel, panel.time[rows][kept]), values[kept])


def _last(panel: Panel, rows: slice) -> tuple[Ints, Floats]:
    """Time (1,) and value (1,) of the last observation in these rows; empty without any."""
    seen = np.flatnonzero(panel.target_observed[rows])[-1:] + rows.start
    return panel.time[seen], panel.target[seen]


def _rays(
    panel: Panel,
    start: tuple[Ints, Floats],
    ahead: Ints,
    point: Floats,
    sides: Mapping[int, tuple[Floats, ...]],
) -> tuple[Line, tuple[Band, ...]]:
    """A forecast (H,) and its intervals, each from the last observation on."""
    time = _clock(panel, np.concatenate([start[0], ahead]))
    value = start[1]
    bands = tuple(
        Band(level, time, *(np.concatenate([value, side]) for side in sides[level]))
        for level in sorted(sides, reverse=True)
    )
    return Line("forecast", time, np.concatenate([value, point])), bands


def _apart(origins: Ints, chosen: Ints, horizon: int) -> list[int]:
    """Of the `chosen` origins those whose forecasts do not overlap, counted from the newest; in order."""
    kept: list[int] = []
    for number in chosen[::-1]:
        if not kept or origins[kept[-1]] - origins[number] >= horizon:
            kept.append(int(number))
    return kept[::-1]


def _spans(flags: Bools) -> tuple[Ints, Ints]:
    """First row, and the row after the last, of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges[::2], edges[1::2]


def _clock(panel: Panel, time: Ints) -> Times:
    """Times on the local clock of the data."""
    return to_local(np.ascontiguousarray(time), panel.names.tz).astype("datetime64[ns]")
