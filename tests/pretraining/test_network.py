"""The network: its gradients are right, its quantiles never cross, and C and NumPy agree."""

import numpy as np
import pytest
from stand_ins import HORIZONS, design_of

from forecaster.nn.gradcheck import check_directions
from forecaster.pretraining.network import (
    LEVELS,
    MEDIAN_WEIGHT,
    QUANTILE_WEIGHT,
    SIDE,
    SMALL,
    Design,
    QuantileHead,
    Sample,
    make_network,
    pinball,
    quantiles,
    quantiles_backward,
)

DESIGNS = {
    "median and gates": Design(inputs=5, hidden=4, horizon=3, gates=(0.3, -0.2)),
    "median without gates": Design(inputs=2, hidden=7, horizon=6, gates=()),
    "fixed median": Design(inputs=3, hidden=5, horizon=2, gates=(), median=False),
}
designs = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)


def sample_of(design, batch, rng, steps=4, dtype=float):
    """Random inputs and patterns."""
    shape = design.horizon, batch
    return Sample(
        rng.normal(size=(steps, design.inputs, batch)).astype(dtype),
        rng.normal(size=shape).astype(dtype),
        rng.normal(size=(len(design.gates), *shape)).astype(dtype),
        np.zeros(batch),
        np.ones(batch),
    )


def softplus(x):
    return np.log1p(np.exp(x))


@designs
def test_gradients_of_the_weights(design):
    """Backward gives the slope of the loss, for sizes that all differ and with targets missing."""
    rng = np.random.default_rng(0)
    network = make_network(design, rng, dtype=np.float64)
    sample = sample_of(design, 9, rng)
    actual = rng.normal(size=(design.horizon, 9)) * 3
    actual[rng.random(actual.shape) < 0.3] = np.nan

    def loss():
        outputs, _ = network.forward(sample.inputs)
        return pinball(quantiles(design, outputs, sample), actual)[0]

    outputs, cache = network.forward(sample.inputs)
    _, slope = pinball(quantiles(design, outputs, sample), actual)
    gradients = network.backward(cache, quantiles_backward(design, outputs, sample, slope), inputs=False)
    for name, value in network.parameters.items():
        check_directions(loss, value, gradients.parameters[name], rng=rng, name=name)
    assert np.allclose(network.predict(sample.inputs), outputs)


@designs
def test_gradients_of_the_outputs(design):
    """The derivative by every output, for a loss that sees every quantile."""
    rng = np.random.default_rng(1)
    sample = sample_of(design, 6, rng)
    outputs = rng.normal(size=(design.channels * design.horizon, 6))
    weight = rng.normal(size=(len(LEVELS), design.horizon, 6))
    gradient = quantiles_backward(design, outputs, sample, weight)
    check_directions(
        lambda: float((weight * quantiles(design, outputs, sample)).sum()),
        outputs,
        gradient,
        rng=rng,
        directions=20,
    )


@designs
def test_quantiles_against_their_formula(design):
    """The median is the base, the offset and the gated patterns; others lie sums of softplus away from it."""
    rng = np.random.default_rng(2)
    sample = sample_of(design, 3, rng)
    outputs = rng.normal(size=(design.channels * design.horizon, 3))
    result = quantiles(design, outputs, sample)
    for step in range(design.horizon):
        for series in range(3):
            o = outputs[step :: design.horizon, series]  # one number of each channel
            median = sample.base[step, series]
            if design.median:
                median += o[6] + sum(
                    (o[7 + g] + design.gates[g]) * sample.patterns[g, step, series]
                    for g in range(len(design.gates))
                )
            up = [median + softplus(o[: n + 1]).sum() for n in range(3)]
            down = [median - softplus(o[3 : 4 + n]).sum() for n in range(3)]
            assert np.allclose(result[:, step, series], [*down[::-1], median, *up])


@designs
def test_quantiles_never_cross(design):
    """Whatever the outputs, large ones included, quantiles rise with their level."""
    rng = np.random.default_rng(3)
    sample = sample_of(design, 500, rng, dtype=np.float32)
    outputs = (rng.normal(size=(design.channels * design.horizon, 500)) * 50).astype(np.float32)
    result = quantiles(design, outputs, sample)
    assert np.isfinite(result).all()
    assert (np.diff(result, axis=0) >= 0).all()


