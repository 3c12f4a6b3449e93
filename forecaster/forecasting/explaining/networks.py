"""A trained network: integrated gradients from its own backward pass through time.

In the scale of the series, with the notation of `features.pullback` and `features.windows`,

    x_h(a) = x' + a (c − x') + a Σ_m i_m[h] + s (out_h(a u) + a level)        u = z − level of the window

and the forecast is x_h in the user's units. Values, covariates and the seasonal position move along the path;
which rows were observed stays.
"""

from __future__ import annotations

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import MemberConfig
from forecaster.data.panel import TARGET
from forecaster.features.pullback import Pullback
from forecaster.features.scale_choice import from_scale, to_scale
from forecaster.features.transform import Transform
from forecaster.features.windows import Windows
from forecaster.forecasting.explaining.path import Part, Subject, points, slope_of
from forecaster.model.model import Member

POINTS = 96
"""Points of the path: they are columns of one batch."""


def explain_network(subject: Subject, member: Member, fitted: Transform) -> Part:
    """What the rows before the origin, covariates and seasonal position contribute to its forecast."""
    config, power = member.config, float(fitted.power[subject.series])
    series, origin = np.array([subject.series]), np.array([subject.rows])
    windows = Windows.of(subject.panel, fitted, config)
    batch, level = windows.inputs(series, origin), float(windows.level(series, origin)[0])
    at, weight = points(POINTS)
    moving = _moving(config, windows.features, subject.panel.values.shape[1])
    inputs = np.where(moving[:, None], batch.inputs * at, batch.inputs).astype(np.float32)  # (T, F, K)
    mask = None if batch.mask is None else np.repeat(batch.mask, len(at), axis=1)
    outputs, cache = member.network.forward(np.ascontiguousarray(inputs), mask=mask)  # (H, K)

    scale = float(fitted.scale[subject.series])
    begin = float(to_scale(np.array([subject.level]), np.array([power]))[0])
    ahead = fitted.seasonal_component(series, origin, config.horizon).T  # (H, 1)
    x = begin + at * (float(fitted.centre[subject.series]) - begin + ahead)
    x = x + scale * (outputs + at * level)
    y = subject.steps @ from_scale(x, np.full_like(x, power))
    d_x = subject.steps[:, None] * slope_of(x, power) * weight  # (H, K), by the forecast of each point
    d_inputs = member.network.backward(cache, scale * d_x).inputs
    assert d_inputs is not None
    gradient = d_inputs.sum(axis=2, dtype=np.float64)  # (T, F)

    inside = _rows_inside(subject, config)
    by_channel = _by_channel(gradient, config, subject.panel.values.shape[1])  # (C, L)
    by_channel[:, ~inside] = 0.0
    rows = _rows(subject, fitted, config, by_channel[TARGET], scale, d_x.sum(axis=1), begin)
    covariates = np.zeros((subject.rows, len(by_channel) - 1))
    known = np.arange(subject.rows - config.lookback, subject.rows)[inside]
    z = fitted.z[subject.span][known, 1:].astype(float)  # (rows inside, C−1)
    covariates[known] = by_channel[1:, inside].T * z
    places = moving & (np.arange(len(moving)) >= len(moving) - 2 * len(config.phases))
    position = float((gradient * batch.inputs[:, :, 0])[:, places].sum()) if config.phases else 0.0
    return Part(float(y[0]), float(y[-1]), rows, covariates, position)


def _moving(config: MemberConfig, features: int, channels: int) -> Bools:
    """Which features of a step move along the path (F,): all but the flags of observed rows."""
    place = np.arange(features)
    values = channels * config.segment
    flags = config.segment if config.gaps else 0
    return (place < values) | (place >= values + flags)


def _by_channel(gradient: Floats, config: MemberConfig, channels: int) -> Floats:
    """The part (C, L) of a derivative by the inputs (T, F) that belongs to values."""
    values = gradient[:, : channels * config.segment].reshape(-1, channels, config.segment)
    return values.transpose(1, 0, 2).reshape(channels, -1).copy()


def _rows_inside(subject: Subject, config: MemberConfig) -> Bools:
    """Which rows of the window belong to the series, after its last long gap (L,)."""
    return np.arange(config.lookback) >= config.lookback - (subject.rows - _first_row(subject))


def _first_row(subject: Subject) -> int:
    """The first row after the last gap that is too long to be crossed."""
    if not subject.panel.broken:
        return 0
    return int(subject.panel.spans.around(np.array([subject.span.stop - 1]))[0][0]) - subject.span.start


def _rows(
    subject: Subject,
    fitted: Transform,
    config: MemberConfig,
    d_window: Floats,
    scale: float,
    d_x: Floats,
    begin: float,
) -> Floats:
    """Contributions (n,) of the rows, from the derivatives by the window (L,) and by x ahead (H,)."""
    count = subject.rows
    d_z = np.zeros(count)
    rows = np.arange(count - config.lookback, count)
    d_z[rows[rows >= 0]] += d_window[rows >= 0]
    newest = np.maximum(count - np.arange(1, config.level_rows + 1), _first_row(subject))
    d_level = scale * d_x.sum() - d_window.sum()
    d_z += np.bincount(newest, minlength=count) * (d_level / config.level_rows)
    back = Pullback(subject.panel, fitted, subject.series)
    d_rows = back(d_z / scale, float(d_x.sum()), d_indices(subject, fitted, d_x))
    return np.where(back.seen, (back.x - begin) * d_rows, 0.0)


def d_indices(subject: Subject, fitted: Transform, d_x: Floats) -> list[Floats]:
    """The derivatives by each index (m,), from that by x ahead (H,)."""
    series, origin = np.array([subject.series]), np.array([subject.rows])
    result = []
    for index in fitted.indices:
        place: Ints = fitted.clock.ahead(series, origin, len(d_x), index.shape[1])[0]
        result.append(np.asarray(np.bincount(place, d_x, index.shape[1]), np.float64))
    return result
