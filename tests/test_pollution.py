"""Polluted tables: never wrong in silence; where damaged rows may be left out, all others are read right."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pollute import ROWS, TARGET, TIME, Polluted, of_dialects, of_files, of_rows, truth

from forecaster.config import BadRows, ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError, ForecasterError

SHOWN_ROWS = ("row0", "row1", "row45", f"row{ROWS}")
STYLES = ("regular", "repeated")
EXACT = """
file_no_trailing_newline file_double_trailing_newline file_empty_row file_header_empty_name
file_rows_of_delimiters file_all_quoted file_delimiter_space file_delimiter_comma_space
file_delimiter_semicolon file_delimiter_tab file_delimiter_bar file_escape_backslash_quoted
file_quote_apostrophe_no_quote file_end_cr file_end_crlf file_end_mixed file_encoding_utf-8-sig
file_encoding_utf-16 file_trailing_delimiter file_leading_delimiter
""".split()  # noqa: SIM905 - a list literal would be as long as the file


def read(folder: Path, style: str, copy: Polluted, bad_rows: BadRows) -> tuple[Counter, list[int], str]:
    """Rows as they were understood, the lines that were named as left out, and the error."""
    path = folder / f"{copy.name}.csv"
    path.write_bytes(copy.data)
    rows, lines = [], []

    def keep(found, names, findings) -> None:
        dates = np.datetime_as_string(found.time.view("M8[ns]"), unit="D")
        rows.extend(zip(map(str, dates), found.values[:, 0].tolist(), strict=True))
        for finding in findings:
            if finding.code == "R006":
                lines.extend(int(place.split()[1].rstrip(":")) for place in finding.places)

    form = "mdy" if style == "repeated" else None
    config = ReadConfig(time=TIME, target=(TARGET,), bad_rows=bad_rows, date_format=form)
    try:
        load(path, config, on_rows=keep)
    except ForecasterError as error:
        return Counter(rows), lines, str(error)
    return Counter(rows), lines, ""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("bad_rows", ["error", "skip"])
def test_files_and_dialects(tmp_path: Path, style: str, bad_rows: BadRows) -> None:
    """Whatever is wrong with a file, its rows are read right or refused with a reason."""
    exact = set()
    for copy in (*of_files(style), *of_dialects(style)):
        rows, lines, error = read(tmp_path, style, copy, bad_rows)
        lacking = Counter(truth(style)) - rows
        assert rows or error, copy.name
        assert not rows - Counter(truth(style)), copy.name
        assert not rows or lacking.total() <= len(lines), copy.name
        if rows and not lacking:
            exact.add(copy.name)
    assert set(EXACT) <= exact


@pytest.mark.parametrize("style", STYLES)
def test_damaged_rows_stop_the_run(tmp_path: Path, style: str) -> None:
    """By default a damaged row is an error that names its line, unless the row can be read for what it is."""
    for copy in of_rows(style):
        if not copy.name.endswith(SHOWN_ROWS):
            continue
        rows, _, error = read(tmp_path, style, copy, "error")
        assert rows == Counter(truth(style)) or ("line" in error and not rows), copy.name


@pytest.mark.parametrize("style", STYLES)
def test_damaged_rows_are_left_out(tmp_path: Path, style: str) -> None:
    """With --bad-rows skip the damaged row is named and left out, and all others are read right."""
    for copy in of_rows(style):
        if not copy.name.endswith(SHOWN_ROWS[1:]):
            continue
        rows, lines, error = read(tmp_path, style, copy, "skip")
        lacking = Counter(truth(style)) - rows
        assert rows, (copy.name, error)
        assert not rows - Counter(truth(style)), copy.name
        assert lacking.total() <= len(lines) <= 2, copy.name


def test_neighbours_of_an_open_quote(tmp_path: Path) -> None:
    """An open quote costs its own line only; cells of several lines below it stay whole."""
    (tmp_path / "x.csv").write_text(
        'day,y,note\n2024-01-01,1,"a\n2024-01-02,2,"b\nc"\n2024-01-03,3,d\n2024-01-04,4,"e ""f"""\n'
    )
    loaded = load(tmp_path / "x.csv", ReadConfig(bad_rows="skip"))
    assert loaded.panel.target.tolist() == [2.0, 3.0, 4.0]
    assert loaded.findings[0].places == ("line 2: a quote that is never closed",)


def test_quotes_that_may_swallow_rows(tmp_path: Path) -> None:
    """Two stray quotes that make one sound cell of several rows are refused, not read as one row."""
    text = 'day,y,note\n2024-01-01,1,"a\n2024-01-02,2,b\n2024-01-03,3,c"\n2024-01-04,4,d\n'
    (tmp_path / "x.csv").write_text(text)
    for bad_rows in ("error", "skip"):
        with pytest.raises(DataError, match="line 2: a quoted cell that runs over lines which look like"):
            load(tmp_path / "x.csv", ReadConfig(bad_rows=bad_rows))


def test_mostly_damaged(tmp_path: Path) -> None:
    """Where most rows are damaged the file was misread, and nothing is left out."""
    (tmp_path / "x.csv").write_text("day,y\n2024-01-01,1\n" + "2024-01-02,2,3\n" * 5)
    with pytest.raises(DataError, match="line 3: 3 fields where the header has 2") as caught:
        load(tmp_path / "x.csv", ReadConfig(bad_rows="skip"))
    assert "--delimiter" in caught.value.hint
