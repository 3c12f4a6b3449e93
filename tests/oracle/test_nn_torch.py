"""The network against PyTorch's: the same outputs and gradients from the same weights."""

import numpy as np
import pytest

from forecaster.config import NetworkConfig
from forecaster.nn.network import Network
from forecaster.nn.side_inputs import SideInputs

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'forecaster[oracle]'")

T, B, F, H, K = 9, 4, 3, 6, 5
ORDER = {"rnn": [0], "gru": [0, 1, 2], "lstm": [3, 0, 1, 2]}
"""Where our gate blocks lie among PyTorch's (LSTM: ours o, i, f, g; PyTorch's i, f, g, o)."""
MODULES = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def torch_gates(cell, array):
    """Rows of our gate blocks in PyTorch's order."""
    blocks = array.reshape(-1, H, *array.shape[1:])
    return blocks[np.argsort(ORDER[cell])].reshape(array.shape)


def as_torch(cell, layer, p):
    """Our parameters (or their gradients) of a layer under PyTorch's names and shapes."""
    weight = torch_gates(cell, p[f"layer{layer}.weight"])
    b_ih, b_hh = weight[:, -1].copy(), np.zeros(len(weight))
    if cell == "gru":
        b_hh[2 * H :] = p[f"layer{layer}.bias"]
    return {"weight_ih": weight[:, H:-1], "weight_hh": weight[:, :H], "bias_ih": b_ih, "bias_hh": b_hh}


def module_of(cell, inputs, layers, p, dtype):
    """PyTorch's module with our weights."""
    module = MODULES[cell](inputs, H, layers).to(getattr(torch, np.dtype(dtype).name))
    for layer in range(layers):
        for name, value in as_torch(cell, layer, p).items():
            getattr(module, f"{name}_l{layer}").data[...] = torch.from_numpy(np.ascontiguousarray(value))
    return module


def steps_first(array):
    """(T, I, B) as PyTorch's (T, B, I), with a gradient."""
    return torch.from_numpy(np.ascontiguousarray(array.swapaxes(-1, -2))).requires_grad_()


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_outputs_and_gradients_equal_pytorch(cell, layers, dtype):
    """Outputs, and gradients by weights, inputs and initial state, are within 1e-5 of PyTorch's."""
    rng = np.random.default_rng(0)
    config = NetworkConfig(cell=cell, inputs=F, hidden=H, layers=layers, outputs=K, embedding=False)
    network = Network(config, rng=rng, dtype=dtype)
    network.flat += (0.1 * rng.standard_normal(network.flat.size)).astype(dtype)
    inputs = rng.standard_normal((T, F, B)).astype(dtype)
    state = rng.standard_normal((*network.state_shape, B)).astype(dtype)
    d_outputs = rng.standard_normal((K, B)).astype(dtype)
    outputs, cache = network.forward(inputs, state=state)
    gradients = network.backward(cache, d_outputs)

    module = module_of(cell, F, layers, network.parameters, dtype)
    head = torch.from_numpy(network.parameters["head.weight"].copy()).requires_grad_()
    x = steps_first(inputs)
    states = [steps_first(state[:, k]) for k in range(state.shape[1])]
    all_h, _ = module(x, tuple(states) if cell == "lstm" else states[0])
    theirs = all_h[-1] @ head[:, :-1].T + head[:, -1]
    theirs.backward(torch.from_numpy(np.ascontiguousarray(d_outputs.T)))

    close(outputs.T, theirs)
    close(gradients.inputs.transpose(0, 2, 1), x.grad)
    close(gradients.parameters["head.weight"], head.grad)
    for k, initial in enumerate(states):
        close(gradients.state[:, k].transpose(0, 2, 1), initial.grad)
    for layer in range(layers):
        wanted = {name: getattr(module, f"{name}_l{layer}").grad for name in as_torch_names()}
        ours = as_torch(cell, layer, gradients.parameters)
        for name in ("weight_ih", "weight_hh", "bias_ih"):
            close(ours[name], wanted[name])
        if cell == "gru":
            close(ours["bias_hh"][2 * H :], wanted["bias_hh"][2 * H :])


def as_torch_names():
    return ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_side_inputs_equal_pytorch(cell, layers):
    """Outputs and gradients of embedding, decoder, known values, static numbers and categories."""
    rng, segments = np.random.default_rng(0), 2
    sizes = {"inputs": F, "hidden": H, "outputs": K, "output_segment": 3, "known": 7, "static": 2}
    config = NetworkConfig(cell=cell, layers=layers, categories=(4, 2), **sizes)
    network = Network(config, rng=rng, dtype=np.float64)
    network.flat += 0.1 * rng.standard_normal(network.flat.size)
    inputs, ahead = rng.standard_normal((T, F, B)), rng.standard_normal((segments, 7, B))
    static, codes = rng.standard_normal((2, B)), np.array([[1, 4, 4, 0], [0, 2, 1, 2]])
    d_outputs = rng.standard_normal((K, B))
    outputs, cache = network.forward(inputs, side=SideInputs(ahead, static, codes))
    gradients = network.backward(cache, d_outputs)

    p = {name: torch.from_numpy(value.copy()).requires_grad_() for name, value in network.parameters.items()}
    x, a, n = steps_first(inputs), steps_first(ahead), steps_first(static)
    own = {
        name.removeprefix("decoder."): value
        for name, value in network.parameters.items()
        if "decoder" in name
    }
    encoder = module_of(cell, H, layers, network.parameters, np.float64)
    decoder = module_of(cell, H, layers, own, np.float64)
    s = n @ p["static.numbers"].T
    for i, words in enumerate(torch.from_numpy(codes)):
        s = s + torch.nn.functional.embedding(words, p[f"static.category{i}"])
    weight = p["embedding.weight"]
    _, state = encoder(torch.relu(x @ weight[:, :-1].T + weight[:, -1] + s))
    theirs = []
    for j in range(segments):
        h, _ = decoder((p["decoder.positions"][j] + a[j] @ p["decoder.known"].T + s)[None], state)
        theirs.append(h[0] @ p["head.weight"][:, :-1].T + p["head.weight"][:, -1] + a[j] @ p["head.known"].T)
    theirs = torch.cat(theirs, dim=1)[:, :K]
    theirs.backward(torch.from_numpy(np.ascontiguousarray(d_outputs.T)))

    close(outputs.T, theirs)
    for ours, leaf in ((gradients.inputs, x), (gradients.ahead, a), (gradients.static, n)):
        close(ours.swapaxes(-1, -2), leaf.grad)
    for name, leaf in p.items():
        if "layer" not in name:
            close(gradients.parameters[name], leaf.grad)
