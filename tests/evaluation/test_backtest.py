"""Rolling origins and the rows held out after them."""

import dataclasses

import numpy as np
import pytest
from evaluation_panel import panel_of

from forecaster.data.calendar.frequency import frequency
from forecaster.errors import DataError, UsageError
from forecaster.evaluation.backtest import held_out, most_origins, rolling_origins, usual_horizon


def test_last_origin_leaves_the_horizon_and_earlier_ones_a_step_each():
    """Origins rise by the step up to length - horizon; -1 where a series is too short."""
    origins = rolling_origins(np.array([20, 9, 5, 4]), horizon=4, origins=3, step=3)
    assert origins.tolist() == [[10, -1, -1, -1], [13, 2, -1, -1], [16, 5, 1, -1]]


def test_history_asks_for_rows_before_the_first_origin():
    """`history` rows must precede an origin."""
    assert rolling_origins(np.array([20, 9]), 4, 2, 3, history=5).tolist() == [[13, -1], [16, 5]]


def test_no_room_for_one_origin_is_a_data_error_that_names_the_longest_series():
    """When no series can hold out the horizon, the message says how long they are and what would fit."""
    with pytest.raises(DataError, match="hold out 12 rows: the longest has 10") as caught:
        rolling_origins(np.array([10, 3]), 12, 1, 1)
    assert "at most 9" in caught.value.hint
    with pytest.raises(DataError):
        rolling_origins(np.array([], dtype=np.int64), 1, 1, 1)


def test_more_origins_than_fit_is_a_usage_error_that_names_the_number_that_does():
    """With too many origins for the longest series, the message says how many fit."""
    with pytest.raises(UsageError, match="10 origins") as caught:
        rolling_origins(np.array([20, 9]), 4, 10, 3)
    assert "--origins 6" in caught.value.hint
    assert rolling_origins(np.array([20, 9]), 4, 6, 3).shape == (6, 2)
    assert most_origins(np.array([20, 9]), 4, 3) == 6


@pytest.mark.parametrize("wrong", [{"horizon": 0}, {"origins": 0}, {"step": -1}])
def test_counts_below_one_are_usage_errors(wrong):
    """Horizon, origins and step must be at least 1."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        rolling_origins(np.array([20]), **{"horizon": 2, "origins": 2, "step": 2, **wrong})


def test_held_out_rows_are_those_after_the_end():
    """Actuals are NaN at gaps, after the end of the series and where the origin is -1."""
    panel = panel_of([0, 1, 2, np.nan, 4], [10, 11, 12])
    got = held_out(panel, np.array([[2, -1], [4, 0]]), 3)
    want = [[[2, np.nan, 4], [np.nan] * 3], [[4, np.nan, np.nan], [10, 11, 12]]]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("alias", "rows", "horizon"),
    [("D", 200, 14), ("B", 200, 10), ("W", 200, 13), ("MS", 200, 12), ("QS", 200, 8), ("YS", 200, 6),
     ("h", 200, 24), ("15min", 2000, 96), ("D", 30, 6), ("D", 3, 1), ("MS", 59, 11)],
)  # fmt: skip
def test_the_usual_horizon(alias, rows, horizon):
    """It follows the season, and is at most a fifth of the longest series."""
    panel = dataclasses.replace(panel_of(np.arange(float(rows)), np.arange(2.0)), frequency=frequency(alias))
    assert usual_horizon(panel) == horizon
