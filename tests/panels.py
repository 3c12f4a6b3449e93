"""Small panels with covariates, gaps and several lengths, and what replaces everything after an origin."""

import dataclasses

import numpy as np

from forecaster.data.calendar.frequency import Frequency
from forecaster.data.labels import Names
from forecaster.data.panel import Panel
from forecaster.data.rows.known import Known
from forecaster.data.rows.static import Static

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


SKY = ("fog", "rain", "sun")


def informed_panel(count=9, ahead=7, *, scale="units", covariates=1, seed=0):
    """Series that known covariates move, with `ahead` rows of the future, facts, and past-only covariates.

    Heat moves them, so do open days and the sky; noise does not. One known value is missing.
    """
    rng = np.random.default_rng(seed)
    rows = 80 + 3 * np.arange(count) % 20
    known, series = [], []
    for number, n in enumerate(rows):
        heat, sky = rng.normal(20, 5, n + ahead), rng.integers(0, 3, n + ahead)
        opened = rng.integers(0, 2, n + ahead) * 7.0
        known.append(np.column_stack([heat, opened, sky, rng.normal(size=n + ahead)]).astype(float))
        move = 1.5 * (heat - 20) + 0.8 * opened + np.array([-4.0, 0.0, 5.0])[sky]
        y = wavy(rng, n, level=60.0 + number) + move[:n]
        y = np.exp(y / 30) if scale == "logarithms" else np.maximum(y, 1) ** 2 / 50 if scale == "roots" else y
        series.append(np.column_stack([y, rng.normal(size=(n, covariates))]))
    known[0][3, 0] = np.nan
    offsets = np.concatenate([[0], np.cumsum(rows + ahead)])
    made = panel_of(*series, seasons=(7,))
    names = ("heat", "open", "sky", "noise")
    facts = np.column_stack([rng.normal(100, 20, count), np.arange(count) % 2]).astype(float)
    facts[1, 0] = np.nan
    return dataclasses.replace(
        made,
        names=dataclasses.replace(made.names, known=names, static=("size", "region")),
        known=Known(names, (None, None, SKY, None), np.concatenate(known), offsets),
        static=Static(("size", "region"), (None, ("north", "south")), facts),
    )
