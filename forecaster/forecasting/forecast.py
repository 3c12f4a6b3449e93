"""Model x Panel -> Forecast: point forecasts and intervals, in the user's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import RANGES, Reconcile
from forecaster.data.panel import Panel
from forecaster.data.writing.digits import MOST, rounded, rounded_like, rounded_sums
from forecaster.errors import ModelError, UsageError
from forecaster.features.value_range import KINDS
from forecaster.features.view import Possible, cleaned, possible
from forecaster.forecasting.components import blended, forecast_components
from forecaster.forecasting.fixed_intervals import intervals, local_spread
from forecaster.forecasting.hierarchy.added_up import added_up
from forecaster.forecasting.hierarchy.paths import Coherent
from forecaster.forecasting.quantile_table import Mixed, Spread, TableQuantiles, root_of
from forecaster.forecasting.uncertainty import demand
from forecaster.forecasting.uncertainty import quantiles as quantiles_of
from forecaster.machine import memory
from forecaster.methods.blend import PRETRAINED
from forecaster.model.model import Model
from forecaster.pretraining.network import SIDE
from forecaster.pretraining.store import by_kind
from forecaster.pretraining.zero_shot import zero_shot

if TYPE_CHECKING:
    import pandas as pd

    from forecaster.data.findings import Finding

BYTES_A_ROW = 60
"""Of a table of paths: id, time, sample and value, and the value again while they are made."""
MOST_SAMPLED = 10**8
"""Numbers in all sampled paths together: 800 MB."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Point forecasts and intervals of S series, H steps ahead."""

    panel: Panel
    origins: Ints  # (S,) number of known rows; the first forecast is for row origins[s]
    point: Floats  # (S, H)
    lower: Floats  # (levels, S, H)
    upper: Floats  # (levels, S, H)
    levels: tuple[int, ...]
    quantiles: dict[float, Floats] = field(default_factory=dict)
    """Level between 0 and 1 -> (S, H), as asked for."""
    distribution: Spread | None = None
    """The whole distribution of the forecast; None for models of format 1."""
    possible: Possible | None = None
    """The possible values of the series, also for paths."""
    findings: tuple[Finding, ...] = ()
    """Findings in the data when it was read, and about its fit to the model."""
    acts: Bools | None = None
    """Which known covariates have an effect, confirmed in the past of the series (S, K); None: none has."""
    base: Forecast | None = None
    """Of a what-if: the forecast without its changes; NaN for series of which it is not known."""

    def to_frame(self, *, digits: int | None = MOST) -> pd.DataFrame:
        """One row per series and step; the columns for id and time keep the user's names.

        `digits`: significant digits of the largest number of a series; by default the numbers are not
        rounded. None: as many as mean something, as `data.writing.digits` says. Of a what-if, `base` and
        `difference` (forecast less base) are the last columns.
        """
        from forecaster.data.writing.forecast_table import forecast_frame

        columns = self._columns()
        shown = self._rounded(columns, "forecast", digits)
        if self.base is not None:
            others = self.base._columns()
            shown["base"] = self.base._rounded(others, "forecast", digits)["forecast"]
            apart = self._apart(shown["forecast"], shown["base"])
            tree = self.distribution.tree if isinstance(self.distribution, Coherent) else None
            shown["difference"] = rounded_like(apart, (columns, others), digits, tree) + 0.0  # no -0.0
        return forecast_frame(self.panel, self.origins, shown)

    @property
    def difference(self) -> Floats | None:
        """Of a what-if: its forecast less the base (S, H); of directions, the short way round."""
        return None if self.base is None else self._apart(self.point, self.base.point)

    def _apart(self, one: Floats, other: Floats) -> Floats:
        apart = one - other
        if self.possible is None:
            return apart
        size = self.possible.limits.circle[:, None]
        around = (apart + size / 2) % size - size / 2
        return np.where(np.abs(apart) > size / 2, around, apart)

    def _columns(self) -> dict[str, Floats]:
        """The columns of the table (S, H), without base and difference."""
        columns: dict[str, Floats] = {"forecast": self.point}
        for level, lower, upper in zip(self.levels, self.lower, self.upper, strict=True):
            columns |= {f"lo_{level}": lower, f"hi_{level}": upper}
        return columns | {f"q_{level:g}": values for level, values in self.quantiles.items()}

    def _rounded(self, columns: dict[str, Floats], adds_up: str, digits: int | None) -> dict[str, Floats]:
        """The columns, rounded; of a hierarchy, one of them adds up as printed."""
        result = rounded(columns, digits)
        if isinstance(self.distribution, Coherent):
            tree = self.distribution.tree
            result[adds_up] = rounded_sums(result[adds_up], columns, tree, digits)
        return result

    def bands(self, series: int) -> dict[int, tuple[Floats, Floats]]:
        """Lower and upper bounds (H,), (H,) of a series by level, around the forecast as pictures show them.

        An interval of directions from 350 through north to 10 is one from −10 to 10 or from 350 to 370 there.
        """
        result = {}
        size = np.nan if self.possible is None else float(self.possible.limits.circle[series])
        point = self.point[series]
        for level, lower, upper in zip(
            self.levels, self.lower[:, series], self.upper[:, series], strict=True
        ):
            if np.isfinite(size):
                across = upper - lower < size  # a whole turn stays from end to end
                lower = np.where(across, point - (point - lower) % size, lower)
                upper = np.where(across, point + (upper - point) % size, upper)
            result[level] = lower, upper
        return result

    def samples(self, count: int, seed: int = 0) -> Floats:
        """`count` paths of each series (S, count, H): what may come, with its dependence along the horizon.

        Raises UsageError for a count below 1 and ModelError for models of format 1.
        """
        most = MOST_SAMPLED // max(self.point.size, 1)
        if type(count) is not int or not 1 <= count <= most:
            raise UsageError(f"samples cannot be {count!r}", hint=f"Give a whole number from 1 to {most:,}.")
        if type(seed) is not int or seed < 0:
            raise UsageError(f"seed cannot be {seed!r}", hint="Give a whole number, 0 or more.")
        if self.distribution is None or self.possible is None:
            raise ModelError("the model was written before paths could be drawn", hint="Train it again.")
        paths = self.distribution.samples(count, np.random.default_rng(seed))
        return self.possible.paths(paths)

    def samples_to_frame(self, count: int, seed: int = 0, *, digits: int | None = MOST) -> pd.DataFrame:
        """`samples` with one row per series, path and step: id, time, sample (from 1 on), value.

        `digits`: as for `to_frame`.
        """
        from forecaster.data.writing.forecast_table import samples_frame

        rows = count * self.point.size if type(count) is int else 0  # `samples` refuses others
        if rows <= MOST_SAMPLED:
            memory.require(BYTES_A_ROW * rows, f"a table of {rows:,} rows", hint="Use fewer --samples.")
        paths = self._rounded({"value": self.samples(count, seed)}, "value", digits)["value"]
        return samples_frame(self.panel, self.origins, paths)


