"""Compiled layers give the results of NumPy and the gradients of central differences."""

import ctypes
import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from forecaster.errors import UsageError
from forecaster.nn import compiled_layer as compiled
from forecaster.nn.cells import CELLS
from forecaster.nn.compiled_layer import CompiledLayer
from forecaster.nn.gradcheck import check_coordinates, check_directions
from forecaster.nn.numpy_layer import NumpyLayer
from forecaster.nn.stack import Stack, layer_class, padded_steps, stack_shapes

pytestmark = pytest.mark.skipif(
    not compiled.forms(),
    reason="the compiled kernels were not built or this processor cannot run them",
)
FORMS = compiled.forms()  # every one that this processor runs
COMPILED = [name for name, cell in CELLS.items() if cell.kernel is not None]
SHAPES = [
    # T, I, B, H: one column; a part of a panel; whole panels and more steps than a piece; wide inputs
    (1, 1, 1, 1),
    (3, 2, 21, 5),
    (19, 1, 32, 7),
    (9, 25, 5, 4),
    (10, 3, 67, 13),
    # a narrow panel; two wide ones; H and K just beyond multiples of 16: few columns of the gradient remain
    (6, 1, 16, 16),
    (5, 2, 64, 34),
]


def make(kind, cell, shape, dtype, *, layers=2, every=True, rolling=False):
    """A stack of compiled or NumPy layers."""
    steps, inputs, batch, hidden = shape
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(compiled.SWITCH, kind)
        stack = Stack(cell, steps, inputs, hidden, layers, batch, dtype, every=every, rolling=rolling)
    wanted = NumpyLayer if kind == "numpy" else CompiledLayer
    assert {type(layer) for layer in stack.layers} == {wanted}
    return stack


def make_case(cell, shape, dtype, layers=2):
    """Parameters, inputs, state, mask, and the derivatives by all outputs and by the final state."""
    steps, inputs, batch, hidden = shape
    rng = np.random.default_rng(1)
    parameters = {
        name: (0.5 * rng.standard_normal(size)).astype(dtype)
        for name, size in stack_shapes(cell, inputs, hidden, layers).items()
    }
    states = CELLS[cell].states
    arrays = [
        rng.standard_normal(size).astype(dtype)
        for size in ((steps, inputs, batch), (layers, states, hidden, batch), (steps, hidden, batch))
    ]
    mask = rng.random((steps, batch)) > 0.3
    return parameters, *arrays, mask, rng.standard_normal(arrays[1].shape).astype(dtype)


def results(stack, case, *, masked, every=True):
    """All results of a forward and a backward run."""
    parameters, inputs, state, d_outputs, mask, d_state = case
    stack.load(parameters)
    stack.inputs[...] = inputs
    stack.set_state(state)
    stack.forward(padded_steps(mask if masked else None, len(inputs)))
    outputs, final = (stack.outputs if every else stack.outputs[-1:]).copy(), stack.state()
    gradients, d_inputs, d_initial = stack.backward(d_outputs if every else None, d_state, inputs=True)
    return {"outputs": outputs, "final": final, **gradients, "inputs": d_inputs, "initial": d_initial}


@pytest.mark.parametrize("every", [True, False], ids=["every", "last"])
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("cell", COMPILED)
def test_compiled_layers_give_what_numpy_gives(cell, shape, masked, every):
    """Outputs, states and all derivatives agree to rounding, whatever the columns, padding and layers.

    All forms of the kernels give the same bytes.
    """
    for dtype, tolerance in ((np.float64, 1e-11), (np.float32, 2e-4)):
        case = make_case(cell, shape, dtype)
        expected, ours, *others = (
            results(make(kind, cell, shape, dtype, every=every), case, masked=masked, every=every)
            for kind in ("numpy", *FORMS)
        )
        assert ours.keys() == expected.keys()
        for name, value in expected.items():
            scale = tolerance * max(1, np.abs(value).max())
            np.testing.assert_allclose(ours[name], value, rtol=0, atol=scale, err_msg=name)
            assert {other[name].tobytes() for other in others} <= {ours[name].tobytes()}, name


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("cell", COMPILED)
def test_gradients_equal_central_differences(cell, masked):
    """The derivative by each parameter, input and initial state, over two layers and more than a panel."""
    shape = (11, 3, 19, 5)
    case = make_case(cell, shape, np.float64)
    parameters, inputs, state, d_outputs, mask, d_state = case
    stack = make("compiled", cell, shape, np.float64)

    def function():
        stack.load(parameters)
        stack.inputs[...] = inputs
        stack.set_state(state)
        stack.forward(padded_steps(mask if masked else None, len(inputs)))
        return float(np.vdot(stack.outputs, d_outputs) + np.vdot(stack.state(), d_state))

    gradients = {name: value.copy() for name, value in results(stack, case, masked=masked).items()}
    rng = np.random.default_rng(3)
    for name, value in {**parameters, "inputs": inputs, "initial": state}.items():
        check_directions(function, value, gradients[name], rng=rng)
        check_coordinates(function, value, gradients[name])


@pytest.mark.parametrize("cell", COMPILED)
def test_a_rolling_stack_continues_from_its_state(cell):
    """Step by step, with nothing saved, it reaches the state of the whole run, to the last bit."""
    shape = (6, 3, 21, 5)
    parameters, inputs, state, _, mask, _ = make_case(cell, shape, np.float32)
    whole = make("compiled", cell, shape, np.float32)
    rolling = make("compiled", cell, (1, *shape[1:]), np.float32, rolling=True, every=False)
    pads = padded_steps(mask, shape[0])
    for stack in (whole, rolling):
        stack.load(parameters)
        stack.set_state(state)
    whole.inputs[...] = inputs
    whole.forward(pads)
    for t in range(shape[0]):
        rolling.inputs[...] = inputs[t]
        rolling.forward(pads[t : t + 1])
    assert rolling.state().tobytes() == whole.state().tobytes()


