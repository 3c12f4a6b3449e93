"""The series of a page: which have a chart, how many points it draws, and the numbers packed for the browser.

A page has room for BUDGET bytes of series. Named series come first, then those with the largest and smallest
errors and the first of the table in turn. A long series keeps its newest rows one by one; of the rows before,
the least and greatest of each of BUCKETS equal parts, so that no peak is lost.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import to_local

if TYPE_CHECKING:
    from forecaster.data.panel import Panel
    from forecaster.evaluation.backtest import Backtest
    from forecaster.forecasting.forecast import Forecast

BUDGET = 2_000_000
"""Bytes of all charts of series together."""
EACH = 120
"""Bytes of a chart of a series besides its numbers."""
ALL_ROWS = 6000
"""Series of at most so many rows are drawn row by row."""
BUCKETS = 2000
"""Parts of the older rows of a longer series: about as many as a wide screen has points."""
RECENT = 1500
"""Its newest rows that are drawn one by one; at least six horizons."""
MOST_WINDOWS = 8
"""Forecasts of one series drawn on held-out rows."""
MOST_MARKS = 200
"""Marks of left-out values in one chart."""

Packed = dict[str, Any]


def candidates(count: int, errors: Floats, named: Sequence[int] = ()) -> list[int]:
    """The numbers of all series, in the order in which they get a chart.

    The `named` ones first, then in turn the worst, the best, the first and again the worst of those left.
    """
    scored = np.flatnonzero(np.isfinite(errors)) if len(errors) else np.empty(0, np.int64)
    rising = scored[np.argsort(errors[scored], kind="stable")].tolist() if scored.size else []
    falling = rising[::-1]
    turns = zip_longest(falling[::2], rising, range(count), falling[1::2])
    return list(dict.fromkeys([*named, *(each for turn in turns for each in turn if each is not None)]))


def shown_rows(values: Floats, recent: int) -> Ints:
    """The rows of a series (n,) that a chart draws: all of a short one; else extremes of each part, then the
    `recent` newest. A part without any value keeps one row, so that a gap stays a gap.
    """
    count = len(values)
    if count <= ALL_ROWS:
        return np.arange(count)
    older = max(count - recent, 0)
    size = -(-older // BUCKETS)
    padded = np.full(-(-older // size) * size, np.nan)
    padded[:older] = values[:older]
    parts = padded.reshape(-1, size)
    missing = np.isnan(parts)
    least = np.where(missing, np.inf, parts).argmin(axis=1)
    most = np.where(missing, -np.inf, parts).argmax(axis=1)
    ends = np.concatenate([least, most]) + size * np.tile(np.arange(len(parts)), 2)
    return np.concatenate([np.unique(ends[ends < older]), np.arange(older, count)])


def packed(values: Floats) -> Packed:
    """Numbers (n,) as offset + scale × 32-bit numbers in base64; NaN stays NaN. Seven digits of the range."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    offset, scale = low / 2 + high / 2, (high / 2 - low / 2) or 1.0
    small = ((np.where(np.isfinite(values), values, np.nan) - offset) / scale).astype("<f4")
    return {"o": offset, "s": scale, "b": _base64(small.tobytes())}


def packed_times(ns: Ints, tz: str | None) -> Packed:
    """Times (n,) on the clock of zone `tz`, in milliseconds: start and step, or multiples of a unit."""
    local = to_local(ns, tz)
    steps = np.diff(local)
    start = float(local[0]) / 1e6 if len(local) else 0.0
    if len(steps) == 0 or (steps == steps[0]).all():
        return {"t": start, "d": float(steps[0]) / 1e6 if len(steps) else 0.0, "n": len(local)}
    unit = int(np.gcd.reduce(np.abs(steps)))
    counts = (local - local[0]) // unit
    kind = "<i4" if np.abs(counts).max() < 2**31 else "<f8"
    return {"t": start, "u": unit / 1e6, "k": kind[1:], "b": _base64(counts.astype(kind).tobytes())}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def size_of(content: Any) -> int:
    """Roughly the bytes of packed numbers in the page."""
    if isinstance(content, dict):
        return sum(size_of(each) for each in content.values()) + 20
    if isinstance(content, list):
        return sum(size_of(each) + 1 for each in content)
    return len(content) if isinstance(content, str) else 18


