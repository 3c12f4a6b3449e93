"""Tables without times, and numbers that count from a start."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import forecast

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, UsageError

VALUES = [f"{value}.5" for value in range(30)]


def written(folder: Path, *lines: str) -> Path:
    """A CSV file."""
    (folder / "x.csv").write_text("\n".join([*lines, ""]))
    return folder / "x.csv"


def stamps(time: np.ndarray) -> list[str]:
    """Times as text."""
    return [str(each)[:16] for each in time.astype("M8[ns]")]


@pytest.mark.parametrize(
    ("freq", "second"), [("D", "2020-01-02T00:00"), ("h", "2020-01-01T01:00"), ("MS", "2020-02-01T00:00")]
)
def test_rows_one_step_apart(tmp_path: Path, freq: str, second: str) -> None:
    """--start and --freq give a file of one column its times; the hint without them says so."""
    path = written(tmp_path, "y", *VALUES)
    with pytest.raises(DataError, match="one column only") as caught:
        load(path)
    assert "--start 2020-01-01 --freq D" in caught.value.hint
    loaded = load(path, ReadConfig(start="2020-01-01", freq=freq))
    assert stamps(loaded.panel.time)[:2] == ["2020-01-01T00:00", second]
    assert loaded.panel.target[:2].tolist() == [0.5, 1.5]
    assert load(path, loaded.read).panel.time.tolist() == loaded.panel.time.tolist()


def test_columns_and_series(tmp_path: Path) -> None:
    """Each column, and each id that is named, begins at the start; without a header too."""
    wide = written(tmp_path, "a,b", *(f"{value},{value}5" for value in VALUES))
    with pytest.raises(DataError, match="no column holds times") as caught:
        load(wide)
    assert "--start" in caught.value.hint
    assert load(wide, ReadConfig(start="2020-01-01", freq="D")).panel.ids == ("a", "b")
    long = written(tmp_path, "who,y", *(f"{who},{value}" for who in "AB" for value in VALUES))
    with pytest.raises(DataError, match="'who' may name series") as caught:
        load(long, ReadConfig(start="2020-01-01", freq="D"))
    assert "--id who" in caught.value.hint and "--layout one" in caught.value.hint
    panel = load(long, ReadConfig(start="2020-01-01", freq="D", id="who")).panel
    assert panel.time[0] == panel.time[30] and panel.ids == ("A", "B")
    bare = written(tmp_path, *VALUES)
    assert load(bare, ReadConfig(start="2020-01-01", freq="D", header=False)).panel.target[0] == 0.5


def test_rows_are_counted_only_where_all_are_there(tmp_path: Path) -> None:
    """A blank line or a damaged row would shift all later times: both are errors; empty cells are missing."""
    asked = ReadConfig(start="2020-01-01", freq="D", bad_rows="skip")
    with pytest.raises(DataError, match="line 4: a blank line"):
        load(written(tmp_path, "y", "1", "2", "", "4"), asked)
    with pytest.raises(DataError, match="line 3: 3 fields"):
        load(written(tmp_path, "a,b", "1,2", "1,2,3", *["1,2"] * 9), asked)
    panel = load(written(tmp_path, "a,b", "1,2", ",", *["1,2"] * 9), asked).panel
    assert len(panel.time) == 22 and np.isnan(panel.target[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "2020-01-01"}, "--start needs the step"),
        ({"start": "soon", "freq": "D"}, "--start cannot be 'soon'"),
        ({"start": "2020-01-04", "freq": "B"}, "no day of the step B"),
        ({"start": "2020-01-01", "freq": "D", "time": "y"}, "--time names 'y'"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, str], message: str) -> None:
    """A start without a step, that is no time or lies on no row, or beside a time column, is a UsageError."""
    with pytest.raises(UsageError, match=message):
        load(written(tmp_path, "y", *VALUES), ReadConfig(**options))


def test_numbers_since_a_start(tmp_path: Path) -> None:
    """--time-unit says what the numbers of the time column count; the hint names it."""
    path = written(tmp_path, "time,y", *(f"{row * 0.5},{row}" for row in range(30)))
    with pytest.raises(DataError, match="not clearly times") as caught:
        load(path)
    assert "--start 2020-01-01 --time-unit s" in caught.value.hint
    loaded = load(path, ReadConfig(start="2020-01-01", time_unit="s"))
    assert loaded.panel.frequency.alias == "500ms"
    assert stamps(loaded.panel.time)[0] == "2020-01-01T00:00"
    assert load(path, loaded.read).panel.time.tolist() == loaded.panel.time.tolist()
    assert stamps(load(path, ReadConfig(time_unit="h")).panel.time)[:2] == [
        "1970-01-01T00:00",
        "1970-01-01T00:30",
    ]


def test_a_model_goes_on_where_the_file_ends(tmp_path: Path) -> None:
    """A model trained with --start forecasts the rows after the last, of its own file and of a longer one."""
    path, model = written(tmp_path, "y", *VALUES), tmp_path / "m"
    options = ("--start", "2020-01-01", "--freq", "D", "--horizon", "2", "--effort", "quick")
    assert forecast("train", path, "--model", model, *options, cwd=tmp_path).returncode == 0
    assert (
        forecast("predict", "--model", model, cwd=tmp_path).stdout.splitlines()[1].startswith("2020-01-31,")
    )
    longer = tmp_path / "y.csv"
    pd.DataFrame({"y": range(40)}).to_csv(longer, index=False)
    assert (
        forecast("predict", longer, "--model", model, cwd=tmp_path)
        .stdout.splitlines()[1]
        .startswith("2020-02-10,")
    )
