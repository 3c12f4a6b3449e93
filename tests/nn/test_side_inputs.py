"""What is read beside the steps: known values ahead, static numbers and categories."""

import itertools

import numpy as np
import pytest
from textbook_cells import stack_step

from forecaster.config import NetworkConfig, TrainingConfig
from forecaster.errors import ForecasterError, UsageError
from forecaster.nn.batch import Batch
from forecaster.nn.cells import CELLS
from forecaster.nn.gradcheck import check_coordinates, check_directions
from forecaster.nn.losses import make_loss
from forecaster.nn.network import Network, parameter_shapes
from forecaster.nn.optimizers import make_optimizer
from forecaster.nn.parallel import ShardedNetwork
from forecaster.nn.side_inputs import SideInputs
from forecaster.pretraining.network import QuantileHead

T, B, F, H, K, G, N = 6, 4, 3, 5, 10, 8, 9
SEGMENT, SEGMENTS = 7, 2
"""Outputs of a decoder step: the second step has three outputs, and four that do not count."""
WORDS = (3, 1)
CODES = np.array([[0, 2, 2, 1], [1, 1, 0, 1]])
"""A word in several columns, a code 0 in each category, and a word that occurs nowhere (3)."""
CUT = 2
MSE = make_loss(TrainingConfig(loss="mse"))
TABLE = list(itertools.product(CELLS, [1, 2], [True, False], [None, SEGMENT]))
IDS = [
    f"{cell}-{layers}-{'embedding' if embedding else 'plain'}-{'segments' if segment else 'direct'}"
    for cell, layers, embedding, segment in TABLE
]
table = pytest.mark.parametrize(("cell", "layers", "embedding", "segment"), TABLE, ids=IDS)


def make_config(cell="gru", layers=1, embedding=True, segment=SEGMENT, **changes):
    sizes = {"inputs": F, "hidden": H, "outputs": K, "static": N, "categories": WORDS}
    known = G if segment else 0
    return NetworkConfig(
        cell=cell,
        layers=layers,
        embedding=embedding,
        output_segment=segment,
        **{**sizes, "known": known, **changes},
    )


def make_network(*args, dtype=np.float64, **changes):
    """A small network without a weight of zero."""
    config = make_config(*args, **changes)
    network = Network(config, rng=np.random.default_rng(1))
    network.flat += 0.1 * np.random.default_rng(2).standard_normal(network.flat.size)
    wanted = Network(config, rng=None, dtype=dtype)
    wanted.flat[...] = network.flat
    return wanted


def make_case(network, *, padded=False, seed=7):
    """Inputs, targets, and the rest of the arguments of a forward run."""
    rng = np.random.default_rng(seed)
    inputs, targets = rng.standard_normal((T, F, B)), rng.standard_normal((K, B))
    state = rng.standard_normal((*network.state_shape, B))
    mask = np.ones((T, B), bool)
    if padded:
        mask[:3, 0] = mask[-1, 1] = mask[-3, 1] = False
        inputs[0, :, 0] = np.nan
    ahead = rng.standard_normal((SEGMENTS, G, B)) if network.config.known else None
    side = SideInputs(ahead, rng.standard_normal((N, B)), CODES)
    return inputs, targets, {"mask": mask, "state": state, "side": side}


def static_vector(network, side):
    """Written out naively, (W, B)."""
    p = network.parameters
    columns = [
        p["static.numbers"] @ side.static[:, b]
        + sum(p[f"static.category{i}"][c[b]] for i, c in enumerate(CODES))
        for b in range(B)
    ]
    return np.stack(columns, axis=1)


def make_smooth_case(network, *, padded):
    """The first drawn case that is away from the kinks of ReLU, where central differences are wrong."""
    for seed in range(7, 1000):
        inputs, targets, rest = make_case(network, padded=padded, seed=seed)
        if not network.config.embedding:
            return inputs, targets, rest
        weight = network.parameters["embedding.weight"]
        before = weight[:, :-1] @ inputs + weight[:, -1:] + static_vector(network, rest["side"])
        if np.nanmin(np.abs(before)) > 1e-3:
            return inputs, targets, rest
    raise AssertionError("every case is near a kink")


@pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])
@pytest.mark.parametrize("truncated", [False, True], ids=["full", "truncated"])
@table
def test_gradients_equal_central_differences(cell, layers, embedding, segment, truncated, padded):
    """All parameters, inputs, known values, static numbers and the state have the right gradient."""
    network = make_network(cell, layers, embedding, segment)
    inputs, targets, rest = make_smooth_case(network, padded=padded)
    cut, mask, side = CUT if truncated else 0, rest["mask"], rest["side"]
    outputs, cache = network.forward(inputs, unroll=T - cut if truncated else None, **rest)
    gradients = network.backward(cache, MSE(outputs, targets, None)[1])
    state = rest["state"]
    start = network.advance(inputs[:cut], mask=mask[:cut], state=state, side=side) if truncated else state

    def function():  # truncated: the state at the cut is held fixed
        outputs, _ = network.forward(inputs[cut:], mask=mask[cut:], state=start, side=side)
        return MSE(outputs, targets, None)[0]

    rng = np.random.default_rng(3)
    for name, value in network.parameters.items():
        assert np.any(gradients.parameters[name])
        if "static" in name or "known" in name:
            check_coordinates(function, value, gradients.parameters[name], name=name)
        else:
            check_directions(function, value, gradients.parameters[name], rng=rng, directions=2, name=name)
    seen = np.nan_to_num(inputs)
    np.copyto(inputs, seen)  # central differences cannot move a NaN
    check_coordinates(function, inputs[cut:], gradients.inputs[cut:], name="inputs")
    check_coordinates(function, side.static, gradients.static, name="static")
    if segment:
        check_coordinates(function, side.ahead, gradients.ahead, name="ahead")
    if not truncated:
        check_coordinates(function, state, gradients.state, name="state")
    assert not gradients.parameters["static.category0"][3].any()  # a word that occurs nowhere


@table
def test_gradients_with_dropout_equal_central_differences(cell, layers, embedding, segment):
    """With the same dropout masks the gradient is that of the thinned network."""
    network = make_network(cell, layers, embedding, segment, dropout=0.4)
    inputs, targets, rest = make_smooth_case(network, padded=True)

    def run():
        return network.forward(inputs, rng=np.random.default_rng(5), **rest)

    outputs, cache = run()
    gradients = network.backward(cache, MSE(outputs, targets, None)[1])
    points = {**network.parameters, "static": rest["side"].static}
    slopes = {**gradients.parameters, "static": gradients.static}
    if segment:
        points["ahead"], slopes["ahead"] = rest["side"].ahead, gradients.ahead
    for name, value in points.items():
        check_directions(
            lambda: MSE(run()[0], targets, None)[0],
            value,
            slopes[name],
            rng=np.random.default_rng(3),
            name=name,
        )


@table
def test_batched_equals_unbatched(cell, layers, embedding, segment):
    """Each column reads its own side inputs; the gradient of a word is the sum over its columns."""
    network = make_network(cell, layers, embedding, segment)
    inputs, _, rest = make_case(network, padded=True)
    outputs, cache = network.forward(inputs, **rest)
    batched, total, side = network.backward(cache, outputs), np.zeros_like(network.flat), rest["side"]
    for b in range(B):
        one = slice(b, b + 1)
        own = SideInputs(
            None if side.ahead is None else side.ahead[..., one], side.static[:, one], side.codes[:, one]
        )
        single, cache = network.forward(
            inputs[..., one], mask=rest["mask"][:, one], state=rest["state"][..., one], side=own
        )
        np.testing.assert_allclose(single, outputs[:, one], rtol=1e-12, atol=1e-14)
        gradients = network.backward(cache, single)
        np.testing.assert_allclose(gradients.static, batched.static[:, one], rtol=1e-10, atol=1e-13)
        if segment:
            np.testing.assert_allclose(gradients.ahead, batched.ahead[..., one], rtol=1e-10, atol=1e-13)
        total += gradients.flat
    np.testing.assert_allclose(total, batched.flat, rtol=1e-10, atol=1e-13)


@table
def test_float32_is_close_to_float64(cell, layers, embedding, segment):
    """The working precision gives what the checking precision gives, whatever precision the inputs have."""
    precise, working = (
        make_network(cell, layers, embedding, segment, dtype=dtype) for dtype in (np.float64, np.float32)
    )
    inputs, _, rest = make_case(precise, padded=True)
    wanted, cache = precise.forward(inputs, **rest)
    exact = precise.backward(cache, wanted)
    outputs, cache = working.forward(inputs, **rest)
    gradients = working.backward(cache, outputs)
    assert outputs.dtype == gradients.flat.dtype == gradients.static.dtype == np.float32
    np.testing.assert_allclose(outputs, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gradients.flat, exact.flat, rtol=1e-3, atol=1e-3)
    if segment:
        assert gradients.ahead.dtype == np.float32
        np.testing.assert_allclose(gradients.ahead, exact.ahead, rtol=1e-3, atol=1e-4)