def forecast(
    model: Model,
    panel: Panel,
    *,
    horizon: int | None = None,
    levels: Sequence[int] | None = None,
    quantiles: Sequence[float] | None = None,
    origins: Ints | None = None,
) -> Forecast:
    """Forecast each series from its newest row, `horizon` steps ahead (the model's own by default).

    `levels` of intervals in percent, and `quantiles` between 0 and 1; None: those that the model was trained
    to give. `origins` (S,): forecast from after so many rows of each series instead; no later row is read.
    Raises ModelError where model and data do not fit each other, UsageError for a wrong level.
    """
    model.check_fits(panel)
    horizon = model.horizon if horizon is None else horizon
    if not 1 <= horizon <= model.horizon:
        raise ModelError(
            f"the model was trained to forecast {model.horizon} steps ahead, not {horizon}",
            hint=f"Use --horizon 1 to {model.horizon}, or train again with --horizon {horizon}.",
        )
    origins = panel.lengths if origins is None else origins
    check_history(model, panel, origins)
    view = cleaned(panel, origins, model.blend.scales)
    point, pretrained = _points(model, view, origins, horizon)
    check_finite(panel, point)
    options = model.options if levels is None else replace(model.options, levels=tuple(levels))
    asked = levels_of(model.options.quantiles if quantiles is None else quantiles)
    if model.half_widths is not None:
        if asked or options.levels != model.options.levels:
            raise ModelError(
                "the model was written before quantiles could be forecast", hint="Train it again."
            )
        if panel.levels:
            raise ModelError("the model was written before forecasts could add up", hint="Train it again.")
        lower, upper = _fixed_intervals(model.half_widths[:, :horizon], model, panel, origins, point)
        return Forecast(panel, origins, point, lower, upper, options.levels)
    return with_intervals(model, panel, view, origins, point, pretrained, options.levels, asked)


def with_intervals(
    model: Model,
    panel: Panel,
    view: Panel,
    origins: Ints,
    point: Floats,
    pretrained: Floats | None,
    levels: tuple[int, ...],
    asked: tuple[float, ...],
) -> Forecast:
    """The forecast of a model whose blend gave `point` (S, H) from `origins` (S,).

    `view` is the panel, `cleaned` at the origins; `pretrained`: the quantiles of the pretrained networks
    (3, S, H), where they have a share in the intervals.
    """
    limits = possible(view, origins, point.shape[1], scales=model.blend.scales, limits=model.blend.limits)
    usual = quantiles_of(model, view, origins, point, pretrained)
    distribution = _with_prices(model, view, limits, origins, point, usual)
    how = model.options.reconcile
    return finished(panel, view, origins, point, distribution, limits, levels, asked, how=how)


