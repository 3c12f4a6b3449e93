"""Defaults: the rules that turn frequency, length and number of series into a configuration.

Whatever a user sets is kept; the rest follows the data. No rule reads a value at or after the forecast
origin; only `log` and the season look at values at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Decoder, MemberConfig, NetworkConfig, Options, TrainingConfig
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.panel import Panel
from forecaster.errors import DataError
from forecaster.features.seasonal_position import agreement
from forecaster.features.transform import fit_transform, observed_throughout, positive
from forecaster.features.windows import count_features
from forecaster.methods.blend import Blend

LONGEST_LOOKBACK = 1024
REACHES = (1.0, 0.5, 1.5)
"""Lookbacks of each four members, for the sake of variety: which is best differs from set to set."""
LONGEST_SEGMENT = 26
LONGEST_ALTERNATIVE = 96
MOST_RATIO = 16
"""A season longer than this many of the usual one (365 days beside 7) is left to the network."""
FEW = 0.25
"""Where fewer of the series show a season, chance may have found it."""
DECODED = 3
"""Horizons that the lookback must hold for a decoder of segments."""
AGREEMENT = 0.5
"""Networks are told the phase of a season where the patterns of the series are at least so much alike."""
USUAL_HORIZON = {7: 14, 5: 10, 52: 13, 12: 12, 4: 8, 1: 6}
"""Season -> horizon for days and longer; within a day the horizon is one season."""
VALIDATED = 24
"""Validation spans this many horizons of a single series; n series, which move together in part, √n fewer."""


class _Effort(NamedTuple):
    """What more time is spent on."""

    members: int
    steps: int
    hidden: int


EFFORTS = {"quick": _Effort(2, 750, 64), "normal": _Effort(4, 2500, 64), "best": _Effort(12, 4000, 128)}
MUCH = 200_000
"""With fewer known values, networks have USUAL_HIDDEN units at most: more would bring nothing but time."""
USUAL_HIDDEN = 64
BATCH = 64
"""More steps with less in each: at the same accuracy, half the time of batches of 256."""


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
    if longest < horizon + 2:
        where = panel.ids[int(panel.lengths.argmax())]
        raise DataError(
            f"a horizon of {horizon} needs at least {horizon + 2} rows, "
            f"the longest series ({where!r}) has {longest}",
            hint=f"Ask for --horizon {max(1, longest // 3)} or less, or give more history.",
        )
    return horizon


def newest_origins(panel: Panel, horizon: int) -> Ints:
    """The newest origin of each series (S,) that whole `horizon` rows follow, with no gap too long to cross.

    Where there is none, the rows that `horizon` leaves; zero where it leaves nothing.
    """
    left = np.maximum(panel.lengths - horizon, 0)
    if not panel.broken:
        return left
    series, start, stop = panel.spans
    fits = np.flatnonzero(stop - start > horizon)
    newest = np.full(len(panel), -1)
    newest[series[fits]] = (stop - horizon - panel.offsets[series])[fits]  # in order, so that the last stays
    return np.where(newest < 0, left, newest)


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


def plan(
    panel: Panel, known: Ints, horizon: int, options: Options, *, log: bool | None = None
) -> tuple[MemberConfig, ...]:
    """The configuration of every member of the ensemble.

    `log`: whether the data has logarithms; None: as the known rows say. `options.log` overrides it.
    """
    rows = int(np.median(known[known > 0]))
    seasons = _seasons(options, panel.frequency, rows)
    if log is None or options.log is not None:
        log = positive(panel, known) if options.log is None else options.log
    indices = fit_transform(panel, known, log=log, seasons=seasons, horizon=horizon).indices
    seasonal = _mostly_seasonal(indices, known)
    phases = _shared(panel, indices) if seasonal else ()
    gaps = not observed_throughout(panel, known)
    configs = []
    for number in range(options.members or EFFORTS[options.effort].members):
        lookback = options.lookback or _lookback(seasons, horizon, rows, number)
        segment = _segment(options, min(seasons, default=1), lookback, alternative=number % 4 >= 2)
        decoder = options.decoder or _decoder(seasons, lookback, horizon, number)
        output_segment = min(segment, horizon) if decoder == "segments" else None
        removed = _removes_seasons(options, number)
        configs.append(
            MemberConfig(
                horizon=horizon,
                lookback=segment * math.ceil(lookback / segment),
                segment=segment,
                log=_takes_logarithms(options, number, log, seasonal),
                seasons=seasons if removed else (),
                gaps=gaps,
                phases=phases,
                seed=options.seed + number,
                network=_network(
                    options,
                    count_features(panel.values.shape[1], segment, gaps, phases),
                    horizon,
                    output_segment,
                    int(known.sum()),
                ),
                training=_training(options),
                level_rows=_level_rows(seasons, removed),
            )
        )
    return tuple(configs)


def _removes_seasons(options: Options, number: int) -> bool:
    """One member with its seasons removed, the next without, since they err differently."""
    return number % 2 == 0 if options.deseasonalise is None else options.deseasonalise


def _level_rows(seasons: tuple[int, ...], removed: bool) -> int:
    """The last value is the level of a window; where it still has its season, the mean of the last one."""
    return 1 if removed else min(seasons, default=1)


def _mostly_seasonal(indices: tuple[Floats, ...], known: Ints) -> bool:
    """Whether a season is found in more than a few of the series, given their indices, each (S, m)."""
    if not indices:
        return False
    found = np.any([index.any(axis=1) for index in indices], axis=0)[known > 0]
    return float(found.mean()) > FEW


def _shared(panel: Panel, indices: tuple[Floats, ...]) -> tuple[int, ...]:
    """The seasons that the calendar explains: the series agree on when their peaks are.

    Business days are none of it: their weeks slip at every holiday.
    """
    if panel.frequency.is_business_days:
        return ()
    return tuple(index.shape[1] for index in indices if agreement(panel, index) > AGREEMENT)


def _takes_logarithms(options: Options, number: int, log: bool, seasonal: bool) -> bool:
    """Where there is no season to see in two ways, every other member sees the values as they are."""
    if options.log is not None:
        return options.log
    return log and (seasonal or number % 2 == 0)


def smoothing_partner(panel: Panel, known: Ints, options: Options, *, log: bool | None = None) -> Blend:
    """How smoothing treats the data, before anything is weighed. `log` as in `plan`."""
    rows = int(np.median(known[known > 0]))
    log = positive(panel, known) if log is None else log
    return Blend({}, log if options.log is None else options.log, _seasons(options, panel.frequency, rows))


def _seasons(options: Options, frequency: Frequency, rows: int) -> tuple[int, ...]:
    """The seasons of the frequency that fit three times into the history and are not far apart."""
    if options.seasons is not None:
        return tuple(sorted(season for season in options.seasons if season > 1))
    longest = min(rows // 3, MOST_RATIO * frequency.season)
    return tuple(sorted(season for season in frequency.seasonalities if 1 < season <= longest))


def _segment(options: Options, season: int, lookback: int, *, alternative: bool) -> int:
    """One season, or its largest divisor that is short enough (recipe: the largest single gain).

    The alternative, for the sake of variety: a whole season where that was too long, else half of one.
    """
    if options.segment is not None:
        return options.segment
    usual = next(size for size in range(min(season, LONGEST_SEGMENT), 0, -1) if season % size == 0)
    if alternative and usual < season <= LONGEST_ALTERNATIVE:
        usual = season
    elif alternative and usual % 2 == 0:
        usual //= 2
    return min(usual, lookback)


def _lookback(seasons: tuple[int, ...], horizon: int, rows: int, number: int) -> int:
    """Two of the longest season or one and a half horizons; no more than that and half of the history.

    Members five to eight look back less far, those after them farther.
    """
    least = max(2 * min(seasons, default=1), math.ceil(1.5 * horizon))
    usual = max(2 * max(seasons, default=1), least, min(20, rows // 4))
    reach = round(usual * REACHES[number // 4 % len(REACHES)])
    return max(1, min(reach, LONGEST_LOOKBACK, max(rows // 2, least), rows - 1))


def _decoder(seasons: tuple[int, ...], lookback: int, horizon: int, number: int) -> Decoder:
    """A decoder step for each segment where there are seasons and the lookback is long beside the horizon.

    Elsewhere the decoder takes as long as the encoder and brings nothing. One network of each four keeps the
    direct head, so that the blend can choose by validation.
    """
    pays = bool(seasons) and DECODED * horizon <= lookback
    return "segments" if pays and number % 4 < 3 else "direct"


def _network(
    options: Options, inputs: int, horizon: int, output_segment: int | None, values: int
) -> NetworkConfig:
    most = EFFORTS[options.effort].hidden
    return NetworkConfig(
        cell=options.cell,
        inputs=inputs,
        hidden=options.hidden or (most if values >= MUCH else min(most, USUAL_HIDDEN)),
        layers=options.layers,
        outputs=horizon,
        output_segment=output_segment,
        embedding=True,
        dropout=options.dropout,
    )


def _training(options: Options) -> TrainingConfig:
    return TrainingConfig(
        steps=options.steps or EFFORTS[options.effort].steps,
        batch=options.batch or BATCH,
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