@pytest.mark.parametrize("cell", COMPILED)
def test_columns_are_independent(cell):
    """A column gives the same bytes alone and at any place in a batch."""
    shape = (5, 3, 40, 6)
    case = make_case(cell, shape, np.float32)
    together = results(make("compiled", cell, shape, np.float32), case, masked=True)
    parameters = case[0]
    for column in (0, 15, 16, 39):
        one = slice(column, column + 1)
        own = parameters, *(array[..., one] for array in case[1:])
        alone = results(make("compiled", cell, (*shape[:2], 1, shape[3]), np.float32), own, masked=True)
        for name in ("outputs", "final", "inputs", "initial"):
            assert alone[name].tobytes() == together[name][..., one].tobytes(), name


BYTES = {"rnn": "bd273d686054c800", "gru": "75d56c4926bcd34c", "lstm": "40846c143d128d79"}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("cell", COMPILED)
def test_every_processor_gives_the_same_bytes(cell, kind):
    """x86-64 and Arm, built by GCC or Clang: outputs and derivatives have this digest."""
    shape = (9, 2, 53, 34)
    rng = np.random.default_rng(2)
    case = make_case(cell, shape, np.float32)
    parameters = {name: rng.random(value.shape, np.float32) - 0.5 for name, value in case[0].items()}
    arrays = [rng.random(value.shape, np.float32) - 0.5 for value in (*case[1:4], case[5])]
    own = parameters, *arrays[:3], case[4], arrays[3]
    digest = hashlib.sha256()
    for name, value in results(make(kind, cell, shape, np.float32), own, masked=True).items():
        digest.update(name.encode() + value.tobytes())
    assert digest.hexdigest()[:16] == BYTES[cell]


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("cell", COMPILED)
def test_what_is_written_past_the_caches_is_read_back(cell, kind):
    """A batch whose gates fit into no cache gives the bytes of a part that does, padded steps included."""
    shape = (120, 1, 288, 64)
    case = make_case(cell, shape, np.float32, layers=1)
    together = results(make(kind, cell, shape, np.float32, layers=1), case, masked=True)
    part = slice(256, 288)
    own = case[0], *(array[..., part] for array in case[1:])
    alone = results(make(kind, cell, (*shape[:2], 32, 64), np.float32, layers=1), own, masked=True)
    for name in ("outputs", "final", "inputs", "initial"):
        assert alone[name].tobytes() == together[name][..., part].tobytes(), name


def test_extremes_saturate():
    """Gates whose argument is huge or infinite are 0, 1 or -1, as NumPy's are; NaN stays NaN."""
    values = np.array([0, 1e-8, -3, 8, -9, 50, 1e30, -np.inf, np.nan], np.float32)
    stack = make("compiled", "rnn", (1, 1, len(values), 1), np.float32, layers=1)
    stack.load({"layer0.weight": np.array([[0, 1, 0]], np.float32)})
    stack.inputs[...] = values
    stack.set_state(None)
    stack.forward([None])
    np.testing.assert_allclose(stack.outputs[0, 0], np.tanh(values), rtol=1e-6)


def test_threads_do_not_disturb_each_other():
    """Many stacks at once give the bytes that each gives alone."""
    shape = (20, 3, 33, 16)
    case = make_case("lstm", shape, np.float32)
    stacks = [make("compiled", "lstm", shape, np.float32) for _ in range(4)]

    def work(stack):
        runs = [results(stack, case, masked=True) for _ in range(20)]
        return {b"".join(value.tobytes() for value in run.values()) for run in runs}

    alone = work(stacks[0])
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, stacks)) == 4 * [alone]


def test_numpy_serves_where_the_kernels_do_not(monkeypatch):
    """Without the library, or with the switch at numpy, layers are NumPy's; double precision always is."""
    monkeypatch.delenv(compiled.SWITCH, raising=False)
    assert layer_class(CELLS["gru"], np.float32) is CompiledLayer
    assert layer_class(CELLS["gru"], np.float64) is NumpyLayer
    monkeypatch.setenv(compiled.SWITCH, "numpy")
    assert layer_class(CELLS["gru"], np.float32) is NumpyLayer
    monkeypatch.delenv(compiled.SWITCH)
    monkeypatch.setattr(compiled, "forms", tuple)
    assert layer_class(CELLS["gru"], np.float32) is NumpyLayer


def test_asking_for_kernels_that_are_not_there_is_an_error(monkeypatch):
    """Where nothing was built, `compiled` is no name for NumPy; the hint is."""
    monkeypatch.setattr(compiled, "forms", tuple)
    for wanted in ("compiled", "avx2"):
        monkeypatch.setenv(compiled.SWITCH, wanted)
        with pytest.raises(UsageError, match="kernels here") as error:
            layer_class(CELLS["gru"], np.float32)
        assert error.value.hint == "Give --kernels numpy."
    compiled.use("numpy")
    assert layer_class(CELLS["gru"], np.float32) is NumpyLayer


def test_a_library_of_another_layout_is_not_used():
    """A library built from other sources would read wrong memory, so it offers none of its forms."""
    library = compiled._library()
    size = ctypes.sizeof(compiled._Layer)
    assert library.kernel_forms(ctypes.c_int64(size)).decode().split() == list(FORMS)
    assert library.kernel_forms(ctypes.c_int64(size + 8)) == b""


def test_a_library_of_older_sources_is_not_used(monkeypatch):
    """As after an update of the sources without a new build: it cannot say which forms it has."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert compiled._library.__wrapped__() is None
