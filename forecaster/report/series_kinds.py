"""What each series is taken for: kind, scale, range, whole numbers, idle positions, last change of level.

For one series as it is, for several as counts. `inspect` shows it of the data, `show` of the data that a
model was trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.config import Limits
from forecaster.data.calendar.clock import DAY, to_local
from forecaster.data.labels import times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.series.value_findings import Oddities
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, UNITS, powers
from forecaster.features.season_clock import SeasonClock
from forecaster.features.value_range import KINDS, ValueRange
from forecaster.features.view import possible, without_oddities

SCALES = {UNITS: "units", ROOTS: "roots", LOGARITHMS: "logarithms"}
MINUTE = 60 * 10**9
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class SeriesKind:
    """What one series is taken for."""

    kind: str
    scale: str
    lower: float | None
    upper: float | None
    integer: bool
    circular: float | None
    idle: str | None
    """The resting value and when it is always shown, such as "0 at 18:00-6:00"."""
    level_since: str | None
    """The time of the newest change of level."""

    def range(self) -> str:
        """The range as words."""
        if self.lower is None:
            return "any" if self.upper is None else f"{self.upper:g} and below"
        return f"{self.lower:g} and above" if self.upper is None else f"{self.lower:g} to {self.upper:g}"


def series_kinds(
    panel: Panel, odd: Oddities, *, log: bool | None = None, limits: Limits = Limits()
) -> list[SeriesKind]:
    """What each series of the panel is taken for (S,), by all its rows.

    `odd`: what stands out in the panel; `log` False: all in units; `limits`: those that a user sets.
    """
    known = panel.lengths
    view = without_oddities(panel, odd, known)
    learned = possible(view, known, 1, scales="each", limits=limits).limits
    power = powers(view, known, "each") if log in (None, True) else np.full(len(panel), UNITS)
    since = odd.shifts.since(len(panel))
    stamps = times_as_strings(panel.time[panel.offsets[:-1] + since], panel.names)
    return [
        SeriesKind(
            kind=KINDS[learned.kind[series]],
            scale=SCALES[float(power[series])],
            lower=_finite(learned.lower[series]),
            upper=_finite(learned.upper[series]),
            integer=bool(learned.integer[series]),
            circular=_finite(learned.circle[series]),
            idle=idle,
            level_since=stamps[series] if since[series] else None,
        )
        for series, idle in enumerate(_idle(view, learned))
    ]


def summary(kinds: Sequence[SeriesKind]) -> dict[str, Any]:
    """Facts for people and scripts: of one series its own, of several how many have each."""
    if len(kinds) == 1:
        (one,) = kinds
        return {
            "kind": one.kind,
            "scale": one.scale,
            "range": one.range(),
            "whole numbers": one.integer,
            **({"idle": one.idle} if one.idle else {}),
            **({"level since": one.level_since} if one.level_since else {}),
        }
    counts = {
        "kind": _counts(one.kind for one in kinds),
        "scale": _counts(one.scale for one in kinds),
        "range": _counts(one.range() for one in kinds),
        "whole numbers": sum(one.integer for one in kinds),
    }
    idle, changed = sum(bool(one.idle) for one in kinds), sum(bool(one.level_since) for one in kinds)
    return counts | ({"idle": idle} if idle else {}) | ({"changed level": changed} if changed else {})


def _counts(words: Iterator[str]) -> dict[str, int]:
    """How often each word comes, the commonest first."""
    return dict(Counter(words).most_common())


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _idle(panel: Panel, learned: ValueRange) -> Iterator[str | None]:
    """When each series always rests, as words; None for most."""
    season = panel.fitting_season(panel.lengths)
    clock = SeasonClock(panel)
    for series, idle in enumerate(learned.idle):
        if not idle.any():
            yield None
            continue
        begin, end = panel.offsets[series : series + 2]
        rows = np.arange(max(begin, end - season), end)
        place = clock.rows(slice(int(rows[0]), int(end)), rows - begin, season)
        time = to_local(panel.time[rows], panel.names.tz)
        yield f"{learned.resting[series]:g} {_when(time, idle[place], season)}"


def _when(time: Ints, idle: Bools, season: int) -> str:
    """When the rows of one season at the local `time` (m,), some of them `idle` (m,), are."""
    step = int(np.median(np.diff(time)))
    everywhere = f"at {idle.sum()} of {season} positions"
    if step == DAY and season == len(WEEK):
        days = sorted(int(day) for day in (time[idle] // DAY + 3) % 7)  # 1970-01-01 was a Thursday
        return "on " + ", ".join(WEEK[day] for day in days)
    if DAY % step or season * step % DAY or step >= DAY:
        return everywhere
    slot = time % DAY // step
    active = np.bincount(slot[~idle], minlength=DAY // step) > 0
    daily = ~active  # idle on every day
    spans = ", ".join(f"{_clock(first * step)}-{_clock(end * step)}" for first, end in _spans(daily))
    if idle.sum() == daily.sum() * (season * step // DAY):
        return f"at {spans}"
    return f"at {spans} and others, {idle.sum()} of {season} positions" if spans else everywhere


def _spans(idle: Bools) -> list[tuple[int, int]]:
    """First slot and the slot after the last of each run of idle slots of the day; midnight joins two."""
    count = len(idle)
    spans = []
    slot = 0
    for is_idle, run in groupby(idle.tolist()):
        length = len(list(run))
        if is_idle:
            spans.append((slot, (slot + length) % count))
        slot += length
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == 0:
        spans = [*spans[1:-1], (spans[-1][0], spans[0][1])]
    return spans


def _clock(time: int) -> str:
    """A time of day (ns) as 6:00."""
    return f"{time // (60 * MINUTE)}:{time // MINUTE % 60:02d}"
