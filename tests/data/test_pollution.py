"""Polluted tables: never wrong in silence; where damaged rows may be left out, all others are read right."""

import dataclasses
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
file_encoding_utf-16 file_encoding_utf-32 file_trailing_delimiter file_leading_delimiter
file_header_lines_in_cells file_header_blank_below file_quote_apostrophe
""".split()  # noqa: SIM905 - a list literal would be as long as the file

SKIPPED = """
file_preamble file_preamble_same_width file_preamble_delimiters file_preamble_semicolons file_preamble_quote
file_preamble_long file_preamble_header_other file_preamble_damaged_header file_comment file_comment_inside
file_footer file_footer_same_width file_header_two_rows file_header_three_rows file_header_twice
file_header_units file_header_first_names_above file_multitable_less file_multitable_more
file_multitable_less_below file_multitable_more_below file_multitable_less_no_header
file_multitable_less_no_header_above file_multitable_same_words_above file_multitable_same_words_below
file_multitable_three file_multitable_titles row_delimiter_space_row0 row_delimiter_semicolon_rewritten_row0
row_delimiter_tab_row0 row_delimiter_bar_row0 row_quote_start_col1_row0 row_quote_end_col4_row0
row_quote_middle_col0_row0 row_more_delimiter_col4_row0 row_more_delimiter_col7_row0
row_less_delimiter_col2_row0 row_less_delimiter_col3_row0
""".split()  # noqa: SIM905 - of these, --bad-rows skip reads every row
REFUSED = """
file_no_header file_header_two_rows_other_order file_header_missing_names file_header_lower_names
file_header_duplicated_name file_multitable_same file_multitable_same_other_order
file_multitable_same_other_names file_trailing_delimiter_rows row_cut_row0 row_more_cells_row0
row_less_delimiter_col7_row0 row_twice_in_one_line_row0
""".split()  # noqa: SIM905 - of these there is more than one reading, or none


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
def test_headers_and_what_stands_around_the_table(tmp_path: Path, style: str) -> None:
    """With --bad-rows skip a header that one reading explains is found, and what is no row is named."""
    copies = {copy.name: copy for copy in (*of_files(style), *of_dialects(style), *of_rows(style))}
    for name in SKIPPED:
        assert read(tmp_path, style, copies[name], "skip")[0] == Counter(truth(style)), name
    for name in REFUSED:
        rows, _, error = read(tmp_path, style, copies[name], "skip")
        assert error and not rows, name


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


@pytest.mark.parametrize(
    "header",
    [
        "a,b,c",  # a name is missing: of the row numbers, or of c and d
        "day,a b,c d",
        "day,a,b,c,d,e",
        "day,a,,c",
        ",day,a,b,c",
        '"day,a,b',  # a stray quote, or another delimiter, and a name too few or too many
        '"day,a,b,c,d',
        "day;a;b",
        "day;a;b;c;d",
        "day|a,b|c",
        "c;b;a",
    ],
)
def test_a_header_that_could_be_read_otherwise(tmp_path: Path, header: str) -> None:
    """Names that could belong to either of two columns of numbers are not given to one."""
    rows = "".join(f"2024-01-{day:02d},{day},{day + 100},{day + 200}\n" for day in range(1, 29))
    (tmp_path / "x.csv").write_text(f"{header}\n{rows}")
    for asked in ("a", "b", "c"):
        try:
            panel = load(tmp_path / "x.csv", ReadConfig(time="day", target=(asked,), bad_rows="skip")).panel
        except ForecasterError:
            continue
        assert panel.target[0] == {"a": 1, "b": 101, "c": 201}[asked]
        assert header in ("day,a,,c", ",day,a,b,c")


def test_a_row_is_not_taken_for_the_header(tmp_path: Path) -> None:
    """A row of data that holds the name of a column, below a damaged header, is no header."""
    rows = "".join(f'"Jan {day}, 2024","{day},500",night\n' for day in range(1, 29))
    (tmp_path / "x.csv").write_text(f"when,y shift\n{rows}")
    for config in (ReadConfig(target=("night",)), ReadConfig(time="when"), ReadConfig()):
        with pytest.raises(ForecasterError):
            load(tmp_path / "x.csv", dataclasses.replace(config, bad_rows="skip"))


def test_rows_without_a_time(tmp_path: Path) -> None:
    """Units below the header, subtotals and a total are named and left out, in each file of a folder."""
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(
            "day,y\n,kWh\n2024-01-01,1\nSubtotal,1\n2024-01-02,2\n2024-01-03,3\nTotal,6\n"
        )
    loaded = load(tmp_path, ReadConfig(bad_rows="skip"))
    assert loaded.panel.target.tolist() == [1.0, 2.0, 3.0] * 2
    units, first, second = loaded.findings[:3]
    assert (units.code, units.places) == ("R009", ("a.csv, line 2: ''", "b.csv, line 2: ''"))
    assert (first.code, first.count, first.message) == ("R006", 2, "a.csv: rows without a time")
    assert first.places == ("line 4: no time, 'Subtotal'", "line 7: no time, 'Total'")
    assert second.message == "b.csv: rows without a time"


def test_rows_that_are_not_utf8(tmp_path: Path) -> None:
    """With --bad-rows skip rows of another encoding are left out and named; such a header is refused."""
    rows = "".join(f"2024-01-{day:02d},{day},{'é' if day == 3 else 'e'}\n" for day in range(1, 29))
    (tmp_path / "x.csv").write_bytes(f"day,y,note\n{rows}".encode("latin-1"))
    loaded = load(tmp_path / "x.csv", ReadConfig(target=("y",), bad_rows="skip"))
    assert loaded.findings[0].places == ("line 4: bytes that are not UTF-8; is it another --encoding?",)
    assert loaded.panel.observed.sum() == 27
    (tmp_path / "x.csv").write_bytes(f"day,y,é\n{rows}".encode("latin-1"))
    with pytest.raises(DataError, match="line 1: the header is not UTF-8"):
        load(tmp_path / "x.csv", ReadConfig(bad_rows="skip"))


def test_mostly_damaged(tmp_path: Path) -> None:
    """Where most rows are damaged the file was misread, and nothing is left out."""
    (tmp_path / "x.csv").write_text("day,y\n2024-01-01,1\n" + "2024-01-02,2,3\n" * 5)
    with pytest.raises(DataError, match="line 3: 3 fields where the header has 2") as caught:
        load(tmp_path / "x.csv", ReadConfig(bad_rows="skip"))
    assert "--delimiter" in caught.value.hint
