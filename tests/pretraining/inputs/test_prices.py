"""What a network for prices reads of returns."""

import numpy as np
import pytest

from forecaster.pretraining.inputs.prices import (
    FEATURES,
    LAGS,
    MEAN_SIZE,
    MEMORIES,
    QUANTILES,
    SPANS,
    STATISTICS,
    STEP,
    SUMS,
    USUAL,
    prepare,
)


def returns(count=4, rows=60, seed=0):
    """Returns of a percent, with tails (B, 5 T)."""
    return (0.01 * np.random.default_rng(seed).standard_t(5, (count, rows))).astype(np.float32)


def test_shapes():
    """Inputs (T, F, B); base, patterns and centre say that a price stays where it is."""
    sample = prepare(returns(), 20)
    assert sample.inputs.shape == (12, FEATURES, 4)
    assert sample.inputs.dtype == np.float32
    assert sample.inputs.flags.c_contiguous
    assert np.isfinite(sample.inputs).all()
    assert sample.base.shape == (20, 4)
    assert sample.patterns.shape == (0, 20, 4)
    assert not sample.base.any()
    assert not sample.centre.any()


def averages(z, rows):
    """Moving averages of squared returns after some rows."""
    result = []
    for memory in MEMORIES:
        average = 0.5 * (z**2).mean() + 0.5
        for value in z[:rows]:
            average = memory * average + (1 - memory) * min(value**2, 100)
        result.append(np.log(average + 1e-4) / 2)
    return result


def test_inputs_against_their_formulas():
    """Returns, their sizes and volatility, step by step, in units of the usual return."""
    values = returns()
    sample = prepare(values, 20)
    for b, r in enumerate(values.astype(float)):
        deviation, size = np.sqrt((r**2).mean()), np.abs(r).mean() * MEAN_SIZE
        usual = np.sqrt(deviation * size)
        z = r / usual
        for t in range(12):
            now = z[STEP * t : STEP * (t + 1)]
            expected = [*np.arcsinh(now), *np.minimum(np.abs(now), 8), *(0.3 * np.log(now**2 + 0.02) + 0.3)]
            expected += [*averages(z, STEP * (t + 1)), np.abs(now).mean() - 1]
            assert np.allclose(sample.inputs[t, :-STATISTICS, b], expected, atol=1e-3)
        assert sample.scale[b] == pytest.approx(usual * np.exp(0.75 * averages(z, 60)[USUAL]), rel=1e-3)


def test_statistics_against_their_formulas():
    """Tails, zeros, length, memory, asymmetry, quantiles and the volatility of now."""
    values = returns()
    values[0, ::7] = 0
    sample = prepare(values, 20)
    for b, r in enumerate(values.astype(float)):
        deviation, size = np.sqrt((r**2).mean()), np.abs(r).mean() * MEAN_SIZE
        z = r / np.sqrt(deviation * size)
        large = np.minimum(np.abs(z), 8)
        centred = large - large.mean()
        variance = (centred**2).mean() + 1e-3
        expected = [np.log(deviation / size), (z == 0).mean(), np.log(60 / 150)]
        expected += [np.arcsinh(np.clip(z**3, -200, 200).mean()), large[-1] - 1, np.arcsinh(z[-1])]
        expected += [(centred[:-lag] * centred[lag:]).mean() / variance for lag in LAGS]
        expected += [np.clip((z[:-lag] * centred[lag:]).mean(), -3, 3) for lag in (1, 2)]
        expected += [np.sort(z)[int(level * 59)] for level in QUANTILES]
        expected += averages(z, 60)
        expected += [np.log(large[-span:].mean() + 0.1) for span in SPANS]
        expected += [np.clip(z[-span:].sum(), -20, 20) / np.sqrt(span) for span in SUMS]
        assert np.allclose(sample.inputs[0, -STATISTICS:, b], expected, atol=1e-3)
        assert np.array_equal(sample.inputs[0, -STATISTICS:, b], sample.inputs[-1, -STATISTICS:, b])


def test_the_size_of_returns_does_not_matter():
    """A stock that moves five times as much looks the same, in a unit five times as large."""
    small, large = prepare(returns(), 20), prepare(5 * returns(), 20)
    assert np.allclose(small.inputs, large.inputs, atol=1e-4)
    assert np.allclose(large.scale, 5 * small.scale, rtol=1e-4)


def test_a_wild_month_widens_the_unit():
    """The scale follows the volatility of now."""
    values = returns(rows=200)
    wild = values.copy()
    wild[:, -20:] *= 4
    assert (prepare(wild, 20).scale > 2 * prepare(values, 20).scale).all()


def test_a_series_alone_is_as_in_a_batch():
    """No series sees another."""
    values = returns()
    together = prepare(values, 20)
    for number in range(4):
        alone = prepare(values[number : number + 1], 20)
        assert np.array_equal(alone.inputs[..., 0], together.inputs[..., number])
        assert alone.scale[0] == together.scale[number]


def test_extreme_returns_are_finite():
    """One return alone, and a crash beyond all measure."""
    one = np.zeros((2, 30), np.float32)
    one[0, 3] = 1e-6
    one[1, -1] = -5.0
    sample = prepare(one, 20)
    assert np.isfinite(sample.inputs).all()
    assert (sample.scale > 0).all()
