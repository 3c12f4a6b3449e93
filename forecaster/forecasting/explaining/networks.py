"""A trained network: integrated gradients from its own backward pass through time.

In the scale of the series, with the notation of `features.pullback` and `features.windows`,

    x_h(a) = x' + a (c − x') + a Σ_m i_m[h] + s (out_h(a u) + a level)        u = z − level of the window

and the forecast is x_h in the user's units. Values, covariates and the seasonal position move along the path,
with what is read beside them (`beside`); which rows were observed stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Array, Bools, Floats, Ints
from forecaster.config import MemberConfig
from forecaster.data.panel import TARGET
from forecaster.features.pullback import Pullback
from forecaster.features.scale_choice import from_scale, to_scale
from forecaster.features.transform import Transform
from forecaster.features.windows import Windows
from forecaster.forecasting.explaining.beside import (
    Beside,
    beside,
    by_covariate,
    by_fact,
    with_words_as_numbers,
)
from forecaster.forecasting.explaining.path import Part, Subject, points, slope_of
from forecaster.model.model import Member
from forecaster.nn.batch import Batch
from forecaster.nn.network import Gradients
from forecaster.nn.stack import Mask

POINTS = 384
"""Points of the path: many, because a network with ReLU has kinks."""
COLUMNS = 64
"""Points in one batch, which bounds the memory."""


def explain_network(subject: Subject, member: Member, fitted: Transform) -> Part:
    """What the rows before the origin, covariates, facts and seasonal position contribute to its forecast."""
    config, power = member.config, float(fitted.power[subject.series])
    windows = Windows.of(subject.panel, fitted, config, subject.panel.lengths)
    batch = windows.inputs(*_window(subject))
    side = beside(subject, config, batch)
    network = with_words_as_numbers(member.network, batch.codes)
    own, inside = subject.panel.values.shape[1], _rows_inside(subject, config)
    start = _start(batch.inputs[:, :, 0], config, own, side, inside)
    begin = float(to_scale(np.array([subject.level]), np.array([power]))[0])
    x_of = _forecasts_of(subject, windows, fitted, begin)
    scale, at, weight = float(fitted.scale[subject.series]), *points(POINTS)
    d_x, ends = np.zeros(config.horizon), []
    total = _Total(np.zeros(start.shape), np.zeros(side.ahead.shape), np.zeros(side.static.shape))
    for part in np.array_split(np.arange(len(at)), -(-len(at) // COLUMNS)):
        inputs, mask = _along(batch, start, at[part])
        outputs, cache = network.forward(inputs, mask=mask, side=side.along(at[part], config))  # (H, K)
        x = x_of(outputs, at[part])
        ends.append(subject.steps @ from_scale(x, np.full_like(x, power)))
        d_here = subject.steps[:, None] * slope_of(x, power) * weight[part]  # by the forecast of each point
        total.add(network.backward(cache, scale * d_here))
        d_x += d_here.sum(axis=1)

    by_channel = _by_channel(total.inputs, config, own + len(side.usual))  # (C + G, L)
    by_channel[:, ~inside] = 0.0
    rows = _rows(subject, fitted, config, by_channel[TARGET], scale, d_x, begin)
    covariates = np.zeros((subject.rows, own - 1))
    seen = np.arange(subject.rows - config.lookback, subject.rows)[inside]
    covariates[seen] = by_channel[1:own, inside].T * fitted.z[subject.span][seen, 1:]
    moved = _by_channel(total.inputs * (batch.inputs[:, :, 0] - start), config, own + len(side.usual))
    ahead = (total.ahead * (side.ahead - side.ahead_usual)).reshape(-1, max(len(side.usual), 1)).sum(axis=0)
    known = moved[own:, inside].sum(axis=1) + ahead[: len(side.usual)]
    position = (total.inputs * batch.inputs[:, :, 0])[:, windows.features - 2 * len(config.phases) :].sum()
    return Part(
        float(ends[0][0]),
        float(ends[-1][-1]),
        rows,
        covariates,
        float(position),
        by_covariate(subject.panel, config, known),
        by_fact(subject.panel, config, total.static * side.static),
    )


class _Total(NamedTuple):
    """Derivatives, added up along the path: by inputs (T, F), values known ahead (m, s·G) and facts (N,)."""

    inputs: Floats
    ahead: Floats
    static: Floats

    def add(self, gradients: Gradients) -> None:
        """Those at some points."""
        for total, each in zip(self, (gradients.inputs, gradients.ahead, gradients.static), strict=True):
            if each is not None:
                total[...] += each.sum(axis=-1, dtype=np.float64)


def _window(subject: Subject) -> tuple[Ints, Ints]:
    """The series and its origin, as `Windows` takes them."""
    return np.array([subject.series]), np.array([subject.rows])


def _start(seen: Array, config: MemberConfig, own: int, side: Beside, inside: Bools) -> Array:
    """Where the inputs (T, F) begin: zero, but the flags of observed rows, which stay, and known covariates.

    own: C. inside (L,): which rows of the window belong to the series.
    """
    start = np.zeros_like(seen)
    segment, values = config.segment, own * config.segment
    usual = np.where(inside.reshape(-1, 1, segment), side.usual[:, None], np.float32(0))  # (T, G, s)
    flags = values + len(side.usual) * segment
    start[:, values:flags] = usual.reshape(len(seen), -1)
    if config.gaps:
        start[:, flags : flags + segment] = seen[:, flags : flags + segment]
    return start


def _along(batch: Batch, start: Array, at: Floats) -> tuple[Array, Mask | None]:
    """The inputs (T, F, K) and masks (T, K) at points of the path (K,)."""
    begin = start[:, :, None]
    inputs = (begin + at * (batch.inputs - begin)).astype(batch.inputs.dtype)
    mask = None if batch.mask is None else np.repeat(batch.mask, len(at), axis=1)
    return np.ascontiguousarray(inputs), mask


def _forecasts_of(
    subject: Subject, windows: Windows, fitted: Transform, begin: float
) -> Callable[[Array, Floats], Floats]:
    """The function from outputs (H, K) at points of the path (K,) to forecasts in the scale (H, K)."""
    level = float(windows.level(*_window(subject))[0])
    season = fitted.seasonal_component(*_window(subject), windows.horizon).T  # (H, 1)
    away, scale = float(fitted.centre[subject.series]) - begin, float(fitted.scale[subject.series])

    def forecasts(outputs: Array, at: Floats) -> Floats:
        return np.asarray(begin + at * (away + season) + scale * (outputs + at * level), np.float64)

    return forecasts


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
