"""Forecasts of series that a network sees for the first time: quantiles from the rows before an origin.

Series are taken in blocks of equal length, so that the memory stays small whatever their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import DTypeLike

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.panel import TARGET, Panel
from forecaster.data.series.level_shifts import lone_jumps, spliced
from forecaster.features.history import known_target
from forecaster.features.scale_choice import LOGARITHMS, ROOTS, from_scale, powers, to_scale
from forecaster.features.season_clock import SeasonClock
from forecaster.features.transform import fit_each
from forecaster.features.yearly_season import yearly_season
from forecaster.pretraining.inputs import daily, prices, seasonal
from forecaster.pretraining.network import LEVELS, SCORES, SIDE, Sample
from forecaster.pretraining.store import Pretrained, load
from forecaster.pretraining.views import (
    HOURS,
    LONGEST,
    STEP,
    WEEK,
    View,
    days_a_week,
    knows_prices,
    view_of,
)

Prepare = Callable[[Floats, int, DTypeLike], Sample]
BLOCK = 2048
"""Series forecast at once."""
MOST_VALUES = 2**22
"""Rows of all series that are forecast at once: few series of a row a second have as many as many others."""
FEWEST = {"season_1": 4}
"""Recurrent steps of the shortest past; 2 for other kinds. Shorter series are padded."""
EARLIER = {"season_12": (0.5, 0.25, 0.15, 0.1)}
"""Weights of forecasts from the origin and from one, two and three rows before it: the newest row of monthly
data says little more than the one before."""
SLOW = ("season_1", "season_4")
"""Kinds of series that are seen in roots where others are seen in logarithms."""
FEWEST_RETURNS = 30
"""Prices with fewer known returns are forecast like other series."""
LEAST_DAYS = 2
"""Series of fewer days are not averaged by hours."""
FADE = 0.8
"""What a day counts for in the pattern within an hour, relative to the next newer one."""


def zero_shot(
    panel: Panel,
    origins: Ints,
    horizon: int,
    networks: Callable[[str], Pretrained],
    *,
    price: Bools,
    only_prices: bool = False,
    power: Floats | None = None,
) -> Floats:
    """Quantiles at `LEVELS` (Q, S, H) in the user's units, from the first origins[s] rows of each series.

    `networks` gives the network of a kind. `price` (S,): series that move like prices; `only_prices` leaves
    others out. `power` (S,): in which scale each is seen (0: logarithms, ½: roots, 1: units); None: chosen.
    NaN for series without a known row.
    """
    result = np.full((len(LEVELS), len(panel), horizon), np.nan)
    rest = np.flatnonzero(origins >= 1)
    walks = rest[price[rest]] if knows_prices(panel.frequency) else rest[:0]
    if walks.size:
        result[:, walks] = _prices(panel, origins, walks, horizon, networks("prices"))
        rest = rest[np.isnan(result[SIDE, rest, 0])]
    if only_prices or not rest.size:
        return result
    view = view_of(panel.frequency)
    network = networks(view.kind)
    if view.kind == "hours":
        short = origins[rest] < LEAST_DAYS * HOURS * view.rows  # few hours: each row is taken for one
        for some, rows in ((rest[~short], view.rows), (rest[short], 1)):
            result[:, some] = _hours(panel, origins, some, horizon, network, rows, power)
    else:
        result[:, rest] = _seasonal(panel, origins, rest, horizon, network, view, power)
    lost = rest[np.isnan(result[SIDE, rest, 0])]
    if lost.size:  # nothing is known in as much of the past as a network sees
        result[:, lost] = _last_known(panel, origins)[lost, None]
    return result


def steps_of(view: View, horizon: int) -> Ints:
    """The step of the network, from 0, that forecasts each of `horizon` rows (H,)."""
    rows = np.arange(horizon)
    if view.open_days:
        return rows // view.open_days * WEEK + WEEK - view.open_days + rows % view.open_days
    return rows // view.rows


def networks_for(frequency: Frequency) -> tuple[Pretrained, ...]:
    """The networks of the package that forecast series of this frequency."""
    own = load(view_of(frequency).kind)
    return (own, load("prices")) if knows_prices(frequency) else (own,)


def _seasonal(
    panel: Panel,
    origins: Ints,
    series: Ints,
    horizon: int,
    network: Pretrained,
    view: View,
    power: Floats | None,
) -> Floats:
    """Quantiles (Q, B, H) of series with one season, in the scale that suits each."""
    power = scales_of(panel, origins, view) if power is None else power
    scaled, component = _without_season(panel, origins, power, view, horizon, yearly=network.yearly)
    step, longest = STEP[view.kind], LONGEST[view.kind]
    result = np.full((len(LEVELS), len(panel), horizon), np.nan)
    rows = np.minimum(origins[series], step * longest)
    if view.open_days:
        rows = -(-rows // view.open_days) * WEEK
    steps = np.clip(-(-rows // step), FEWEST.get(view.kind, 2), longest)

    def prepare(past: Floats, ahead: int, dtype: DTypeLike) -> Sample:
        return seasonal.prepare(past, step, ahead, dtype)

    def forecast(block: Ints, steps: int, earlier: int) -> tuple[Ints, Floats]:
        """Those of a block with a known row, and their quantiles (Q, B, H) from rows before the origin."""
        starts = origins - earlier
        if view.open_days:
            known = _newest(scaled, panel, starts, block, steps * view.open_days)
            x = _with_closed_days(known, view.open_days)
        else:
            x = _newest(scaled, panel, starts, block, steps * step)
        some = np.isfinite(x).any(axis=1)
        block, x = block[some], x[some]
        if not block.size:
            return block, np.empty((len(LEVELS), 0, horizon))
        unit = unit_of(x, power[block])[:, None]
        ahead = steps_of(view, horizon + earlier)
        of_network = _rolled(x / unit, int(ahead[-1]) + 1, network, prepare, step, longest)
        return block, of_network[:, :, ahead[earlier:]] * unit

    for block in _blocks(series, steps):
        count = int(steps[np.searchsorted(series, block[0])])
        used, x = forecast(block, count, 0)
        if not used.size:
            continue
        if view.kind in EARLIER and count > 2:
            weights = EARLIER[view.kind]
            for earlier in range(1, len(weights)):
                some, other = forecast(used, count, earlier)
                place = np.searchsorted(used, some)
                x[:, place] += weights[earlier] / sum(weights[: earlier + 1]) * (other - x[:, place])
        future = x + component(used, origins[used])
        result[:, used] = from_scale(future, np.broadcast_to(power[used, None], future.shape))
    return result[:, series]


def scales_of(panel: Panel, origins: Ints, view: View) -> Floats:
    """The power of each series (S,): logarithms where it stays well above zero, roots for slow data then.

    Growth of years fades in ratios, but not in units: roots lie between the two.
    """
    power = powers(panel, origins, "relative")
    return np.where(power == LOGARITHMS, ROOTS, power) if view.kind in SLOW else power


def unit_of(x: Floats, power: Floats) -> Floats:
    """By what to divide each series (B,), so that its differences are of the size of those of logarithms."""
    size = np.nanmean(np.abs(x), axis=1)
    unit = np.where(power == LOGARITHMS, 1.0, np.where(power == ROOTS, size / 2, size))
    return np.where(unit > 0, unit, 1.0)


def _without_season(
    panel: Panel, origins: Ints, power: Floats, view: View, horizon: int, *, yearly: bool
) -> tuple[Floats, Callable[[Ints, Ints], Floats]]:
    """The series in their scale (N,), NaN where unknown; what to add to forecasts of some (B, H).

    `yearly`: whether the season of the year, which a network of weeks never sees, is removed from days.
    """
    if view.removed is None:
        flat = np.where(panel.target_observed, panel.target, np.nan)
        x = to_scale(flat, np.repeat(power, panel.lengths))
        days = days_a_week(view, panel.frequency) if yearly else None
        if days is None:
            return x, lambda series, starts: np.zeros((1, 1))
        season = yearly_season(panel, x, origins, days)
        x = season.without(x, panel, origins, LONGEST[view.kind] * days)
        return x, lambda series, starts: season.ahead(panel, series, starts, horizon, days)
    fitted = fit_each(panel, origins, power=power, seasons=(view.removed,), horizon=horizon)
    scale, centre = (np.repeat(values, panel.lengths) for values in (fitted.scale, fitted.centre))
    x = np.where(panel.target_observed, fitted.z[:, TARGET] * scale + centre, np.nan)
    return x, lambda series, starts: fitted.seasonal_component(series, starts, horizon)


def _with_closed_days(x: Floats, open_days: int) -> Floats:
    """Rows of open days (B, n open) as weeks (B, 7 n), the closed days before the open ones and NaN."""
    weeks = x.reshape(len(x), -1, open_days)
    closed = np.full((*weeks.shape[:2], WEEK - open_days), np.nan)
    return np.concatenate([closed, weeks], axis=2).reshape(len(x), -1)


def _hours(
    panel: Panel,
    origins: Ints,
    series: Ints,
    horizon: int,
    network: Pretrained,
    rows: int,
    power: Floats | None,
) -> Floats:
    """Quantiles (Q, B, H) of sensors with `rows` rows an hour, from hourly means or, without a negative one,
    from their roots.
    """
    flat = np.where(panel.target_observed, panel.target, np.nan)
    step = HOURS * rows
    steps = np.clip(-(-origins[series] // step), 2, LONGEST["hours"])
    result = np.full((len(LEVELS), len(series), horizon), np.nan)
    for mine in _blocks(np.arange(len(series)), steps, step):
        count = int(steps[mine[0]]) * step
        y = _newest(flat, panel, origins, series[mine], count)
        y, ahead = _on_local_clock(y, panel, origins, series[mine], horizon)
        some = np.isfinite(y).any(axis=1)
        mine, y, ahead = mine[some], y[some], ahead[some]
        if not mine.size:
            continue
        by_hour = y.reshape(len(y), -1, rows)
        mean = _nan_mean(by_hour)
        roots = np.nanmin(mean, axis=1) >= 0  # low hours of a load are small numbers that swing less
        if power is not None:
            roots = power[series[mine]] == ROOTS
        x = np.where(roots[:, None], np.sqrt(np.abs(mean)), mean)
        hours = int(ahead.max()) // rows + 1
        forecast = _rolled(x, hours, network, daily.prepare, HOURS, LONGEST["hours"])
        forecast = np.where(roots[:, None], np.maximum(forecast, 0) ** 2, forecast)
        forecast = np.repeat(forecast, rows, axis=2)
        if rows > 1:
            forecast = _with_detail(forecast, by_hour - mean[:, :, None], hours * rows)
        result[:, mine] = np.take_along_axis(forecast, ahead[None], axis=2)
    return result


def _on_local_clock(
    y: Floats, panel: Panel, origins: Ints, series: Ints, horizon: int
) -> tuple[Floats, Ints]:
    """The past (B, N) by the hours of the local clock, and which step, from 0, each row ahead is (B, H).

    When clocks change, an hour is missing, or two rows share one: of these the newer stays.
    """
    steps = np.broadcast_to(np.arange(horizon), (len(series), horizon))
    clock = SeasonClock(panel)
    if not clock.local:
        return y, steps
    count = y.shape[1]
    row = origins[series, None] + np.arange(-count, horizon)  # of its series
    place = clock.number(series, row)
    from_last = place - place[:, count - 1, None]
    if (from_last == np.arange(-count, horizon) + 1).all():
        return y, steps
    target = from_last[:, :count] + count - 1
    result = np.full_like(y, np.nan)
    at, back = np.nonzero((target >= 0) & (row[:, :count] >= 0))
    result[at, target[at, back]] = y[at, back]
    return result, np.maximum(from_last[:, count:] - 1, 0)


def _with_detail(forecast: Floats, within: Floats, horizon: int) -> Floats:
    """Hourly quantiles (Q, B, H) with the usual pattern within hours, whose past is (B, hours, rows)."""
    count, hours, rows = within.shape
    days = within.reshape(count, hours // HOURS, HOURS * rows)
    weight = np.where(np.isfinite(days), FADE ** np.arange(days.shape[1])[::-1, None], 0.0)
    total = np.maximum(weight.sum(axis=1), 1e-12)
    usual = (np.nan_to_num(days) * weight).sum(axis=1) / total  # (B, 24 rows)
    left = np.where(np.isfinite(days), days - usual[:, None], 0.0)
    variance = (left**2 * weight).sum(axis=(1, 2)) / np.maximum(weight.sum(axis=(1, 2)), 1e-12)
    median = forecast[SIDE]
    away = forecast - median
    wider = np.sign(away) * np.sqrt(away**2 + (SCORES**2)[:, None, None] * variance[:, None])
    repeats = -(-horizon // usual.shape[1])
    return median + wider + np.tile(usual, (1, repeats))[:, :horizon]


def _prices(panel: Panel, origins: Ints, series: Ints, horizon: int, network: Pretrained) -> Floats:
    """Quantiles (Q, B, H) of prices around the last one; NaN where too few returns are known.

    A lone jump, such as to another unit, is none of the returns.
    """
    in_logs = np.ones(len(panel), np.bool_)
    jumps = lone_jumps(panel.target, panel.target_observed, panel.offsets, origins, in_logs)
    flat = np.where(panel.target_observed, spliced(panel.target, panel.offsets, jumps), np.nan)
    longest = prices.STEP * LONGEST["prices"]
    result = np.full((len(LEVELS), len(series), horizon), np.nan)
    returns, last = [], np.full(len(series), np.nan)
    for place, number in enumerate(series):
        stop = panel.offsets[number] + origins[number]
        y = flat[max(panel.offsets[number], stop - 2 * longest) : stop]
        logs = np.log(y[np.isfinite(y) & (y > 0)])[-longest - 1 :]
        returns.append(np.diff(logs))
        last[place] = logs[-1] if len(logs) else np.nan
    counts = np.array([len(each) // prices.STEP * prices.STEP if each.any() else 0 for each in returns])
    ahead = np.arange(1, horizon + 1)
    for count in np.unique(counts[counts >= FEWEST_RETURNS]):
        mine = np.flatnonzero(counts == count)
        for part in np.array_split(mine, -(-len(mine) // BLOCK)):
            sample = prices.prepare(np.stack([returns[i][-count:] for i in part]), network.design.horizon)
            q = network.quantiles(sample).transpose(0, 2, 1) * sample.scale[:, None]  # (Q, B, 20), over √h
            q = q[:, :, np.minimum(ahead, network.design.horizon) - 1] * np.sqrt(ahead)
            result[:, part] = np.exp(last[part, None] + q)
    return result


def _rolled(
    past: Floats, horizon: int, network: Pretrained, prepare: Prepare, step: int, longest: int
) -> Floats:
    """Quantiles (Q, B, H) after the past (B, N), in its units.

    Beyond the network's horizon the medians so far are taken for the past, and their uncertainty adds to that
    of later steps.
    """
    parts, before, done = [], np.zeros((len(LEVELS), len(past), 1)), 0
    while done < horizon:
        sample = prepare(past[:, -longest * step :], network.design.horizon, network.precision)
        q = network.quantiles(sample).transpose(0, 2, 1) * sample.scale[:, None] + sample.centre[:, None]
        median = q[SIDE]
        away = q - median
        away = np.sign(away) * np.sqrt(away**2 + before**2)
        parts.append(median + away)
        before = away[:, :, -step:].mean(axis=2, keepdims=True)
        past = np.concatenate([past, median], axis=1)
        done += median.shape[1]
    return np.concatenate(parts, axis=2)[:, :, :horizon]


def _blocks(series: Ints, steps: Ints, rows: int = 1) -> Iterator[Ints]:
    """Series with the same number of steps in ascending order, at most BLOCK and MOST_VALUES at once.

    `rows`: of one step.
    """
    for count in np.unique(steps):
        same = series[steps == count]
        size = max(1, min(BLOCK, MOST_VALUES // (int(count) * rows)))
        yield from np.array_split(same, -(-len(same) // size))


def _newest(flat: Floats, panel: Panel, origins: Ints, series: Ints, count: int) -> Floats:
    """The newest `count` rows before the origins (B, count) of a flat array; NaN before the first row."""
    stop = panel.offsets[series] + origins[series]
    rows = stop[:, None] - np.arange(count, 0, -1)
    return np.where(rows >= panel.offsets[series, None], flat[np.maximum(rows, 0)], np.nan)


def _last_known(panel: Panel, origins: Ints) -> Floats:
    """The newest known value of each series (S,); NaN without any."""
    rows = np.flatnonzero(known_target(panel, origins))
    result = np.full(len(panel), np.nan)
    result[np.repeat(np.arange(len(panel)), panel.lengths)[rows]] = panel.target[rows]
    return result


def _nan_mean(values: Floats) -> Floats:
    """The mean of the known values along the last axis; NaN without any."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
