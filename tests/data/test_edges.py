"""Edges of text that a mutation run showed to be untested: delimiters, headers, rows. See docs/testing.md."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from small import DAYS, ROWS, found, text

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.data.reading import records
from forecaster.errors import DataError


def test_a_delimiter_that_fits_for_a_long_time(tmp_path: Path) -> None:
    """Of two delimiters that divide the beginning of a file evenly, that which divides all of it is right."""
    hours = pd.date_range("2024-01-01", periods=4000, freq="h").strftime("%Y-%m-%d %H:%M")
    rows = [f"{hour},{'a;b' if at < 3900 else 'ab'},{at}" for at, hour in enumerate(hours)]
    panel = load(text(tmp_path, "time,no;te,y", *rows)).panel
    assert panel.target.tolist() == list(range(4000))


def test_a_delimiter_that_divides_fewer_than_half_as_many_lines_is_no_rival(tmp_path: Path) -> None:
    """Damaged rows leave the delimiter as it is while another divides less than half as many lines alike."""
    notes = [f"{row};a;b" if at % 5 < 2 else row for at, row in enumerate(ROWS)]
    path = text(tmp_path, "day,y", *notes, "2024-01-29")
    with pytest.raises(DataError, match="line 30: 1 fields where the header has 2"):
        load(path)
    rival = [f"{row};a;b" if at % 5 < 4 else row for at, row in enumerate(ROWS)]
    with pytest.raises(DataError, match=r"with any delimiter \(comma: 29 lines; semicolon: 23 lines\)"):
        load(text(tmp_path, "day,y", *rival, "2024-01-29"))


@pytest.mark.parametrize("header", ["day,y", '"day,y', 'day,"y', "day;y", "day\ty"])
def test_a_table_of_two_columns_below_a_preamble(tmp_path: Path, header: str) -> None:
    """With --bad-rows skip the header of a narrow table is found, even one with a fault of its own."""
    config = ReadConfig(time="day", target=("y",), bad_rows="skip")
    loaded = load(text(tmp_path, "made by a tool", header, *ROWS), config)
    assert loaded.panel.target.tolist() == list(range(28))
    assert loaded.findings[-1 if header == "day,y" else 0].count == 1
    above = next(finding for finding in loaded.findings if finding.code == "R006")
    assert above.places[0] == "line 1: above the header"


def test_a_header_of_numbers_below_a_preamble(tmp_path: Path) -> None:
    """With --header names may look like data, also where lines stand above them."""
    config = ReadConfig(time="when", target=("1001",), header=True, bad_rows="skip")
    loaded = load(text(tmp_path, "made by a tool", "when,1001", *ROWS), config)
    assert loaded.panel.target.tolist() == list(range(28))
    with pytest.raises(DataError):  # a name with digits is certain only where all that matters was named
        load(text(tmp_path, "made by a tool", "when,1001", *ROWS), ReadConfig(time="when", bad_rows="skip"))


def test_a_header_with_a_date_and_a_time_of_day_below_a_preamble(tmp_path: Path) -> None:
    """With --bad-rows skip both columns of --time DATE+TIME are looked for."""
    rows = [f"2024-01-02,{hour:02d}:00,{hour}" for hour in range(24)]
    config = ReadConfig(time="on+at", target=("y",), bad_rows="skip")
    assert load(text(tmp_path, "a tool", "on,at,y", *rows), config).panel.frequency.alias == "h"


@pytest.mark.parametrize("header", ["day,,y,n", "day,,y"])
def test_a_header_with_a_delimiter_too_many(tmp_path: Path, header: str) -> None:
    """Between two delimiters there is no name, and the names after them belong one column to the left."""
    rows = [row + ",7" * (header.count(",") - 2) for row in ROWS]
    config = ReadConfig(time="day", target=("y",), bad_rows="skip")
    assert load(text(tmp_path, header, *rows), config).panel.target.tolist() == list(range(28))


def test_a_header_that_lost_a_name_above_rows_of_other_widths(tmp_path: Path) -> None:
    """The columns of a damaged header are found from whole rows only, wherever damaged rows stand."""
    rows = [f"{row},x,{at * 0.5}" for at, row in enumerate(ROWS)]
    config = ReadConfig(time="day", target=("y",), bad_rows="skip")
    loaded = load(text(tmp_path, "day,y,note,,z", *rows[:5], "2024-02-01", *rows[5:]), config)
    assert loaded.panel.target.tolist() == list(range(28))
    assert found(loaded, "R006").places == ("line 7: 1 fields where the header has 4",)


def test_a_header_with_a_name_of_several_lines(tmp_path: Path) -> None:
    """A quoted name may run over lines that look like nothing."""
    panel = load(text(tmp_path, '"day\nof\nreading",y', *ROWS)).panel
    assert panel.names.time == "day\nof\nreading"


def test_a_header_below_a_line_of_words(tmp_path: Path) -> None:
    """A line of words above the header is not taken for it where the header names the times."""
    path = text(tmp_path, "made by,a tool", "Date,kWh", *ROWS)
    with pytest.raises(DataError, match="line 2: 'Date' looks like the header, not 'made by'") as caught:
        load(path)
    assert "--skip 1" in caught.value.hint
    assert load(path, ReadConfig(skip=1)).panel.names.target == "kWh"
    assert found(load(path, ReadConfig(time="made by")), "R009").count == 1
    assert load(text(tmp_path, "Timestamp,level", "TS,mm", *ROWS)).panel.names.target == "level"


def naively_sound(text: str) -> bool:
    """Whether quotes stand at the edges of cells, checked letter by letter."""
    inside = False
    for at, letter in enumerate(text):
        if letter == '"':
            beside = text[at + 1 : at + 2] if inside else text[max(at - 1, 0) : at]
            if beside not in ("", '"', ",", "\r", "\n"):
                return False
            inside = not inside
    return not inside


@given(st.text('aaa,"\n\r', max_size=30) | st.lists(st.sampled_from(['"a"', '"a""b"', "a"])).map(",".join),
       st.integers(1, 40))  # fmt: skip
@examples(300)
def test_quotes_are_checked_a_block_at_a_time(text: str, block: int) -> None:
    """The check of quotes by blocks agrees with a walk through the text, wherever blocks end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", block)
        assert records.quotes_are_sound(text.encode(), records.Marks(",")) == naively_sound(text)


