"""Training: it learns, the seed decides the bytes, and the dependence along the horizon is measured."""

import itertools
from statistics import NormalDist

import numpy as np
import pytest

from forecaster.pretraining import recipes, windows
from forecaster.pretraining.network import LEVELS, SCORES, Design, Sample, make_network
from forecaster.pretraining.recipes import RECIPES, Recipe, build
from forecaster.pretraining.series.priors import QUARTERLY
from forecaster.pretraining.train import (
    FLAT,
    LARGEST_SCORE,
    RATE,
    WARM_UP,
    dependence,
    normal_scores,
    rate_at,
    train,
)
from forecaster.pretraining.views import LONGEST, STEP
from forecaster.pretraining.windows import Daily, Prices, Seasonal

DESIGN = Design(inputs=3, hidden=8, horizon=4, gates=(0.2,))


def batches(seed, size=32):
    """The next values are the sum of the newest inputs, with noise."""
    rng = np.random.default_rng(seed)
    while True:
        inputs = rng.normal(size=(5, 3, size)).astype(np.float32)
        zero = np.zeros((4, size), np.float32)
        actual = inputs[-1].sum(axis=0) + 0.1 * rng.normal(size=(4, size)).astype(np.float32)
        yield Sample(inputs, zero, zero[None], np.zeros(size), np.ones(size)), actual.astype(np.float32)


def test_the_loss_falls():
    """Within a few hundred steps the network knows what follows."""
    told = []
    train(DESIGN, batches(0), 300, np.random.default_rng(0), told.append)
    losses = [progress.loss for progress in told]
    assert [progress.step for progress in told] == list(range(1, 301))
    assert losses[-1] < 0.7 * losses[0]


