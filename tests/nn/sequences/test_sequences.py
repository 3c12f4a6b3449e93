"""All kinds of networks through the same tests: gradient, mask, batched = unbatched, float32 ≈ float64."""

import copy
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
KINDS = {
    "many to one": (Network, {}, (K, B)),
    "many to many": (SequenceNetwork, {}, (T, K, B)),
    "one to many": (SequenceNetwork, {}, (T, K, B)),
    "encoder-decoder": (EncoderDecoder, {"decoder_inputs": D}, (U, K, B)),
}
"""Class of each kind, what it is made with, and the shape of its outputs."""
kinds = pytest.mark.parametrize("kind", KINDS)
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


class Case:
    """A network of a kind, what it reads, and a loss: cross-entropy plus a product with the final state."""

    def __init__(self, kind, cell, layers, *, padded=True, dtype=np.float64):
        network_class, options, self.shape = KINDS[kind]
        self.network, rng = (
            make(network_class, cell, layers, dtype=dtype, **options),
            np.random.default_rng(5),
        )
        inputs, state, self.classes, mask = make_case(self.network)
        self.points, self.masks, self.options = {"inputs": inputs, "state": state}, {"mask": mask}, {}
        self.weights, self.d_state = mask.astype(float), [rng.standard_normal(state.shape)]
        if kind == "many to one":
            self.classes, self.weights = self.classes[0], None
        elif kind == "one to many":
            self.points["inputs"], self.options["steps"] = inputs[:1], T
            mask[0] = self.weights[0] = 1
        elif kind == "encoder-decoder":
            written = np.ones((U, B), bool)
            written[2:, 1] = False
            self.points["decoder_inputs"] = rng.standard_normal((U, D, B))
            self.masks["decoder_mask"], self.weights = written, written.astype(float)
            self.classes, self.d_state = rng.integers(K, size=(U, B)), []
        if not padded:
            self.masks, self.weights = {}, None

    def column(self, b):
        """The same network with one sequence of the batch."""
        case, one = copy.copy(self), slice(b, b + 1)
        case.points, case.masks = (
            {name: value[..., one] for name, value in arrays.items()} for arrays in (self.points, self.masks)
        )
        case.classes, case.d_state = self.classes[..., one], [d[..., one] for d in self.d_state]
        case.weights = None if self.weights is None else self.weights[..., one]
        return case

    def forward(self):
        """Outputs, cache, loss and its derivative by the outputs."""
        reads = [self.points[name] for name in ("inputs", "decoder_inputs") if name in self.points]
        outputs, cache = self.network.forward(
            *reads, state=self.points["state"], **self.masks, **self.options
        )
        loss, slope = softmax_cross_entropy(outputs, self.classes, self.weights)
        return outputs, cache, loss + sum(float(np.vdot(cache.state, d)) for d in self.d_state), slope

    def loss(self):
        """The value alone."""
        return self.forward()[2]

    def run(self):
        """Outputs and gradients."""
        outputs, cache, _, slope = self.forward()
        return outputs, self.network.backward(cache, slope, *self.d_state)


@kinds
@table
@padding
def test_gradients_equal_central_differences(kind, cell, layers, padded):
    """Every parameter, everything the network reads and its initial state have their gradients."""
    case = Case(kind, cell, layers, padded=padded)
    outputs, gradients = case.run()
    assert outputs.shape == case.shape
    rng = np.random.default_rng(3)
    for name, value in case.network.parameters.items():
        assert np.any(gradients.parameters[name])
        check_directions(case.loss, value, gradients.parameters[name], rng=rng, name=name)
    for name, value in case.points.items():
        gradient = getattr(gradients, name)
        assert gradient.shape == value.shape
        assert np.any(gradient)
        check_coordinates(case.loss, value, gradient, name=name)


@table
def test_the_output_of_a_padded_step_has_a_gradient_too(cell, layers):
    """It equals the output of the step before. A loss that reads it nevertheless has the right gradient."""
    case = Case("many to many", cell, layers)
    case.weights = None
    outputs, gradients = case.run()
    np.testing.assert_array_equal(outputs[-1, :, 1], outputs[-2, :, 1])
    check_directions(case.loss, case.network.flat, gradients.flat, rng=np.random.default_rng(3))
    for name, value in case.points.items():
        check_coordinates(case.loss, value, getattr(gradients, name), name=name)


