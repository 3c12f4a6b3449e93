"""Columns and coefficients of the regression, against plain loops and least squares."""

import numpy as np
import pytest

from forecaster.features.effects.design import (
    BEND,
    BENT_SEASON,
    LINE,
    RECENT,
    SEASON,
    Group,
    columns,
    groups_of,
)
from forecaster.features.effects.regression import Noise, choose, fit

PERIOD, ROWS, KNOWN = 7, 60, 50


def covariates(seed=0):
    """A number, a number with two values, and words with one seen once only; codes 0 … 3."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 3, ROWS) * 1.0
    words[5] = 3
    values = np.stack([rng.normal(20, 5, ROWS), np.where(rng.random(ROWS) < 0.3, 8.0, 10.0), words], axis=1)
    values[[3, 55], 0] = np.nan
    return values, (None, None, ("a", "b", "c", "rare"))


def test_columns_are_those_of_plain_loops():
    """Each group, row by row; scales and knots come from the known rows alone."""
    values, words = covariates()
    place = np.arange(ROWS) % PERIOD
    kinds = [Group(0, LINE), Group(0, BEND), Group(0, RECENT), Group(0, SEASON), Group(0, BENT_SEASON)]
    kinds += [Group(1, LINE), Group(1, SEASON), Group(2, LINE)]
    found = columns(kinds, values, words, KNOWN, PERIOD, place)
    past = values[:KNOWN, 0]
    u = (values[:, 0] - np.nanmean(past)) / np.nanstd(past)
    knots = np.nanquantile(u[:KNOWN], [0.25, 0.5, 0.75])
    low = values[:, 1] == 10.0
    for row in range(ROWS):
        angle = 2 * np.pi * place[row] / PERIOD
        waves = [np.sin(angle * k) for k in (1, 2, 3)] + [np.cos(angle * k) for k in (1, 2, 3)]
        seen = [u[at] for at in range(max(0, row - PERIOD + 1), row + 1) if np.isfinite(u[at])]
        bends = [np.nan if np.isnan(u[row]) else max(u[row] - knot, 0.0) for knot in knots]
        expected = [
            [u[row]],
            bends,
            [np.mean(seen) if np.isfinite(u[row]) else np.nan],
            [u[row] * wave for wave in waves],
            [bend * wave for bend in bends for wave in waves],
            [float(low[row])],
            [float(low[row]) * wave for wave in waves],
            [float(values[row, 2] == code) for code in (0, 1, 2)],
        ]
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(np.sort(mine[row]), np.sort(theirs), atol=1e-12)


def test_groups_are_those_that_the_past_allows():
    """Bends need many values, positions a season, and anything two values."""
    values, words = covariates()
    kinds = {group.kind for group in groups_of(values, words, PERIOD) if group.covariate == 0}
    assert kinds == {LINE, BEND, RECENT, SEASON, BENT_SEASON}
    assert [group.kind for group in groups_of(values, words, 1) if group.covariate > 0] == [LINE, LINE]
    assert groups_of(np.full((50, 1), 3.0), (None,), PERIOD) == []
    plain = groups_of(values, words, PERIOD, lines=[0])
    assert [group.kind for group in plain if group.covariate == 0] == [LINE]


@pytest.mark.parametrize("noise", [Noise(), Noise(0.5), Noise(0.0, 0.6), Noise(0.4, 0.3)])
@pytest.mark.parametrize("lag", [1, 7])
def test_coefficients_are_those_of_least_squares(noise, lag):
    """Ridge is least squares with rows for the penalty; whitening is a loop over the rows."""
    rng = np.random.default_rng(2)
    x, penalty = rng.normal(size=(80, 3)), 5.0
    y = x @ [1.0, -2.0, 0.5] + np.cumsum(rng.normal(size=80))
    y[[20, 41]] = np.nan
    dz, whole = [], []
    for row in range(lag, 80):
        dz.append(np.append(np.append(1.0, x[row] - x[row - lag]), y[row] - y[row - lag]))
        whole.append(np.isfinite(dz[-1]).all())
    dz = np.array([row if ok else np.zeros(5) for row, ok in zip(dz, whole, strict=True)])
    scale = np.std(dz[whole, -1])
    dz[:, -1] /= scale
    white, used = np.zeros_like(dz), np.zeros(len(dz), bool)
    for row in range(len(dz)):
        used[row] = whole[row] and (noise.rho == 0 or (row > 0 and whole[row - 1]))
        if used[row]:
            white[row] = dz[row] - noise.rho * (dz[row - 1] if row else 0)
    for row in range(lag, len(dz)):
        white[row] = white[row] + noise.theta * white[row - lag]
    white = white[used]
    size = np.sqrt(penalty * (1 - noise.rho**2) / (1 + noise.theta**2))
    rows = np.concatenate([white[:, :-1], size * np.eye(4)[1:]])
    expected = np.linalg.lstsq(rows, np.append(white[:, -1], np.zeros(3)), rcond=None)[0][1:] * scale
    np.testing.assert_allclose(fit(y, x, lag, penalty, noise), expected, rtol=0.02, atol=1e-3)


def test_the_covariate_that_moves_the_series_is_chosen():
    """And no other; from too few rows, nothing is."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 3))
    y = 2 * x[:, 1] + rng.normal(size=200)
    groups = [Group(number, LINE) for number in range(3)]
    choice = choose(y, x, groups, [1, 1, 1], 7)
    assert choice.groups == (groups[1],)
    assert choose(y[:12], x[:12], groups, [1, 1, 1], 7) is None
    assert choose(np.zeros(200), x, groups, [1, 1, 1], 7) is None
