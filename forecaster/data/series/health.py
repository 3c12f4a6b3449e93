"""Health of each series: too short, stale, full of gaps, constant, outliers, timestamps in the future."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Bools, Floats
from forecaster.data.calendar.clock import HOUR, to_local
from forecaster.data.calendar.gaps import default_longest
from forecaster.data.findings import SHOWN, Finding, info, repair, warn
from forecaster.data.labels import listed, shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.rows.blockwise import over_series
from forecaster.errors import DataError

FEW = 5  # rows
GAPPY = 1 / 3  # share of unobserved rows
HUGE = 1e50  # its fourth power is still a number
FAR = 1e6  # distance from the median, in median distances


def examine(panel: Panel, now: int, named: Bools | None = None) -> list[Finding]:
    """Findings about the series; `now` (ns UTC) serves only to warn of timestamps in the future.

    `named` (N,): suspicious values, which have findings of their own. Raises DataError for series of numbers
    that are too large to compute with.
    """
    _refuse_huge(panel)
    return [
        *_constant(panel),
        *_short(panel),
        *_stale(panel),
        *_gappy(panel),
        *_long_gaps(panel),
        *_resumed(panel),
        *_far(panel, named),
        *_future(panel, now),
    ]


def _refuse_huge(panel: Panel) -> None:
    """Raise DataError where most values of a series are beyond HUGE: their squares overflow."""
    sizes = np.abs(panel.target)
    if not (sizes > HUGE).any():
        return
    for series, (start, stop) in enumerate(zip(panel.offsets[:-1], panel.offsets[1:], strict=True)):
        own = sizes[start:stop][np.isfinite(sizes[start:stop])]
        if own.size and (own > HUGE).mean() > 0.5:
            raise DataError(
                f"the values of series {shown(panel.ids[series])} are too large to compute with, such as "
                f"{own.max():.3g}",
                hint="Write them in a larger unit.",
            )


def _named(panel: Panel, which: NDArray[np.intp]) -> str:
    return listed([panel.ids[series] for series in which], SHOWN)


def _constant(panel: Panel) -> list[Finding]:
    low, high = (
        over_series(end, panel.target.__getitem__, panel.offsets, np.nan) for end in (np.fmin, np.fmax)
    )
    flat = np.flatnonzero((low == high) & (panel.lengths > 1))
    if not len(flat):
        return []
    message = f"constant series: {_named(panel, flat)}"
    return [repair("V003", message, count=len(flat), action="the forecast is that constant")]


def _short(panel: Panel) -> list[Finding]:
    least = max(FEW, panel.frequency.season)
    short = np.flatnonzero(panel.lengths < least)
    if not len(short):
        return []
    message = f"series of fewer than {least} rows: {_named(panel, short)}"
    return [info("S001", message, count=len(short), action="too short to detect a season")]


def _stale(panel: Panel) -> list[Finding]:
    """Series that end long before the others."""
    zone = panel.frequency.clock(panel.names.tz)
    ends = to_local(panel.time[panel.offsets[1:] - 1], zone)
    late, _ = panel.frequency.position(np.full(len(ends), ends.max()), ends)
    stale = np.flatnonzero(late > max(2 * FEW, panel.frequency.season))
    if not len(stale):
        return []
    (last,) = times_as_strings(panel.time[[panel.offsets[stale[0] + 1] - 1]], panel.names)
    message = f"series that end long before others: {_named(panel, stale)}"
    places = [f"{shown(panel.ids[stale[0]])} on {last}"]
    return [info("S002", message, count=len(stale), places=places, action="forecast from their own last row")]


def _gappy(panel: Panel) -> list[Finding]:
    if panel.target_observed.all():
        return []
    missing = np.add.reduceat(~panel.target_observed, panel.offsets[:-1], dtype=np.int64)
    gappy = np.flatnonzero(missing > GAPPY * panel.lengths)
    if not len(gappy):
        return []
    share = missing[gappy[0]] / panel.lengths[gappy[0]]
    message = f"series with many gaps: {_named(panel, gappy)}"
    places = [f"{shown(panel.ids[gappy[0]])}: {share:.0%} not observed"]
    return [info("S003", message, count=len(gappy), places=places, action="missing values stay missing")]


def _long_gaps(panel: Panel) -> list[Finding]:
    """Gaps that no window crosses, the longest first; if windows cross any gap, those of over two seasons."""
    crossed = panel.max_gap is None
    least = default_longest(panel.frequency) if panel.max_gap is None else panel.max_gap
    before, _, missing = panel.gaps()
    long = np.flatnonzero(missing > least)
    if not len(long):
        return []
    longest = long[np.argsort(-missing[long], kind="stable")][:SHOWN]
    series = np.searchsorted(panel.offsets, before[longest], side="right") - 1
    places = [
        f"{missing[at]} rows after {stamp} in {shown(panel.ids[owner])}"
        for at, stamp, owner in zip(
            longest, times_as_strings(panel.time[before[longest]], panel.names), series, strict=True
        )
    ]
    message = f"gaps of more than {least} missing {'row' if least == 1 else 'rows'}"
    action = "crossed, as asked" if crossed else "no window crosses them unless --max-gap allows it"
    return [repair("V006", message, count=len(long), places=places, action=action)]


def _resumed(panel: Panel) -> list[Finding]:
    """Series with few rows since their last gap that is too long to cross."""
    if not panel.broken:
        return []
    least = max(FEW, panel.frequency.season)
    series, start, stop = panel.spans
    newest = np.flatnonzero(np.diff(series, append=len(panel)))
    rows = (stop - start)[newest]
    late = np.flatnonzero((rows < least) & (start[newest] > panel.offsets[:-1]))
    if not len(late):
        return []
    message = f"series of fewer than {least} rows since their last long gap: {_named(panel, late)}"
    (since,) = times_as_strings(panel.time[start[newest[late[:1]]]], panel.names)
    places = [f"{rows[late[0]]} since {since}"]
    action = "a forecast uses only these rows, and is less certain than its intervals say"
    return [info("S004", message, count=len(late), places=places, action=action)]


def _far(panel: Panel, named: Bools | None) -> list[Finding]:
    """Values extremely far from the others of their series."""
    places: list[str] = []
    count = 0
    for number in _spread_out(panel):
        part = slice(*panel.offsets[number : number + 2])
        values = panel.target[part]
        far = far_rows(values)
        if named is not None:
            far = far[~named[part][far]]
        count += len(far)
        for row in far[: SHOWN - len(places)]:
            (stamp,) = times_as_strings(panel.time[part][[row]], panel.names)
            places.append(f"{values[row]:g} on {stamp} in {shown(panel.ids[number])}")
    if not count:
        return []
    message = "values a million times farther from the median than others"
    return [warn("V005", message, count=count, places=places, action="kept; check the source for errors")]


def far_rows(values: Floats) -> NDArray[np.intp]:
    """Rows of one series `values` (n,) that are extremely far from its others; NaN is not observed."""
    if np.isnan(values).all():
        return np.empty(0, np.intp)
    middle = np.nanmedian(values)
    with np.errstate(over="ignore"):  # an infinite distance is far
        distance = np.abs(values - middle)
    typical = float(np.nanmedian(distance)) or float(abs(middle))
    return np.flatnonzero(distance > FAR * typical) if typical else np.empty(0, np.intp)


def _spread_out(panel: Panel) -> NDArray[np.intp]:
    """Series whose largest values outweigh the rest: only these can have far outliers."""
    reach = over_series(np.fmax, lambda rows: np.abs(panel.target[rows]), panel.offsets, np.nan)
    scale = np.where(reach > 0, reach, 1.0)

    def shares(rows: slice) -> Floats:
        first, last = np.searchsorted(panel.offsets, [rows.start, rows.stop - 1], side="right") - 1
        series = first  # mostly the same for the whole slice
        if last > first:
            series = np.searchsorted(panel.offsets, np.arange(rows.start, rows.stop), side="right") - 1
        return np.nan_to_num(np.abs(panel.target[rows]) / scale[series])

    return np.flatnonzero(over_series(np.add, shares, panel.offsets, 0.0) < 2 * np.sqrt(panel.lengths))


def _future(panel: Panel, now: int) -> list[Finding]:
    latest = now + 14 * HOUR  # now, on the latest clock of all time zones
    late = np.flatnonzero(panel.time[panel.offsets[1:] - 1] > latest)
    if not len(late):
        return []
    (last,) = times_as_strings(panel.time[[panel.time.argmax()]], panel.names)
    message = f"timestamps in the future, up to {last}"
    return [warn("T004", message, count=len(late), places=[_named(panel, late)], action="kept")]
