"""What all generators have in common: shapes, finite values, gaps where they may be, one seed one series."""

import numpy as np
import pytest

from forecaster.pretraining.series import prices, sensors, slow_series
from forecaster.pretraining.series.priors import DAILY, MONTHLY, PRIORS, QUARTERLY, YEARLY

GENERATORS = {
    "prices": prices.generate,
    "sensors": sensors.generate,
    **{
        f"season of {season}": lambda rng, count, length, prior=prior: slow_series.generate(
            rng, prior, count, length
        )
        for season, prior in PRIORS.items()
    },
}
each = pytest.mark.parametrize("generate", GENERATORS.values(), ids=GENERATORS)


@each
def test_shape_type_and_size(generate):
    """(B, L) in single precision, for any number and length; known values are finite and of a sane size."""
    for count, length in ((1, 100), (150, 131)):
        values = generate(np.random.default_rng(1), count, length)
        assert values.shape == (count, length)
        assert values.dtype == np.float32
        assert not np.isinf(values).any()
        assert np.nanmax(np.abs(values)) < 1e6


@each
def test_the_generator_decides(generate):
    """The same seed gives the same bytes, another seed other series; a series has no copy in its batch."""
    first, again = (generate(np.random.default_rng(2), 20, 120) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    other = generate(np.random.default_rng(3), 20, 120)
    assert not np.array_equal(first, other, equal_nan=True)
    assert len({row.tobytes() for row in first}) == 20


@each
def test_series_differ_in_kind(generate):
    """Neither constant series nor one kind of noise alone: the memory of changes differs widely."""
    values = np.nan_to_num(generate(np.random.default_rng(4), 200, 150).astype(float))
    changes = np.diff(values, axis=1)
    assert (changes.std(axis=1) > 0).mean() > 0.9
    changes = changes[changes.std(axis=1) > 0]
    changes = changes - changes.mean(axis=1, keepdims=True)
    memory = (changes[:, 1:] * changes[:, :-1]).mean(axis=1) / (changes**2).mean(axis=1)
    assert np.percentile(memory, 95) - np.percentile(memory, 5) > 0.15


@pytest.mark.parametrize("prior", PRIORS.values(), ids=map(str, PRIORS))
def test_gaps_of_slow_series(prior):
    """About a seventh of the series have gaps, closed days of a week included; the others have none."""
    missing = np.isnan(slow_series.generate(np.random.default_rng(5), prior, 600, 140))
    share = missing.any(axis=1).mean()
    expected = 1 - 0.9 * 0.95 * (1 - prior.short_week)
    assert abs(share - expected) < 0.05
    assert not missing.all(axis=1).any()


def test_closed_days_of_a_week():
    """Where a day is closed it is closed in every week: one or two of seven."""
    missing = np.isnan(slow_series.generate(np.random.default_rng(6), DAILY, 600, 140))
    by_week = missing.reshape(600, -1, 7)
    closed = by_week.all(axis=1).sum(axis=1)
    assert set(np.unique(closed)) <= {0, 1, 2}
    assert abs((closed > 0).mean() - DAILY.short_week) < 0.05


def test_prices_have_no_gaps():
    """A return is always known; a closed day is a return of zero."""
    returns = prices.generate(np.random.default_rng(7), 200, 200)
    assert not np.isnan(returns).any()
    assert 0.01 < (returns == 0).mean() < 0.1


def test_gaps_of_sensors():
    """An eighth of the series miss at most three spans of a day and a half."""
    missing = np.isnan(sensors.generate(np.random.default_rng(8), 400, 480))
    assert abs(missing.any(axis=1).mean() - 0.12) < 0.05
    assert missing.sum(axis=1).max() <= 3 * 36


def test_priors():
    """Each prior is for its own season, its ranges are in order, and its shares are probabilities."""
    assert {prior.season for prior in (YEARLY, QUARTERLY, MONTHLY, DAILY)} == set(PRIORS) == {1, 4, 7, 12}
    ranges = ("noise", "slope_walk", "level_walk", "season_size", "season_change", "autoregression")
    shares = ("usual_growth", "no_growth", "mean_growth", "momentum", "undamped", "no_slope_walk", "no_noise")
    shares += ("logistic", "trend_noise", "smooth", "outliers", "additive", "counts", "short_week")
    for season, prior in PRIORS.items():
        assert prior.season == season
        assert all(getattr(prior, name)[0] < getattr(prior, name)[1] for name in ranges)
        assert all(0 <= getattr(prior, name) <= 1 for name in shares)