def history(panel: Panel, s: int, left_out: Bools | None, horizon: int) -> dict[str, Any]:
    """The rows of series s for its chart: times, values, and the times of `left_out` values (N,)."""
    rows = slice(int(panel.offsets[s]), int(panel.offsets[s + 1]))
    values, time = panel.target[rows], panel.time[rows]
    odd = np.flatnonzero(left_out[rows]) if left_out is not None else np.empty(0, np.int64)
    values = values.copy()
    values[odd] = np.nan
    kept = shown_rows(values, max(RECENT, 6 * horizon))
    content: dict[str, Any] = {
        "rows": len(values),
        "t": packed_times(time[kept], panel.names.tz),
        "v": packed(values[kept]),
    }
    if len(kept) < len(values):
        content["part"] = -(-(len(values) - max(RECENT, 6 * horizon)) // BUCKETS)
        content["one"] = max(RECENT, 6 * horizon)
    if odd.size:
        content["odd"] = packed_times(time[odd[-MOST_MARKS:]], panel.names.tz)
    return content


def held_out_windows(backtest: Backtest, s: int) -> dict[str, Any]:
    """Forecasts of series s on held-out rows: the newest that do not overlap, at most MOST_WINDOWS."""
    panel, origins = backtest.panel, backtest.origins[:, s]
    rows_left = int(panel.lengths[s])
    windows: list[tuple[int, int]] = []  # origin number, steps
    begin = rows_left
    for o in range(len(origins) - 1, -1, -1):
        steps = min(backtest.horizon, rows_left - int(origins[o]))
        used = origins[o] > 0 and steps > 0 and not np.isnan(backtest.actual[o, s]).all()
        if used and int(origins[o]) + steps <= begin and len(windows) < MOST_WINDOWS:
            windows.insert(0, (o, steps))
            begin = int(origins[o])
    if not windows:
        return {}
    starts = [int(panel.offsets[s] + origins[o]) for o, _ in windows]
    times = np.concatenate([panel.time[a : a + n] for a, (_, n) in zip(starts, windows, strict=True)])

    def joined(values: Floats) -> Packed:
        return packed(np.concatenate([values[o, s, :n] for o, n in windows]))

    bounds = [backtest.interval(level) for level in backtest.levels] if backtest.quantiles else []
    return {
        "n": [n for _, n in windows],
        "t": packed_times(times, panel.names.tz),
        "p": joined(next(iter(backtest.point.values()))),
        "a": joined(backtest.actual),
        "l": [[joined(low), joined(high)] for low, high in bounds],
    }


def ahead(forecast: Forecast, s: int) -> dict[str, Any]:
    """The forecast of series s after its newest row."""
    panel, steps = forecast.panel, forecast.point.shape[1]
    last = int(panel.time[panel.offsets[s] + forecast.origins[s] - 1])
    times = panel.frequency.future_times(last, steps, panel.names.tz)
    return {
        "n": [steps],
        "t": packed_times(times, panel.names.tz),
        "p": packed(forecast.point[s]),
        "l": [[packed(low), packed(high)] for low, high in forecast.bands(s).values()],
    }


def with_charts(order: Sequence[int], content: Iterator[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The charts in `order`, as long as they fit into BUDGET; at least one."""
    charts: dict[int, dict[str, Any]] = {}
    used = 0
    for s, each in zip(order, content, strict=True):
        used += size_of(each) + EACH
        if charts and used > BUDGET:
            break
        charts[s] = each
    return charts
