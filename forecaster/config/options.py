"""The settings of training and forecasting, as a user sets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecaster.config.networks import Cell, LossName, OptimizerName, ScheduleName
from forecaster.config.ranges import check_ranges
from forecaster.errors import UsageError

Decoder = Literal["direct", "segments"]
Reconcile = Literal["mint", "bottom-up"]
Effort = Literal["quick", "normal", "best"]


@dataclass(frozen=True)
class Limits:
    """What forecasts must respect, as a user says. None: learned from each series."""

    lower: float | None = None
    upper: float | None = None
    integer: bool | None = None
    circular: float | None = None

    def __post_init__(self) -> None:
        check_ranges(self)


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
    levels: tuple[int, ...] = (80, 95)
    """Coverage of the prediction intervals, in percent."""
    quantiles: tuple[float, ...] = ()
    """Quantiles to forecast in addition, between 0 and 1."""
    lower: float | None = None
    """The least value that can happen; None: learned from each series, as for the next three."""
    upper: float | None = None
    integer: bool | None = None
    """Whether values are whole numbers."""
    reconcile: Reconcile = "mint"
    """How a hierarchy adds up: by minimum trace, or as sums of the bottom."""
    circular: float | None = None
    """Values wrap around from this to 0, such as 360 for directions."""
    seed: int = 0
    workers: int | None = None
    """Number of cores; None: all. Never changes the result."""

    def __post_init__(self) -> None:
        check_ranges(self)
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
