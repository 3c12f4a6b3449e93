"""Defaults: the rules that turn frequency, length and number of series into a configuration.

Whatever a user sets is kept; the rest follows the data. No rule reads a value at or after the forecast
origin; only `log` and the season look at values at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecaster.blend import Blend
from forecaster.config import MemberConfig, NetworkConfig, Options, TrainingConfig
from forecaster.data.calendar import Frequency
from forecaster.data.panel import Panel
from forecaster.errors import DataError, UsageError
from forecaster.transform import observed_throughout, positive
from forecaster.windows import count_features

Ints = NDArray[np.int64]

LONGEST_LOOKBACK = 1024
LONGEST_SEGMENT = 26
MOST_RATIO = 16
"""A season longer than this many of the usual one (365 days beside 7) is left to the network."""
USUAL_HORIZON = {7: 14, 5: 10, 52: 13, 12: 12, 4: 8, 1: 6}
"""Season -> horizon for days and longer; within a day the horizon is one season."""
VALIDATED = 24
"""Validation spans this many horizons of a single series; n series, which move together in part, √n fewer."""


@dataclass(frozen=True)
class Split:
    """Where the parts of each series end, in rows (S,): train | validation | test.

    Zero in `train`: the series is too short to hold anything out; it joins the final training only.
    """

    train: Ints
    validation: Ints

    @property
    def series(self) -> Ints:
        """The series that hold something out."""
        return np.flatnonzero(self.train > 0)


def choose_horizon(options: Options, panel: Panel) -> int:
    """The horizon asked for, or a usual one for the frequency that leaves the data long enough.

    Raises DataError where the history is shorter than the horizon asked for.
    """
    longest = int(panel.lengths.max())
    horizon = options.horizon
    if horizon is None:
        season = panel.frequency.season
        horizon = max(1, min(USUAL_HORIZON.get(season, season), longest // 5))
    if horizon < 1:
        raise UsageError(f"the horizon is {horizon}", hint="Ask for --horizon 1 or more.")
    if longest < horizon + 2:
        where = panel.ids[int(panel.lengths.argmax())]
        raise DataError(
            f"a horizon of {horizon} needs at least {horizon + 2} rows, "
            f"the longest series ({where!r}) has {longest}",
            hint=f"Ask for --horizon {max(1, longest // 3)} or less, or give more history.",
        )
    return horizon


def split(known: Ints, horizon: int) -> Split:
    """Hold out the newest rows before `known[s]` for validation.

    One horizon of each series that is long enough; where the series are few, several horizons, since one
    window says little, but no more than a sixth of the series. A series that would keep next to nothing to
    learn from holds nothing out.
    """
    series = max(1, int((known > 0).sum()))
    horizons = math.ceil(VALIDATED / math.sqrt(series))
    held = np.clip(known // 6, horizon, horizons * horizon)
    train = known - held
    return Split(np.where(train >= max(2, min(horizon, 4)), train, 0), known)


def plan(panel: Panel, known: Ints, horizon: int, options: Options) -> tuple[MemberConfig, ...]:
    """The configuration of every member of the ensemble."""
    rows = int(np.median(known[known > 0]))
    seasons = _seasons(options, panel.frequency, rows)
    season = min(seasons, default=1)
    segment = options.segment or _segment(season)
    lookback = options.lookback or _lookback(seasons, horizon, rows)
    segment = min(segment, lookback) if options.segment is None else segment
    lookback = segment * math.ceil(lookback / segment)
    log = positive(panel, known) if options.log is None else options.log
    gaps = not observed_throughout(panel, known)
    return tuple(
        MemberConfig(
            horizon=horizon,
            lookback=lookback,
            segment=segment,
            log=log,
            seasons=view,
            gaps=gaps,
            seed=options.seed + number,
            network=_network(options, panel, segment, horizon, gaps),
            training=_training(options, int(known.sum())),
        )
        for number, view in enumerate(_views(options, seasons))
    )


def theta_partner(panel: Panel, known: Ints, options: Options) -> Blend:
    """How Theta treats seasons, before anything is weighed."""
    rows = int(np.median(known[known > 0]))
    log = positive(panel, known) if options.log is None else options.log
    return Blend({}, log, _seasons(options, panel.frequency, rows))


def _seasons(options: Options, frequency: Frequency, rows: int) -> tuple[int, ...]:
    """The seasons of the frequency that fit three times into the history and are not far apart."""
    if options.seasons is not None:
        return tuple(sorted(season for season in options.seasons if season > 1))
    longest = min(rows // 3, MOST_RATIO * frequency.season)
    return tuple(sorted(season for season in frequency.seasonalities if 1 < season <= longest))


def _segment(season: int) -> int:
    """One season, or its largest divisor that is short enough (recipe: the largest single gain)."""
    return next(size for size in range(min(season, LONGEST_SEGMENT), 0, -1) if season % size == 0)


def _lookback(seasons: tuple[int, ...], horizon: int, rows: int) -> int:
    """Two of the longest season, or one and a half horizons, and at most half of the history."""
    usual = max(2 * max(seasons, default=1), math.ceil(1.5 * horizon), min(20, rows // 4))
    return max(1, min(usual, LONGEST_LOOKBACK, max(rows // 2, 2 * min(seasons, default=1)), rows - 1))


def _views(options: Options, seasons: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The seasons that each member removes: one all, the next none, since they err differently."""
    removes = [number % 2 == 0 for number in range(options.members or 2)]
    if options.deseasonalise is not None:
        removes = [options.deseasonalise] * len(removes)
    return [seasons if removed else () for removed in removes]


def _network(options: Options, panel: Panel, segment: int, horizon: int, gaps: bool) -> NetworkConfig:
    return NetworkConfig(
        cell=options.cell,
        inputs=count_features(panel.values.shape[1], segment, gaps),
        hidden=options.hidden or 64,
        layers=options.layers,
        outputs=horizon,
        embedding=True,
        dropout=options.dropout,
    )


def _training(options: Options, rows: int) -> TrainingConfig:
    return TrainingConfig(
        steps=options.steps or 1000,
        batch=options.batch or 256,
        rate=options.rate or 3e-3,
        loss=options.loss,
        quantile=options.quantile,
        optimizer=options.optimizer,
        weight_decay=options.weight_decay,
        clip=options.clip,
        schedule=options.schedule,
        unroll=options.unroll,
        patience=10 if options.patience is None else options.patience,
    )
