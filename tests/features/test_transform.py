"""Transforms equal loops over one series at a time, and never read rows at or after the origin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import panel_of, rows_of, wavy, with_garbage
from profiles import examples

from forecaster.features.moving_average_index import LEAST_SEASONS, MOST_SEASONS, SHRINKAGE
from forecaster.features.transform import Transform, fit_transform, observed_throughout, positive


class Naive:
    """One series, step by step, in plain Python: the oracle of `fit_transform`."""

    def __init__(self, y, end, *, log, seasons, horizon):
        self.n, self.end = len(y), end
        self.x = [self.number(value, log) for value in y]
        known = [x for x in self.x[:end] if x is not None]
        self.centre = sum(known) / len(known) if known else 0.0
        self.x = [None if x is None else x - self.centre for x in self.x]
        self.indices = []
        for m in sorted(seasons):
            index = self.seasonal_index(m)
            self.x = [None if x is None else x - index[t % m] for t, x in enumerate(self.x)]
            self.indices.append(index)
        self.spread = self.mean_step(horizon)

    @staticmethod
    def number(value, log):
        if math.isnan(value) or (log and value <= 0):
            return None
        return math.log(value) if log else value

    def known(self, t):
        return self.x[t] if 0 <= t < self.end else None

    def seasonal_index(self, m):
        half = m // 2
        deviations = [[] for _ in range(m)]
        for t in range(max(half, self.end - MOST_SEASONS * m), self.end - half):
            if self.known(t) is None:
                continue
            total = weight = 0.0
            for k in range(-half, half + 1):
                w = 0.5 if m % 2 == 0 and abs(k) == half else 1.0
                if self.known(t + k) is not None:
                    total, weight = total + w * self.known(t + k), weight + w
            deviations[t % m].append(self.known(t) - total / weight)
        n = sum(len(d) for d in deviations)
        if n <= m or sum(x is not None for x in self.x[: self.end]) < LEAST_SEASONS * m:
            return [0.0] * m
        means = [sum(d) / len(d) if d else 0.0 for d in deviations]
        noise = sum((x - mean) ** 2 for d, mean in zip(deviations, means, strict=True) for x in d) / (n - m)
        index = [value - sum(means) / m for value in means]
        signal = sum(value**2 for value in index) / (m - 1)
        kept = max(0.0, 1 - SHRINKAGE * noise / (n / m) / signal) if signal else 0.0
        return [kept * value for value in index]

    def mean_step(self, horizon):
        steps, lag = [], 1
        while lag <= horizon:
            for t in range(lag, self.end):
                if self.known(t) is not None and self.known(t - lag) is not None:
                    steps.append(abs(self.known(t) - self.known(t - lag)))
            lag *= 2
        mean = sum(steps) / len(steps) if steps else 0.0
        return mean if mean > 1e-12 else 0.0

    def z(self, scale):
        filled, last = [], 0.0
        for x in self.x:
            last = last if x is None else x / scale
            filled.append(last)
        return filled


def naive_scales(naive, log):
    """One scale for all series with logarithms, one per series otherwise; never zero."""
    spreads = [one.spread for one in naive]
    if log:
        moving = [spread for spread in spreads if spread > 0]
        return [sum(moving) / len(moving) if moving else 1.0] * len(naive)
    return [spread or 1.0 for spread in spreads]


def agree(panel, origins, *, log, seasons, horizon):
    """Assert that the transform equals the loops; returns it."""
    found = fit_transform(panel, np.asarray(origins), log=log, seasons=seasons, horizon=horizon)
    parts = np.split(panel.target, panel.offsets[1:-1])
    naive = [
        Naive(list(y), end, log=log, seasons=seasons, horizon=horizon)
        for y, end in zip(parts, origins, strict=True)
    ]
    scales = naive_scales(naive, log)
    np.testing.assert_allclose(found.centre, [one.centre for one in naive], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.scale, scales, rtol=1e-7)
    for number in range(len(seasons)):
        expected = np.array([one.indices[number] for one in naive])
        np.testing.assert_allclose(found.indices[number], expected, rtol=1e-6, atol=1e-9)
    z = np.concatenate([one.z(scale) for one, scale in zip(naive, scales, strict=True)])
    np.testing.assert_allclose(found.z[:, 0], z, rtol=1e-4, atol=1e-4)
    return found


@pytest.fixture(scope="module")
def panel():
    """Series of several lengths with gaps: two seasonal, noise, a walk, a constant, one of two rows."""
    rng = np.random.default_rng(1)
    return panel_of(
        wavy(rng, 90, gaps=0.1),
        wavy(rng, 63, level=900.0),
        10 + rng.random(70),
        50 + np.cumsum(rng.normal(size=55)),
        np.full(40, 0.1),
        [3.0, 4.0],
        seasons=(7,),
    )


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("seasons", [(), (7,), (4,), (7, 28), (28, 7), (12,), (2, 3)])
def test_equals_loops(panel, log, seasons):
    """Logarithm, centre, seasonal indices and their shrinkage, scale and filled gaps equal plain loops."""
    for less in (0, 9):
        agree(panel, np.maximum(panel.lengths - less, 0), log=log, seasons=seasons, horizon=6)


def test_the_examples_exercise_the_shrinkage(panel):
    """Some of the series above have a season and some have none."""
    found = fit_transform(panel, panel.lengths, log=False, seasons=(7,), horizon=3)
    assert found.seasonal[:3].tolist() == [True, True, False]
    assert not found.seasonal[-1]
    assert not fit_transform(panel, panel.lengths, log=False, seasons=(), horizon=3).seasonal.any()


def test_only_the_newest_seasons_make_the_index():
    """A season that ended more than MOST_SEASONS seasons ago is not removed."""
    rng = np.random.default_rng(2)
    old = 5 * np.sin(np.arange(200) * 2 * np.pi / 4)
    y = np.concatenate([old, np.zeros(4 * MOST_SEASONS)]) + rng.normal(size=200 + 4 * MOST_SEASONS)
    found = agree(panel_of(y), [len(y)], log=False, seasons=(4,), horizon=3)
    assert np.abs(found.indices[0]).max() < 0.5
    before = agree(panel_of(y[:250]), [250], log=False, seasons=(4,), horizon=3)
    assert np.abs(before.indices[0]).max() > 1.5


def test_noise_is_taken_from_the_index():
    """A noisier season is removed less; pure noise hardly at all; a clean season entirely."""
    rng = np.random.default_rng(6)
    wave = 2 * np.sin(np.arange(40) * 2 * np.pi / 4)
    size = []
    for noise in (0.0, 1.0, 3.0):
        panel = panel_of(*[wave + noise * rng.normal(size=40) for _ in range(150)])
        found = agree(panel, [40] * 150, log=False, seasons=(4,), horizon=2)
        wanted = np.roll([0, 2, 0, -2], 0)
        size.append((found.indices[0] @ wanted / 8).mean())
    assert size[0] == pytest.approx(1)
    assert size[0] > size[1] > size[2] > 0
    nothing = panel_of(*[rng.normal(size=40) for _ in range(150)])
    assert agree(nothing, [40] * 150, log=False, seasons=(4,), horizon=2).seasonal.mean() < 0.25


def test_two_seasons_are_removed_one_after_another():
    """A sum of a short and a long season is removed almost entirely; each index holds one of them."""
    t = np.arange(24 * 7 * 5)
    short, long = 3 * np.sin(2 * np.pi * t / 24), 2.0 * (t // 24 % 7 == 5)
    y = 10 + short + long
    found = agree(panel_of(y), [len(y)], log=False, seasons=(24, 168), horizon=24)
    left = found.z[200:-200, 0] * found.scale[0]
    assert np.abs(left).max() < 0.1
    assert [index.shape for index in found.indices] == [(1, 24), (1, 168)]


def test_a_season_needs_three_of_it():
    """With fewer observed rows than three seasons nothing is removed."""
    y = np.where(np.arange(60) % 12 == 5, 10.0, 1.0)
    for rows, seasonal in ((35, False), (36, True), (60, True)):
        assert agree(panel_of(y), [rows], log=False, seasons=(12,), horizon=2).seasonal[0] == seasonal
    holed = np.where(np.arange(60) == 3, np.nan, y)
    assert not agree(panel_of(holed), [36], log=False, seasons=(12,), horizon=2).seasonal[0]


def test_only_horizon_rows_back_count_for_the_scale():
    """Lags are 1, 2, 4 … up to the horizon, and no more."""
    y = np.cumsum(np.random.default_rng(4).normal(size=60))
    for horizon in (1, 2, 3, 4, 7, 8, 100):
        agree(panel_of(y), [60], log=False, seasons=(), horizon=horizon)


def test_all_gap_before_the_origin():
    """A series without known rows stays at zero with scale one."""
    y = np.concatenate([np.full(5, np.nan), [4.0, 6.0]])
    found = fit_transform(panel_of(y, [1.0, 2.0, 4.0]), np.array([5, 3]), log=False, seasons=(2,), horizon=2)
    assert found.centre[0] == 0
    assert found.scale[0] == 1
    assert not found.z[:5, 0].any()


def test_everything_constant():
    """Constant series get scale one, with and without logarithms, and are restored exactly."""
    panel = panel_of(np.full(30, 0.1), np.full(30, 7.0))
    for log in (True, False):
        found = fit_transform(panel, panel.lengths, log=log, seasons=(7,), horizon=4)
        assert found.scale.tolist() == [1.0, 1.0]
        back = found.invert(np.zeros((2, 4)), np.array([0, 1]), panel.lengths)
        np.testing.assert_allclose(back, [[0.1] * 4, [7.0] * 4], rtol=1e-12)


def test_a_gap_at_the_start_takes_the_centre():
    """No value passes from one series into the next: before its first value a series is at its centre."""
    panel = panel_of([1.0, 2.0, 9.0], [np.nan, np.nan, 3.0, 5.0, np.nan, 6.0])
    found = agree(panel, [3, 6], log=False, seasons=(), horizon=2)
    assert found.z[2, 0] != 0
    assert found.z[3:5, 0].tolist() == [0, 0]
    assert found.z[7, 0] == found.z[6, 0]


def test_later_values_without_logarithm_count_as_unobserved():
    """With logarithms, a value of zero or below after the origin counts as a gap."""
    panel = panel_of([1.0, 2.0, 4.0, 0.0, -5.0, 8.0])
    found = agree(panel, [3], log=True, seasons=(), horizon=2)
    assert found.observed[:, 0].tolist() == [True, True, True, False, False, True]
    assert np.isfinite(found.z).all()
    assert panel.observed.all()


def test_covariates_are_standardised_on_known_rows():
    """A covariate has mean 0 and deviation 1 over its known observed rows; gaps repeat the last value."""
    rng = np.random.default_rng(5)
    values = np.column_stack([rng.random(50), rng.normal(3, 2, 50), np.full(50, 0.1)])
    values[[0, 7, 8], 1] = np.nan
    panel = panel_of(values, values[:20])
    origins = np.array([40, 15])
    found = fit_transform(panel, origins, log=False, seasons=(), horizon=3)
    known = found.z[:40, 1][panel.observed[:40, 1]]
    assert known.mean() == pytest.approx(0, abs=1e-6)
    assert known.std() == pytest.approx(1, rel=1e-6)
    raw = values[:40, 1]
    mean, deviation = np.nanmean(raw), np.nanstd(raw)
    np.testing.assert_allclose(found.z[45, 1], (values[45, 1] - mean) / deviation, rtol=1e-5)
    assert found.z[0, 1] == 0
    assert found.z[7, 1] == found.z[8, 1] == found.z[6, 1]
    assert np.abs(found.z[:, 2]).max() < 1e-12


def test_a_covariate_constant_before_the_origin_stays_small_after_it():
    """Rounding errors of a constant are not a deviation, so a later change is not magnified."""
    values = np.column_stack([np.arange(40.0), np.full(40, 0.1)])
    values[30:, 1] = 0.2
    found = fit_transform(panel_of(values), np.array([30]), log=False, seasons=(), horizon=3)
    assert np.abs(found.z[:, 1]).max() <= 0.1 + 1e-6


def test_positive_looks_at_known_observed_rows_only():
    """A logarithm exists where every known observed value is above zero."""
    panel = panel_of([1.0, 2.0, 0.0, 5.0], [np.nan, 3.0, -1.0])
    assert positive(panel, np.array([2, 2]))
    assert not positive(panel, np.array([3, 2]))
    assert not positive(panel, np.array([2, 3]))


def test_gaps_are_seen_in_known_rows_only():
    """A panel is observed throughout where every known row has a target; covariates do not count."""
    values = np.arange(20.0).reshape(10, 2)
    values[6, 0] = values[2, 1] = np.nan
    panel = panel_of(values, values[:4])
    assert observed_throughout(panel, np.array([6, 4]))
    assert not observed_throughout(panel, np.array([7, 4]))


# --- inverse --------------------------------------------------------------------------------------------

panels = st.lists(
    st.lists(st.floats(0.01, 1e4).map(lambda x: round(x, 3)), min_size=2, max_size=40), min_size=1, max_size=4
)


@given(panels, st.booleans(), st.sampled_from([(), (3,), (2, 5)]), st.integers(1, 9), st.data())
@examples(80)
def test_inverse_brings_back_what_was_there(series, log, seasons, horizon, data):
    """From any origin, inverting z gives the observed values in the user's units."""
    panel = panel_of(*series)
    origins = np.array([data.draw(st.integers(2, len(values))) for values in series])
    found = fit_transform(panel, origins, log=log, seasons=seasons, horizon=horizon)
    assert (found.scale > 0).all()
    for s, values in enumerate(series):
        for end in range(len(values)):
            z = found.z[panel.offsets[s] + end : panel.offsets[s + 1], 0].astype(float)
            y = found.invert(z[None], np.array([s]), np.array([end]))[0]
            error = 4e-6 * (np.abs(z).max() * found.scale[s] * (max(values) if log else 1)) + 1e-6
            np.testing.assert_allclose(y, values[end:], rtol=1e-5, atol=error)


