"""Generated tables in generated dialects: read with all options; without them, read the same or refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_strategies import Case
from dialects import Dialect, Sheet, dialects, sheet, sheets
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import forecaster
from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.data.panel import Panel
from forecaster.errors import DataError, ForecasterError
from forecaster.pipeline.train import Training

UNMEASURED = ("left out: the same number in all rows", "left out: a flag of 0 and 1")


def differs(panel: Panel, expected: dict[str, pd.Series]) -> str:
    """Where a panel and the series expected differ; empty where they are the same to the last bit."""
    if set(panel.ids) != set(expected):
        return f"series {panel.ids}, not {tuple(expected)}"
    for place, name in enumerate(panel.ids):
        rows = slice(*panel.offsets[place : place + 2])
        if panel.time[rows].tolist() != expected[name].index.as_unit("ns").asi8.tolist():
            return f"times of {name}"
        if not np.array_equal(panel.values[rows, 0], expected[name].to_numpy(), equal_nan=True):
            return f"values of {name}: {panel.values[rows, 0]}, not {expected[name].to_numpy()}"
    return ""


def file_of(sheet: Sheet, folder: Path) -> Path:
    """The table as a file."""
    path = folder / sheet.file_name
    path.write_bytes(sheet.written())
    return path


@given(sheets())
@examples()
def test_told_how_it_is_written(tmp_path: Path, sheet: Sheet) -> None:
    """Where everything is said of a file, what was written is read, to the last bit."""
    panel = load(file_of(sheet, tmp_path), sheet.options()).panel
    assert differs(panel, sheet.truth) == ""
    assert panel.frequency.alias == sheet.case.alias


@given(sheets())
@examples()
def test_told_nothing(tmp_path: Path, sheet: Sheet) -> None:
    """Where nothing is said, a file is read as what it shows, or refused with a hint; never as another."""
    try:
        loaded = load(file_of(sheet, tmp_path))
    except DataError as error:
        assert error.hint
        return
    expected = {}
    for name, series in sheet.apparent.items():
        held = set(series.dropna())
        named = loaded.uses.get(name, "") in UNMEASURED  # beside a measurement such a column is left out
        if not (named and (len(held) == 1 or held == {0.0, 1.0})):
            expected[name] = series
    assert differs(loaded.panel, expected) == ""


@given(sheets())
@examples()
def test_rows_left_out_are_named(tmp_path: Path, sheet: Sheet) -> None:
    """With --bad-rows skip, rows are those that were written, and as many were named as are missing."""
    roles = sheet.roles()
    config = ReadConfig(time=roles.time, id=roles.id, target=roles.target, bad_rows="skip")
    try:
        loaded = load(file_of(sheet, tmp_path), config)
    except ForecasterError as error:
        assert error.hint
        return
    named = sum(finding.count for finding in loaded.findings if finding.code == "R006")
    missing = 0
    panel = loaded.panel
    for place, name in enumerate(panel.ids):
        rows = slice(*panel.offsets[place : place + 2])
        found = pd.Series(panel.values[rows, 0], pd.DatetimeIndex(panel.time[rows])).dropna()
        written = sheet.apparent[name].dropna()
        assert found.equals(written[written.index.isin(found.index)])
        missing += len(written) - len(found)
    assert missing <= named


TINY = {"horizon": 4, "hidden": 8, "steps": 10, "members": 1, "workers": 1}


@pytest.fixture(scope="module")
def known() -> tuple[pd.DataFrame, Training, str]:
    """A table, a model trained on it, and its forecast."""
    rng = np.random.default_rng(4)
    days = pd.date_range("2024-01-01", periods=40, unit="ns")
    rows = [pd.DataFrame({"id": name, "ds": days, "y": rng.normal(5000, 900, 40).round(2)}) for name in "ab"]
    table = pd.concat(rows, ignore_index=True)
    training = forecaster.train(table, **TINY)
    return table, training, forecaster.predict(training, table).to_csv()


def somehow(table: pd.DataFrame, how: Dialect, parquet: bool, folder: Path) -> tuple[Path, dict]:
    """The table with its rows in another order, as Parquet or as text of a dialect, and what to say of it."""
    if parquet:
        table.sample(frac=1.0, random_state=how.order).to_parquet(folder / "x.parquet", index=False)
        return folder / "x.parquet", {}
    how = dataclasses.replace(how, times="dates", layout="long", header=True)
    made = sheet(how, Case("D", table))
    return file_of(made, folder), dataclasses.asdict(made.options())


@given(dialects(), st.sampled_from([False, False, False, True]))
@examples()
def test_a_forecast_does_not_know_the_file(tmp_path: Path, known: tuple, how: Dialect, parquet: bool) -> None:
    """The order of rows, the dialect and the format change no byte of a forecast."""
    table, training, expected = known
    path, options = somehow(table, how, parquet, tmp_path)
    assert forecaster.predict(training, path, **options).to_csv() == expected


@given(dialects(), st.booleans())
@examples(10)
def test_a_model_does_not_know_the_file(tmp_path: Path, known: tuple, how: Dialect, parquet: bool) -> None:
    """Nor do they when a model is trained on the file."""
    table, _, expected = known
    path, options = somehow(table, how, parquet, tmp_path)
    training = forecaster.train(path, **TINY, **options)
    assert forecaster.predict(training).to_csv() == expected
