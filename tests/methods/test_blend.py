"""The blend: its weights are the best ones, and a gain that may be chance is not trusted."""

import dataclasses
import json

import numpy as np
import pytest

from forecaster.config import Limits, from_json, to_json
from forecaster.methods import blend as module
from forecaster.methods.blend import ENOUGH_VALUES, LEAST, SMOOTHING, TRUST, UNMIXED, Blend, prior

MANY = 10**9
"""Values enough for networks to be trusted with their whole share."""
NAMES = ("network 1", "network 2", "theta", "damped", "naive", "drift", "mean")


def residuals_of(rng, sizes, *, origins=1, series=200, horizon=3):
    """Independent normal residuals {name: (O, S, H)} of these standard deviations."""
    return {
        name: rng.normal(0, size, (origins, series, horizon)) for name, size in zip(NAMES, sizes, strict=True)
    }


def fit_weights(residuals, blocks, values=MANY):
    """The weights where networks learned from many values."""
    return module.fit_weights(residuals, blocks, values)


def error_of(residuals, weights):
    """Mean absolute error of a blend."""
    return np.abs(sum(weight * residuals[name] for name, weight in weights.items())).mean()


def test_weights_are_a_mixture():
    """Weights are above the least, sum to one, and name known components."""
    weights = fit_weights(residuals_of(np.random.default_rng(0), (1, 1, 1, 1, 3, 3, 9)), np.zeros(1, int))
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= LEAST / 2
    assert weights.keys() <= set(NAMES)


def test_no_weights_on_a_grid_are_better():
    """Regularisation costs at most one percent against the best mixture of a grid."""
    residuals = residuals_of(np.random.default_rng(1), (1.0, 2.0, 1.5, 4.0, 5.0, 5.0, 5.0))
    found = error_of(residuals, fit_weights(residuals, np.zeros(1, int)))
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 11)] * 4), axis=-1).reshape(-1, 4)
    best = min(error_of(residuals, dict(zip(NAMES, row, strict=False))) for row in grid[grid.sum(1) == 1])
    assert found <= 1.01 * best


def test_independent_errors_share_the_weight():
    """Independent components of equal quality get similar weights."""
    weights = fit_weights(residuals_of(np.random.default_rng(2), (1, 1, 1, 1, 9, 9, 9)), np.zeros(1, int))
    for name in NAMES[:4]:
        assert weights[name] == pytest.approx(0.25, abs=0.05)