@given(panels, st.sampled_from([(), (3,), (7,)]), st.integers(0, 3))
@examples(40)
def test_hypothetical_panels_equal_loops(series, seasons, gap):
    """The flat arrays give the same as the loops, for any values and gaps."""
    holed = [np.where((np.arange(len(v)) % 5 == gap) & (np.arange(len(v)) > 1), np.nan, v) for v in series]
    panel = panel_of(*holed)
    agree(panel, [max(1, len(v) - 2) for v in series], log=False, seasons=(), horizon=4)
    agree(panel, [len(v) for v in series], log=True, seasons=(), horizon=4)
    if seasons and all(np.nanstd(v) > 1e-3 for v in holed):
        found = fit_transform(panel, panel.lengths, log=False, seasons=seasons, horizon=4)
        assert found.indices[0].mean(axis=1) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("seasons", [(7,), (7, 28), (4, 7)])
def test_inverse_puts_seasons_back(panel, log, seasons):
    """With seasons, inverting from any origin restores the series: each row has its own position."""
    found = fit_transform(panel, panel.lengths, log=log, seasons=seasons, horizon=6)
    assert found.seasonal.any()
    for s, end in ((0, 0), (0, 31), (1, 2), (1, 60)):
        row = slice(panel.offsets[s] + end, panel.offsets[s + 1])
        y = found.invert(found.z[row, 0][None].astype(float), np.array([s]), np.array([end]))[0]
        seen = panel.observed[row, 0]
        np.testing.assert_allclose(y[seen], panel.target[row][seen], rtol=1e-5)


