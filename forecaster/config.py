"""Configuration: frozen dataclasses, one per stage, to and from JSON. No I/O.

    ReadConfig       what the columns mean and how the text is read     (data)
    Options          the settings of training and forecasting; None: chosen from the data
    NetworkConfig    the shape of one network                            (nn)
    TrainingConfig   how one network is trained                          (training)
    MemberConfig     one member of the ensemble: its view of the data, its network and training

`training.plan.plan` chooses the MemberConfigs from Options and a Panel.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from forecaster.errors import UsageError, brief

Cell = Literal["rnn", "gru", "lstm"]  # the names in forecaster.nn.cells.CELLS, which loads NumPy
Decoder = Literal["direct", "segments"]
LossName = Literal["mse", "mae", "huber", "pinball"]
OptimizerName = Literal["adam", "sgd"]
Effort = Literal["quick", "normal", "best"]
Reconcile = Literal["mint", "bottom-up"]
ScheduleName = Literal["constant", "cosine", "one_cycle", "step"]
Scales = Literal["each", "relative", "logarithms", "table"]
"""Each series has the scale that suits it; the same, but logarithms of all that stay well above zero;
logarithms of all that have them; one for all series (models of format 1)."""
T = TypeVar("T")
SURROGATE = re.compile("[\ud800-\udfff]")
MOST_ITEMS = 10_000
"""The most numbers in a setting that is a list."""
Duplicates = Literal["error", "mean", "last", "first"]
Aggregate = Literal["mean", "sum", "last", "first", "max", "min", "count"]
TimeUnit = Literal["ns", "us", "ms", "s", "min", "h", "D"]
Hours = Literal["0-23", "1-24"]
BadRows = Literal["error", "skip"]
Layout = Literal["one", "long", "wide", "files", "across"]

ROWS, NO_LIMIT_BELOW = 10**8, 100_000
"""The most rows of a lookback, a season or a gap; and how many are allowed whatever data there is."""
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(
        ("lookback", "segment", "seasons", "phases", "level_rows", "recent", "unroll"), (1, ROWS)
    ),
    **dict.fromkeys(("horizon", "outputs", "output_segment", "inputs", "batch"), (1, 1_000_000)),
    **dict.fromkeys(("skip", "skip_end"), (0, ROWS)),
    **dict.fromkeys(("patience", "check_every"), (0, 10**9)),
    **dict.fromkeys(("weight_decay", "clip"), (0, math.inf)),
    **dict.fromkeys(("average", "momentum"), (0, 1)),
    **dict.fromkeys(("lower", "upper"), (-math.inf, math.inf)),
    **dict.fromkeys(("rate", "delta", "circular"), (1e-12, math.inf)),
    **dict.fromkeys(("quantile", "quantiles"), (0.001, 0.999)),
    "hidden": (1, 65_536),
    "members": (1, 1000),
    **dict.fromkeys(("steps", "max_bytes"), (1, 10**15)),
    "workers": (1, 4096),
    "seed": (0, 2**63 - 1),
    "layers": (1, 100),
    "dropout": (0, 0.95),
    "levels": (1, 99),
    "keep": (0, 999),
}
"""Smallest and largest value of each numeric setting, whichever configuration has it."""


@dataclass(frozen=True)
class ReadConfig:
    """What the columns mean and how the text is read. None: inferred from the whole file."""

    time: str | None = None
    id: str | None = None
    target: tuple[str, ...] | None = None
    """One name, or several value columns of a wide table. Each column of a wide table becomes a series."""
    covariates: tuple[str, ...] = ()
    hierarchy: tuple[str, ...] = ()
    """Columns whose values are parts of an id, or one of ids such as north/shop: sums are forecast too."""
    layout: Layout | None = None
    """one: a single series; long: an id column; wide: each target column is a series; files: each file is;
    across: columns are times, such as years, or parts of times, such as the months of a year in each row."""
    freq: str | None = None
    """A pandas offset alias such as h, 30min, D, B, W-SUN, MS, ME, QS, YS."""
    every: str | None = None
    """A step such as 5min: readings at irregular times are resampled to this grid."""
    agg: Aggregate | None = None
    """How readings within one step of `freq` or `every` are combined; None: their mean for `every`."""
    max_gap: str | int | None = None
    """The longest gap that is filled: missing rows, a duration such as 2h, or any; None: two seasons."""
    calendar: str | None = None
    """An exchange, such as XNYS, whose holidays the library exchange_calendars knows."""
    adjust_splits: bool = False
    """Adjust prices before a jump that looks like a stock split."""
    difference: bool = False
    """Forecast the rate of a counter: the difference of each value to that of the row before."""
    delimiter: str | None = None
    encoding: str | None = None
    max_bytes: int | None = None
    """The most that a packed file may grow to; None: a multiple of its size, at least 1 GiB (gzip) or 128 MiB
    (Parquet)."""
    quote: str | None = None
    escape: str | None = None
    """The character before a quote inside a quoted cell, where quotes are not doubled."""
    header: bool | None = None
    """True: the first line is a header; False: there is none, and columns are named column_1, column_2 ..."""
    skip: int = 0
    """Lines above the table to skip, such as a preamble."""
    skip_end: int = 0
    """Lines below the table to skip, such as totals and notes."""
    decimal: str | None = None
    """Decimal mark; None: a point."""
    thousands: str | None = None
    """Thousands separator; None: inferred where a cell has only one possible reading."""
    strip: str = ""
    """Characters to remove from numbers, such as $ or %."""
    na: tuple[str, ...] = ()
    """Further words that mean a missing value."""
    date_format: str | None = None
    """iso, ymd, dmy, mdy, named, period, year; s, ms, us, ns, epoch since 1970; `s since 2020-01-01`; or a
    strptime pattern such as %d.%m.%Y."""
    start: str | None = None
    """The time of the first row, if no column holds times: rows are one step of `freq` apart."""
    time_unit: TimeUnit | None = None
    """The time column counts these from `start`; without one, from 1970."""
    hours: Hours | None = None
    """How a column of hours beside a date numbers them: 0-23, or 1-24 with the first hour of the day as 1."""
    tz: str | None = None
    """Times without a zone are in this one; times with a zone are shown in it."""
    duplicates: Duplicates = "error"
    bad_rows: BadRows = "error"
    strict: bool = False
    """Treat every repair as an error."""

    def __post_init__(self) -> None:
        _check_ranges(self)
        _check_text(self)


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of one network: embedding (optional) -> recurrent stack -> direct head or segment decoder."""

    cell: Cell = "gru"
    inputs: int = 1
    """F: features of one recurrent step (a segment of s observations of c channels is s*c)."""
    hidden: int = 64
    """H: units of each layer."""
    layers: int = 1
    outputs: int = 1
    """K: outputs of the network."""
    output_segment: int | None = None
    """Outputs of one decoder step; None: a direct head for all outputs."""
    embedding: bool = True
    """A linear layer with ReLU from F to H before the recurrent stack."""
    dropout: float = 0.0
    """Probability of dropping a unit: after the embedding, between layers and before the head."""

    def __post_init__(self) -> None:
        _check_ranges(self)


