"""Every sequence shape through the same tests: gradients, masks, one step at a time = all at once."""

import itertools

import numpy as np
import pytest

from forecaster.config import NetworkConfig
from forecaster.errors import ForecasterError
from forecaster.nn.cells import CELLS
from forecaster.nn.gradcheck import check_coordinates, check_directions
from forecaster.nn.network import Network
from forecaster.nn.sequences.cross_entropy import likeliest_one_hot, softmax_cross_entropy
from forecaster.nn.sequences.encoder_decoder import EncoderDecoder
from forecaster.nn.sequences.many_to_many import SequenceNetwork

T, U, B, F, D, H, K = 6, 4, 2, 3, 8, 5, 7
"""All different, so that no two axes can be mistaken for each other."""
TABLE = list(itertools.product(CELLS, [1, 3]))
table = pytest.mark.parametrize(("cell", "layers"), TABLE, ids=[f"{cell}-{layers}" for cell, layers in TABLE])
padding = pytest.mark.parametrize("padded", [False, True], ids=["unpadded", "padded"])


def config_of(cell, layers, **changes):
    """The configuration of the tests."""
    sizes = {"inputs": F, "hidden": H, "outputs": K, **changes}
    return NetworkConfig(cell=cell, layers=layers, embedding=False, **sizes)


def make(kind, cell, layers, *, dtype=np.float64, **options):
    """A network whose biases are not zero."""
    network = kind(config_of(cell, layers), rng=np.random.default_rng(1), dtype=dtype, **options)
    network.flat += 0.1 * np.random.default_rng(2).standard_normal(network.flat.size)
    return network


def make_case(network, *, steps=T):
    """Inputs, a state that is not zero, classes, and a mask with padding at the start, end and within."""
    rng = np.random.default_rng(7)
    inputs = rng.standard_normal((steps, F, B))
    state = rng.standard_normal((*network.state_shape, B))
    mask = np.ones((steps, B), bool)
    mask[:2, 0] = mask[-1, 1] = mask[-3, 1] = False
    return inputs, state, rng.integers(K, size=(steps, B)), mask


def check(network, gradients, function, **others):
    """Parameters along directions; `others`, name -> (point, gradient), at every coordinate."""
    rng = np.random.default_rng(3)
    for name, value in network.parameters.items():
        assert np.any(gradients.parameters[name])
        check_directions(function, value, gradients.parameters[name], rng=rng, name=name)
    for name, (point, gradient) in others.items():
        assert np.any(gradient)
        check_coordinates(function, point, gradient, name=name)


@table
@padding
def test_many_to_one_gradients_equal_central_differences(cell, layers, padded):
    """A classifier, cross-entropy on the last step, has the gradient that central differences give."""
    network = make(Network, cell, layers)
    inputs, state, classes, mask = make_case(network)
    options = {"mask": mask if padded else None, "state": state}

    def function():
        return softmax_cross_entropy(network.forward(inputs, **options)[0], classes[0])[0]

    outputs, cache = network.forward(inputs, **options)
    gradients = network.backward(cache, softmax_cross_entropy(outputs, classes[0])[1])
    check(network, gradients, function, inputs=(inputs, gradients.inputs), state=(state, gradients.state))


@table
@padding
def test_many_to_many_gradients_equal_central_differences(cell, layers, padded):
    """A loss that reads the output of every step and the final state has its gradient."""
    network = make(SequenceNetwork, cell, layers)
    inputs, state, classes, mask = make_case(network)
    d_state = np.random.default_rng(4).standard_normal(state.shape)
    options = {"mask": mask if padded else None, "state": state}
    weights = mask.astype(float) if padded else None

    def function():
        outputs, cache = network.forward(inputs, **options)
        return softmax_cross_entropy(outputs, classes, weights)[0] + float(np.vdot(cache.state, d_state))

    outputs, cache = network.forward(inputs, **options)
    assert outputs.shape == (T, K, B)
    gradients = network.backward(cache, softmax_cross_entropy(outputs, classes, weights)[1], d_state)
    check(network, gradients, function, inputs=(inputs, gradients.inputs), state=(state, gradients.state))