def test_names_with_quotes(tmp_path: Path) -> None:
    """Doubled quotes in a name are one each; with --escape so are escaped ones."""
    for name, config in (
        ('"the ""old"" one"', ReadConfig()),
        (r'"the \"old\" one"', ReadConfig(escape="\\")),
    ):
        assert load(text(tmp_path, f"day,{name}", *ROWS), config).panel.names.target == 'the "old" one'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_below_a_preamble(tmp_path: Path, end: str) -> None:
    """The line that an error names is that of the file, whatever ends its lines."""
    path = tmp_path / "x.csv"
    path.write_bytes(end.join(["made by", "a tool", "day,y", *ROWS, "2024-01-29"]).encode())
    with pytest.raises(DataError, match="line 32: 1 fields"):
        load(path, ReadConfig(skip=2))


def test_the_words_of_a_row_that_is_left_out_are_no_series(tmp_path: Path) -> None:
    """A row of units below the header of a long table adds no series, with or without id."""
    rows = [f"{row},{name}" for row in ROWS for name in "ba"]
    for unit in ("sensor", ""):
        loaded = load(text(tmp_path, "day,y,id", f"date,mm,{unit}", *rows), ReadConfig(time="day"))
        assert loaded.panel.ids == ("a", "b")
        assert loaded.panel.target.tolist() == [*range(28)] * 2


def test_rows_without_a_time_are_repairs(tmp_path: Path) -> None:
    """Rows that --bad-rows skip leaves out for want of a time are repairs, which --strict refuses."""
    path = text(tmp_path, "day,y", *ROWS, "Total,9")
    finding = found(load(path, ReadConfig(bad_rows="skip")), "R006")
    assert (finding.severity, finding.action) == ("repair", "left out")
    with pytest.raises(DataError):
        load(path, ReadConfig(bad_rows="skip", strict=True))


def test_typed_rows_without_a_time() -> None:
    """In a DataFrame of text a missing time is no time, and --bad-rows skip leaves its row out."""
    table = pd.DataFrame({"day": [*DAYS[:9], None], "y": np.arange(10.0)})
    loaded = load(table, ReadConfig(bad_rows="skip", time="day"))
    assert loaded.panel.target.tolist() == list(range(9))
    assert found(loaded, "R006").places == ("row 9: no time, 'None'",)


def test_units_in_a_frame_with_a_cell_that_is_none() -> None:
    """A row of units in a DataFrame of text is one where it has no cell at all, too."""
    table = pd.DataFrame(
        {"day": ["date", *DAYS], "y": ["mm", *map(str, range(28))], "note": [None, *"x" * 28]}, dtype=object
    )
    assert load(table, ReadConfig(time="day")).panel.target.tolist() == list(range(28))


def test_hints_for_damaged_rows(tmp_path: Path) -> None:
    """Damaged rows may be a preamble or a footer; where they are the last, the hint says how many."""
    with pytest.raises(DataError, match="1 fields where") as one:
        load(text(tmp_path, "day,y", *ROWS, "end"))
    with pytest.raises(DataError, match=r"1 fields where the header has 2 \(2 such rows\)") as two:
        load(text(tmp_path, "day,y", *ROWS, "the", "end"))
    assert "--skip-end 1." in one.value.hint
    assert "--skip-end 2." in two.value.hint
    with pytest.raises(DataError, match="line 3: 1 fields where") as amid:
        load(text(tmp_path, "day,y", ROWS[0], "the", *ROWS[1:]))
    assert "--skip-end" not in amid.value.hint
