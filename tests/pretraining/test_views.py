"""Every frequency goes to a network that knows its season, or to one that never sees it."""

import pytest

from forecaster.data.calendar.frequency import Frequency, frequency
from forecaster.pretraining.views import MOST_ROWS, STEP, View, days_a_week, view_of
from forecaster.pretraining.zero_shot import steps_of

VIEWS = {
    "YS": View("season_1"),
    "YE": View("season_1"),
    "QS": View("season_4"),
    "QE": View("season_4"),
    "MS": View("season_12"),
    "ME": View("season_12"),
    "D": View("season_7"),
    "B": View("season_7", open_days=5),
    "h": View("hours"),
    "30min": View("hours", rows=2),
    "15min": View("hours", rows=4),
    "10min": View("hours", rows=6),
    "5min": View("hours", rows=12),
    "min": View("hours", rows=60),
    "s": View("hours", rows=3600),
    "2h": View("season_12"),
    "4h": View("season_12"),
    "6h": View("season_12"),
    "12h": View("season_12"),
}


@pytest.mark.parametrize("alias", VIEWS)
def test_usual_frequencies(alias):
    """Months, quarters, years, days, hours and parts of an hour each have their network."""
    assert view_of(frequency(alias)) == VIEWS[alias]


@pytest.mark.parametrize(
    ("alias", "season", "expected"),
    [
        ("D", 7, View("season_7")),
        ("B-1111110", 6, View("season_7", open_days=6)),
        ("B-1010100", 3, View("season_12", removed=3)),
        ("D", 6, View("season_12")),
        ("B", 5, View("season_7", open_days=5)),
        ("D", 1, View("season_1")),
        ("D", 365, View("season_12", removed=365)),
        ("D", 30, View("season_12", removed=30)),
        ("W", 52, View("season_12", removed=52)),
        ("MS", 12, View("season_12")),
        ("MS", 6, View("season_12")),
        ("2MS", 6, View("season_12")),
        ("QS", 4, View("season_4")),
        ("6MS", 2, View("season_4")),
        ("MS", 24, View("season_12", removed=24)),
        ("8h", 3, View("season_12")),
        ("3h", 8, View("season_12", removed=8)),
        ("h", 24, View("hours")),
        ("h", 168, View("hours")),
        ("30min", 48, View("hours", rows=2)),
        ("15min", 96, View("hours", rows=4)),
        ("5min", 288, View("hours", rows=12)),
        ("min", 1440, View("hours", rows=60)),
    ],
)
def test_seasons(alias, season, expected):
    """The season decides where the step does not."""
    assert view_of(Frequency(alias, (season,))) == expected


SECONDS = (
    "s",
    "5s",
    "7s",
    "11s",
    "13s",
    "90s",
    "100s",
    "7min",
    "11min",
    "25min",
    "50min",
    "90min",
    "5h",
    "7h",
    "36h",
    "48h",
)


@pytest.mark.parametrize("alias", SECONDS)
def test_any_other_step(alias):
    """Steps that do not divide an hour or a day, and longer ones, still have a network."""
    view = view_of(frequency(alias))
    assert view.kind in STEP
    assert view.removed is None or view.removed > 1
    if view.kind == "hours":
        assert view.rows <= MOST_ROWS


@pytest.mark.parametrize("alias", ["500ms", "100ms", "ms", "us", "ns"])
def test_steps_below_a_second(alias):
    """A day of them does not fit into memory: they are seen by the season of the step, or without one."""
    view = view_of(frequency(alias))
    assert view.kind != "hours"
    assert view.rows == 1


def test_every_season_has_a_view():
    """No season from 1 to 400 is left without one, and what is removed is the season itself."""
    for alias in ("D", "W", "MS", "7min"):
        for season in range(1, 401):
            view = view_of(Frequency(alias, (season,)))
            assert view.kind in STEP
            assert view.removed in (None, season)


@pytest.mark.parametrize("open_days", [5, 6])
def test_steps_of_open_days(open_days):
    """Each open day is a step within a week of seven, after the closed ones."""
    view = View("season_7", open_days=open_days)
    steps = steps_of(view, 3 * open_days)
    expected = [7 * week + 7 - open_days + day for week in range(3) for day in range(open_days)]
    assert steps.tolist() == expected


@pytest.mark.parametrize(
    ("alias", "season", "expected"),
    [("D", 7, 7), ("B", 5, 5), ("B-1111110", 6, 6), ("W", 7, None), ("D", 365, None), ("D", 1, None),
     ("h", 24, None), ("MS", 12, None), ("2D", 7, None), ("D", 5, 5)],
)  # fmt: skip
def test_rows_that_are_days(alias, season, expected):
    """A year of days is removed where each row is a day and the network reads weeks of them."""
    series = Frequency(alias, (season,))
    assert days_a_week(view_of(series), series) == expected


def test_steps_of_rows_within_an_hour():
    """Four rows of a quarter of an hour are one step; elsewhere a row is a step."""
    assert steps_of(View("hours", rows=4), 9).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert steps_of(View("season_12"), 5).tolist() == [0, 1, 2, 3, 4]