@table
def test_the_output_of_a_padded_step_has_a_gradient_too(cell, layers):
    """It is the output of the step before, and a loss that reads it all the same has the right gradient."""
    network = make(SequenceNetwork, cell, layers)
    inputs, state, classes, mask = make_case(network)

    def function():
        outputs, _ = network.forward(inputs, mask=mask, state=state)
        return softmax_cross_entropy(outputs, classes)[0]

    outputs, cache = network.forward(inputs, mask=mask, state=state)
    np.testing.assert_array_equal(outputs[-1, :, 1], outputs[-2, :, 1])
    gradients = network.backward(cache, softmax_cross_entropy(outputs, classes)[1])
    check(network, gradients, function, inputs=(inputs, gradients.inputs), state=(state, gradients.state))


@table
@padding
def test_one_to_many_gradients_equal_central_differences(cell, layers, padded):
    """One input and T outputs: parameters, the input and the state have their gradients."""
    network = make(SequenceNetwork, cell, layers)
    inputs, state, classes, mask = make_case(network)
    inputs, mask[0] = inputs[:1], True
    options = {"mask": mask if padded else None, "state": state, "steps": T}
    weights = mask.astype(float) if padded else None

    def function():
        return softmax_cross_entropy(network.forward(inputs, **options)[0], classes, weights)[0]

    outputs, cache = network.forward(inputs, **options)
    assert outputs.shape == (T, K, B)
    gradients = network.backward(cache, softmax_cross_entropy(outputs, classes, weights)[1])
    assert gradients.inputs.shape == (1, F, B)
    check(network, gradients, function, inputs=(inputs, gradients.inputs), state=(state, gradients.state))


@table
@padding
def test_encoder_decoder_gradients_equal_central_differences(cell, layers, padded):
    """All parameters, the source, what the decoder reads and the encoder's state have their gradients."""
    network = make(EncoderDecoder, cell, layers, decoder_inputs=D)
    source, state, _, mask = make_case(network)
    rng = np.random.default_rng(5)
    reads, classes = rng.standard_normal((U, D, B)), rng.integers(K, size=(U, B))
    written = np.ones((U, B), bool)
    written[2:, 1] = False
    options = {"mask": mask, "decoder_mask": written, "state": state} if padded else {"state": state}
    weights = written.astype(float) if padded else None

    def function():
        return softmax_cross_entropy(network.forward(source, reads, **options)[0], classes, weights)[0]

    outputs, cache = network.forward(source, reads, **options)
    assert outputs.shape == (U, K, B)
    gradients = network.backward(cache, softmax_cross_entropy(outputs, classes, weights)[1])
    check(
        network,
        gradients,
        function,
        source=(source, gradients.inputs),
        decoder_inputs=(reads, gradients.decoder_inputs),
        state=(state, gradients.state),
    )


@pytest.mark.parametrize("kind", [SequenceNetwork, EncoderDecoder])
@pytest.mark.parametrize("cell", CELLS)
def test_each_partial_derivative_equals_central_differences(kind, cell):
    """No single weight hides behind the others: each partial derivative is right by itself."""
    network = make(kind, cell, 2)
    inputs, state, classes, mask = make_case(network)
    reads = np.random.default_rng(5).standard_normal((T, K, B))
    arguments = (inputs, reads) if kind is EncoderDecoder else (inputs,)

    def run():
        return network.forward(*arguments, mask=mask, state=state)

    outputs, cache = run()
    gradients = network.backward(cache, softmax_cross_entropy(outputs, classes)[1])
    check_coordinates(lambda: softmax_cross_entropy(run()[0], classes)[0], network.flat, gradients.flat)