def test_the_seed_decides_the_bytes():
    """The same seed gives the same weights, another seed others."""
    first, again, other = (train(DESIGN, batches(1), 12, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert np.isfinite(first).all()


def test_weights_are_averaged():
    """After the first step, whose size is the rate, the average has moved by 19/21 of it."""
    start = make_network(DESIGN, np.random.default_rng(3)).flat
    one = train(DESIGN, batches(3), 1, np.random.default_rng(3))
    assert np.abs(one - start).max() == pytest.approx(19 / 21 * RATE / WARM_UP, rel=0.01)


def test_the_schedule_of_the_rate():
    """It rises over the first steps, stays, and falls by half a cosine to nearly zero."""
    steps = 4000
    rates = np.array([rate_at(step, steps) for step in range(steps)])
    assert rates[0] == pytest.approx(RATE / WARM_UP)
    assert (np.diff(rates[:WARM_UP]) > 0).all()
    assert np.allclose(rates[WARM_UP : int(FLAT * steps)], RATE)
    assert (np.diff(rates[int(FLAT * steps) + 1 :]) < 0).all()
    assert rates[int((FLAT + (1 - FLAT) / 2) * steps)] == pytest.approx(RATE * 0.505, rel=0.01)
    assert 0 < rates[-1] < 0.01 * RATE
    assert rates.max() <= 1.01 * RATE


def test_normal_scores_against_the_normal_distribution():
    """Where the quantiles are those of a normal distribution, a value is its own score within them."""
    rng = np.random.default_rng(4)
    centre, scale = rng.normal(size=(3, 5)), rng.uniform(0.5, 2, (3, 5))
    forecast = centre + SCORES[:, None, None] * scale
    scores = rng.uniform(-1.9, 1.9, (3, 5))
    assert np.allclose(normal_scores(forecast, centre + scores * scale), scores)
    exact = normal_scores(forecast, forecast[5])
    assert np.allclose(exact, NormalDist().inv_cdf(LEVELS[5]))


def test_normal_scores_beyond_the_quantiles():
    """Beyond the outermost quantiles the line goes on, at most to ±4; NaN stays NaN."""
    forecast = np.broadcast_to(SCORES[:, None, None], (7, 1, 5)).copy()
    actual = np.array([[-2.5, 2.5, -50, 50, np.nan]])
    assert np.allclose(
        normal_scores(forecast, actual), [[-2.5, 2.5, -LARGEST_SCORE, LARGEST_SCORE, np.nan]], equal_nan=True
    )


def test_equal_quantiles_give_a_finite_score():
    """Quantiles that coincide, as of a series that never moves, do no harm."""
    scores = normal_scores(np.zeros((7, 1, 3)), np.array([[-1.0, 0.0, 1.0]]))
    assert np.isfinite(scores).all()
    assert scores[0, 0] == -LARGEST_SCORE
    assert scores[0, 2] == LARGEST_SCORE


def test_dependence_is_that_of_the_errors():
    """R Rᵀ has ones on its diagonal, and elsewhere the correlations of the errors."""
    network = make_network(DESIGN, None)

    def walks():
        rng = np.random.default_rng(5)
        zero = np.zeros((4, 4000), np.float32)
        while True:
            shared = rng.normal(size=4000)
            errors = 0.8 * shared + 0.6 * rng.normal(size=(4, 4000))
            errors[2, rng.random(4000) < 0.1] = np.nan
            inputs = np.zeros((2, 3, 4000), np.float32)
            yield Sample(inputs, zero, zero[None], zero[0], zero[0]), errors.astype(np.float32)

    root = dependence(DESIGN, network, walks(), 4)
    correlation = root @ root.T
    assert np.allclose(np.diag(correlation), 1)
    assert np.allclose(root, np.tril(root))
    others = correlation[~np.eye(4, dtype=bool)]
    assert np.allclose(others, 0.99 * 0.64, atol=0.03)


TINY = Recipe(Seasonal(QUARTERLY, 4, 8), 5, 3, 16)


@pytest.fixture
def tiny(monkeypatch):
    """A recipe that takes a moment, under the name of the quarterly one."""
    monkeypatch.setattr(windows, "SERIES", 600)
    monkeypatch.setitem(RECIPES, "season_4", TINY)


def test_a_recipe_gives_the_same_file(tiny):
    """The same seed gives the same bytes, also beside other work; another seed gives other weights."""
    first = build("season_4", 7)
    assert build("season_4", 7).to_bytes() == first.to_bytes()
    assert build("season_4", 8).digest != first.digest
    assert first.facts == {"seed": 7, "steps": 3, "batch": 16}
    assert first.kind == "season_4"
    assert first.network.flat.any()


def test_steps_may_be_fewer(tiny):
    """`steps` replaces those of the recipe."""
    told = []
    network = build("season_4", 0, told.append, steps=2)
    assert network.facts["steps"] == 2
    assert [progress.step for progress in told] == [1, 2]


def test_every_kind_has_a_recipe_that_fits():
    """The windows of each recipe are those that the forecasts are made from."""
    assert set(RECIPES) == set(STEP) == set(LONGEST)
    for kind, recipe in RECIPES.items():
        shown = recipe.windows
        assert shown.steps == LONGEST[kind]
        expected = {"hours": Daily, "prices": Prices}.get(kind, Seasonal)
        assert isinstance(shown, expected)
        if isinstance(shown, Seasonal):
            assert shown.prior.season == STEP[kind]


def test_weights_are_measured_as_they_are_stored(tiny, monkeypatch):
    """The dependence is that of the network in half precision, which is the one that forecasts."""
    seen = []
    measure = recipes.dependence
    monkeypatch.setattr(
        recipes,
        "dependence",
        lambda design, network, *rest: seen.append(network) or measure(design, network, *rest),
    )
    network = build("season_4", 0)
    assert seen[0] is network.network
    assert np.array_equal(network.network.flat, network.network.flat.astype(np.float16))
    assert list(itertools.islice(network.dependence[0], 1, None)) == [0.0] * 7
