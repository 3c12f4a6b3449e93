"""Generated tables in generated dialects: what was written is read, whatever the dialect, to the last bit.

The nightly profile (`make nightly`) draws 2,000 examples a test, the usual one 100.
"""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, ForecasterError

NOTES = st.text("ab ,;|\t\"'äß\n#=.-1", max_size=8)


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    delimiter: str
    quoting: int
    end: str
    encoding: str
    packed: bool
    blank: bool
    """Blank lines at the end."""


STYLES = st.builds(
    Style,
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
    st.booleans(),
)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Time, value and a note of any text."""
    count = draw(st.integers(8, 30))
    start = draw(st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2020-01-01"))).replace(microsecond=0)
    numbers = st.floats(-(10**9), 10**9) | st.integers(-1000, 1000).map(float)
    return pd.DataFrame(
        {
            "time": pd.date_range(
                start, periods=count, freq=draw(st.sampled_from(["min", "h", "D"])), unit="ns"
            ),
            "value": draw(st.lists(numbers, min_size=count, max_size=count)),
            "note": draw(st.lists(NOTES, min_size=count, max_size=count)),
        }
    )


def written(table: pd.DataFrame, style: Style) -> bytes:
    """The table in this style, by Python's csv module."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=style.delimiter, quoting=style.quoting, lineterminator=style.end)
    if (
        style.end == "\r" and style.quoting != csv.QUOTE_ALL
    ):  # then a line feed is not quoted, and ends a line
        table = table.assign(note=table["note"].str.replace("\n", " "))
    writer.writerow(table.columns)
    writer.writerows([str(time), value, note] for time, value, note in table.itertuples(index=False))
    data = (text.getvalue() + style.end * 2 * style.blank).encode(style.encoding)
    return gzip.compress(data) if style.packed else data


@given(tables(), STYLES)
@examples()
def test_any_dialect(tmp_path: Path, table: pd.DataFrame, style: Style) -> None:
    """A table in any dialect is read as it is, or is refused; with the delimiter named it is read, unless a
    note of several lines looks like rows."""
    path = tmp_path / ("x.csv.gz" if style.packed else "x.csv")
    path.write_bytes(written(table, style))
    for delimiter in (None, style.delimiter):
        try:
            panel = load(path, ReadConfig(time="time", target=("value",), delimiter=delimiter)).panel
        except DataError as error:
            assert delimiter is None or "look like rows" in error.message
            continue
        assert panel.time.tolist() == table["time"].astype("int64").tolist()
        assert panel.target.tobytes() == table["value"].to_numpy().tobytes()


@given(tables(), STYLES, st.data())
@examples()
def test_one_byte_changed(tmp_path: Path, table: pd.DataFrame, style: Style, data: st.DataObject) -> None:
    """One delimiter or quote put in or taken out anywhere: refused, or no other rows than those written; and
    with --bad-rows skip each row that is missing was named."""
    text = written(table, Style(style.delimiter, style.quoting, "\n", "utf-8", packed=False, blank=False))
    mark = data.draw(st.sampled_from([style.delimiter.encode(), b'"']))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + mark + text[place:]
    elif mark in text:
        place = data.draw(st.sampled_from([i for i in range(len(text)) if text[i : i + 1] == mark]))
        text = text[:place] + text[place + 1 :]
    (tmp_path / "x.csv").write_bytes(text)
    sound = set(zip(table["time"].astype("int64"), table["value"], strict=True))
    for bad_rows in ("error", "skip"):
        rows: list = []
        named: list = []

        def keep(found, names, findings, rows=rows, named=named) -> None:
            rows.extend(zip(found.time.tolist(), found.values[:, 0].tolist(), strict=True))
            named.extend(finding for finding in findings if finding.code == "R006")

        config = ReadConfig(time="time", target=("value",), delimiter=style.delimiter, bad_rows=bad_rows)
        try:
            load(tmp_path / "x.csv", config, on_rows=keep)
        except ForecasterError as error:
            assert isinstance(error, DataError) or "has no column" in error.message  # a damaged header
        if rows:
            assert set(rows) <= sound
            assert np.isfinite([value for _, value in rows]).all()
            assert len(rows) == len(sound) or (bad_rows == "skip" and named)


@pytest.mark.parametrize(
    "row",
    ["5 Jan 2024;−1,5", "Jan 5, 2024 10:00;NA", "2024-Jan-05;x", "x;1.234,5", "x;(5)", "x;12 %", "x;€5"],
)
def test_a_row_is_no_header(tmp_path: Path, row: str) -> None:
    """A first line with a number or a date as people write them is not taken for the names of columns."""
    (tmp_path / "x.csv").write_text(f"{row}\n" * 9, encoding="utf-8")
    with pytest.raises(DataError, match="the first line looks like data") as caught:
        load(tmp_path / "x.csv", ReadConfig(delimiter=";"))
    assert "--no-header" in caught.value.hint