@table
def test_the_last_output_is_that_of_the_many_to_one_network(cell, layers):
    """A head on every step and a head on the last step agree there, with the same parameters."""
    many, one = make(SequenceNetwork, cell, layers), make(Network, cell, layers)
    assert many.shapes == one.shapes
    one.flat[...] = many.flat
    inputs, state, _, mask = make_case(many)
    outputs, _ = many.forward(inputs, mask=mask, state=state)
    np.testing.assert_allclose(outputs[-1], one.forward(inputs, mask=mask, state=state)[0], rtol=1e-12)


@table
def test_pieces_of_a_sequence_are_the_whole(cell, layers):
    """Going on from the state of a cache gives the outputs of the sequence in one run."""
    network = make(SequenceNetwork, cell, layers)
    inputs, state, _, mask = make_case(network)
    whole, whole_cache = network.forward(inputs, mask=mask, state=state)
    first, cache = network.forward(inputs[:2], mask=mask[:2], state=state)
    second, last = network.forward(inputs[2:], mask=mask[2:], state=cache.state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(last.state, whole_cache.state, rtol=1e-12, atol=1e-14)


@table
def test_whatever_lies_in_the_padding_is_not_read(cell, layers):
    """NaN and huge values under the mask change no output and no gradient by a byte."""
    network = make(EncoderDecoder, cell, layers)
    source, state, _, mask = make_case(network)
    reads, written = np.random.default_rng(5).standard_normal((T, K, B)), mask[::-1]
    results = []
    for garbage in (0.0, 1e9, np.nan):
        source[~np.repeat(mask[:, None], F, axis=1)] = garbage
        reads[~np.repeat(written[:, None], K, axis=1)] = garbage
        outputs, cache = network.forward(source, reads, mask=mask, decoder_mask=written, state=state)
        results.append((outputs, network.backward(cache, np.ones_like(outputs))))
    for outputs, gradients in results[1:]:
        np.testing.assert_array_equal(outputs, results[0][0])
        np.testing.assert_array_equal(gradients.flat, results[0][1].flat)
        np.testing.assert_array_equal(gradients.inputs, results[0][1].inputs)


@table
def test_generating_is_forward_with_what_was_fed(cell, layers):
    """One step at a time, reading its own outputs, gives what forward gives for the inputs it had read."""
    network = make(SequenceNetwork, cell, layers)
    inputs, state, _, _ = make_case(network)
    fed = [inputs[0]]

    def feed(outputs):
        fed.append(np.sin(outputs[:F]))
        return fed[-1]

    outputs = network.generate(inputs[0], T, feed, state=state)
    assert len(fed) == T
    np.testing.assert_allclose(
        outputs, network.forward(np.array(fed), state=state)[0], rtol=1e-12, atol=1e-14
    )


@table
def test_greedy_decoding_reads_its_own_likeliest_classes(cell, layers):
    """Decoding equals the teacher-forced forward run whose teacher says what was decoded."""
    network = make(EncoderDecoder, cell, layers)
    source, state, _, mask = make_case(network)
    nothing = np.zeros((K, B))
    outputs = network.decode(source, nothing, U, likeliest_one_hot, mask=mask, state=state)
    reads = np.concatenate([nothing[None], likeliest_one_hot(outputs)[:-1]])
    forced, _ = network.forward(source, reads, mask=mask, state=state)
    np.testing.assert_allclose(outputs, forced, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [SequenceNetwork, EncoderDecoder])
@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_is_close_to_double(kind, cell):
    """float32 gives float32 outputs and gradients near those of float64."""
    results = []
    for dtype in (np.float32, np.float64):
        network = make(kind, cell, 2, dtype=dtype)
        inputs, state, classes, mask = make_case(network)
        reads = np.random.default_rng(5).standard_normal((T, K, B))
        arguments = (inputs, reads) if kind is EncoderDecoder else (inputs,)
        outputs, cache = network.forward(*arguments, mask=mask, state=state)
        gradients = network.backward(cache, softmax_cross_entropy(outputs, classes)[1])
        assert outputs.dtype == gradients.flat.dtype == gradients.inputs.dtype == dtype
        results.append((outputs, gradients))
    (single, of_single), (double, of_double) = results
    np.testing.assert_allclose(single, double, atol=1e-5)
    np.testing.assert_allclose(of_single.flat, of_double.flat, atol=1e-4)


def test_runs_that_overlap_do_not_disturb_each_other():
    """Two forward runs before the first backward give the gradients that each gives alone."""
    network = make(SequenceNetwork, "lstm", 2)
    inputs, state, _, _ = make_case(network)
    alone = []
    for factor in (1, 2):
        outputs, cache = network.forward(factor * inputs, state=state)
        alone.append(network.backward(cache, outputs))
    runs = [network.forward(factor * inputs, state=state) for factor in (1, 2)]
    together = [network.backward(cache, outputs) for outputs, cache in runs]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.flat, other.flat)
        np.testing.assert_array_equal(one.inputs, other.inputs)


