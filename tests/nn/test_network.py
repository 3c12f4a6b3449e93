"""One table of networks through the same tests: gradient, mask, batched = unbatched, float32 ≈ float64."""

import itertools
import pickle

import numpy as np
import pytest
from textbook_cells import stack_step

from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.errors import ForecasterError
from forecaster.nn.cells import CELLS
from forecaster.nn.gradcheck import check_coordinates, check_directions
from forecaster.nn.losses import make_loss
from forecaster.nn.network import Network

T, B, F, H, K = 6, 2, 3, 5, 4
"""All different, so that no two axes can be mistaken for each other."""
CUT = 2
LOSSES = ["mse", "mae", "huber", "pinball"]
SEGMENT = 3
"""Outputs of a decoder step: the second step has one of the four outputs, and two that do not count."""
TABLE = list(itertools.product(CELLS, [1, 3], [True, False], [None, SEGMENT]))
IDS = [
    f"{cell}-{layers}-{'embedding' if embedding else 'plain'}-{'segments' if segment else 'direct'}"
    for cell, layers, embedding, segment in TABLE
]
table = pytest.mark.parametrize(("cell", "layers", "embedding", "segment"), TABLE, ids=IDS)


def make_network(cell, layers, embedding, segment=None, *, dtype=np.float64, dropout=0.0, seed=1):
    """A small network whose biases are not zero."""
    config = NetworkConfig(
        cell=cell,
        inputs=F,
        hidden=H,
        layers=layers,
        outputs=K,
        output_segment=segment,
        embedding=embedding,
        dropout=dropout,
    )
    network = Network(config, rng=np.random.default_rng(seed))
    network.flat += 0.1 * np.random.default_rng(seed + 1).standard_normal(network.flat.size)
    wanted = Network(config, rng=np.random.default_rng(seed), dtype=dtype)
    wanted.flat[...] = network.flat
    return wanted


