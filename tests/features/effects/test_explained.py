"""What known covariates explain is not left out as suspicious, and not taken for a change of level."""

import dataclasses

import numpy as np
import pytest
from panels import panel_of

from forecaster.data.rows.known import Known
from forecaster.data.series.value_findings import oddities
from forecaster.features.effects.explained import unexplained
from forecaster.features.view import as_scored, cleaned

ROWS, HORIZON = 400, 14


def steady(rng, noise=0.02):
    """Sales of about 100 with a week (ROWS + HORIZON,)."""
    t = np.arange(ROWS + HORIZON)
    return 100 * np.exp(0.1 * np.sin(2 * np.pi * t / 7) + noise * rng.normal(size=len(t)))


def known_panel(y, x):
    """A panel of the first ROWS of y, with x known in all rows."""
    panel = panel_of(y[:ROWS], seasons=(7,))
    known = Known(("x",), (None,), np.asarray(x, float)[:, None], np.array([0, len(x)]))
    return panel, dataclasses.replace(panel, known=known)


def flags(rng, count, first=0):
    x = np.zeros(ROWS + HORIZON)
    x[first + rng.choice(ROWS - first, count, replace=False)] = 1
    return x


def promotion(rng):
    """Seven promotions, each of three times the usual sales or more."""
    x = flags(rng, 7)
    return steady(rng) * np.where(x > 0, 4.0, 1.0), x


def closed(rng):
    """Nothing is sold on seven holidays."""
    x = flags(rng, 7)
    return steady(rng) * (1 - x), x


@pytest.mark.parametrize("kind", [promotion, closed])
def test_what_a_covariate_explains_is_not_left_out(kind):
    """Promotions and closed days stay, also when errors are measured; without the covariate they do not."""
    y, x = kind(np.random.default_rng(3))
    plain, panel = known_panel(y, x)
    at = np.flatnonzero(x[:ROWS])
    assert len(oddities(plain, plain.lengths).suspicious.row) >= 5  # or this would test nothing
    assert not len(unexplained(panel, panel.lengths).suspicious.row)
    view = cleaned(panel, panel.lengths, "each")
    assert view.target_observed[at].all()
    assert as_scored(panel).target_observed[at].all()
    assert view.target[at].mean() == pytest.approx(view.target[x[:ROWS] == 0].mean(), rel=0.1)


def test_a_broken_reading_beside_promotions_is_left_out():
    """What the covariate does not explain stays suspicious."""
    y, x = promotion(np.random.default_rng(3))
    y[250] = -999.0
    _, panel = known_panel(y, x)
    assert unexplained(panel, panel.lengths).suspicious.left_out.nonzero()[0].tolist() == [250]


def test_a_level_that_follows_a_known_price_is_no_shift():
    """Rows before the newest price are not brought to its level: the price says what was sold."""
    rng = np.random.default_rng(1)
    price = np.zeros(ROWS + HORIZON)
    price[60:140], price[200:260], price[340:] = 1, 1, 1
    y = steady(rng) * np.where(price > 0, 3.0, 1.0)
    _, panel = known_panel(y, price)
    view = cleaned(panel, panel.lengths, "each")
    assert not len(unexplained(panel, panel.lengths).shifts.row)
    assert view.target.std() < 0.15 * view.target.mean()


def test_a_shift_beside_an_effect_is_still_one():
    """A lasting change that the covariate does not explain is brought to the new level."""
    rng = np.random.default_rng(2)
    x = flags(rng, 40)
    y = steady(rng) * np.where(x > 0, 1.5, 1.0)
    y[330:] *= 5
    _, panel = known_panel(y, x)
    view = cleaned(panel, panel.lengths, "each")
    assert unexplained(panel, panel.lengths).shifts.row.tolist() == [330]
    assert view.target[:330].mean() == pytest.approx(view.target[330:].mean(), rel=0.1)


def test_without_known_covariates_nothing_changes():
    """Not one byte."""
    y, x = promotion(np.random.default_rng(3))
    plain, _ = known_panel(y, x)
    found, expected = unexplained(plain, plain.lengths), oddities(plain, plain.lengths)
    for ours, theirs in zip(
        (*found.suspicious, *found.shifts), (*expected.suspicious, *expected.shifts), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()
