"""Observations -> Panel: each series on the regular grid of one frequency, gaps as rows not observed."""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.blockwise import only_step
from forecaster.data.calendar.clock import DAY, HOUR, from_local, to_local
from forecaster.data.calendar.frequency import Frequency, frequency
from forecaster.data.calendar.infer import disagreeing, infer_frequency, positions, round_step
from forecaster.data.calendar.steps import Fixed, Step
from forecaster.data.findings import SHOWN, Finding, repair
from forecaster.data.gaps import longest_crossed
from forecaster.data.labels import Names, listed, shown
from forecaster.data.panel import Panel
from forecaster.data.series.observations import Observations
from forecaster.data.table import Table
from forecaster.errors import DataError

SPARSE = 20  # grid rows per observed row beyond which the step must be wrong
LONG_GAP = 5  # business days
FINER = 10  # times that a step which all rows fit may be finer than the commonest


def to_panel(
    found: Observations, names: Names, freq: str | None, max_gap: str | int | None, table: Table
) -> tuple[Panel, list[Finding]]:
    """The panel, and what was missing in it. Rows must be sorted, each timestamp once.

    Raises DataError where the frequency is unclear, or a series or row does not fit it; UsageError where
    `max_gap` is no number of its rows.
    """
    offsets = found.offsets()
    local = to_local(found.time, names.tz)
    chosen = frequency(freq) if freq else _inferred(found, local, offsets)
    step, longest = chosen.step, longest_crossed(max_gap, chosen)
    clock = local if step.by_days else found.time
    if isinstance(step, Fixed) and only_step(clock, offsets) == step.size:  # the usual case: no gaps
        return _panel(found, found.values, found.time, offsets, chosen, names, longest), []
    place, fits = positions(step, clock, offsets)
    if not fits.all():
        raise _off_grid(found, chosen, int(np.flatnonzero(~fits)[0]), table)
    if freq is None:
        _refuse_other_steps(found, chosen, place, offsets)
    if chosen.is_business_days:
        panel = _panel(found, found.values, found.time, offsets, chosen, names, longest)
        return panel, _trading_gaps(found, place, longest, table)
    if np.array_equal(place[offsets[1:] - 1] + 1, np.diff(offsets)):  # no gaps
        return _panel(found, found.values, found.time, offsets, chosen, names, longest), []
    values, start, grid = _filled(found, clock, place, offsets, table)
    count = np.arange(len(values)) - np.repeat(grid[:-1], np.diff(grid))
    time = from_local(step.moved(np.repeat(start, np.diff(grid)), count), names.tz if step.by_days else None)
    time[np.repeat(grid[:-1], np.diff(offsets)) + place] = found.time  # a last trading day as it was written
    panel = _panel(found, values, time, grid, chosen, names, longest)
    return panel, _gaps(found, place, table)


def _panel(
    found: Observations,
    values: Floats,
    time: Ints,
    offsets: Ints,
    chosen: Frequency,
    names: Names,
    longest: int | None,
) -> Panel:
    return Panel(values, ~np.isnan(values), time, offsets, found.ids, chosen, names, longest)


def _inferred(found: Observations, local: Ints, offsets: Ints) -> Frequency:
    """The frequency on the local clock where it is one of days, else in UTC."""
    chosen = infer_frequency(local, offsets)
    if local is found.time or chosen.step.by_days:
        return chosen
    return infer_frequency(found.time, offsets)


def _off_grid(found: Observations, chosen: Frequency, at: int, table: Table) -> DataError:
    stamp = str(np.datetime64(int(found.time[at]), "ns"))[:23].replace("T", " ")
    step = "D" if chosen.is_business_days else chosen.alias
    hint = f"Put readings on a grid: --every {step}; or repair the row."
    start = found.time[np.searchsorted(found.series, found.series[at])]
    if chosen.step.by_days and (found.time[at] - start) % DAY in (HOUR, DAY - HOUR):
        hint = "If clocks changed there, name the zone of the days: --tz America/New_York. " + hint
    finer = _finer(found, chosen.step)
    if finer:
        hint = f"Name the step on which all rows lie, so that the others are missing: --freq {finer}. {hint}"
    return DataError(
        f"{table.where(found.row(at))}: {stamp} of series {shown(found.ids[found.series[at]])} "
        f"does not lie on its grid of {chosen.alias}",
        hint=hint,
    )


