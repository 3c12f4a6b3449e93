"""Observations -> Panel: each series on the regular grid of one frequency; gaps become unobserved rows.

The grid of sessions holds open bars only: closed hours, and days on which no series has a row (holidays), are
no rows. A longer run of such days is a gap.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.calendar.clock import DAY, HOUR, from_local, known_zones, to_local
from forecaster.data.calendar.frequency import Frequency, frequency
from forecaster.data.calendar.gaps import longest_crossed
from forecaster.data.calendar.holidays import LONG_GAP
from forecaster.data.calendar.infer import (
    disagreeing,
    grid_positions,
    infer_frequency,
    round_step,
    whole_weeks,
)
from forecaster.data.calendar.opening_hours import learn_sessions
from forecaster.data.calendar.sessions import WEEK, Sessions
from forecaster.data.calendar.steps import BusinessDays, Fixed, Months, Step
from forecaster.data.findings import SHOWN, Finding, repair
from forecaster.data.labels import Names, listed, shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.parsing.time_zones import as_options
from forecaster.data.rows.blockwise import only_step
from forecaster.data.series.observations import Observations
from forecaster.data.table import Table
from forecaster.errors import DataError

SPARSE = 20  # grid rows per observed row; with more the step must be wrong
FINER = 10  # how many times finer than the commonest step a suggested step may be


def to_panel(
    obs: Observations,
    names: Names,
    freq: str | None,
    max_gap: str | int | None,
    table: Table,
    *,
    exact: bool = True,
    usual: str | None = None,
    agreed: bool = False,
) -> tuple[Panel, list[Finding]]:
    """The panel and findings about its gaps. Rows must be sorted, and timestamps unique.

    `exact`: a `freq` of less than a day means all hours, also where the data show opening hours. `usual`: the
    frequency where all rows fit its days and hours and `freq` does not say otherwise. `agreed`: `freq` was
    seen in other series, not named by the user, and series that have another are refused all the same.
    Raises DataError if the frequency is unclear, or a series or row does not fit it; UsageError if `max_gap`
    is not a whole number of its rows.
    """
    offsets = obs.offsets()
    chosen = frequency(freq) if freq and exact else _inferred(obs, names.tz, freq, usual)
    step, longest = chosen.step, longest_crossed(max_gap, chosen)
    zone = chosen.clock(names.tz) if step.by_days else None
    obs, findings = _in_whole_weeks(obs, step, names)
    clock = to_local(obs.time, zone)
    values, time, grid = obs.values, obs.time, offsets
    if not isinstance(step, Fixed) or only_step(clock, offsets) != step.size:  # else, as usual, no gaps
        place, fits = grid_positions(step, clock, offsets)
        if not fits.all():
            raise _off_grid(obs, chosen, int(np.flatnonzero(~fits)[0]), table)
        if freq is None or agreed:
            _refuse_other_steps(obs, chosen, place, offsets, "the first" if agreed else "most")
        if chosen.is_business_days:
            findings += _trading_gaps(obs, place, longest, table)
        elif isinstance(step, Sessions):
            _refuse_far_too_fine(obs, step, clock, place, table)
            bars = np.union1d(from_local(_open_bars(step, clock), zone), obs.time)
            place = np.searchsorted(bars, obs.time)
            values, row, grid = _spread(obs, place - np.repeat(place[offsets[:-1]], np.diff(offsets)), table)
            time = bars[_counted(place[offsets[:-1]], grid)]
            findings += _gaps(obs, place, table)
        elif not np.array_equal(place[offsets[1:] - 1] + 1, np.diff(offsets)):
            values, row, grid = _spread(obs, place, table)
            start = np.repeat(clock[offsets[:-1]], np.diff(grid))
            time = from_local(step.moved(start, _counted(np.zeros(len(obs.ids), np.int64), grid)), zone)
            time[row] = obs.time  # observed rows keep their own time
            findings += _gaps(obs, place, table)
    return Panel(values, ~np.isnan(values), time, grid, obs.ids, chosen, names, longest), findings


def _inferred(obs: Observations, tz: str | None, freq: str | None, usual: str | None) -> Frequency:
    """The frequency on the local clock if its steps are whole days, else in UTC; with opening hours, if any.

    `freq`: the step, where it is known.
    """
    offsets, local = obs.offsets(), to_local(obs.time, tz)
    if usual and not freq and _fits(obs, frequency(usual), tz):
        return frequency(usual)
    chosen = frequency(freq) if freq else infer_frequency(local, offsets)
    if not freq and local is not obs.time and not chosen.step.by_days:
        chosen = infer_frequency(obs.time, offsets)
    step = chosen.step
    if usual and frequency(usual).step == step:  # a model of all hours
        return chosen
    if isinstance(step, Fixed) and only_step(obs.time, offsets) != step.size:
        hours = learn_sessions(obs.time, step.size, tz)
        return frequency(hours.alias(0)) if hours else chosen
    return chosen


def _in_whole_weeks(obs: Observations, step: Step, names: Names) -> tuple[Observations, list[Finding]]:
    """Weekly rows on the same day of the week: that of a short week stands for it."""
    if not isinstance(step, Fixed) or step.size % WEEK:
        return obs, []
    local = to_local(obs.time, names.tz)
    time = from_local(whole_weeks(local, obs.offsets()), names.tz)
    odd = np.flatnonzero(time != obs.time)
    if not len(odd):
        return obs, []
    places = [" for ".join(times_as_strings(each, names)) for each in np.c_[obs.time[odd], time[odd]][:SHOWN]]
    message = "weeks whose row lies on another day"
    finding = repair("D011", message, count=len(odd), places=places, action="each stands for its week")
    return dataclasses.replace(obs, time=time), [finding]


def _fits(obs: Observations, usual: Frequency, tz: str | None) -> bool:
    """Whether rows lie on the days or hours of a frequency that has closed ones, mostly one step apart."""
    if not isinstance(usual.step, BusinessDays | Sessions):
        return False
    place, fits = grid_positions(usual.step, to_local(obs.time, usual.clock(tz)), obs.offsets())
    steps = np.diff(place)[np.diff(obs.series) == 0]
    return bool(fits.all() and len(steps) and 2 * np.count_nonzero(steps == 1) > len(steps))


def _refuse_far_too_fine(obs: Observations, step: Sessions, local: Ints, place: Ints, table: Table) -> None:
    """DataError before memory is taken for bars that are too many even if most days are closed."""
    bars = int(step.position(local.max(keepdims=True), local.min(keepdims=True))[0][0])
    if bars > (LONG_GAP + 1) * (SPARSE * len(obs.time) + 1000):
        raise _too_sparse(obs, place, bars, table)


def _open_bars(step: Sessions, local: Ints) -> Ints:
    """The bars from the first to the last of the times, on days that have a row, or lie in a long gap."""
    bars = step.between(int(local.min()), int(local.max()))
    days, which = np.unique(bars // DAY, return_inverse=True)
    closed = ~np.isin(days, local // DAY)
    run = np.cumsum(~closed)  # the same for all days of a run of closed ones, and the open day before it
    return bars[(~closed | (np.bincount(run, closed)[run] > LONG_GAP))[which]]


def _off_grid(obs: Observations, chosen: Frequency, at: int, table: Table) -> DataError:
    stamp = str(np.datetime64(int(obs.time[at]), "ns"))[:23].replace("T", " ")
    step = "D" if chosen.is_business_days else chosen.alias.split("@")[0]
    step = "MS" if isinstance(chosen.step, Months) and chosen.step.day else step
    hint = f"Put readings on a grid with --every {step}, or repair the row."
    start = obs.time[np.searchsorted(obs.series, obs.series[at])]
    if chosen.step.by_days and (obs.time[at] - start) % DAY in (HOUR, DAY - HOUR):
        zones = as_options(_zones_of_days(obs)) or "as in --tz America/New_York"
        hint = f"If clocks changed there, name the time zone of the days: {zones}. {hint}"
    finer = _finer(obs, chosen.step)
    if finer:
        hint = f"All rows lie on a finer grid, which has gaps: --freq {finer}. {hint}"
    return DataError(
        f"{table.where(obs.row(at))}: {stamp} of series {shown(obs.ids[obs.series[at]])} "
        f"does not lie on its grid of {chosen.alias}",
        hint=hint,
    )


def _zones_of_days(obs: Observations) -> list[str]:
    """The zones on whose clock all rows of each series have one time of day."""
    starts = np.repeat(obs.offsets()[:-1], np.diff(obs.offsets()))
    zones = []
    for zone in known_zones():
        clock = to_local(obs.time, zone) % DAY
        if (clock == clock[starts]).all():
            zones.append(zone)
    return zones


def _finer(obs: Observations, step: Step) -> str | None:
    """A step, not much finer than `step`, that all rows fit."""
    apart = np.diff(obs.time)[np.diff(obs.series) == 0]
    common = int(np.gcd.reduce(apart))
    if not isinstance(step, Fixed) or not 1 < step.size // common <= FINER:
        return None
    return Fixed(common).alias(int(obs.time[0]))


def _refuse_other_steps(obs: Observations, chosen: Frequency, place: Ints, offsets: Ints, whose: str) -> None:
    odd = [obs.ids[series] for series in disagreeing(place, offsets)]
    if odd:
        raise DataError(
            f"series {listed(odd, SHOWN)} have another frequency than {chosen.alias}, "
            f"the frequency of {whose} series",
            hint="Forecast them separately, or name one step for all: --freq",
        )


def _spread(obs: Observations, place: Ints, table: Table) -> tuple[Floats, Ints, Ints]:
    """Values on the grid (NaN in gaps), the grid row of each row, and the offsets of the series.

    `place` (N,) counts the steps from the first row of each series.
    """
    offsets = obs.offsets()
    steps = place[offsets[1:] - 1]
    total = sum(steps.tolist()) + len(steps)  # as whole numbers of Python: the sum may not fit 64 bits
    if total > SPARSE * len(obs.time) + 1000:
        raise _too_sparse(obs, place, total, table)
    grid = np.r_[0, np.cumsum(steps + 1)]
    row = np.repeat(grid[:-1], np.diff(offsets)) + place
    values = np.full((grid[-1], obs.values.shape[1]), np.nan)
    values[row] = obs.values
    return values, row, grid


def _counted(start: Ints, grid: Ints) -> Ints:
    """start[s], start[s] + 1, … for the rows of each series at the offsets `grid`."""
    return np.arange(grid[-1]) + np.repeat(start - grid[:-1], np.diff(grid))


def _steps(obs: Observations, place: Ints) -> Ints:
    """Grid steps from each row to the next (N-1,); 1 where the next row is of another series."""
    return np.where(np.diff(obs.series) == 0, np.diff(place), 1)


def _too_sparse(obs: Observations, place: Ints, rows: int, table: Table) -> DataError:
    steps = _steps(obs, place)
    widest = int(np.argmax(steps))
    hint = "Repair that timestamp, or name a longer step: --freq"
    if np.quantile(steps, 0.9) > 1:  # not only that timestamp
        hint = f"Name a longer step, such as --every {round_step(obs.time, obs.offsets())}."
    return DataError(
        f"{len(obs.time)} rows would have to be {rows}; the widest gap follows "
        f"{table.where(obs.row(widest))} (series {shown(obs.ids[obs.series[widest]])})",
        hint=hint,
    )


def _gaps(obs: Observations, place: Ints, table: Table) -> list[Finding]:
    steps = _steps(obs, place)
    missing = int((steps - 1).sum())
    if not missing:
        return []
    places = [f"{steps[at] - 1} after {table.where(obs.row(at))}" for at in np.flatnonzero(steps > 1)[:SHOWN]]
    return [
        repair("D002", "missing timestamps", count=missing, places=places, action="marked as not observed")
    ]


def _trading_gaps(obs: Observations, place: Ints, longest: int | None, table: Table) -> list[Finding]:
    """Long gaps between trading days that windows still cross."""
    steps = _steps(obs, place)
    crossed = True if longest is None else steps - 1 <= longest
    wide = np.flatnonzero((steps - 1 > LONG_GAP) & crossed)
    if not len(wide):
        return []
    places = [f"{steps[at] - 1} business days after {table.where(obs.row(at))}" for at in wide[:SHOWN]]
    message = f"gaps of more than {LONG_GAP} business days between trading days"
    return [repair("D005", message, count=len(wide), places=places, action="treated the days as consecutive")]
