"""Defaults: the rules that turn frequency, length and number of series into a configuration.

Options set by the user are kept; the others follow the data. No rule reads a value at or after the forecast
origin. Only the rules for logarithms, seasons and gaps read values at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.config import Decoder, MemberConfig, NetworkConfig, Options, Scales, TrainingConfig, limits_of
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.panel import Panel
from forecaster.errors import DataError, UsageError
from forecaster.evaluation.backtest import usual_horizon
from forecaster.features.scale_choice import UNITS, powers
from forecaster.features.seasonal_index import LEAST_SEASONS
from forecaster.features.seasonal_position import agreement
from forecaster.features.transform import Transform, fit_scaled, observed_throughout
from forecaster.features.windows import count_features
from forecaster.machine import memory
from forecaster.methods.blend import Blend
from forecaster.nn.network import flat_size, parameter_shapes
from forecaster.training.covariates import acting, facts_of, with_covariates

LONGEST_LOOKBACK = 1024
REACHES = (1.0, 0.5, 1.5)
"""Factors on the lookback, one per group of four members. Which is best differs between data sets."""
LEAST_SEGMENT, LONGEST_SEGMENT = 5, 26
"""A long season without a divisor between them is cut into about equal segments."""
LONGEST_ALTERNATIVE = 96
MOST_RATIO = 16
"""A season longer than this many usual seasons (365 days against 7) is not removed: the network learns it."""
FEW = 0.25
"""If at most this share of the series shows a season, it may be chance."""
DECODED = 3
"""Horizons that the lookback must cover for a decoder of segments."""
AGREEMENT = 0.5
"""Networks get the seasonal position if the seasonal indices of the series are at least this similar."""
VALIDATED = 24
"""Validation takes this many horizons of a single series, and √n times fewer of each of n series."""


REPORTED, MOST_REPORTED, HELD = 100, 20, 8
"""The report of `train` rests on about so many windows, from at most so many origins; a series holds out one
part in HELD of its rows."""
COPIES, GATES, FLOAT = 6, 6, 4
"""Copies of the weights (gradients, averages, the optimiser), numbers kept for each hidden unit and step of a
window, and bytes of a number."""


class _Effort(NamedTuple):
    """Size and length of training at one level of effort."""

    members: int
    steps: int
    hidden: int


EFFORTS = {"quick": _Effort(2, 750, 64), "normal": _Effort(4, 2500, 64), "best": _Effort(12, 4000, 128)}
MUCH = 200_000
"""With fewer known values, networks have at most USUAL_HIDDEN units: more cost time without a gain."""
USUAL_HIDDEN = 64
LEAST_STEPS, STEPS_A_VALUE = 300, 3
"""Steps for each known value at most, but for the least: few values are learned soon."""
BATCH = 64
"""As accurate as batches of 256 with fewer steps, in half the time."""


@dataclass(frozen=True)
class Split:
    """The ends of the parts of each series, in rows (S,): train | validation | test.

    Zero in `train`: the series is too short to hold anything out, and joins only the final training.
    """

    train: Ints
    validation: Ints

    @property
    def series(self) -> Ints:
        """The series that hold something out."""
        return np.flatnonzero(self.train > 0)


def choose_horizon(options: Options, panel: Panel) -> int:
    """The horizon set by the user, or the usual one for the frequency, shortened for short series.

    Raises DataError where the history is too short for the horizon.
    """
    longest = int(panel.lengths.max())
    horizon = options.horizon
    if horizon is None:
        horizon = usual_horizon(panel)
    if longest < horizon + 2:
        longest_id = panel.ids[int(panel.lengths.argmax())]
        raise DataError(
            f"a horizon of {horizon} needs at least {horizon + 2} rows, "
            f"but the longest series ({longest_id!r}) has {longest}",
            hint=f"Use --horizon {max(1, longest // 3)} or less, or provide more history.",
        )
    return horizon


def newest_origins(panel: Panel, horizon: int) -> Ints:
    """The newest origin of each series (S,) followed by `horizon` rows without a gap beyond `max_gap`.

    Where there is none, the length less `horizon`, but at least zero.
    """
    left = np.maximum(panel.lengths - horizon, 0)
    if not panel.broken:
        return left
    series, start, stop = panel.spans
    fits = np.flatnonzero(stop - start > horizon)
    newest = np.full(len(panel), -1)
    newest[series[fits]] = (stop - horizon - panel.offsets[series])[fits]  # in order: the newest stays
    return np.where(newest < 0, left, newest)


def reported_origins(panel: Panel, horizon: int) -> Ints:
    """The origins (O, S) of the report of `train`, one horizon apart, oldest first; -1: the series has none.

    A single long series is held out MOST_REPORTED times: one window of one series says little. With many
    series each has one. No series holds out more than one part in HELD of its rows, but for one horizon.
    """
    newest = newest_origins(panel, horizon)
    used = split(newest, horizon).train > 0
    most = int(np.clip(REPORTED // max(1, int(used.sum())), 1, MOST_REPORTED))
    own = np.where(used, np.clip(newest // (HELD * horizon), 1, most), 0)
    back = np.arange(max(1, int(own.max())) - 1, -1, -1)[:, None]
    return np.where(back < own, newest - horizon * back, -1)


def split(known: Ints, horizon: int) -> Split:
    """Hold out the newest rows before `known[s]` for validation.

    At least one horizon of each series. With few series it is several horizons, since one window says
    little, but at most a sixth of the series. A series too short to train on the rest holds nothing out.
    """
    series = max(1, int((known > 0).sum()))
    horizons = math.ceil(VALIDATED / math.sqrt(series))
    held = np.clip(known // 6, horizon, horizons * horizon)
    train = known - held
    return Split(np.where(train >= max(2, min(horizon, 4)), train, 0), known)


def plan(panel: Panel, known: Ints, horizon: int, options: Options) -> tuple[MemberConfig, ...]:
    """The configuration of every member of the ensemble, by the known rows.

    Raises UsageError for sizes beyond the data, and MemoryLimitError for those beyond the memory.
    """
    _check_sizes(options, int(panel.lengths.max()))
    partner = smoothing_partner(panel, known, options)
    rows, log = int(np.median(known[known > 0])), partner.log
    seasons = _seasons(options, panel.frequency, rows)
    fitted = fit_scaled(panel, known, scales=partner.scales, log=log, seasons=seasons, horizon=horizon)
    seasonal = _mostly_seasonal(fitted.indices, known)
    phases = _shared(panel, fitted) if seasonal else ()
    gaps = not observed_throughout(panel, known)
    acts, facts = acting(panel), facts_of(panel, known)
    configs = []
    for number in range(options.members or EFFORTS[options.effort].members):
        lookback = options.lookback or _lookback(seasons, horizon, rows, number)
        segment = _segment(options, min(seasons, default=1), lookback, alternative=number % 4 >= 2)
        decoder = options.decoder or _decoder(seasons, lookback, horizon, number, ahead=bool(acts))
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
                training=_training(options, int(known.sum())),
                level_rows=_level_rows(seasons, removed),
                scales="relative" if partner.scales == "each" else partner.scales,
            )
        )
    configs = [with_covariates(config, acts, facts) for config in configs]
    largest = max(configs, key=training_bytes)
    memory.require(
        training_bytes(largest),
        f"training a network with hidden {largest.network.hidden}, layers {largest.network.layers}, "
        f"batch {largest.training.batch} and lookback {largest.lookback}",
        hint="Use a smaller --hidden, --batch or --lookback, fewer --layers, or --unroll.",
    )
    return tuple(configs)


def _check_sizes(options: Options, longest: int) -> None:
    """Raise UsageError for a lookback, segment or season of more rows than the longest series has."""
    for name in ("lookback", "segment", "seasons"):
        value = getattr(options, name)
        size = max(value, default=1) if isinstance(value, tuple) else value or 1
        if size > longest:
            raise UsageError(
                f"{name} cannot be {size:,}: the longest series has {longest:,} rows",
                hint=f"Use --{name} {longest} or less.",
            )


def training_bytes(config: MemberConfig) -> int:
    """About how much memory training a member takes at least: its weights, and a batch with all its steps."""
    network, batch = config.network, config.training.batch
    weights = flat_size(parameter_shapes(network))
    steps = config.lookback // config.segment
    kept = min(steps, config.training.unroll or steps)
    each = steps * network.inputs + kept * network.layers * network.hidden * GATES + network.outputs
    return FLOAT * (weights * COPIES + batch * each)


def training_work(config: MemberConfig) -> float:
    """About how many multiplications the training of a member takes, if it does not stop early."""
    weights = flat_size(parameter_shapes(config.network))
    steps = config.lookback // config.segment
    return float(config.training.steps * config.training.batch * steps * weights)


def _removes_seasons(options: Options, number: int) -> bool:
    """Every other member has the seasons removed: the two kinds make different errors."""
    return number % 2 == 0 if options.deseasonalise is None else options.deseasonalise


def _level_rows(seasons: tuple[int, ...], removed: bool) -> int:
    """Rows that give the level of a window: one, or a season if seasons are not removed."""
    return 1 if removed else min(seasons, default=1)


def _mostly_seasonal(indices: tuple[Floats, ...], known: Ints) -> bool:
    """Whether more than a few of the series have a season, judged by the indices, each (S, m)."""
    if not indices:
        return False
    seasonal = np.any([index.any(axis=1) for index in indices], axis=0)[known > 0]
    return float(seasonal.mean()) > FEW


def _shared(panel: Panel, fitted: Transform) -> tuple[int, ...]:
    """The seasons that follow the calendar: the series have their peaks at the same time.

    Business days have none, because every holiday shifts their weeks.
    """
    if panel.frequency.is_business_days:
        return ()
    local = fitted.clock.local
    return tuple(m.shape[1] for m in fitted.indices if agreement(panel, m, aligned=local) > AGREEMENT)


def _takes_logarithms(options: Options, number: int, log: bool, seasonal: bool) -> bool:
    """With `log`, all members of a seasonal data set take logarithms, and every other member elsewhere."""
    if options.log is not None:
        return options.log
    return log and (seasonal or number % 2 == 0)


def smoothing_partner(panel: Panel, known: Ints, options: Options, until: Ints | None = None) -> Blend:
    """The settings of the smoothing methods by the known rows, in a Blend still without weights.

    The seasons are those that fit into the first until[s] rows, from which the forecast will be made; None:
    the known ones. At each origin a season is removed only where it fits into the rows before it.
    """
    rows = int(np.median((known if until is None else until)[known > 0]))
    scales: Scales = "logarithms" if options.log else "each"
    log = bool((powers(panel, known, scales) < UNITS).any()) if options.log is None else options.log
    seasons = _seasons(options, panel.frequency, rows)
    return Blend({}, log, seasons, scales, limits_of(options))


def _seasons(options: Options, frequency: Frequency, rows: int) -> tuple[int, ...]:
    """The seasons of the frequency that fit twice into the history and are not too long."""
    if options.seasons is not None:
        return tuple(sorted(season for season in options.seasons if season > 1))
    longest = min(rows // LEAST_SEASONS, MOST_RATIO * frequency.season)
    return tuple(sorted(season for season in frequency.seasonalities if 1 < season <= longest))


def _segment(options: Options, season: int, lookback: int, *, alternative: bool) -> int:
    """One season, or its largest divisor up to LONGEST_SEGMENT. This gains more than any other rule.

    The alternative, for variety: the whole season if a divisor was used, else half the segment.
    """
    if options.segment is not None:
        return options.segment
    usual = next(size for size in range(min(season, LONGEST_SEGMENT), 0, -1) if season % size == 0)
    if usual < LEAST_SEGMENT and season > LONGEST_SEGMENT:  # 103 bars a day: 26 are about a quarter of them
        usual = math.ceil(season / math.ceil(season / LONGEST_SEGMENT))
    if alternative and usual < season <= LONGEST_ALTERNATIVE:
        usual = season
    elif alternative and usual % 2 == 0:
        usual //= 2
    return min(usual, lookback)


def _lookback(seasons: tuple[int, ...], horizon: int, rows: int, number: int) -> int:
    """Two of the longest season or one and a half horizons, limited by the length of the history.

    Members five to eight look back half as far, members nine to twelve one and a half times as far.
    """
    least = max(2 * min(seasons, default=1), math.ceil(1.5 * horizon))
    usual = max(2 * max(seasons, default=1), least, min(20, rows // 4))
    reach = round(usual * REACHES[number // 4 % len(REACHES)])
    return max(1, min(reach, LONGEST_LOOKBACK, max(rows // 2, least), rows - 1))


def _decoder(seasons: tuple[int, ...], lookback: int, horizon: int, number: int, *, ahead: bool) -> Decoder:
    """A decoder step per segment if there are seasons and the lookback is much longer than the horizon, or if
    covariates are known `ahead`.

    Otherwise the decoder takes as long as the encoder without a gain. One network in four keeps the direct
    head, so that validation can choose.
    """
    pays = ahead or (bool(seasons) and DECODED * horizon <= lookback)
    return "segments" if pays and number % 4 < 3 else "direct"


def _network(
    options: Options,
    inputs: int,
    horizon: int,
    output_segment: int | None,
    values: int,
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


def _training(options: Options, values: int) -> TrainingConfig:
    most = max(LEAST_STEPS, STEPS_A_VALUE * values)
    return TrainingConfig(
        steps=options.steps or min(EFFORTS[options.effort].steps, most),
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