@table
def test_prediction_equals_forward(cell, layers, embedding, segment):
    """Prediction equals forward, also from a carried state, which nothing known ahead has touched."""
    network = make_network(cell, layers, embedding, segment, dropout=0.5)
    inputs, _, rest = make_case(network, padded=True)
    outputs, _ = network.forward(inputs, **rest)
    np.testing.assert_allclose(network.predict(inputs, **rest), outputs, rtol=1e-12, atol=1e-14)
    mask, state, side = rest.values()
    past = SideInputs(static=side.static, codes=side.codes)
    carried = network.advance(inputs[:CUT], mask=mask[:CUT], state=state, side=past)
    again = network.advance(inputs[:CUT], mask=mask[:CUT], state=state, side=side)
    assert carried.tobytes() == again.tobytes()
    np.testing.assert_allclose(
        network.predict(inputs[CUT:], mask=mask[CUT:], state=carried, side=side), outputs, rtol=1e-12
    )


@table
def test_forward_equals_the_textbook(cell, layers, embedding, segment):
    """The batched network gives what the formulas give, written out naively."""
    network = make_network(cell, layers, embedding, segment)
    inputs, _, rest = make_case(network, padded=True)
    mask, state, side = rest.values()
    outputs = network.forward(inputs, **rest)[0]
    p, vector = network.parameters, static_vector(network, side)
    own = {name.removeprefix("decoder."): value for name, value in p.items() if "decoder" in name}
    for b in range(B):
        states = [tuple(of_layer) for of_layer in state[..., b]]
        for x in inputs[mask[:, b], :, b]:
            x = p["embedding.weight"] @ np.append(x, 1) + vector[:, b] if embedding else x + vector[:, b]
            states = stack_step(cell, p, np.maximum(0, x) if embedding else x, states)
        if not segment:
            wanted = p["head.weight"] @ np.append(states[-1][0], 1)
        else:
            wanted = np.concatenate(
                [
                    p["head.weight"]
                    @ np.append(
                        stack_step(cell, own, position + p["decoder.known"] @ a + vector[:, b], states)[-1][
                            0
                        ],
                        1,
                    )
                    + p["head.known"] @ a
                    for position, a in zip(p["decoder.positions"], side.ahead[..., b], strict=True)
                ]
            )[:K]
        np.testing.assert_allclose(outputs[:, b], wanted, rtol=1e-10)


@pytest.mark.parametrize("segment", [None, SEGMENT], ids=["direct", "segments"])
def test_new_weights_begin_at_zero_and_change_no_others(segment):
    """A network starts as the one without side inputs, draw by draw, and gives the same outputs."""
    plain = Network(
        make_config("lstm", 2, segment=segment, known=0, static=0, categories=()),
        rng=np.random.default_rng(4),
    )
    network = Network(make_config("lstm", 2, segment=segment), rng=np.random.default_rng(4))
    for name, value in network.parameters.items():
        assert (
            value.tobytes() == plain.parameters[name].tobytes()
            if name in plain.parameters
            else not value.any()
        )
    inputs, _, rest = make_case(network)
    np.testing.assert_array_equal(network.predict(inputs, **rest), plain.predict(inputs, state=rest["state"]))


def test_names_and_shapes_of_the_parameters():
    """They are those of model files: their names stay."""
    shapes = parameter_shapes(make_config())
    assert {name: shapes[name] for name in shapes if "static" in name or "known" in name} == {
        "static.numbers": (H, N),
        "static.category0": (4, H),
        "static.category1": (2, H),
        "decoder.known": (H, G),
        "head.known": (SEGMENT, G),
    }
    without = parameter_shapes(make_config(known=0, static=0, categories=()))
    assert list(without) == [name for name in shapes if "static" not in name and "known" not in name]
    assert parameter_shapes(make_config(embedding=False))["static.numbers"] == (F, N)


def test_side_inputs_of_a_run_leave_no_trace():
    """A workspace that served other side inputs gives the same bytes again."""
    network = make_network("gru", 2)
    (a, _, rest_a), (b, _, rest_b) = (make_case(network, seed=seed) for seed in (1, 2))

    def run(inputs, rest):
        outputs, cache = network.forward(inputs, **rest)
        gradients = network.backward(cache, outputs)
        return outputs.tobytes() + gradients.flat.tobytes() + gradients.ahead.tobytes()

    first = run(a, rest_a)
    assert run(b, rest_b) != first
    assert run(a, rest_a) == first


