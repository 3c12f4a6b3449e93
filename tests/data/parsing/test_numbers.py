"""Numbers from text: float() is the oracle where the text is plain, and all else is refused."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from profiles import examples

from forecaster.config import ReadConfig
from forecaster.data.labels import shown
from forecaster.data.load import load
from forecaster.data.parsing.number_formats import NUMBER
from forecaster.data.parsing.numbers import MISSING
from forecaster.data.parsing.numbers import parse_numbers as parse
from forecaster.data.table import Part, Table
from forecaster.errors import DataError, UsageError


def table(cells: list, kind: pa.DataType | None = None) -> Table:
    """A table of one column, y."""
    part = Part("data.csv", "data", len(cells), lambda row: f"line {row + 2}")
    return Table({"y": pa.chunked_array([pa.array(cells, kind)])}, (part,))


def parse_numbers(table: Table, name: str, **config) -> np.ndarray:
    """The numbers alone."""
    return parse(table, name, ReadConfig(**config))[0]


def as_people_mean(text: str) -> float | None:
    """The number of a cell whose other marks have one reading; None for all else."""
    text = text.replace("−", "-")
    text = re.sub(r"^\(([0-9.,]+)\)$", r"-\1", text)
    once = re.fullmatch(r"[+-]?[0-9]{1,3}(?:(?:'[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]*)?", text)
    comma = re.fullmatch(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3}){2,}|(?:,[0-9]{3})+\.[0-9]*)", text)
    if once or comma or re.fullmatch(NUMBER[1:-1], text):
        number = float(re.sub("[', ]", "", text))
        return number if np.isfinite(number) else None
    return None


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers(-(10**30), 10**30).map(str),
        min_size=1,
    )
)
@examples()
def test_plain_numbers(cells: list[str]) -> None:
    """Any number that Python writes is read as Python reads it, to the last bit."""
    assert parse_numbers(table(cells), "y").tolist() == [float(cell) for cell in cells]


@given(st.text("0123456789+-.,eExXinfaNd_ ()%$−'", max_size=7))
@example("0x10")
@example("1_000")
@example("1,234.5")
@example("1,234")
@example("(5)")
@example("−5")
@example("1'234.5")
@example("1e400")
@example("nan(1)")
@example("-nan")
@example("1d")
@example("１２")
@examples(400)
def test_never_a_wrong_number(cell: str) -> None:
    """A cell is a missing word, or the number that its plain decimal text says, or an error that shows it."""
    bare = cell.strip()
    meant = as_people_mean(bare)
    if bare in MISSING:
        assert np.isnan(parse_numbers(table([cell, "1"]), "y")[0])
    elif meant is not None:
        assert parse_numbers(table([cell, "1"]), "y")[0] == meant
    else:
        with pytest.raises(DataError, match=r"data\.csv, line 2, column 'y'"):
            parse_numbers(table([cell, "1"]), "y")


def test_missing_words() -> None:
    """Known words mean missing, and those the user adds; others are errors with the option."""
    cells = [*MISSING, " NA ", "1"]
    assert np.isnan(parse_numbers(table(cells), "y")).tolist() == [True] * (len(cells) - 1) + [False]
    with pytest.raises(DataError, match="line 3, column 'y': '-' is not a number") as caught:
        parse_numbers(table(["1", "-", "2"]), "y")
    assert "--na" in caught.value.hint
    assert np.isnan(parse_numbers(table(["1", "-", "2"]), "y", na=("-",))[1])


@pytest.mark.parametrize(("cells", "kind"), [(["1", "-999"], pa.string()), ([1.0, -999.0], pa.float64())])
def test_a_number_that_means_missing(cells: list, kind: pa.DataType) -> None:
    """A number named by --na is missing, also where every cell is a number."""
    np.testing.assert_array_equal(parse_numbers(table(cells, kind), "y", na=("-999",)), [1.0, np.nan])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [([1, None, 3], pa.int32()), ([1.0, None, 3.0], pa.float32()), ([1, None, 3], pa.decimal128(9, 2))],
)
def test_typed_columns(cells: list, kind: pa.DataType) -> None:
    """Typed numbers are taken as they are; null is missing."""
    np.testing.assert_array_equal(parse_numbers(table(cells, kind), "y"), [1.0, np.nan, 3.0])


@pytest.mark.parametrize(
    ("cells", "kind"), [([True, False], pa.bool_()), ([[1.0], [2.0]], pa.list_(pa.float64()))]
)
def test_other_types(cells: list, kind: pa.DataType) -> None:
    """Booleans and nested values are not numbers."""
    with pytest.raises(DataError, match="not numbers"):
        parse_numbers(table(cells, kind), "y")


def test_infinite_typed_values() -> None:
    """An infinite number of a typed column is an error with its row."""
    with pytest.raises(DataError, match="line 3, column 'y': 'inf' is not a finite number"):
        parse_numbers(table([1.0, np.inf]), "y")


def test_result_can_be_written_to() -> None:
    """The array is a copy of its own, not a view of the library's memory."""
    parse_numbers(table([1.0, 2.0]), "y")[0] = 5.0


