"""Linear layers and ReLU, forward and backward. The bias is the last column of the weight.

Inputs have a last row of ones, X = [x; 1], feature-major with the batch last: (I+1, B) or (T, I+1, B).
"""

import numpy as np

from forecaster.arrays import Array


def linear(weight: Array, inputs: Array, out: Array) -> None:
    """out = W [x; 1]: weight (O, I+1), inputs (…, I+1, B), out (…, O, B)."""
    np.matmul(weight, inputs, out)


def linear_backward(inputs: Array, d_out: Array, d_weight: Array) -> None:
    """dW = Σ d_out [x; 1]ᵀ over steps and batch."""
    if inputs.ndim == 2:
        np.matmul(d_out, inputs.T, d_weight)
        return
    product = np.matmul(d_out, inputs.swapaxes(-1, -2))  # (…, O, I+1)
    product.reshape(-1, *d_weight.shape).sum(axis=0, out=d_weight)


def linear_input_gradient(weight: Array, d_out: Array) -> Array:
    """dx = W_xᵀ d_out, (…, I, B)."""
    return np.matmul(weight[:, :-1].T, d_out)


def relu(values: Array) -> None:
    """max(0, ·) in place."""
    np.maximum(values, 0, out=values)


def relu_backward(outputs: Array, d_outputs: Array) -> None:
    """In place: the derivative is zero where the output is zero."""
    np.multiply(d_outputs, outputs > 0, out=d_outputs)