def _points(model: Model, view: Panel, origins: Ints, horizon: int) -> tuple[Floats, Floats | None]:
    """The blend (S, H), and the quantiles of the pretrained networks (3, S, H) if they were computed."""
    wanted = model.blend.components
    if model.distribution is not None and model.distribution.network_share:
        wanted = wanted | {PRETRAINED}
    points, quantiles = forecast_components(model.networks, model.blend, view, origins, only=wanted)
    point = blended(points, model.blend, view, origins)[:, :horizon]
    return point, None if quantiles is None else quantiles[..., :horizon]


def _with_prices(
    model: Model, view: Panel, limits: Possible, origins: Ints, point: Floats, usual: Spread
) -> Spread:
    """The distributions, those of prices by the pretrained network, which knows the volatility of now.

    Its quantiles are moved to the point forecasts (S, H) of the blend.
    """
    networks = by_kind(model.pretrained)
    price = limits.limits.kind == KINDS.index("price")
    if "prices" not in networks or not price.any():
        return usual
    horizon = point.shape[1]
    table = zero_shot(
        view, np.where(price, origins, -1), horizon, networks.__getitem__, price=price, only_prices=True
    )
    price &= np.isfinite(table).all(axis=(0, 2))
    table[:, price] *= point[price] / table[SIDE, price]
    roots = root_of(networks["prices"], np.arange(horizon), 1)[None]
    return Mixed(usual, TableQuantiles(table, roots, np.zeros(len(view), np.int64)), price)


def finished(
    panel: Panel,
    view: Panel,
    origins: Ints,
    point: Floats,
    distribution: Spread,
    limits: Possible,
    levels: tuple[int, ...],
    asked: tuple[float, ...],
    *,
    how: Reconcile = "mint",
) -> Forecast:
    """The forecast with its intervals at `levels` and the quantiles `asked`, within the possible values.

    Quantiles of intermittent demand are those of the past. `view` is the panel, `cleaned` at the origins.
    The levels of a hierarchy add up, made so as `how` says.
    """
    if panel.levels:
        point, distribution, limits = added_up(panel, view, origins, point, distribution, limits, how)
    needed = np.unique([*(0.5 + side * level / 200 for level in levels for side in (-1, 1)), *asked])
    each = np.stack([distribution.quantile(level) for level in needed], axis=2)
    around = point[:, :, None]
    each = np.where(needed < 0.5, np.minimum(each, around), np.maximum(each, around))
    sparse = np.flatnonzero(limits.intermittent)
    if sparse.size:
        each[sparse] = demand(view, origins, sparse, needed)[:, None]
    point, each = limits.bounded(point, each, needed)
    by_level = dict(zip(needed.tolist(), np.moveaxis(each, 2, 0), strict=True))
    lower = np.stack([by_level[0.5 - level / 200] for level in levels])
    upper = np.stack([by_level[0.5 + level / 200] for level in levels])
    check_finite(panel, each.reshape(len(panel), -1))
    wanted = {level: by_level[level] for level in asked}
    acts = None if view.removed is None else view.removed.acts
    return Forecast(panel, origins, point, lower, upper, levels, wanted, distribution, limits, acts=acts)


def levels_of(quantiles: Sequence[float]) -> tuple[float, ...]:
    """The levels of quantiles; UsageError for what is none."""
    low, high = RANGES["quantiles"]
    for level in quantiles:
        if isinstance(level, bool | str) or not low <= level <= high:
            raise UsageError(f"quantiles cannot be {level!r}", hint=f"Give numbers from {low:g} to {high:g}.")
    return tuple(quantiles)


def _fixed_intervals(
    half_widths: Floats, model: Model, panel: Panel, origins: Ints, point: Floats
) -> tuple[Floats, Floats]:
    """Bounds (levels, S, H) of models of format 1."""
    log = model.blend.log
    spread = local_spread(panel, origins, model.lookback, log=log)
    return intervals(point, half_widths[:, None] * spread[:, None], log=log)


def check_finite(panel: Panel, point: Floats) -> None:
    broken = np.flatnonzero(~np.isfinite(point).all(axis=1))
    if broken.size:
        raise ModelError(
            f"the forecast of series {panel.ids[broken[0]]!r} is not finite ({broken.size} such series)",
            hint="Check the data with `forecast inspect`, or train again.",
        )


def rows_looked_back_on(model: Model) -> int:
    """The model's lookback; the shortest series that it was trained on, where that is less."""
    return min(model.lookback, int(model.facts.training.get("shortest", model.lookback)))


def check_history(model: Model, panel: Panel, origins: Ints) -> None:
    """Raise ModelError where a series is shorter than what a model of format 1 looks back on."""
    least = rows_looked_back_on(model)
    short = np.flatnonzero(origins < least)
    if short.size and model.half_widths is not None:
        first = short[0]
        raise ModelError(
            f"series {panel.ids[first]!r} has {origins[first]} rows, but the model needs {least}"
            + (f" ({short.size} series are too short)" if short.size > 1 else ""),
            hint="Provide the whole history, not only the newest rows; or train with a smaller --lookback.",
        )