def test_the_naive_forecast_takes_over_where_nothing_beats_it():
    """With few series, if the naive forecast is the best, the others get little weight."""
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 1, (40, 2, 3))
    residuals = {
        name: shared + rng.normal(0, 0.0 if name == "naive" else 0.7, shared.shape) for name in NAMES
    }
    weights = fit_weights(residuals, np.arange(40) // 4)
    assert weights["naive"] > 0.9


def test_a_clear_gain_is_trusted():
    """A component far better than the baselines at every origin takes nearly all."""
    residuals = residuals_of(np.random.default_rng(4), (0.1, 3, 3, 3, 3, 3, 3), origins=40, series=1)
    weights = fit_weights(residuals, np.arange(40) // 4)
    assert weights["network 1"] > 0.85


def test_a_safe_baseline_may_be_one_that_is_never_mixed():
    """Drift and mean get weight only as the best baseline; where it is far ahead, all of it."""
    rng = np.random.default_rng(5)
    for place in UNMIXED:
        sizes = [0.01 if name == place else 5.0 for name in NAMES]
        weights = fit_weights(residuals_of(rng, sizes, origins=40, series=1), np.arange(40))
        assert weights == {place: 1.0}
    usual = fit_weights(residuals_of(rng, (1, 1, 1, 1, 2, 3, 3)), np.zeros(1, int))
    assert not usual.keys() & set(UNMIXED)


def test_too_few_samples_share_with_a_baseline_that_was_better():
    """A single block of origins is too little to judge: a baseline that was better gets a share, no other."""
    better = residuals_of(np.random.default_rng(6), (3, 3, 3, 3, 0.5, 3, 3), origins=4, series=1)
    weights = fit_weights(better, np.zeros(4, int))
    assert 1 - TRUST <= weights["naive"] < 0.5
    worse = residuals_of(np.random.default_rng(6), (0.1, 0.3, 0.3, 0.3, 5, 5, 5), origins=4, series=1)
    assert fit_weights(worse, np.zeros(4, int)).get("naive", 0.0) < 0.1


def test_unobserved_rows_have_no_say():
    """Windows with NaN are ignored; without any other window the prior is used."""
    residuals = residuals_of(np.random.default_rng(7), (1, 2, 1, 1, 3, 3, 3))
    holes = {
        name: np.concatenate([values, np.full((1, 200, 3), np.nan)]) for name, values in residuals.items()
    }
    assert fit_weights(holes, np.array([0, 1])) == fit_weights(residuals, np.array([0]))
    nothing = {name: np.full((1, 2, 3), np.nan) for name in NAMES}
    assert fit_weights(nothing, np.zeros(1, int)) == prior(2, ("theta", "damped"), MANY)


def test_the_prior_is_half_networks_half_smoothing():
    """Where the networks learned from many values; smoothing methods share by what each counts for."""
    weights = prior(4, ("theta", "damped"), MANY)
    assert sum(weights[f"network {number}"] for number in (1, 2, 3, 4)) == pytest.approx(0.5)
    assert weights["theta"] == weights["damped"] == pytest.approx(0.25)
    every = prior(4, tuple(SMOOTHING), MANY)
    assert sum(every[name] for name in SMOOTHING) == pytest.approx(0.5)
    for name, part in SMOOTHING.items():
        assert every[name] / every["theta"] == pytest.approx(part / SMOOTHING["theta"])


def test_the_prior_trusts_networks_by_what_they_learned_from():
    """The share of networks grows with the values, is half of its most at ENOUGH_VALUES, and sums to one."""
    names = ("exponential smoothing", "averaged theta")
    shares = []
    for values in (0, 30, ENOUGH_VALUES, 50 * ENOUGH_VALUES, MANY):
        weights = prior(2, names, values)
        assert sum(weights.values()) == pytest.approx(1)
        shares.append(weights["network 1"] + weights["network 2"])
    assert np.all(np.diff(shares) > 0)
    assert shares[0] == 0
    assert shares[2] == pytest.approx(shares[-1] / 2, rel=1e-3)
    assert sum(prior(0, names, MANY).values()) == pytest.approx(1)


def test_networks_of_few_values_stay_small_where_nothing_tells():
    """Components that cannot be distinguished get the prior's weights, of few values those of smoothing."""
    same = np.random.default_rng(10).normal(size=(1, 200, 3))
    names = ("network 1", "exponential smoothing", "averaged theta")
    residuals = dict.fromkeys(names, same) | {"naive": 9 * same}
    for values in (100, MANY):
        expected = prior(1, names[1:], values)
        weights = fit_weights(residuals, np.zeros(1, int), values)
        for name in names:
            assert weights[name] == pytest.approx(expected[name], abs=0.05)


def test_the_prior_has_the_methods_that_were_tried():
    """Smoothing methods that cannot be distinguished share their half as the prior does."""
    same = np.random.default_rng(10).normal(size=(1, 200, 3))
    names = ("network 1", *SMOOTHING)
    weights = fit_weights(dict.fromkeys(names, same) | {"naive": 9 * same}, np.zeros(1, int))
    assert weights["network 1"] == pytest.approx(0.5, abs=0.05)
    for name in SMOOTHING:
        assert weights[name] == pytest.approx(0.5 * SMOOTHING[name] / sum(SMOOTHING.values()), abs=0.02)


def test_a_blend_survives_json():
    """A blend is the same after JSON."""
    blend = Blend({"theta": 0.25, "network 1": 0.75}, True, (24, 168))
    assert from_json(Blend, to_json(blend)) == blend
    limited = dataclasses.replace(blend, scales="each", limits=Limits(lower=0.0, integer=True))
    assert from_json(Blend, json.loads(json.dumps(to_json(limited)))) == limited
    older = {"weights": {"theta": 1.0}, "log": True, "seasons": [7]}  # as format 1 has it
    assert from_json(Blend, older).scales == "table"


def test_a_baseline_that_is_never_mixed_needs_more_than_luck():
    """Drift does not replace the blend if it only beats the naive forecast."""
    rng = np.random.default_rng(8)
    residuals = residuals_of(rng, (1.2, 1.2, 1.2, 1.2, 3, 0.6, 9), series=400)
    shared = rng.normal(0, 2, (1, 1, 3))  # the year that all series share
    weights = fit_weights({name: values + shared for name, values in residuals.items()}, np.zeros(1, int))
    assert not weights.keys() & set(UNMIXED)


def test_weights_stay_near_the_prior_where_origins_disagree():
    """A component that is far better in one block of origins and worse in the other gets little weight."""
    rng = np.random.default_rng(9)
    blocks = np.arange(2)
    shifts = {"network 1": (0.0, 3.0)}
    fickle = {
        name: rng.normal(0, 0.3, (2, 200, 3)) + np.reshape(shifts.get(name, (3.1, 0.0)), (2, 1, 1))
        for name in NAMES
    }
    steady = residuals_of(rng, (0.2, 1, 1, 1, 3, 3, 3), origins=2)
    assert fit_weights(steady, blocks)["network 1"] > 0.75
    assert fit_weights(fickle, blocks)["network 1"] < 0.5


def test_one_or_two_blocks_of_origins_stay_nearer_to_the_prior():
    """Agreement of three blocks moves the weights farther than agreement of two."""
    rng = np.random.default_rng(11)
    shared = rng.normal(0, 1, (3, 200, 3))  # no gain in mixing
    residuals = {name: (0.8 if name == "network 1" else 1.0) * shared for name in NAMES}

    def weight(origins):
        """Of the network that is better throughout."""
        few = {name: values[:origins] for name, values in residuals.items()}
        return fit_weights(few, np.arange(origins))["network 1"]

    assert weight(1) == pytest.approx(weight(2), abs=0.05)
    assert weight(3) > weight(2) + 0.2


def test_a_group_follows_a_baseline_that_took_over():
    """Where drift has replaced the blend of all series, the groups have it too."""
    residuals = residuals_of(np.random.default_rng(8), (1, 1, 1, 1, 2, 3, 3), origins=8, series=2)
    assert module.fit_weights(residuals, np.arange(8) // 4, MANY, {"drift": 1.0}) == {"drift": 1.0}


# --- pretrained networks ------------------------------------------------------------------------------


def test_the_prior_gives_pretrained_networks_their_share():
    """The others keep their weights relative to each other; without a share there is no such component."""
    plain = prior(2, list(SMOOTHING)[:2], 500)
    assert "pretrained" not in plain
    shared = prior(2, list(SMOOTHING)[:2], 500, 0.6)
    assert shared.pop("pretrained") == 0.6
    assert shared == pytest.approx({name: 0.4 * weight for name, weight in plain.items()})


@pytest.mark.parametrize(
    ("name", "kind"),
    [("pretrained", "pretrained"), ("network 1", "network"), ("naive", "baseline"), ("tsb", "demand"),
     ("theta", "smoothing")],
)  # fmt: skip
def test_kinds_of_components(name, kind):
    """A pretrained network is neither one of the members nor a baseline."""
    assert module.kind_of(name) == kind


def with_pretrained(size, seed=0):
    """Residuals of all components, with those of the pretrained networks of this standard deviation."""
    rng = np.random.default_rng(seed)
    return residuals_of(rng, (1, 1, 1, 1, 3, 3, 9)) | {"pretrained": rng.normal(0, size, (1, 200, 3))}


def test_validation_decides_on_pretrained_networks():
    """Where they are better they get more than where they are worse, whatever the prior says."""
    blocks = np.zeros(1, int)
    good = module.fit_weights(with_pretrained(0.3), blocks, MANY, pretrained=0.3)["pretrained"]
    bad = module.fit_weights(with_pretrained(4.0), blocks, MANY, pretrained=0.3).get("pretrained", 0.0)
    assert good > 0.5
    assert bad < 0.1


def test_weights_stay_near_the_share_where_little_tells():
    """One series and one origin cannot move the weights far from the prior."""
    rng = np.random.default_rng(1)
    residuals = {name: rng.normal(0, 1, (1, 1, 3)) for name in (*NAMES, "pretrained")}
    for share in (0.3, 0.6):
        found = module.fit_weights(residuals, np.zeros(1, int), MANY, pretrained=share)
        kept = 1 - found.get("naive", 0.0)  # a baseline may take its part
        assert found["pretrained"] / kept == pytest.approx(share, abs=0.15)


def test_the_share_counts_only_where_there_are_such_networks():
    """Without their residuals the prior is as without them."""
    residuals = residuals_of(np.random.default_rng(2), (1, 1, 1, 1, 3, 3, 9))
    blocks = np.zeros(1, int)
    assert module.fit_weights(residuals, blocks, MANY, pretrained=0.6) == fit_weights(residuals, blocks)


def test_without_a_sample_the_prior_is_taken():
    """Nothing observed: the share of the prior."""
    residuals = {name: np.full((1, 3, 2), np.nan) for name in (*NAMES, "pretrained")}
    assert module.fit_weights(residuals, np.zeros(1, int), MANY, pretrained=0.6)["pretrained"] == 0.6
