"""What a network reads beside the steps of a sequence: values known ahead, and facts that do not change.

Notation as in `cells.base`, and W for the width of what a step of a stack reads:

    a_j (G, B)    numbers known of segment j of the outputs, j = 0 … m-1; how they are used: `decoder`
    n (N, B)      static numbers
    c_i (B,)      the word of static category i: 1 … its number of words; 0: missing, or not seen in training
    s (W, B)      static vector V n + Σ_i E_i[c_i]; E_i has a learned row for each word (Guo & Berkhahn 2016)

Every step of the encoder and of the decoder reads s: it is added to what the embedding gives before its ReLU,
as if n and the words were inputs of each step, or to the inputs themselves where there is no embedding.

V and E begin at zero: a network begins as one without facts, and facts that say nothing cost little. Row 0 of
E_i learns from the columns that have the code 0: in training, give it to 5 to 10 % of the columns, so that it
means "any word". A category that changes from row to row has no place here: as one-hot rows of the inputs and
of a, its words have learned vectors too, the columns of the weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecaster.arrays import Array
from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn.cells.base import Shapes

Codes = NDArray[np.integer[Any]]
NUMBERS, CATEGORY = "static.numbers", "static.category"


@dataclass(frozen=True)
class SideInputs:
    """Columns of a batch; None for what the network does not read."""

    ahead: Array | None = None
    """a (m, G, B); zeros where the last segment reaches beyond the outputs."""
    static: Array | None = None
    """n (N, B)."""
    codes: Codes | None = None
    """c (D, B)."""


NO_SIDE = SideInputs()


def static_shapes(config: NetworkConfig, width: int) -> Shapes:
    """Names and shapes of V (W, N) and of each E_i (words + 1, W)."""
    numbers: Shapes = {NUMBERS: (width, config.static)} if config.static else {}
    return numbers | {f"{CATEGORY}{i}": (words + 1, width) for i, words in enumerate(config.categories)}


def static_vector(parameters: dict[str, Array], side: SideInputs) -> Array | None:
    """s (W, B); None where nothing is static."""
    terms: list[Array] = []
    if side.static is not None:
        terms.append(parameters[NUMBERS] @ np.asarray(side.static, parameters[NUMBERS].dtype))
    if side.codes is not None:
        terms += [parameters[f"{CATEGORY}{i}"][codes].T for i, codes in enumerate(side.codes)]
    return sum(terms[1:], terms[0]) if terms else None


def static_backward(side: SideInputs, d_vector: Array, gradients: dict[str, Array]) -> None:
    """dV = ds nᵀ; dE_i[k] = Σ ds over the columns with c_i = k."""
    if side.static is not None:
        np.matmul(d_vector, np.asarray(side.static, d_vector.dtype).T, gradients[NUMBERS])
    for i, codes in enumerate(() if side.codes is None else side.codes):
        table = gradients[f"{CATEGORY}{i}"]
        table[...] = 0
        np.add.at(table, codes, d_vector.T)  # a word may occur in many columns


def static_input_gradient(parameters: dict[str, Array], d_vector: Array) -> Array:
    """dn = Vᵀ ds, (N, B)."""
    return np.asarray(parameters[NUMBERS].T @ d_vector)


def check_side(config: NetworkConfig, side: SideInputs, segments: int, batch: int, *, ahead: bool) -> None:
    """Raises ForecasterError for a shape or a code that does not fit, and for what is missing or not read.

    Without `ahead`, the values known ahead may be missing.
    """
    if ahead or side.ahead is not None:
        _check_shape("known values ahead", "(m, G, B)", side.ahead, (segments, config.known, batch))
    _check_shape("static numbers", "(N, B)", side.static, (config.static, batch))
    _check_shape("codes", "(D, B)", side.codes, (len(config.categories), batch))
    if side.codes is None:
        return
    if not np.issubdtype(side.codes.dtype, np.integer):
        raise ForecasterError(f"Codes must be integers, found {side.codes.dtype}")
    for i, (codes, words) in enumerate(zip(side.codes, config.categories, strict=True)):
        if codes.size and not 0 <= codes.min() <= codes.max() <= words:
            raise ForecasterError(
                f"Codes of category {i} must be from 0 to {words}, found {codes.min()} to {codes.max()}"
            )


def _check_shape(what: str, axes: str, value: NDArray[Any] | None, wanted: tuple[int, ...]) -> None:
    if value is None and wanted[-2]:
        raise ForecasterError(f"The network reads {what} {axes} = {wanted}, found none")
    if value is not None and (value.shape != wanted or not wanted[-2]):
        reads = f"reads {what} {axes} = {wanted}" if wanted[-2] else f"reads no {what}"
        raise ForecasterError(f"The network {reads}, found {value.shape}")