@kinds
@pytest.mark.parametrize("cell", CELLS)
def test_each_partial_derivative_equals_central_differences(kind, cell):
    """No single weight hides behind the others: each partial derivative is right by itself."""
    case = Case(kind, cell, 2)
    check_coordinates(case.loss, case.network.flat, case.run()[1].flat)


@kinds
@table
def test_batched_equals_unbatched(kind, cell, layers):
    """Each column's output is its own, and the gradient of the batch is the sum of those of its columns."""
    case = Case(kind, cell, layers)
    outputs, gradients = case.run()
    alone = [case.column(b).run() for b in range(B)]
    np.testing.assert_allclose(
        np.concatenate([one for one, _ in alone], axis=-1), outputs, rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(sum(of_one.flat for _, of_one in alone), gradients.flat, atol=1e-13)


@kinds
@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_is_close_to_double(kind, cell):
    """float32 gives float32 outputs and gradients near those of float64."""
    (single, of_single), (double, of_double) = (
        Case(kind, cell, 2, dtype=dtype).run() for dtype in (np.float32, np.float64)
    )
    assert single.dtype == of_single.flat.dtype == of_single.inputs.dtype == np.float32
    assert double.dtype == of_double.flat.dtype == of_double.inputs.dtype == np.float64
    np.testing.assert_allclose(single, double, atol=1e-5)
    np.testing.assert_allclose(of_single.flat, of_double.flat, atol=1e-4)


@kinds
@table
def test_whatever_lies_in_the_padding_is_not_read(kind, cell, layers):
    """NaN and huge values under the mask change no output and no gradient by a byte."""
    case, results = Case(kind, cell, layers), []
    for garbage in (0.0, 1e9, np.nan):
        for name in ("", "decoder_"):
            for values, real in zip(
                case.points.get(name + "inputs", []), case.masks.get(name + "mask", []), strict=False
            ):
                values[:, ~real] = garbage
        results.append(case.run())
    for outputs, gradients in results[1:]:
        np.testing.assert_array_equal(outputs, results[0][0])
        np.testing.assert_array_equal(gradients.flat, results[0][1].flat)
        np.testing.assert_array_equal(gradients.inputs, results[0][1].inputs)


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
    """Continuing from the state of a cache gives the outputs of the sequence in one run."""
    network = make(SequenceNetwork, cell, layers)
    inputs, state, _, mask = make_case(network)
    whole, whole_cache = network.forward(inputs, mask=mask, state=state)
    first, cache = network.forward(inputs[:2], mask=mask[:2], state=state)
    second, last = network.forward(inputs[2:], mask=mask[2:], state=cache.state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(last.state, whole_cache.state, rtol=1e-12, atol=1e-14)


@table
def test_generating_is_forward_with_what_was_fed(cell, layers):
    """One step at a time, reading its own outputs, gives what forward gives for the same inputs."""
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
    """Decoding equals a teacher-forced forward run on the decoded classes."""
    network = make(EncoderDecoder, cell, layers)
    source, state, _, mask = make_case(network)
    nothing = np.zeros((K, B))
    outputs = network.decode(source, nothing, U, likeliest_one_hot, mask=mask, state=state)
    reads = np.concatenate([nothing[None], likeliest_one_hot(outputs)[:-1]])
    forced, _ = network.forward(source, reads, mask=mask, state=state)
    np.testing.assert_allclose(outputs, forced, rtol=1e-12, atol=1e-14)


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


@pytest.mark.parametrize(
    "changes",
    [
        *({"embedding": True}, {"dropout": 0.1}, {"static": 1}, {"categories": (2,)}),
        {"known": 1, "output_segment": 1},
    ],
)
@pytest.mark.parametrize("kind", [SequenceNetwork, EncoderDecoder])
def test_what_sequence_networks_do_not_have_is_refused(kind, changes):
    """An embedding, dropout or side inputs in the configuration are an error, not silently left out."""
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
