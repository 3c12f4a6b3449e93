"""Hypothesis strategies for tables of known content: the oracle of what a reader must make of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import strategies as st

ALIASES = [
    "s",
    "10s",
    "min",
    "15min",
    "h",
    "6h",
    "D",
    "2D",
    "W-WED",
    "MS",
    "ME",
    "QS-FEB",
    "QE-DEC",
    "YS-APR",
    "YE-DEC",
]
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=64),
    st.integers(-(2**53), 2**53).map(float),
    st.floats(-1000, 1000).map(lambda value: round(value, 2)),
)
IDS = st.text("abcdefgXYZ0123456789 _-ÄßΩ日本", min_size=1, max_size=8).map(lambda text: "s" + text.rstrip())


@dataclass(frozen=True)
class Case:
    """A long table (id, time, value) in order, and its frequency."""

    alias: str
    frame: pd.DataFrame


def series_times(alias: str, start: str, count: int) -> pd.DatetimeIndex:
    """`count` regular times, by pandas."""
    return pd.date_range(start, periods=count, freq=alias, unit="ns")


@st.composite
def cases(draw: st.DrawFn, aliases: tuple[str, ...] = tuple(ALIASES)) -> Case:
    """One to four series of one frequency, with a minority of inner rows left out and some values missing."""
    alias = draw(st.sampled_from(aliases))
    ids = sorted(draw(st.sets(IDS, min_size=1, max_size=4)))
    start = draw(st.datetimes(pd.Timestamp("1960-01-01"), pd.Timestamp("2040-01-01"))).replace(microsecond=0)
    parts = []
    for name in ids:
        count = draw(st.integers(8, 24))
        times = series_times(alias, str(start), count)
        values = np.array(draw(st.lists(VALUES, min_size=count, max_size=count)))
        gone = draw(st.sets(st.integers(1, count - 2), max_size=1))  # so few that the step stays clear
        blank = draw(st.sets(st.integers(1, count - 2), max_size=2))
        values[list(blank)] = np.nan
        kept = [row for row in range(count) if row not in gone]
        parts.append(pd.DataFrame({"id": name, "ds": times, "y": values}).iloc[kept])
    return Case(alias, pd.concat(parts, ignore_index=True))


def on_grid(case: Case) -> dict[str, pd.Series]:
    """Each series on its regular grid, by pandas alone: the oracle of the panel."""
    result = {}
    for name, part in case.frame.groupby("id", sort=True):
        series = part.set_index("ds")["y"]
        grid = pd.date_range(series.index[0], series.index[-1], freq=case.alias, unit="ns")
        result[str(name)] = series.reindex(grid)
    return result