def test_training_may_leave_out_the_gradients_of_what_is_read():
    """Without them the parameters' gradient keeps every byte."""
    for embedding in (True, False):
        network = make_network("gru", 1, embedding)
        inputs, _, rest = make_case(network)
        results = []
        for wanted in (True, False):
            outputs, cache = network.forward(inputs, **rest)
            results.append(network.backward(cache, outputs, inputs=wanted))
        assert results[1].inputs is results[1].ahead is results[1].static is None
        assert results[0].flat.tobytes() == results[1].flat.tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ahead": None}, r"reads known values ahead \(m, G, B\) = \(2, 8, 4\), found none"),
        ({"ahead": np.zeros((2, 7, B))}, r"\(2, 8, 4\), found \(2, 7, 4\)"),
        ({"static": None}, r"reads static numbers \(N, B\) = \(9, 4\), found none"),
        ({"static": np.zeros((N, 1))}, r"\(9, 4\), found \(9, 1\)"),  # it would be broadcast
        ({"codes": None}, r"reads codes \(D, B\) = \(2, 4\), found none"),
        ({"codes": CODES[:1]}, r"found \(1, 4\)"),
        ({"codes": CODES.astype(float)}, "must be integers, found float64"),
        ({"codes": CODES - 1}, "category 0 must be from 0 to 3, found -1 to 1"),
        ({"codes": CODES * [[1], [2]]}, "category 1 must be from 0 to 1, found 0 to 2"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    """A wrong shape or code, and what is missing, is an error that says what the network reads."""
    network = make_network()
    inputs, _, rest = make_case(network)
    side = SideInputs(**{**vars(rest["side"]), **change})
    for run in (network.forward, network.predict):
        with pytest.raises(ForecasterError, match=message):
            run(inputs, side=side)


@pytest.mark.parametrize("name", ["known values ahead", "static numbers", "codes"])
def test_what_is_not_read_is_refused(name):
    """Side inputs that a network would ignore are an error."""
    network = make_network(known=0, static=0, categories=())
    side = {
        "known values ahead": SideInputs(ahead=np.zeros((SEGMENTS, G, B))),
        "static numbers": SideInputs(static=np.zeros((N, B))),
        "codes": SideInputs(codes=CODES),
    }[name]
    with pytest.raises(ForecasterError, match=f"reads no {name}"):
        network.forward(np.zeros((T, F, B)), side=side)


def test_known_values_need_a_head_that_reads_them():
    """A direct head, or another without a place for them, never ignores known values."""
    with pytest.raises(UsageError, match="known needs output_segment"):
        make_config(segment=None, known=1)
    with pytest.raises(UsageError, match="0 or more"):
        make_config(static=-1)
    network = Network(make_config(embedding=False), rng=np.random.default_rng(0), head=QuantileHead)
    inputs, _, rest = make_case(network)
    with pytest.raises(ForecasterError, match="reads no known values"):
        network.predict(inputs, **rest)


def learn(config, make_batch, steps):
    """A network after some steps of training; make_batch(rng) gives all columns of a batch."""
    training, rng = TrainingConfig(steps=steps, loss="mse"), np.random.default_rng(0)
    network = Network(config, rng=rng)
    optimizer = make_optimizer(training, network.flat.size, network.flat.dtype)
    with ShardedNetwork(network, workers=1) as sharded:
        for _ in range(steps):
            batch = make_batch(rng)
            gather = (lambda whole: lambda start, stop: whole)(batch)
            _, gradient = sharded.loss_and_gradient(gather, batch.inputs.shape[2], MSE)
            optimizer.update(network.flat, gradient, 0.01)
    return network


def test_known_values_that_explain_everything_are_learned():
    """Outputs that are known ahead come out with an error far below a tenth of their size."""
    config = NetworkConfig(inputs=2, hidden=8, outputs=6, output_segment=3, known=3)

    def make_batch(rng):
        ahead = rng.standard_normal((2, 3, 15))
        return Batch(rng.standard_normal((2, 2, 15)), ahead.reshape(6, 15), ahead=ahead)

    network, fresh = learn(config, make_batch, 400), make_batch(np.random.default_rng(9))
    assert np.abs(network.predict(fresh.inputs, side=fresh.side) - fresh.targets).mean() < 0.05


def test_words_are_learned_and_an_unseen_one_gets_their_mean():
    """Each word has its own effect; the code 0, given to some columns in training, has the mean effect."""
    config = NetworkConfig(inputs=1, hidden=8, outputs=1, categories=(3,))

    def make_batch(rng):
        words = rng.integers(1, 4, size=(1, 15))
        codes = np.where(rng.random((1, 15)) < 0.2, 0, words)
        return Batch(rng.standard_normal((2, 1, 15)), 2.0 * words, codes=codes)

    network = learn(config, make_batch, 500)
    outputs = network.predict(np.zeros((2, 1, 4)), side=SideInputs(codes=np.array([[0, 1, 2, 3]])))
    np.testing.assert_allclose(outputs[0], [4, 2, 4, 6], atol=0.5)
