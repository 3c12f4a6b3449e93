"""What a seasonal network reads, against formulas written out, and what it does not depend on."""

import numpy as np
import pytest

from forecaster.pretraining.inputs.seasonal import (
    FADES,
    GATES,
    HALF_LIFE,
    HALF_LIFE_YEARLY,
    LEAST_SCALE,
    features,
    gates,
    prepare,
)

SEASONS = (1, 4, 7, 12)
seasons = pytest.mark.parametrize("season", SEASONS)


def series(season, *, count=5, steps=6, seed=0):
    """Random walks with a season (B, T·m)."""
    rng = np.random.default_rng(seed)
    rows = season * steps
    wave = np.tile(rng.normal(size=(count, season)), steps)
    return (3 + wave + 0.3 * np.cumsum(rng.normal(size=(count, rows)), axis=1)).astype(np.float32)


def with_gaps(values, season, seed=1):
    """Some values missing, and padding before the second and third series; the newest season is known."""
    rng = np.random.default_rng(seed)
    values = values.copy()
    early = values[:, :-season]
    early[rng.random(early.shape) < 0.2] = np.nan
    values[1, : season + season // 2] = np.nan
    values[2, : -season - 1] = np.nan
    return values


def same(one, other, **tolerance):
    """Whether two samples show the network the same."""
    return all(
        np.allclose(getattr(one, name), getattr(other, name), **tolerance)
        for name in ("inputs", "base", "patterns")
    )


@seasons
def test_shapes(season):
    """Inputs (T, F, B), patterns (G, H, B) and a base of zeros, single and contiguous."""
    sample = prepare(series(season), season, 9)
    assert sample.inputs.shape == (6, features(season), 5)
    assert sample.patterns.shape == (len(gates(season)), 9, 5)
    assert sample.base.shape == (9, 5)
    assert not sample.base.any()
    assert sample.inputs.dtype == sample.patterns.dtype == np.float32
    assert sample.inputs.flags.c_contiguous
    assert gates(season) == (GATES if season > 1 else ())


def weighted(row, lag, half_life):
    """The weighted mean of |differences|, newer ones more."""
    pairs = [
        (t, abs(row[t] - row[t - lag])) for t in range(lag, len(row)) if np.isfinite(row[t] - row[t - lag])
    ]
    weights = [0.5 ** ((len(row) - 1 - t) / half_life) for t, _ in pairs]
    return np.average([size for _, size in pairs], weights=weights) if pairs else np.nan


@seasons
def test_centre_and_scale_against_their_formula(season):
    """The centre is the mean of the newest season; the scale the mean of both usual differences."""
    values = series(season)
    sample = prepare(values, season, 4)
    half_life = HALF_LIFE * season if season > 1 else HALF_LIFE_YEARLY
    for number, row in enumerate(values.astype(float)):
        scale = 0.5 * (weighted(row, 1, half_life) + weighted(row, season, half_life)) + LEAST_SCALE
        assert sample.centre[number] == pytest.approx(row[-season:].mean(), rel=1e-4)
        assert sample.scale[number] == pytest.approx(scale, rel=1e-4)


def test_inputs_against_their_formulas():
    """The parts of a recurrent step, row by row, for quarterly series with a gap and a late start."""
    values = with_gaps(series(4), 4)
    sample = prepare(values, 4, 8)
    from forecaster.pretraining.inputs.past import filled

    v = filled(values, 4).astype(float)
    for b in range(5):
        z = (v[b] - sample.centre[b]) / sample.scale[b]
        for t in range(6):
            step = sample.inputs[t, :, b]
            season = []
            for q in range(4):
                row = 4 * t + q

                def change(lag, row=row, z=z):
                    found = z[row] - z[row - lag] if row >= lag else np.nan
                    return np.clip(np.nan_to_num(found), -8, 8)

                expected = (
                    np.nan_to_num(np.arcsinh(z[row])),
                    change(4),
                    np.isfinite(values[b, row]),
                    change(1),
                )
                assert np.allclose(step[[q, 4 + q, 8 + q, 12 + q]], expected, atol=2e-4)
                season.append(z[row])
            known = [value for value in season if np.isfinite(value)]
            assert step[16] == pytest.approx(np.arcsinh(np.mean(known)) if known else 0, abs=2e-4)
        begun = np.isfinite(v[b]).sum()
        assert sample.inputs[0, 17, b] == pytest.approx(np.log(sample.scale[b]) / 2 + 1, abs=1e-4)
        assert sample.inputs[0, 20, b] == pytest.approx(begun / 40)
        assert sample.inputs[0, 21, b] == pytest.approx(np.isfinite(values[b]).sum() / begun)
    assert np.array_equal(sample.inputs[0, 17:], sample.inputs[-1, 17:]), "the same in all steps"


def test_patterns_against_their_formulas():
    """The last season, and faded means of whole seasons without their level, repeated over the horizon."""
    values = series(4)
    values[3, :6] = np.nan  # its first whole season is the third
    sample = prepare(values, 4, 10)
    for b in range(5):
        z = ((values[b] - sample.centre[b]) / sample.scale[b]).reshape(6, 4)
        expected = [z[-1]]
        for fade in FADES:
            whole = [t for t in range(6) if np.isfinite(z[t]).all()]
            own = [z[t] - z[t].mean() for t in whole]
            expected.append(np.average(own, axis=0, weights=[fade ** (5 - t) for t in whole]))
        for pattern, season in zip(sample.patterns[:, :, b], expected, strict=True):
            assert np.allclose(pattern, np.tile(season, 3)[:10], atol=2e-3)


@seasons
def test_level_and_scale_do_not_matter(season):
    """Series moved, or both moved and stretched, look the same but for the statistic of their scale."""
    values = with_gaps(series(season), season)
    sample = prepare(values, season, 8)
    moved = prepare(values + 2, season, 8)
    assert same(sample, moved, atol=2e-3)
    assert np.allclose(moved.centre, sample.centre + 2, atol=1e-4)
    stretched = prepare(1000 * values, season, 8)
    large = prepare(4000 * values, season, 8)
    others = [number for number in range(features(season)) if number != features(season) - 5]
    assert np.allclose(stretched.inputs[:, others], large.inputs[:, others], atol=2e-3)
    assert np.allclose(large.scale, 4 * stretched.scale, rtol=1e-3)
    assert np.allclose(stretched.patterns, large.patterns, atol=1e-2)


@seasons
def test_a_series_alone_is_as_in_a_batch(season):
    """No series sees another."""
    values = with_gaps(series(season), season)
    together = prepare(values, season, 8)
    for number in range(len(values)):
        alone = prepare(values[number : number + 1], season, 8)
        for name in ("inputs", "base", "patterns", "centre", "scale"):
            assert np.array_equal(getattr(alone, name)[..., 0], getattr(together, name)[..., number]), name


@seasons
def test_padding_before_the_first_row(season):
    """Empty seasons before a series are marked as unknown and change no scale, centre or pattern."""
    values = series(season, steps=4)
    padded = np.concatenate([np.full((5, 3 * season), np.nan, np.float32), values], axis=1)
    short, long = prepare(values, season, 8), prepare(padded, season, 8)
    assert np.allclose(short.scale, long.scale, rtol=1e-5)
    assert np.allclose(short.patterns, long.patterns, atol=1e-5)
    assert np.allclose(short.inputs, long.inputs[3:], atol=1e-4)
    before = long.inputs[:3, : features(season) - 5]
    assert not before.any()


@seasons
@pytest.mark.parametrize("known", [1, 2])
def test_hardly_any_rows(season, known):
    """One or two known rows give finite inputs and a scale above zero."""
    values = np.full((2, 4 * season), np.nan, np.float32)
    values[:, -known:] = 5
    sample = prepare(values, season, 8)
    assert np.isfinite(sample.inputs).all()
    assert np.isfinite(sample.patterns).all()
    assert (sample.scale > 0).all()
    assert np.allclose(sample.centre, 5)


@seasons
def test_a_constant_series(season):
    """A series that never changes gives finite inputs."""
    sample = prepare(np.full((1, 5 * season), 7.5, np.float32), season, 8)
    assert np.isfinite(sample.inputs).all()
    assert sample.scale[0] == pytest.approx(LEAST_SCALE)
    assert not sample.patterns.any()
