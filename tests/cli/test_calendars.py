"""--holidays and --events on the command line: what is remembered, reported and refused."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import forecast, inside

# holidays is an extra: without it these features are refused, which other tests show
needs_holidays = pytest.mark.skipif(
    importlib.util.find_spec("holidays") is None, reason="the extra `holidays` is not installed"
)
EVENTS = "date,name\n2024-01-05,sale\n2024-03-01,sale\n2024-05-02,sale\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, events and a model that remembers both."""
    folder = tmp_path_factory.mktemp("calendars")
    rows = np.arange(120)
    days = pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d")
    table = pd.DataFrame({"day": days, "sold": 20 + 3 * np.sin(rows) + rows % 7})
    table.to_csv(folder / "sales.csv", index=False)
    (folder / "events.csv").write_text(EVENTS)
    result = forecast("train", "sales.csv", "--events", "events.csv", "--horizon", "5", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "H004 events in events.csv: 3 of 1 name, 2 in the data, 1 on none of these rows" in result.stderr
    return folder


def test_predict_reads_the_events_again(trained: Path, tmp_path: Path) -> None:
    """From any folder; where the file is gone, the error says where it was and what to type."""
    result = forecast("predict", "--model", trained / "forecast.model", cwd=tmp_path)
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 6)
    elsewhere = tmp_path / "moved.csv"
    (trained / "events.csv").rename(elsewhere)
    try:
        result = forecast("predict", "--model", trained / "forecast.model", cwd=tmp_path)
        assert result.returncode == 5
        said = " ".join(result.stderr.split())
        assert (
            f"the events cannot be read: there is no file '{str(trained)[:30]}" in said
        )  # long ones are cut
        assert "--events FILE" in result.stderr
        named = forecast(
            "predict", "--model", trained / "forecast.model", "--events", elsewhere, cwd=tmp_path
        )
        assert named.returncode == 0
    finally:
        elsewhere.rename(trained / "events.csv")


def test_show_names_the_events(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the model knows of the calendar is on its card."""
    result = inside("show", str(trained / "forecast.model"), "--json", capfd=capfd)
    assert json.loads(result.stdout)["data"]["events"] == str(trained / "events.csv")


def test_events_are_not_overwritten(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither a file that is named nor one that the model remembers, whether or not data is named."""
    monkeypatch.chdir(tmp_path)
    model, events = trained / "forecast.model", trained / "events.csv"
    for arguments in (
        ("predict", "--model", model),
        ("predict", trained / "sales.csv", "--model", model),
        ("predict", trained / "sales.csv", "--model", "pretrained", "--events", events),
        ("monitor", "--model", model, "--state", events),
    ):
        output = () if "monitor" in arguments else ("-o", events)
        result = inside(*map(str, (*arguments, *output)), capfd=capfd)
        assert result.returncode == 2, arguments
        assert "is the same file as --events" in result.stderr
    assert events.read_text() == EVENTS


def test_bad_events(trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A date that is none: exit 3, with file, line and cell, and a hint about that file."""
    (tmp_path / "events.csv").write_text("date,name\n2024-01-05,sale\n2024-02-31,sale\n")
    data = str(trained / "sales.csv")
    result = inside("inspect", data, "--events", str(tmp_path / "events.csv"), capfd=capfd)
    assert result.returncode == 3
    assert "events.csv, line 3, column 'date': '2024-02-31'" in result.stderr
    assert "dates such as 2024-12-31" in result.stderr


@needs_holidays
def test_unknown_holidays(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with the code that was meant, which works as printed."""
    result = inside("inspect", str(trained / "sales.csv"), "--holidays", "Germany", capfd=capfd)
    assert result.returncode == 2
    assert "unknown country or region 'Germany'" in result.stderr
    assert "Did you mean DE (Germany)" in result.stderr
    result = inside("inspect", str(trained / "sales.csv"), "--holidays", "DE,FR", capfd=capfd)
    assert result.returncode == 0
    assert "H001" in result.stdout + result.stderr


@needs_holidays
def test_holidays_by_variable_and_file(trained: Path, tmp_path: Path) -> None:
    """FORECAST_HOLIDAYS and forecast.toml say the same as the flag."""
    data = trained / "sales.csv"
    by_variable = forecast("inspect", data, cwd=tmp_path, FORECAST_HOLIDAYS="DE-BY,FR")
    (tmp_path / "forecast.toml").write_text('holidays = ["DE-BY", "FR"]\n')
    by_file = forecast("inspect", data, cwd=tmp_path)
    assert by_variable.returncode == by_file.returncode == 0
    for result in (by_variable, by_file):
        text = " ".join((result.stdout + result.stderr).split())
        assert "public holidays of DE-BY" in text and "public holidays of FR" in text
