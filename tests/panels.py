"""Small panels with covariates, gaps and several lengths, and what replaces everything after an origin."""

import dataclasses

import numpy as np

from forecaster.data.calendar.frequency import Frequency
from forecaster.data.labels import Names
from forecaster.data.panel import Panel

DAY = 86_400_000_000_000
GARBAGE = (1e30, -1e30, np.nan, 0.0, -3.0, 1e-30)


def panel_of(*series, seasons=(1,), alias="D"):
    """A panel of these series, each (n,) or (n, C) with NaN for what was not observed. Daily from 1970 on."""
    columns = [np.asarray(values, float).reshape(len(values), -1) for values in series]
    lengths = [len(values) for values in columns]
    values = np.concatenate(columns)
    return Panel(
        values=values,
        observed=~np.isnan(values),
        time=np.concatenate([np.arange(n, dtype=np.int64) * DAY for n in lengths]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        ids=tuple(f"s{number:03d}" for number in range(len(series))),
        frequency=Frequency(alias, tuple(seasons)),
        names=Names("ds", "id", "y", tuple(f"x{number}" for number in range(1, values.shape[1]))),
    )


def flat_panel(values, observed, offsets, *, season=1):
    """A panel of one channel from flat arrays, as `flat` of the module of that name gives them; daily."""
    lengths = np.diff(offsets)
    return Panel(
        values=np.where(observed, values, np.nan)[:, None],
        observed=observed[:, None],
        time=(np.arange(len(values)) - np.repeat(offsets[:-1], lengths)) * DAY,
        offsets=offsets,
        ids=tuple(f"s{number:03d}" for number in range(len(lengths))),
        frequency=Frequency("D", (season,)),
        names=Names("ds", "id", "y"),
    )


def with_garbage(panel, origins, *, seed=0, garbage=GARBAGE):
    """The panel with every channel of every row at or after `origins` (S,) replaced, observed or not."""
    rng = np.random.default_rng(seed)
    late = np.flatnonzero(rows_of(panel) >= np.repeat(origins, panel.lengths))
    values, observed = panel.values.copy(), panel.observed.copy()
    values[late] = rng.choice(garbage, size=(len(late), values.shape[1]))
    observed[late] = np.isfinite(values[late])
    return dataclasses.replace(panel, values=values, observed=observed)


def rows_of(panel):
    """The position of each row within its series (N,)."""
    return np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], panel.lengths)


def wavy(rng, n, *, season=7, level=20.0, gaps=0.0, trend=0.05):
    """A positive series with a season, a trend, noise and gaps (n,)."""
    t = np.arange(n)
    values = level + trend * t + level / 5 * np.sin(2 * np.pi * t / season) + level / 40 * rng.normal(size=n)
    values[1:-1][rng.random(max(n - 2, 0)) < gaps] = np.nan
    return values
