"""The recurrent stack by itself: all hidden states, pieces of a long sequence, carried state."""

import numpy as np
import pytest

from forecaster.nn.cells import CELLS
from forecaster.nn.gradcheck import check_coordinates, check_directions
from forecaster.nn.stack import Stack, padded_steps, stack_shapes

T, B, INPUTS, H, LAYERS = 7, 2, 3, 4, 2


def make_stack(cell, steps, *, rolling=False):
    """A stack, and parameters that are the same for any number of steps."""
    rng = np.random.default_rng(1)
    parameters = {
        name: 0.5 * rng.standard_normal(shape)
        for name, shape in stack_shapes(cell, INPUTS, H, LAYERS).items()
    }
    stack = Stack(cell, steps, INPUTS, H, LAYERS, B, np.float64, rolling=rolling)
    return stack, parameters


def make_case(stack):
    """Inputs, initial state and the derivatives by all hidden states and by the final state."""
    rng = np.random.default_rng(2)
    inputs, state = rng.standard_normal((T, INPUTS, B)), rng.standard_normal(stack.state().shape)
    return inputs, state, rng.standard_normal((T, H, B)), rng.standard_normal(state.shape)


def run(stack, parameters, inputs, state, mask=None):
    """Hidden states of all steps and the final state."""
    stack.load(parameters)
    stack.inputs[...] = inputs
    stack.set_state(state)
    stack.forward(padded_steps(mask, len(inputs)))
    return stack.outputs.copy(), stack.state()


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_many_to_many_gradients_equal_central_differences(cell, padded):
    """A loss that reads every hidden state and the final state (h and c of each layer) has its gradient."""
    stack, parameters = make_stack(cell, T)
    inputs, state, d_outputs, d_state = make_case(stack)
    mask = np.ones((T, B), bool)
    if padded:
        mask[:2, 0] = mask[-1, 1] = False

    def function():
        outputs, final = run(stack, parameters, inputs, state, mask)
        return float(np.vdot(outputs, d_outputs) + np.vdot(final, d_state))

    function()
    of_parameters, d_inputs, d_initial = stack.backward(d_outputs, d_state, inputs=True)
    gradients = {name: value.copy() for name, value in of_parameters.items()}
    d_inputs, d_initial = d_inputs.copy(), d_initial.copy()
    assert gradients.keys() == parameters.keys()
    rng = np.random.default_rng(3)
    for name, value in parameters.items():
        check_directions(function, value, gradients[name], rng=rng, name=name)
    check_coordinates(function, inputs, d_inputs, name="inputs")
    check_coordinates(function, state, d_initial, name="state")


@pytest.mark.parametrize("cell", CELLS)
def test_pieces_with_carried_state_equal_the_whole(cell):
    """A long sequence run in pieces gives the hidden states of one run, rolling or not."""
    whole, parameters = make_stack(cell, T)
    inputs, state, _, _ = make_case(whole)
    wanted, final = run(whole, parameters, inputs, state)
    carried, cut = state, 3
    for start, stop in ((0, cut), (cut, T)):
        piece, _ = make_stack(cell, stop - start)
        outputs, carried = run(piece, parameters, inputs[start:stop], carried)
        np.testing.assert_allclose(outputs, wanted[start:stop], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(carried, final, rtol=1e-12, atol=1e-14)
    rolling, _ = make_stack(cell, 1, rolling=True)
    carried = state
    for t in range(T):
        outputs, carried = run(rolling, parameters, inputs[t : t + 1], carried)
        np.testing.assert_allclose(outputs[0], wanted[t], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(carried, final, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_truncated_many_to_many_stays_within_its_piece(cell):
    """The gradient of a piece is that of its own loss with the carried state held fixed."""
    first, parameters = make_stack(cell, 3)
    inputs, state, d_outputs, _ = make_case(first)
    carried = run(first, parameters, inputs[:3], state)[1]
    second, _ = make_stack(cell, T - 3)

    def function():
        return float(np.vdot(run(second, parameters, inputs[3:], carried)[0], d_outputs[3:]))

    function()
    of_parameters, d_inputs, _ = second.backward(d_outputs[3:], None, inputs=False)
    assert d_inputs is None
    gradients = {name: value.copy() for name, value in of_parameters.items()}
    for name, value in parameters.items():
        check_directions(function, value, gradients[name], rng=np.random.default_rng(3), name=name)


def test_padded_steps_names_columns():
    """Steps without padding are None, so that they cost nothing."""
    mask = np.array([[1, 0, 0], [1, 1, 1], [0, 1, 1]])
    pads = padded_steps(mask, 3)
    assert pads[0].tolist() == [1, 2]
    assert pads[1] is None
    assert pads[2].tolist() == [0]
    assert padded_steps(None, 2) == [None, None]