def _finer(found: Observations, step: Step) -> str | None:
    """The step, not much finer than `step`, on which all rows lie."""
    apart = np.diff(found.time)[np.diff(found.series) == 0]
    common = int(np.gcd.reduce(apart))
    if not isinstance(step, Fixed) or not 1 < step.size // common <= FINER:
        return None
    return Fixed(common).alias(int(found.time[0]))


def _refuse_other_steps(found: Observations, chosen: Frequency, place: Ints, offsets: Ints) -> None:
    odd = [found.ids[series] for series in disagreeing(place, offsets)]
    if odd:
        raise DataError(
            f"series {listed(odd, SHOWN)} have another frequency than {chosen.alias}, that of most series",
            hint="Forecast them apart, or name one step for all: --freq",
        )


def _filled(
    found: Observations, clock: Ints, place: Ints, offsets: Ints, table: Table
) -> tuple[Floats, Ints, Ints]:
    """Values on the grid (NaN in gaps), the start of each series and the grid's offsets."""
    start = clock[offsets[:-1]]
    lengths = place[offsets[1:] - 1] + 1
    grid = np.r_[0, np.cumsum(lengths)]
    if grid[-1] > SPARSE * len(found.time) + 1000:
        raise _too_sparse(found, place, int(grid[-1]), table)
    values = np.full((grid[-1], found.values.shape[1]), np.nan)
    values[np.repeat(grid[:-1], np.diff(offsets)) + place] = found.values
    return values, start, grid


def _steps(found: Observations, place: Ints) -> Ints:
    """Grid steps from each row to the next (N-1,); 1 where the next row is of another series."""
    return np.where(np.diff(found.series) == 0, np.diff(place), 1)


def _too_sparse(found: Observations, place: Ints, rows: int, table: Table) -> DataError:
    steps = _steps(found, place)
    widest = int(np.argmax(steps))
    hint = "Repair that timestamp, or name a longer step: --freq"
    if np.quantile(steps, 0.9) > 1:  # it is not that timestamp alone
        hint = f"Name a longer step, such as --every {round_step(found.time, found.offsets())}."
    return DataError(
        f"{len(found.time)} rows would have to be {rows}; the widest gap follows "
        f"{table.where(found.row(widest))} (series {shown(found.ids[found.series[widest]])})",
        hint=hint,
    )


def _gaps(found: Observations, place: Ints, table: Table) -> list[Finding]:
    steps = _steps(found, place)
    missing = int((steps - 1).sum())
    if not missing:
        return []
    places = [
        f"{steps[at] - 1} after {table.where(found.row(at))}" for at in np.flatnonzero(steps > 1)[:SHOWN]
    ]
    return [
        repair("D002", "missing timestamps", count=missing, places=places, action="marked as not observed")
    ]


def _trading_gaps(found: Observations, place: Ints, longest: int | None, table: Table) -> list[Finding]:
    """Gaps that are crossed as if there were none."""
    steps = _steps(found, place)
    crossed = True if longest is None else steps - 1 <= longest
    wide = np.flatnonzero((steps - 1 > LONG_GAP) & crossed)
    if not len(wide):
        return []
    places = [f"{steps[at] - 1} business days after {table.where(found.row(at))}" for at in wide[:SHOWN]]
    message = f"gaps of more than {LONG_GAP} business days between trading days"
    return [repair("D005", message, count=len(wide), places=places, action="took the days as consecutive")]
