"""Recurrent cells as the literature writes them: one step of one sequence, gate by gate. An oracle for tests.

step(p, x, *state) -> the new state, a tuple that begins with h; p holds a layer's parameters by name.
"""

from collections.abc import Callable

import numpy as np

from forecaster.arrays import Array

Parameters = dict[str, Array]
State = tuple[Array, ...]


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


def gates(p: Parameters, h: Array) -> list[tuple[Array, Array, Array]]:
    """Weights over h, weights over x and bias of each gate."""
    blocks = np.split(p["weight"], len(p["weight"]) // len(h))
    return [(block[:, : len(h)], block[:, len(h) : -1], block[:, -1]) for block in blocks]


def rnn(p: Parameters, x: Array, h: Array) -> State:
    """Elman (1990)."""
    [(u, w, b)] = gates(p, h)
    return (np.tanh(u @ h + w @ x + b),)


def lstm(p: Parameters, x: Array, h: Array, c: Array) -> State:
    """Gers et al. (2000)."""
    o, i, f, g = (u @ h + w @ x + b for u, w, b in gates(p, h))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(p: Parameters, x: Array, h: Array) -> State:
    """Cho et al. (2014), as in PyTorch's manual."""
    (ur, wr, br), (uz, wz, bz), (un, wn, bn) = gates(p, h)
    r, z = sigmoid(ur @ h + wr @ x + br), sigmoid(uz @ h + wz @ x + bz)
    n = np.tanh(wn @ x + bn + r * (un @ h + p["bias"]))
    return ((1 - z) * n + z * h,)


STEPS: dict[str, Callable[..., State]] = {"rnn": rnn, "gru": gru, "lstm": lstm}


def stack_step(cell: str, p: Parameters, x: Array, states: list[State]) -> list[State]:
    """One step of all layers; p holds the parameters of a stack, "layer0.weight" …"""
    after = []
    for layer, state in enumerate(states):
        prefix = f"layer{layer}."
        own = {name.removeprefix(prefix): v for name, v in p.items() if name.startswith(prefix)}
        after.append(STEPS[cell](own, x, *state))
        x = after[-1][0]
    return after
