"""Small panels for the evaluation and report tests."""

import numpy as np

from forecaster.data.calendar.frequency import Frequency
from forecaster.data.labels import Names
from forecaster.data.panel import Panel
from forecaster.evaluation.backtest import backtest_of
from forecaster.evaluation.scores import score as score_backtest

HOUR = 3_600_000_000_000


def panel_of(*series, seasonalities=(1,), ids=None, tz=None, dates=False):
    """A panel of these series; NaN is a gap. Hourly from 1970 on."""
    lengths = [len(values) for values in series]
    values = np.concatenate([np.asarray(values, float) for values in series])
    time = np.concatenate([np.arange(n, dtype=np.int64) * HOUR for n in lengths])
    return Panel(
        values=values[:, None],
        observed=~np.isnan(values)[:, None],
        time=time,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        ids=tuple(ids or (f"s{i}" for i in range(len(series)))),
        frequency=Frequency("h", tuple(seasonalities)),
        names=Names("time", "id", "y", tz=tz, dates=dates),
    )


def score(panel, origins, forecasts, horizon, **rest):
    """The report of forecasts {method: (O, S, H)}."""
    return score_backtest(backtest_of(panel, origins, forecasts, horizon, **rest))


def with_rows_after(panel, origins, value):
    """The panel with every row at or after its series' end replaced: observed, and holding `value`."""
    position = np.arange(len(panel.time)) - np.repeat(panel.offsets[:-1], panel.lengths)
    late = position >= np.repeat(origins, panel.lengths)
    values, observed = panel.values.copy(), panel.observed.copy()
    values[late], observed[late] = value, True
    return Panel(values, observed, panel.time, panel.offsets, panel.ids, panel.frequency, panel.names)


def noisy_series(rng, n, season=4, gaps=0.15):
    """A seasonal series with noise, a trend and gaps."""
    t = np.arange(n)
    values = 20 + 0.1 * t + 3 * np.sin(2 * np.pi * t / season) + rng.normal(size=n)
    values[rng.random(n) < gaps] = np.nan
    return values