@given(st.text())
def test_shown_values_are_inert(text: str) -> None:
    """No control or invisible character reaches a message."""
    assert shown(text).isprintable()
    assert len(shown(text)) < 1000


@pytest.mark.parametrize("kind", ["csv", "frame"])
def test_words_for_missing_values_are_counted(tmp_path: Path, kind: str) -> None:
    """--na 85 takes 85, 85.0 and 85.00, in text and numbers, and says how many cells it took."""
    cells = ["1", "85.00", "85", "-127", "5", "6", "7"]
    rows = [f"2024-01-{day:02d},{cell},{day}" for day, cell in enumerate(cells, 1)]
    (tmp_path / "x.csv").write_text("\n".join(["time,a,b", *rows, ""]))
    source = tmp_path / "x.csv" if kind == "csv" else pd.read_csv(tmp_path / "x.csv")
    loaded = load(source, ReadConfig(na=("85", "-127")))
    assert np.isnan(loaded.panel.target[1:4]).all()
    taken = {each.message.split("'")[1]: each.count for each in loaded.findings if each.code == "N007"}
    assert taken == {"85": 2, "-127": 1}


def test_a_word_in_no_cell_is_an_error(tmp_path: Path) -> None:
    """A word for missing values that no cell holds is a mistake, unless a model remembers it."""
    rows = [f"2024-01-{day:02d},{day if day != 5 else 'x'}" for day in range(1, 20)]
    (tmp_path / "x.csv").write_text("\n".join(["time,y", *rows, ""]))
    with pytest.raises(UsageError, match="'99' is in no cell"):
        load(tmp_path / "x.csv", ReadConfig(na=("x", "99")))
    assert len(load(tmp_path / "x.csv", ReadConfig(na=("x", "99")), remembered=True).panel.time) == 19


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (["$1,234.50", "-$0.5", "$7", None], "$"),
        (["$ 1,234.50", "$ (0.5)", "$ 7", ""], "$"),
        (["1234.5%", "-0.5 %", "7%", "NA"], "%"),
        (
            ["1234.5 \N{DEGREE SIGN}C", "-0.5 \N{DEGREE SIGN}C", "7 \N{DEGREE SIGN}C", None],
            "\N{DEGREE SIGN}C",
        ),
        (["1,234.50 \N{EURO SIGN}", "-0.5 \N{EURO SIGN}", "7 \N{EURO SIGN}", None], "\N{EURO SIGN}"),
    ],
)
def test_signs_beside_every_number(cells: list, sign: str) -> None:
    """A currency, a percent sign or a unit beside each number of a column is removed, and said."""
    values, findings = parse(table(cells), "y", ReadConfig())
    np.testing.assert_equal(values, [1234.5, -0.5, 7, np.nan])
    (finding,) = (each for each in findings if each.code == "N009")
    assert shown(sign) in finding.message and finding.count == 3
    for odd in ("5", "1.2M", "kW"):
        with pytest.raises(DataError, match="is not a number"):
            parse(table([*cells, odd]), "y", ReadConfig())


def test_decimal_commas_beside_dates_with_points(tmp_path: Path) -> None:
    """In quotes and between commas, 17,15 beside 31.12.2024 is a number of the same country."""
    rows = [f'"{day:02d}.01.2024","{day},15"' for day in range(1, 29)]
    (tmp_path / "x.csv").write_text("\n".join(["Datum,Zuletzt", *rows, ""]))
    assert load(tmp_path / "x.csv").panel.target[1] == 2.15
    (tmp_path / "x.csv").write_text("\n".join(["Datum,Zuletzt", *rows, ""]).replace(",15", ",150"))
    with pytest.raises(DataError, match="is not a number"):
        load(tmp_path / "x.csv")