@dataclass(frozen=True)
class TrainingConfig:
    """How one network is trained."""

    steps: int = 1000
    batch: int = 256
    rate: float = 3e-3
    loss: LossName = "mae"
    quantile: float = 0.5
    """The level of the pinball loss."""
    delta: float = 1.0
    """Error at which the Huber loss turns from quadratic to linear."""
    optimizer: OptimizerName = "adam"
    momentum: float = 0.9
    """Of SGD."""
    weight_decay: float = 0.0
    """Decoupled, per unit of learning rate."""
    clip: float = 1.0
    """Largest global norm of the gradient; 0 turns clipping off."""
    schedule: ScheduleName = "one_cycle"
    unroll: int | None = None
    """Steps through which gradients flow back (truncated BPTT); None: all of them."""
    average: float = 0.99
    """Decay of the moving average of the weights, which validation and forecasts use; 0: no average."""
    check_every: int = 50
    """Steps between two validation passes."""
    patience: int = 10
    """Validation passes without progress before training stops early; 0 turns early stopping off."""
    recent: int | None = None
    """Draw only windows whose forecast origin lies within this many rows of the end; None: all."""

    def __post_init__(self) -> None:
        _check_ranges(self)


@dataclass(frozen=True)
class MemberConfig:
    """One member of the ensemble: how it sees a window, its network and its training."""

    horizon: int
    lookback: int
    """L: observations in a window; a multiple of `segment`."""
    segment: int
    """s: observations per recurrent step."""
    log: bool
    seasons: tuple[int, ...]
    """Seasons, in rows, removed before the network."""
    gaps: bool
    """Whether an input of the network says which rows were observed."""
    phases: tuple[int, ...]
    """Seasons, in rows, whose seasonal position is an input of the network."""
    seed: int
    network: NetworkConfig
    training: TrainingConfig
    level_rows: int = 1
    """Rows whose mean is the level of a window."""
    scales: Scales = "table"
    """What `log` means for each series."""

    def __post_init__(self) -> None:
        _check_ranges(self)
        if self.lookback % self.segment:
            raise UsageError(f"lookback {self.lookback} is not a multiple of segment {self.segment}")