def test_a_fixed_median_is_the_base():
    """The forecast of a price stays where it is, whatever the network says."""
    design = DESIGNS["fixed median"]
    rng = np.random.default_rng(4)
    sample = sample_of(design, 8, rng)
    outputs = rng.normal(size=(design.channels * design.horizon, 8))
    assert np.array_equal(quantiles(design, outputs, sample)[SIDE], sample.base)


def test_the_loss_against_a_loop():
    """Twice the pinball loss of each quantile, weighted, averaged over the values that are known."""
    rng = np.random.default_rng(5)
    forecast = np.sort(rng.normal(size=(len(LEVELS), 4, 5)), axis=0)
    actual = rng.normal(size=(4, 5))
    actual[0, 0] = actual[3, 2] = np.nan
    total, known = 0.0, 0
    for index in np.ndindex(actual.shape):
        if np.isnan(actual[index]):
            continue
        known += 1
        for number, level in enumerate(LEVELS):
            error = actual[index] - forecast[(number, *index)]
            weight = MEDIAN_WEIGHT if number == SIDE else QUANTILE_WEIGHT
            total += 2 * weight * max(level * error, (level - 1) * error)
    loss, slope = pinball(forecast, actual)
    assert loss == pytest.approx(total / known)
    assert not slope[:, np.isnan(actual)].any()


def test_the_loss_of_nothing_known_is_zero():
    """A batch without targets gives no loss and no slope, rather than NaN."""
    loss, slope = pinball(np.zeros((len(LEVELS), 2, 3), np.float32), np.full((2, 3), np.nan, np.float32))
    assert loss == 0
    assert not slope.any()
    assert slope.dtype == np.float32


@pytest.mark.parametrize("kind", HORIZONS)
def test_compiled_and_numpy_layers_agree(kind, monkeypatch):
    """Outputs and gradients are the same up to rounding, whoever runs the layer."""
    results = []
    for kernels in ("", "numpy"):
        monkeypatch.setenv("FORECAST_KERNELS", kernels)
        rng = np.random.default_rng(6)
        design = design_of(kind)
        network = make_network(design, rng)
        sample = sample_of(design, 11, rng, dtype=np.float32)
        outputs, cache = network.forward(sample.inputs)
        forecast = quantiles(design, outputs, sample)
        _, slope = pinball(forecast, np.ones((design.horizon, 11), np.float32))
        gradient = network.backward(
            cache, quantiles_backward(design, outputs, sample, slope), inputs=False
        ).flat
        results.append((forecast.copy(), gradient.copy(), network.predict(sample.inputs).copy()))
    for compiled, plain in zip(*results, strict=True):
        assert np.allclose(compiled, plain, rtol=1e-4, atol=1e-5)


def test_first_forecasts_are_nearly_the_patterns():
    """The last layer starts small, so that the gates lead; without a Generator all weights are zero."""
    design = DESIGNS["median and gates"]
    first = make_network(design, np.random.default_rng(7))
    assert 0 < np.abs(first.parameters["head.weight"]).max() < SMALL * np.sqrt(6 / 5)
    assert not make_network(design, None).flat.any()
    assert first.dtype == np.float32
    assert QuantileHead.shapes(design.config, 5)["head.weight"] == (9 * 3, 5)


@designs
def test_gradients_of_the_inputs(design):
    """Backward gives the slope by every input, also by those of the newest step, which the head reads too."""
    rng = np.random.default_rng(1)
    network = make_network(design, rng, dtype=np.float64)
    network.flat[...] += rng.normal(size=network.flat.size) / 3
    sample = sample_of(design, 4, rng)
    count = rng.normal(size=(len(LEVELS), design.horizon, 4))

    def total(inputs):
        outputs, cache = network.forward(inputs)
        return float((quantiles(design, outputs, sample) * count).sum()), outputs, cache

    _, outputs, cache = total(sample.inputs)
    found = network.backward(cache, quantiles_backward(design, outputs, sample, count)).inputs
    assert found is not None
    for place in np.ndindex(sample.inputs.shape):
        moved = np.zeros(sample.inputs.shape)
        moved[place] = 1e-6
        slope = (total(sample.inputs + moved)[0] - total(sample.inputs - moved)[0]) / 2e-6
        assert found[place] == pytest.approx(slope, rel=1e-5, abs=1e-6), place
