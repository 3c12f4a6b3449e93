"""A batch: what a network learns from or predicts from."""

from collections.abc import Callable
from dataclasses import dataclass

from forecaster.arrays import Array
from forecaster.nn.side_inputs import Codes, SideInputs
from forecaster.nn.stack import Mask


@dataclass(frozen=True)
class Batch:
    """Columns of a batch: inputs (T, F, B), targets (K, B), mask (T, B), weights (K, B).

    mask None: no padding. weights None: all ones. Prediction needs no targets. ahead (m, G, B), static (N, B)
    and codes (D, B) as in `SideInputs`.
    """

    inputs: Array
    targets: Array | None = None
    mask: Mask | None = None
    weights: Array | None = None
    ahead: Array | None = None
    static: Array | None = None
    codes: Codes | None = None

    @property
    def side(self) -> SideInputs:
        """What is read beside the inputs."""
        return SideInputs(self.ahead, self.static, self.codes)


Gather = Callable[[int, int], Batch]
"""gather(start, stop) -> these columns of a batch. A pure function; worker threads call it."""