@dataclass(frozen=True)
class Limits:
    """What forecasts must respect, as a user says. None: learned from each series."""

    lower: float | None = None
    upper: float | None = None
    integer: bool | None = None
    circular: float | None = None

    def __post_init__(self) -> None:
        _check_ranges(self)


@dataclass(frozen=True)
class Options:
    """The settings of training and forecasting. None: chosen from the data by `training.plan`."""

    horizon: int | None = None
    effort: Effort = "normal"
    """Training time: relative to quick, normal takes about 5 times and best 30 times as long."""
    lookback: int | None = None
    segment: int | None = None
    seasons: tuple[int, ...] | None = None
    """Lengths of the seasons, in rows; empty: none."""
    log: bool | None = None
    deseasonalise: bool | None = None
    """Whether seasons are removed before the network; None: in every other member."""
    cell: Cell = "gru"
    hidden: int | None = None
    layers: int = 1
    dropout: float = 0.0
    decoder: Decoder | None = None
    """direct: one head for the whole horizon; segments: a decoder step for each segment of the horizon."""
    members: int | None = None
    pretrained: bool = True
    """Whether networks pretrained on synthetic series join the blend."""
    steps: int | None = None
    batch: int | None = None
    rate: float | None = None
    loss: LossName = "mae"
    quantile: float = 0.5
    optimizer: OptimizerName = "adam"
    weight_decay: float = 0.0
    clip: float = 1.0
    schedule: ScheduleName = "one_cycle"
    unroll: int | None = None
    patience: int | None = None
    refit: bool = True
    """Train on all rows after the error report: continue, or restart with the steps validation chose."""
    keep_on_interrupt: bool = False
    """When interrupted, save the best model so far."""
    reconcile: Reconcile = "mint"  # how a hierarchy adds up: by minimum trace, or as sums of the bottom
    levels: tuple[int, ...] = (80, 95)
    """Coverage of the prediction intervals, in percent."""
    quantiles: tuple[float, ...] = ()
    """Quantiles to forecast in addition, between 0 and 1."""
    lower: float | None = None
    """The least value that can happen; None: learned from each series, as for the next three."""
    upper: float | None = None
    integer: bool | None = None
    """Whether values are whole numbers."""
    circular: float | None = None
    """Values wrap around from this to 0, such as 360 for directions."""
    seed: int = 0
    workers: int | None = None
    """Number of cores; None: all. Never changes the result."""

    def __post_init__(self) -> None:
        _check_ranges(self)
        if self.lower is not None and self.upper is not None and self.lower >= self.upper:
            raise UsageError(f"lower cannot be {self.lower:g}, upper is {self.upper:g}")
        if self.circular is not None and (self.lower is not None or self.upper is not None):
            raise UsageError(
                f"circular already sets the limits to 0 and {self.circular:g}",
                hint="Leave lower and upper out.",
            )
        if not self.levels:
            raise UsageError("levels cannot be empty", hint="Give at least one, such as 80.")