def test_the_flat_vector_holds_every_parameter():
    """The parts of an encoder-decoder are views of its one flat vector."""
    network = make(EncoderDecoder, "gru", 2, decoder_inputs=D)
    assert sum(value.size for value in network.parameters.values()) == network.flat.size
    network.flat[...] = 0
    assert not network.encoder.parameters["layer1.weight"].any()
    assert not network.decoder.parameters["head.weight"].any()
    assert not network.decoder.network.parameters["layer0.bias"].any()


def test_the_derivative_by_the_inputs_can_be_left_out():
    """inputs=False gives the same gradient and no derivative by the inputs."""
    network = make(EncoderDecoder, "gru", 1)
    source, _, _, _ = make_case(network)
    reads = np.ones((U, K, B))
    full, bare = (
        network.backward(network.forward(source, reads)[1], np.ones((U, K, B)), inputs=inputs)
        for inputs in (True, False)
    )
    np.testing.assert_array_equal(bare.flat, full.flat)
    assert bare.inputs is None
    assert bare.decoder_inputs is None


def test_a_cache_serves_once():
    """A second backward over the same run is an error, not a wrong gradient."""
    network = make(SequenceNetwork, "gru", 1)
    _, cache = network.forward(np.ones((T, F, B)))
    network.backward(cache, np.ones((T, K, B)))
    with pytest.raises(ForecasterError, match="once"):
        network.backward(cache, np.ones((T, K, B)))


@pytest.mark.parametrize("changes", [{"embedding": True}, {"dropout": 0.1}])
@pytest.mark.parametrize("kind", [SequenceNetwork, EncoderDecoder])
def test_what_sequence_networks_do_not_have_is_refused(kind, changes):
    """An embedding or dropout in the configuration is an error, not silently left out."""
    config = NetworkConfig(**{"embedding": False, **changes})
    with pytest.raises(ForecasterError, match="neither embedding nor dropout"):
        kind(config, rng=np.random.default_rng(1))


def test_wrong_shapes_are_named():
    """Inputs, masks, states, derivatives and steps that do not fit are errors that say what was found."""
    network = make(SequenceNetwork, "gru", 1)
    inputs, state, _, mask = make_case(network)
    with pytest.raises(ForecasterError, match="takes inputs"):
        network.forward(inputs[:, :1])
    with pytest.raises(ForecasterError, match="mask must be"):
        network.forward(inputs, mask=mask[1:])
    with pytest.raises(ForecasterError, match="state must be"):
        network.forward(inputs, state=state[..., :1])
    with pytest.raises(ForecasterError, match="do not fit into 2 steps"):
        network.forward(inputs, steps=2)
    with pytest.raises(ForecasterError, match="first input must be"):
        network.generate(inputs, 3, lambda outputs: outputs)
    with pytest.raises(ForecasterError, match="state must be"):
        network.generate(inputs[0], 3, lambda outputs: outputs, state=state[..., :1])
    outputs, cache = network.forward(inputs)
    with pytest.raises(ForecasterError, match="derivative by the outputs"):
        network.backward(cache, outputs[0])