def test_inverse_of_several_series_at_once(panel):
    """Rows of a batch belong to any series at any origin, and may reach beyond the last row."""
    found = fit_transform(panel, panel.lengths, log=True, seasons=(7, 28), horizon=6)
    series, origins = np.array([3, 0, 0, 5]), np.array([54, 80, 90, 2])
    z = np.random.default_rng(0).normal(size=(4, 6))
    together = found.invert(z, series, origins)
    alone = [found.invert(z[b : b + 1], series[b : b + 1], origins[b : b + 1])[0] for b in range(4)]
    np.testing.assert_array_equal(together, alone)


# --- nothing after the origin matters ----------------------------------------------------------------------


def fitted_bytes(found: Transform, known):
    """All fitted values, and the transformed known rows."""
    return [
        found.centre.tobytes(),
        found.scale.tobytes(),
        found.seasonal.tobytes(),
        *(index.tobytes() for index in found.indices),
        found.z[known].tobytes(),
        found.observed[known].tobytes(),
    ]


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_garbage_after_the_origin_changes_no_byte(log, seed):
    """Values at or after the origin, in target or covariates, change no bit of what is fitted."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 80, size=6)
    panel = panel_of(
        *(np.column_stack([wavy(rng, n, gaps=0.1), rng.normal(size=n), rng.random(n)]) for n in lengths)
    )
    origins = np.array([rng.integers(0, n + 1) for n in lengths])
    known = rows_of(panel) < np.repeat(origins, lengths)
    reference = None
    for attempt in range(4):
        seen = with_garbage(panel, origins, seed=attempt) if attempt else panel
        assert positive(seen, origins)
        found = fit_transform(seen, origins, log=log, seasons=(7, 14), horizon=5)
        reference = reference or fitted_bytes(found, known)
        assert fitted_bytes(found, known) == reference


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_values_beyond_float32_after_the_origin_are_no_warning(value):
    """A held-out value too large for float32 does not disturb the fit."""
    y = wavy(np.random.default_rng(0), 40)
    y[35:] = value
    found = fit_transform(panel_of(y), np.array([30]), log=False, seasons=(7,), horizon=5)
    assert np.isfinite(found.z[:35]).all()


def test_series_are_fitted_alike_however_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks bound the memory and change nothing but rounding."""
    rng = np.random.default_rng(5)
    series = [50 + 9 * np.sin(np.arange(n) * np.pi / 6) + rng.random(n) for n in (40, 75, 61, 130)]
    panel = panel_of(*series)
    origins = panel.lengths - 3
    whole = fit_transform(panel, origins, log=True, seasons=(12,), horizon=4)
    monkeypatch.setattr("forecaster.data.rows.known_values.BLOCK", 60)
    parts = fit_transform(panel, origins, log=True, seasons=(12,), horizon=4)
    assert whole.seasonal.any()
    for name in ("centre", "scale", "z"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(parts.indices[0], whole.indices[0], atol=1e-9)