def make_case(network, *, padded=False, seed=7, steps=T, batch=B):
    """Inputs, targets, a state that is not zero, and a mask with padding at the start, end and within."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((steps, F, batch))
    targets = 1.5 * rng.standard_normal((K, batch))
    state = rng.standard_normal((*network.state_shape, batch))
    mask = np.ones((steps, batch), bool)
    if padded:
        mask[:3, 0] = mask[-1, 1] = mask[-3, 1] = False
    return inputs, targets, state, mask


def away_from_kinks(network, inputs, errors):
    """Whether ReLU, MAE and Huber are smooth nearby: at their kinks central differences are wrong."""
    values = [errors, np.abs(errors) - 1]
    if network.config.embedding:
        weight = network.parameters["embedding.weight"]
        values.append(weight[:, :-1] @ inputs + weight[:, -1:])  # before ReLU
        if (values[-1] < 0).all() or (values[-1] > 0).all():
            return False
    return min(np.abs(each).min() for each in values) > 1e-3


def make_smooth_case(network, *, padded):
    """The first drawn case that is away from all kinks, whatever the cell."""
    for seed in range(7, 1000):
        inputs, targets, state, mask = make_case(network, padded=padded, seed=seed)
        outputs, _ = network.forward(inputs, mask=mask, state=state)
        if away_from_kinks(network, inputs, outputs - targets):
            return inputs, targets, state, mask
    raise AssertionError("every case is near a kink")


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("truncated", [False, True], ids=["full", "truncated"])
@table
def test_gradients_equal_central_differences(cell, layers, embedding, segment, truncated, padded, loss_name):
    """Every parameter, the inputs and the initial state have the gradient that central differences give."""
    network = make_network(cell, layers, embedding, segment)
    inputs, targets, state, mask = make_smooth_case(network, padded=padded)
    loss = make_loss(TrainingConfig(loss=loss_name, quantile=0.3))
    cut = CUT if truncated else 0

    outputs, cache = network.forward(inputs, mask=mask, state=state, unroll=T - cut if truncated else None)
    _, d_outputs = loss(outputs, targets, None)
    gradients = network.backward(cache, d_outputs)

    start = network.advance(inputs[:cut], mask=mask[:cut], state=state) if truncated else state

    def function():  # truncated: the state at the cut is held fixed
        outputs, _ = network.forward(inputs[cut:], mask=mask[cut:], state=start)
        return loss(outputs, targets, None)[0]

    rng = np.random.default_rng(3)
    for name, value in network.parameters.items():
        assert np.any(gradients.parameters[name])
        check_directions(function, value, gradients.parameters[name], rng=rng, directions=2, name=name)
    check_coordinates(function, inputs[cut:], gradients.inputs[cut:], name="inputs")
    if truncated:
        assert not gradients.inputs[:cut].any()
        assert not gradients.state.any()
    else:
        assert np.any(gradients.state)
        check_coordinates(function, state, gradients.state, name="state")


@table
def test_each_partial_derivative_equals_central_differences(cell, layers, embedding, segment):
    """No single weight hides behind the others: each partial derivative is right by itself."""
    network = make_network(cell, layers, embedding, segment)
    inputs, targets, state, mask = make_case(network, padded=True)
    loss = make_loss(TrainingConfig(loss="mse"))

    def function():
        outputs, _ = network.forward(inputs, mask=mask, state=state)
        return loss(outputs, targets, None)[0]

    outputs, cache = network.forward(inputs, mask=mask, state=state)
    gradients = network.backward(cache, loss(outputs, targets, None)[1])
    for name, value in network.parameters.items():
        check_coordinates(function, value, gradients.parameters[name], name=name)


@table
def test_gradients_with_dropout_equal_central_differences(cell, layers, embedding, segment):
    """With the same dropout masks the gradient is that of the thinned network, truncated or not."""
    network = make_network(cell, layers, embedding, segment, dropout=0.4)
    inputs, targets, state, mask = make_case(network, padded=True)
    loss = make_loss(TrainingConfig(loss="mse"))

    def run():
        return network.forward(inputs, mask=mask, state=state, rng=np.random.default_rng(5))

    outputs, cache = run()
    gradients = network.backward(cache, loss(outputs, targets, None)[1])
    rng = np.random.default_rng(3)
    for name, value in network.parameters.items():
        check_directions(
            lambda: loss(run()[0], targets, None)[0], value, gradients.parameters[name], rng=rng, name=name
        )
    truncated, _ = network.forward(
        inputs, mask=mask, state=state, rng=np.random.default_rng(5), unroll=T - CUT
    )
    np.testing.assert_allclose(truncated, outputs, rtol=1e-12, atol=1e-14)


@table
def test_padding_is_as_if_the_steps_were_not_there(cell, layers, embedding, segment):
    """A padded sequence gives the outputs and gradients of the shorter one, whatever the padding holds."""
    network = make_network(cell, layers, embedding, segment)
    inputs, _, state, _ = make_case(network)
    kept = np.array([False, True, True, False, True, False])
    mask = np.repeat(kept[:, None], B, axis=1)
    short_outputs, short_cache = network.forward(inputs[kept], state=state)
    short = network.backward(short_cache, np.ones((K, B)))
    for garbage in (0.0, 1e9, np.nan):
        inputs[~kept] = garbage
        outputs, cache = network.forward(inputs, mask=mask, state=state)
        gradients = network.backward(cache, np.ones((K, B)))
        np.testing.assert_allclose(outputs, short_outputs, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(gradients.flat, short.flat, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(gradients.inputs[kept], short.inputs, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(gradients.state, short.state, rtol=1e-10, atol=1e-12)
        assert not gradients.inputs[~kept].any()


@table
def test_batched_equals_unbatched(cell, layers, embedding, segment):
    """Each column's output is its own, and the gradient of the batch is the sum of those of its columns."""
    network = make_network(cell, layers, embedding, segment)
    inputs, _, state, mask = make_case(network, padded=True)
    outputs, cache = network.forward(inputs, mask=mask, state=state)
    batched = network.backward(cache, outputs)
    total = np.zeros_like(network.flat)
    for b in range(B):
        one = slice(b, b + 1)
        single, cache = network.forward(inputs[..., one], mask=mask[:, one], state=state[..., one])
        np.testing.assert_allclose(single, outputs[:, one], rtol=1e-12, atol=1e-14)
        gradients = network.backward(cache, single)
        np.testing.assert_allclose(gradients.inputs, batched.inputs[..., one], rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(gradients.state, batched.state[..., one], rtol=1e-10, atol=1e-13)
        total += gradients.flat
    np.testing.assert_allclose(total, batched.flat, rtol=1e-10, atol=1e-13)


@table
def test_float32_is_close_to_float64(cell, layers, embedding, segment):
    """The working precision gives the outputs and gradients of the checking precision."""
    precise, working = (
        make_network(cell, layers, embedding, segment, dtype=dtype) for dtype in (np.float64, np.float32)
    )
    inputs, _, state, mask = make_case(precise, padded=True)
    wanted, cache = precise.forward(inputs, mask=mask, state=state)
    exact = precise.backward(cache, wanted)
    outputs, cache = working.forward(inputs, mask=mask, state=state)
    gradients = working.backward(cache, outputs)
    assert outputs.dtype == gradients.flat.dtype == gradients.inputs.dtype == np.float32
    np.testing.assert_allclose(outputs, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gradients.flat, exact.flat, rtol=1e-3, atol=1e-4)


@table
def test_prediction_equals_forward(cell, layers, embedding, segment):
    """Prediction equals forward, and so does prediction that continues from a carried state."""
    network = make_network(cell, layers, embedding, segment, dropout=0.5)
    inputs, _, state, mask = make_case(network, padded=True)
    outputs, _ = network.forward(inputs, mask=mask, state=state)
    np.testing.assert_allclose(
        network.predict(inputs, mask=mask, state=state), outputs, rtol=1e-12, atol=1e-14
    )
    carried = network.advance(inputs[:CUT], mask=mask[:CUT], state=state)
    np.testing.assert_allclose(
        network.predict(inputs[CUT:], mask=mask[CUT:], state=carried), outputs, rtol=1e-12
    )
    without = network.predict(inputs)
    np.testing.assert_allclose(
        without, network.predict(inputs, state=np.zeros_like(state)), rtol=1e-12, atol=1e-14
    )


def textbook_outputs(cell, p, states):
    """The head on the last layer; with segments, after one more step for each position."""
    positions = p.get("decoder.positions", [None])
    own = {name.removeprefix("decoder."): value for name, value in p.items() if "decoder" in name}
    last = [states if x is None else stack_step(cell, own, x, states) for x in positions]
    return np.concatenate([p["head.weight"] @ np.append(after[-1][0], 1) for after in last])


@table
def test_forward_equals_the_textbook(cell, layers, embedding, segment):
    """The folded, batched kernels give what the formulas of the cells give, written out naively."""
    network = make_network(cell, layers, embedding, segment)
    inputs, _, state, mask = make_case(network, padded=True)
    outputs = network.forward(inputs, mask=mask, state=state)[0]
    p = network.parameters
    for b in range(B):
        states = [tuple(of_layer) for of_layer in state[..., b]]
        for x in inputs[mask[:, b], :, b]:
            if embedding:
                x = np.maximum(0, p["embedding.weight"] @ np.append(x, 1))
            states = stack_step(cell, p, x, states)
        np.testing.assert_allclose(outputs[:, b], textbook_outputs(cell, p, states)[:K], rtol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_two_runs_may_be_open_at_once(cell):
    """A second forward does not spoil the cache of the first, and idle workspaces leave no trace."""
    network = make_network(cell, 1, True)
    a, b = (make_case(network, seed=seed)[0] for seed in (1, 2))
    wanted = []
    for inputs in (a, b):
        outputs, cache = network.forward(inputs)
        wanted.append(network.backward(cache, outputs).flat)
    (out_a, cache_a), (out_b, cache_b) = network.forward(a), network.forward(b)
    np.testing.assert_array_equal(network.backward(cache_a, out_a).flat, wanted[0])
    np.testing.assert_array_equal(network.backward(cache_b, out_b).flat, wanted[1])


def test_memory_of_old_shapes_is_given_back():
    """After many shapes a network keeps only the workspaces of the last few."""
    network = make_network("gru", 1, True)
    for batch in range(1, 20):
        outputs, cache = network.forward(make_case(network, batch=batch)[0])
        network.backward(cache, outputs)
    assert sum(map(len, network.workspaces.idle.values())) <= 3


def test_a_workspace_whose_shape_was_dropped_meanwhile_is_not_kept():
    """A workspace given back after many other shapes is no error and is not kept."""
    network = make_network("rnn", 1, True)
    outputs, cache = network.forward(make_case(network)[0])
    for batch in range(10, 20):
        network.predict(make_case(network, batch=batch)[0])
    network.backward(cache, outputs)
    assert (T, B, False) not in network.workspaces.idle


def test_parameters_are_views_of_flat():
    """Changing `flat` changes the named parameters and the outputs; names are stable and all is covered."""
    network = make_network("gru", 2, True)
    names = [
        "embedding.weight",
        "layer0.weight",
        "layer0.bias",
        "layer1.weight",
        "layer1.bias",
        "head.weight",
    ]
    assert list(network.parameters) == names
    assert sum(value.size for value in network.parameters.values()) == network.flat.size
    inputs = make_case(network)[0]
    network.flat[...] = 0
    assert not network.parameters["layer1.weight"].any()
    assert not network.predict(inputs).any()


def test_dropout_thins_and_rescales():
    """The generator decides the dropout, the mean stays, and without a generator dropout is off."""
    network = make_network("rnn", 1, False, dropout=0.5)
    inputs = make_case(network)[0]
    plain = network.forward(inputs)[0]
    draws = [network.forward(inputs, rng=np.random.default_rng(s))[0] for s in range(2000)]
    assert not np.allclose(draws[0], plain)
    np.testing.assert_array_equal(draws[0], network.forward(inputs, rng=np.random.default_rng(0))[0])
    np.testing.assert_allclose(np.mean(draws, axis=0), plain, atol=0.08)
    undropped = make_network("rnn", 1, False)
    np.testing.assert_array_equal(undropped.forward(inputs, rng=np.random.default_rng(0))[0], plain)


def test_unroll_longer_than_the_sequence_is_full():
    """Truncation after more steps than there are is full backpropagation."""
    network = make_network("lstm", 1, True)
    inputs = make_case(network)[0]
    flats = []
    for unroll in (None, T, T + 5):
        outputs, cache = network.forward(inputs, unroll=unroll)
        flats.append(network.backward(cache, outputs).flat)
    np.testing.assert_array_equal(flats[0], flats[1])
    np.testing.assert_array_equal(flats[0], flats[2])


@pytest.mark.parametrize("embedding", [True, False])
def test_training_may_leave_out_the_gradient_of_the_inputs(embedding):
    """Without the inputs' gradient the parameters' gradient keeps every byte."""
    network = make_network("gru", 2, embedding)
    inputs = make_case(network)[0]
    results = []
    for wanted in (True, False):
        outputs, cache = network.forward(inputs)
        results.append(network.backward(cache, outputs, inputs=wanted))
    assert results[0].inputs is not None
    assert results[1].inputs is None
    assert results[0].flat.tobytes() == results[1].flat.tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros((T, F + 1, B))}, r"inputs \(T, 3, B\).*found \(6, 4, 2\)"),
        ({"inputs": np.zeros((0, F, B))}, r"T > 0"),
        ({"inputs": np.zeros((T, F))}, r"found \(6, 3\)"),
        ({"mask": np.ones((B, T))}, r"mask must be \(T, B\) = \(6, 2\), found \(2, 6\)"),
        ({"state": np.zeros((1, 1, H, B + 1))}, r"state must be .* \(1, 1, 5, 2\), found \(1, 1, 5, 3\)"),
        ({"unroll": 0}, r"unroll must be at least 1, found 0"),
    ],
)
def test_wrong_shapes_are_named(change, message):
    """A wrong shape is an error that names the shape and the expected one."""
    network = make_network("gru", 1, True)
    arguments = {"inputs": np.zeros((T, F, B)), **change}
    with pytest.raises(ForecasterError, match=message):
        network.forward(arguments.pop("inputs"), **arguments)


def test_a_cache_serves_once():
    """A second backward over the same cache is an error, never a wrong gradient."""
    network = make_network("gru", 1, True)
    outputs, cache = network.forward(make_case(network)[0])
    network.backward(cache, outputs)
    with pytest.raises(ForecasterError, match="cache has been used"):
        network.backward(cache, outputs)


def test_same_seed_same_bytes():
    """The generator alone decides the initial weights."""
    a, b, c = (make_network("lstm", 2, True, seed=seed).flat.tobytes() for seed in (4, 4, 5))
    assert a == b
    assert a != c


def test_a_network_passes_to_another_process_as_its_weights():
    """Same outputs to the last bit, and no workspace goes with it."""
    network = make_network("gru", 2, True, SEGMENT, dtype=np.float32)
    inputs = np.random.default_rng(2).normal(size=(T, F, B)).astype(np.float32)
    before = network.predict(inputs)
    content = pickle.dumps(network)
    assert len(content) < 2 * network.flat.nbytes + 4000
    again = pickle.loads(content)
    assert again.predict(inputs).tobytes() == before.tobytes()
    assert again.parameters["head.weight"].base is again.flat
