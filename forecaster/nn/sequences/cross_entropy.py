"""Class labels: softmax cross-entropy with its gradient, one-hot vectors, and the likeliest class.

The K classes are the axis before the batch: scores (…, K, B), class numbers (…, B) from 0 to K-1. The leading
axes may be the steps of a sequence.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from forecaster.arrays import Array
from forecaster.errors import ForecasterError

Classes = NDArray[np.integer[Any]]


def log_softmax(scores: Array) -> Array:
    """log p_k = s_k - log Σ_j exp s_j, (…, K, B); shifted by the largest score to avoid overflow."""
    shifted: Array = scores - scores.max(axis=-2, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-2, keepdims=True))


def softmax_cross_entropy(
    scores: Array, classes: Classes, weights: NDArray[Any] | None = None
) -> tuple[float, Array]:
    """-Σ w log p_class, and its derivative by the scores, w (p - one-hot of the class) (Bridle 1990).

    scores (…, K, B), classes and weights (…, B); weights None means all ones. Where a weight is zero the
    class may be any number. Raises ForecasterError for any other class outside 0 … K-1.
    """
    if weights is not None and weights.shape != classes.shape:
        raise ForecasterError(f"Weights {weights.shape} do not fit classes {classes.shape}")
    counts = np.ones(classes.shape, bool) if weights is None else weights != 0
    classes = np.where(counts, classes, 0)
    expected = one_hot(classes, scores.shape[-2], scores.dtype)
    if expected.shape != scores.shape:
        raise ForecasterError(f"Scores {scores.shape} (…, K, B) do not fit classes {classes.shape} (…, B)")
    logs = log_softmax(scores)
    slope: Array = np.exp(logs) - expected
    chosen = np.take_along_axis(logs, classes[..., None, :], axis=-2)[..., 0, :]  # (…, B)
    if weights is not None:
        chosen, slope = chosen * weights, np.multiply(slope, weights[..., None, :], dtype=slope.dtype)
    return -float(chosen.sum(dtype=np.float64)), slope


def one_hot(classes: Classes, count: int, dtype: DTypeLike = np.float32) -> Array:
    """(…, K, B): 1 at the class of each column, else 0. Raises ForecasterError outside 0 … K-1."""
    if classes.size and not 0 <= classes.min() <= classes.max() < count:
        raise ForecasterError(
            f"Classes must be numbers from 0 to {count - 1}, found {classes.min()} to {classes.max()}"
        )
    vectors: Array = (classes[..., None, :] == np.arange(count)[:, None]).astype(dtype)
    return vectors


def likeliest(scores: Array) -> Classes:
    """The class with the highest score, (…, B); the first of equals."""
    return scores.argmax(axis=-2)


def likeliest_one_hot(scores: Array) -> Array:
    """The likeliest class as a one-hot vector, (…, K, B): the next input of a greedy decoder."""
    return one_hot(likeliest(scores), scores.shape[-2], scores.dtype)
