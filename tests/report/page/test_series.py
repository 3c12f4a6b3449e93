"""Which series of a page have a chart, how many points it draws, and what the browser gets."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_results import results_of
from panels import panel_of, wavy

from forecaster.report.page import build, parts, write
from forecaster.report.page import series as under_test
from forecaster.report.page.build import page
from forecaster.report.page.series import (
    ALL_ROWS,
    BUCKETS,
    BUDGET,
    MOST_WINDOWS,
    candidates,
    held_out_windows,
    packed,
    packed_times,
    shown_rows,
)
from forecaster.report.page.write import rendered

HOUR = 3600 * 10**9


def unpacked(content):
    """What page.js makes of packed numbers."""
    return content["o"] + content["s"] * np.frombuffer(base64.b64decode(content["b"]), "<f4").astype(float)


def unpacked_times(content):
    """What page.js makes of packed times, in milliseconds."""
    if "n" in content:
        return content["t"] + np.arange(content["n"]) * content["d"]
    return content["t"] + np.frombuffer(base64.b64decode(content["b"]), "<" + content["k"]) * content["u"]


@given(st.lists(st.floats(-1e300, 1e300) | st.just(float("nan")), min_size=1, max_size=40))
def test_numbers_survive_packing(values):
    """Each number comes back within a millionth of the range of all; what is missing stays missing."""
    values = np.array(values)
    back = unpacked(packed(values))
    assert (np.isnan(back) == np.isnan(values)).all()
    if np.isfinite(values).any():
        size = np.nanmax(np.abs(values / 2 - np.nanmean(values / 2)))
        assert np.nanmax(np.abs(back / 2 - values / 2)) <= 1e-6 * size + 1e-12 * np.nanmax(np.abs(values))


@pytest.mark.parametrize(
    "hours", [np.arange(50), np.array([0, 24, 48, 120, 144]), np.array([5]), np.array([0, 24 * 365 * 200])]
)
def test_times_survive_packing(hours):
    """Even and uneven steps come back exactly, one row and centuries included."""
    assert unpacked_times(packed_times(hours * HOUR, None)).tolist() == (hours * 3_600_000.0).tolist()


def test_times_are_those_of_the_clock_of_the_data():
    """Noon in Berlin is 12:00 in the chart."""
    noon = np.array(["2024-07-01T10:00"], "M8[ns]").astype(np.int64)
    shown = unpacked_times(packed_times(noon, "Europe/Berlin"))
    assert shown[0] == np.datetime64("2024-07-01T12:00", "ms").astype(float)


def test_short_series_are_drawn_row_by_row():
    """No row of up to ALL_ROWS is left out."""
    assert shown_rows(np.zeros(ALL_ROWS), 10).tolist() == list(range(ALL_ROWS))


@given(st.integers(0, 2**32 - 1), st.integers(ALL_ROWS + 1, 4 * ALL_ROWS), st.floats(0, 1))
@settings(max_examples=20)
def test_thinning_keeps_every_peak(seed, count, gaps):
    """Of the older rows each part keeps its least and greatest value, of the newest rows all are kept."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(count) < gaps, np.nan, rng.standard_cauchy(count))
    recent = 1000
    kept = shown_rows(values, recent)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= 2 * BUCKETS + recent
    assert set(range(count - recent, count)) <= set(kept.tolist())
    size = -(-(count - recent) // BUCKETS)
    for start in range(0, count - recent, size):
        part = values[start : min(start + size, count - recent)]
        drawn = values[kept[(kept >= start) & (kept < start + len(part))]]
        assert len(drawn) >= 1  # also of a gap, so that it stays one
        if np.isfinite(part).any():
            assert np.nanmin(drawn) == np.nanmin(part)
            assert np.nanmax(drawn) == np.nanmax(part)


def test_order_of_charts():
    """Named ones first, then the worst, the best, the first, and so on; those without an error by place."""
    errors = np.array([0.5, np.nan, 3.0, 0.1, 2.0, 0.7])
    assert candidates(6, errors, [5])[:5] == [5, 2, 3, 0, 4]
    assert sorted(candidates(6, errors)) == list(range(6))
    assert candidates(3, np.empty(0)) == [0, 1, 2]


def test_room_for_charts(monkeypatch):
    """A page that is full leaves charts out, but never the first, and says how many."""
    panel = panel_of(*(wavy(np.random.default_rng(n), 200) for n in range(12)), seasons=(7,))
    whole = page(results_of(panel, 7, 2)).series
    assert len(whole.charts) == 12
    monkeypatch.setattr(under_test, "BUDGET", 9000)
    part = page(results_of(panel, 7, 2, named=("s007",))).series
    assert 1 <= len(part.charts) < 12
    assert next(iter(part.charts)) == 7
    assert f"{len(part.charts)} of 12 series have a chart" in " ".join(part.text)
    assert BUDGET < 3_000_000


def test_fifty_long_series_fit():
    """Each of 50 series of 5,000 rows has a chart, and the page stays below 4 MB."""
    rng = np.random.default_rng(9)
    panel = panel_of(*(rng.normal(0, 1, 5000).cumsum() for _ in range(50)), seasons=(24,))
    made = page(results_of(panel, 24, 4))
    assert len(made.series.charts) == 50
    assert len(rendered(made)) < 4_000_000


def test_a_list_that_is_full(monkeypatch):
    """Of very many series the list has those with a chart and the first ones, and the page says so."""
    monkeypatch.setattr(parts, "MOST_LISTED", 5)
    monkeypatch.setattr(build, "MOST_LISTED", 5)
    monkeypatch.setattr(write, "MOST_LISTED", 5)
    monkeypatch.setattr(under_test, "BUDGET", 4000)
    panel = panel_of(*(wavy(np.random.default_rng(n), 200) for n in range(12)), seasons=(7,))
    made = page(results_of(panel, 7, 2, named=("s011",)))
    content = write._series(made.series)
    assert "s011" in content["ids"]
    assert len(content["ids"]) == 5
    assert content["ids"][content["charts"][0][0]] == "s011"
    assert "finds 5, those with a chart" in " ".join(made.series.text)


def test_held_out_forecasts_do_not_overlap():
    """Of overlapping forecasts the newest are drawn, at most MOST_WINDOWS, beside the values of the panel."""
    panel = panel_of(wavy(np.random.default_rng(3), 200), seasons=(7,))
    backtest = results_of(panel, 10, 30, step=3).backtest
    found = held_out_windows(backtest, 0)
    times = unpacked_times(found["t"]).reshape(-1, 10)
    assert len(found["n"]) == MOST_WINDOWS == len(times)
    assert (times[1:, 0] > times[:-1, -1]).all()
    assert times[-1, -1] == panel.time[-1] / 1e6
    told = "do not overlap"
    assert told in " ".join(page(results_of(panel, 10, 30, step=3)).series.text)
    assert told not in " ".join(page(results_of(panel, 10, 3)).series.text)
    actual = unpacked(found["a"])[-10:]
    assert actual == pytest.approx(panel.target[-10:], rel=1e-6)