def limits_of(options: Options) -> Limits:
    """The limits among the options."""
    return Limits(options.lower, options.upper, options.integer, options.circular)


def _check_ranges(config: Any) -> None:
    """Raise UsageError for a number, or a number in a tuple, outside the range of its setting."""
    for name, (low, high) in RANGES.items():
        value = getattr(config, name, None)
        if isinstance(value, tuple) and len(value) > MOST_ITEMS:
            raise UsageError(f"{name} has {len(value):,} items", hint=f"Give {MOST_ITEMS:,} or fewer.")
        for number in value if isinstance(value, tuple) else (value,):
            if number is not None and not (low <= number <= high and abs(number) < math.inf):
                raise UsageError(f"{name} cannot be {brief(number)}", hint=f"Give {_limits(low, high)}.")


def _limits(low: float, high: float) -> str:
    """A range in words."""
    least, most = (f"{end:g}" if isinstance(end, float) else f"{end}" for end in (low, high))
    return (
        "a number" if low == -math.inf else f"{least} or more" if high == math.inf else f"{least} to {most}"
    )


def _check_text(config: Any) -> None:
    """Raise UsageError for text that is not Unicode, as arguments that are not UTF-8 arrive."""
    for name, value in vars(config).items():
        if SURROGATE.search("".join(value) if isinstance(value, tuple) else str(value)):
            raise UsageError(f"{name} cannot be {brief(value)}: it is not UTF-8", hint="Type it as UTF-8.")


def to_json(config: Any) -> dict[str, Any]:
    """The dataclass as plain JSON values."""
    return dataclasses.asdict(config)


def from_json(kind: type[T], values: dict[str, Any]) -> T:
    """The dataclass `kind` from JSON values. UsageError for unknown, missing or wrongly typed fields."""
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise UsageError(f"{kind.__name__} has no setting {unknown[0]!r}", hint="Known: " + ", ".join(hints))
    try:
        return kind(**{name: _convert(hints[name], value, name) for name, value in values.items()})
    except TypeError as error:
        raise UsageError(f"{kind.__name__}: {error}") from error


def _convert(hint: Any, value: Any, name: str) -> Any:
    """`value` as the type `hint`; UsageError, with the name of the field, where that is not possible."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is dict and isinstance(value, dict):
        return {key: _convert(args[1], item, f"{name}.{key}") for key, item in value.items()}
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        kinds = [arg for arg in args if arg is not type(None)]
        if len(kinds) > 1 and not isinstance(value, tuple(kinds)):
            raise UsageError(f"{name} cannot be {brief(value)}", hint=f"Give {_expected(hint)}.")
        return _convert(next((kind for kind in kinds if type(value) is kind), kinds[0]), value, name)
    if origin is Literal:
        if value in args:
            return value
        raise UsageError(
            f"{name} cannot be {brief(value)}", hint="Choose one of " + ", ".join(map(str, args))
        )
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(args[0], item, name) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_json(typing.cast(type, hint), value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**1023 else math.inf  # which no range contains
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise UsageError(f"{name} cannot be {brief(value)}", hint=f"Give {_expected(hint)}.")


def _expected(hint: Any) -> str:
    """The type `hint` in words."""
    args = [arg for arg in typing.get_args(hint) if arg not in (type(None), ...)]
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_expected, args))
    if origin is tuple:
        return f"a list, each item {_expected(args[0])}"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(
        hint, "named values"
    )
