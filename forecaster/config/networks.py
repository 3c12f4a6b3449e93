"""The shape, the training and the view of the data of each network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecaster.config.ranges import check_ranges
from forecaster.errors import UsageError

Cell = Literal["rnn", "gru", "lstm"]  # the names in forecaster.nn.cells.CELLS, which loads NumPy
LossName = Literal["mse", "mae", "huber", "pinball"]
OptimizerName = Literal["adam", "sgd"]
ScheduleName = Literal["constant", "cosine", "one_cycle", "step"]
Scales = Literal["each", "relative", "logarithms", "table"]
"""Each series has the scale that suits it; the same, but logarithms of all that stay well above zero;
logarithms of all that have them; one for all series (models of format 1)."""


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
    known: int = 0  # G: numbers known of each segment of the outputs; for a segment decoder
    static: int = 0  # N: numbers that do not change in a sequence
    categories: tuple[int, ...] = ()  # words of each static category, without the code 0 of unseen words

    def __post_init__(self) -> None:
        check_ranges(self)
        if min(self.known, self.static, *self.categories) < 0 or (self.known and not self.output_segment):
            raise UsageError("known, static and categories are 0 or more; known needs output_segment")


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
        check_ranges(self)


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
    known: tuple[str, ...] = ()
    """Known covariates that the network reads, of the past and of the horizon."""
    known_width: int = 0
    """Numbers that it reads of them in each row: one of a number, one of each word."""
    static: tuple[str, ...] = ()
    """Static facts that it reads."""
    static_centre: tuple[float, ...] = ()
    """Mean of each static number over the series of training, and their spread."""
    static_scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.lookback % self.segment:
            raise UsageError(f"lookback {self.lookback} is not a multiple of segment {self.segment}")
