"""A repeatable guard for speed: NumPy calls and memory of a step, instead of times."""

import itertools
import sys
import tracemalloc

import numpy as np
import pytest

from forecaster.nn.cells import CELLS, base
from forecaster.nn.compiled_layer import SWITCH
from forecaster.nn.stack import Stack, padded_steps, stack_shapes

INPUTS, H, B = 3, 16, 32
UFUNCS = ("add", "copyto", "dot", "matmul", "multiply", "subtract", "tanh")
CALLS = {"rnn": (2, 2), "gru": (10, 3), "lstm": (8, 4)}
"""Of a step forward and a step backward. One more costs small networks about a tenth of their speed."""


def make(cell, steps):
    """A stack of one layer, ready to run."""
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "numpy")
        stack = Stack(cell, steps, INPUTS, H, 1, B, np.float32)
    shapes = stack_shapes(cell, INPUTS, H, 1)
    stack.load({name: 0.3 * rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()})
    stack.inputs[...] = rng.standard_normal(stack.inputs.shape)
    stack.set_state(None)
    return stack, np.ones_like(stack.state())


def count(monkeypatch, work):
    """NumPy calls that the cells make during `work`."""
    calls = []

    def counting(function):
        def counted(*arguments, **options):
            calls.append(function)
            return function(*arguments, **options)

        counted.reduce = getattr(function, "reduce", None)
        return counted

    with monkeypatch.context() as patch:
        modules = {sys.modules[cell.__module__] for cell in CELLS.values()} | {base}
        for module, name in itertools.product(modules, UFUNCS):
            if hasattr(module, name):
                patch.setattr(module, name, counting(getattr(np, name)))
        work()
    return len(calls)


@pytest.mark.parametrize("cell", CALLS)
def test_calls_of_a_step(cell, monkeypatch):
    """The calls grow with the steps by those of `CALLS`; work on many steps at once adds few."""
    counts = []
    for steps in (10, 20):
        stack, d_state = make(cell, steps)
        pads = padded_steps(None, steps)
        forward = count(monkeypatch, lambda stack=stack, pads=pads: stack.forward(pads))
        back = count(monkeypatch, lambda stack=stack, d=d_state: stack.backward(None, d, inputs=False))
        counts.append((forward, back))
    (forward, back), (more_forward, more_back) = counts
    assert ((more_forward - forward) / 10, (more_back - back) / 10) == CALLS[cell]
    assert more_back - 20 * CALLS[cell][1] < 20


@pytest.mark.parametrize("cell", CALLS)
def test_steps_allocate_nothing(cell):
    """Forward and backward over many steps allocate less than a tenth of the size of their hidden states."""
    steps = 200
    stack, d_state = make(cell, steps)
    pads = padded_steps(None, steps)
    peaks = []
    for _ in range(2):  # the first time NumPy sets itself up
        tracemalloc.start()
        stack.forward(pads)
        stack.backward(None, d_state, inputs=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[-1] < stack.outputs.nbytes / 10
