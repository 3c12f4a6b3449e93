"""--max-age, --max-model-age, and the ages that `show` tells."""

import dataclasses
import datetime
import json
import os
import time

import numpy as np
import pandas as pd
import pytest
from command import daily, forecast, said

from forecaster.data.calendar.frequency import frequency
from forecaster.data.labels import Names
from forecaster.data.load import load
from forecaster.errors import UsageError
from forecaster.pipeline.staleness import in_words, newest, newest_row, parsed_age

DAY = 86_400 * 10**9


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of a table whose newest row is of yesterday."""
    folder = tmp_path_factory.mktemp("fresh")
    today = datetime.date.today()
    start = today - datetime.timedelta(days=120)
    (folder / "demand.csv").write_text(daily(start=str(start)))
    assert forecast("train", "demand.csv", cwd=folder).returncode == 0
    return folder


def test_fresh_data_and_model(folder):
    """Within both limits nothing is said; without limits neither."""
    result = forecast("predict", "--max-age", "3d", "--max-model-age", "1h", cwd=folder)
    assert (result.returncode, said(result)) == (0, "")
    result = forecast("predict", cwd=folder, FORECAST_MAX_AGE="")
    assert (result.returncode, said(result)) == (0, "")


def test_old_data(folder, tmp_path):
    """Too old a row is exit code 9 with its age; without a limit a warning; `any` is silent."""
    (tmp_path / "old.csv").write_text(daily())
    model = folder / "forecast.model"
    result = forecast("predict", "old.csv", "-m", model, "--max-age", "2d", cwd=tmp_path)
    assert result.returncode == 9
    assert result.stdout == ""
    assert "2024-04-29" in result.stderr
    assert " days old, and --max-age is 2d" in result.stderr
    result = forecast("predict", "old.csv", "-m", model, cwd=tmp_path, FORECAST_MAX_AGE="")
    assert result.returncode == 0
    assert "T010 the newest row, 2024-04-29, is more than 3 steps old" in result.stderr
    for name in (model, "pretrained"):
        result = forecast("predict", "old.csv", "-m", name, "--max-age", "any", cwd=tmp_path)
        assert (result.returncode, said(result)) == (0, "")


def test_an_old_model(folder):
    """The age of a model is the time since its file was written."""
    model = folder / "forecast.model"
    written = time.time() - 40 * 86_400
    os.utime(model, (written, written))
    result = forecast("predict", "--max-model-age", "30d", cwd=folder)
    assert result.returncode == 9
    assert "was written 40 days ago, and --max-model-age is 30d" in result.stderr
    card = json.loads(forecast("show", "--json", cwd=folder).stdout)
    assert card["age"]["model"] == "40 days"
    assert card["age"]["newest row"] == card["data"]["last"]


def test_a_wrong_age(folder):
    """Said before anything is read."""
    result = forecast("predict", "none.csv", "--max-model-age", "3m", cwd=folder)
    assert result.returncode == 2
    assert "max_model_age cannot be '3m'" in result.stderr


def test_old_series_among_fresh_ones(folder, tmp_path):
    """They are forecast, and named; a row of 2099 does not make old data fresh."""
    fresh = (folder / "demand.csv").read_text().splitlines()[1:]
    rows = ["day,id,demand", *(line.replace(",", ",new,") for line in fresh)]
    rows += [line.replace(",", ",old,") for line in daily().splitlines()[1:]]
    (tmp_path / "two.csv").write_text("\n".join(rows) + "\n")
    result = forecast("predict", "two.csv", "-m", "pretrained", "--max-age", "3d", cwd=tmp_path)
    assert result.returncode == 0
    assert "T010 series without a row within --max-age 3d: 'old'" in result.stderr
    panel = load(tmp_path / "two.csv").panel
    later = dataclasses.replace(
        panel, time=panel.time + np.where(panel.time == panel.time.max(), 80 * 365 * DAY, 0)
    )
    assert newest_row(later).row == np.sort(panel.time)[-2]


def test_overdue_counts_open_days():
    """On Monday evening Friday's close is not overdue, and on the Wednesday after it is; hours are hours."""
    friday = int(pd.Timestamp("2024-03-01").value)
    names = Names("date", None, "close", dates=True, tz="UTC")
    business = frequency("B")
    monday, thursday = (int(pd.Timestamp(day).value) for day in ("2024-03-04 18:00", "2024-03-06 00:01"))
    assert not newest(friday, business, names, monday).overdue
    assert newest(friday, business, names, thursday).overdue
    assert newest(friday, business, names, monday).age == monday - friday
    assert newest(friday, frequency("h"), names, friday + DAY).overdue


def test_naive_times_are_local(monkeypatch):
    """Times without a zone are those of the machine's clock."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        now = int(pd.Timestamp("2024-03-01 00:00").value)
        assert newest(now, frequency("h"), Names("t", None, "y"), now).age == 9 * DAY // 24
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90e9), ("1.5h", 5400e9), (" 2 D ", 2 * DAY), ("1w", 7 * DAY), ("any", None)],
)
def test_ages_as_text(text, expected):
    """Seconds, minutes, hours, days and weeks."""
    assert parsed_age("max_age", text) == expected


@pytest.mark.parametrize("text", ["", "2", "d", "3m", "-1d", "1e3d", "nan", "2 years"])
def test_no_ages(text):
    """Anything else is refused; m could be months."""
    with pytest.raises(UsageError, match="max_age cannot be"):
        parsed_age("max_age", text)


def test_ages_in_words():
    """In the largest unit that there are two of."""
    assert [in_words(int(days * DAY)) for days in (2, 1.9, 1 / 24, 1 / 86_400)] == [
        "2 days", "45 hours", "60 minutes", "1 second"
    ]  # fmt: skip
    assert np.isfinite(newest(0, frequency("D"), Names("t", None, "y")).age)
