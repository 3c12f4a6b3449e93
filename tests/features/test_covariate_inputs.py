"""What networks read of covariates: known values by row, past and ahead, and static facts."""

import dataclasses

import numpy as np
import pytest
from panels import panel_of, wavy

from forecaster.config import MemberConfig, NetworkConfig, TrainingConfig
from forecaster.data.rows.known import Known
from forecaster.data.rows.static import Static
from forecaster.features.covariate_inputs import MOST_WORDS, covariate_inputs, width_of
from forecaster.features.transform import fit_scaled
from forecaster.features.windows import Windows

HORIZON, SEGMENT, AHEAD = 5, 2, 4
WORDS = ("fog", "rain", "sun")


@pytest.fixture(scope="module")
def panel():
    """Three series, of which the last has fewer rows of the future than the horizon."""
    rng = np.random.default_rng(0)
    lengths, future = (40, 31, 12), (AHEAD + 3, AHEAD + 1, 2)
    made = panel_of(*(wavy(rng, n) for n in lengths))
    rows = np.array(lengths) + future
    values = np.column_stack(
        [rng.normal(20, 5, rows.sum()), rng.integers(0, 2, rows.sum()) * 7, rng.integers(0, 3, rows.sum())]
    ).astype(float)
    values[[3, 50]] = np.nan
    known = Known(
        ("temperature", "open", "sky"), (None, None, WORDS), values, np.concatenate([[0], np.cumsum(rows)])
    )
    facts = Static(("size", "region"), (None, ("north", "south")), np.array([[1.0, 0], [4, 1], [np.nan, 2]]))
    return dataclasses.replace(made, known=known, static=facts)


CONFIG = MemberConfig(
    horizon=HORIZON,
    lookback=6,
    segment=SEGMENT,
    log=False,
    seasons=(),
    gaps=False,
    phases=(),
    seed=0,
    network=NetworkConfig(
        inputs=12, outputs=HORIZON, output_segment=SEGMENT, known=10, static=1, categories=(2,)
    ),
    training=TrainingConfig(),
    scales="relative",
    known=("temperature", "open", "sky"),
    known_width=5,
    static=("size", "region"),
    static_centre=(2.0,),
    static_scale=(0.5,),
)


def naive_row(panel, series, row, origin):
    """The five numbers of a row: standardised temperature, open as 0 or 1, one for each word."""
    known = panel.known
    mine = known.values[known.offsets[series] : known.offsets[series + 1]]
    if row >= len(mine):
        return [0.0] * 5
    temperature, opened, sky = mine[row]
    past = mine[:origin, 0][np.isfinite(mine[:origin, 0])]
    scaled = 0.0 if np.isnan(temperature) else (temperature - past.mean()) / past.std()
    return [scaled, float(opened == 7), *(float(sky == code) for code in range(3))]


def test_windows_read_known_values_of_past_and_horizon(panel):
    """Inputs and what is ahead equal those gathered number by number; beyond the horizon there are zeros."""
    origins = panel.lengths - 2
    fitted = fit_scaled(panel, origins, scales="relative", log=False, seasons=(), horizon=HORIZON)
    windows = Windows.of(panel, fitted, CONFIG, origins)
    series, ends = np.array([0, 1, 2, 2, 0]), np.array([20, 29, 10, 12, 40])
    batch = windows.inputs(series, ends)
    assert batch.inputs.shape == (3, windows.features, 5)
    assert windows.features == CONFIG.network.inputs
    assert batch.ahead.shape == (3, 2 * 5, 5)
    for b, (one, end) in enumerate(zip(series, ends, strict=True)):
        past = [naive_row(panel, one, row, origins[one]) for row in range(end - 6, end)]
        seen = batch.inputs[:, 2:, b].reshape(3, 5, 2)  # step, column, row
        np.testing.assert_allclose(seen, np.array(past).reshape(3, 2, 5).transpose(0, 2, 1), atol=1e-6)
        coming = [naive_row(panel, one, end + step, origins[one]) for step in range(HORIZON)] + [[0.0] * 5]
        np.testing.assert_allclose(batch.ahead[:, :, b].ravel(), np.ravel(coming), atol=1e-6)


def test_later_rows_change_no_scale(panel):
    """Known values after the origin change nothing of the rows before it."""
    origins = panel.lengths - 2
    known = panel.known
    late = ~known.in_past(origins)
    other = known.values.copy()
    other[late] = 1e6
    first = covariate_inputs(panel, origins, CONFIG)
    changed = dataclasses.replace(panel, known=dataclasses.replace(known, values=other))
    second = covariate_inputs(changed, origins, CONFIG)
    np.testing.assert_array_equal(first.known[~late], second.known[~late])


def test_values_far_away_count_as_far(panel):
    """What no past value prepares for moves a network no further than ten standard deviations."""
    late = ~panel.known.in_past(panel.lengths)
    values = panel.known.values.copy()
    values[late, 0] = 1e30
    changed = dataclasses.replace(panel, known=dataclasses.replace(panel.known, values=values))
    seen = covariate_inputs(changed, panel.lengths, CONFIG)
    assert (seen.known[late, 0] == 10).all()
    assert np.abs(seen.known[~late, 0]).max() < 10


def test_static_facts(panel):
    """Numbers have the scale of training; words of the model count from 1, others and missing ones are 0."""
    seen = covariate_inputs(panel, panel.lengths, CONFIG)
    np.testing.assert_allclose(seen.static, [[-2.0, 4.0, 0.0]])
    np.testing.assert_array_equal(seen.codes, [[1, 2, 0]])


def test_a_member_without_covariates_reads_none(panel):
    """Nothing is gathered that the network does not read."""
    bare = dataclasses.replace(CONFIG, known=(), known_width=0, static=())
    assert covariate_inputs(panel, panel.lengths, bare) is None


def test_many_words_are_not_shown():
    """A category of many words has no columns."""
    assert [width_of(None), width_of(WORDS), width_of(("x",) * (MOST_WORDS + 1))] == [1, 3, 0]
