"""Hints: the options that a message names are tried, and work."""

# ruff: noqa: E501 - the tables of cases read best with a case a line

import shlex
from pathlib import Path

import pytest
from command import forecast

from forecaster.config import ReadConfig
from forecaster.data.load import load
from forecaster.errors import DataError

DAYS = [f"2024-01-{day:02d}" for day in range(1, 29)]
SIGNED = ("signs",)
"""Cases of a column that has to be named before it is looked at."""


def table(cells: list[str], *, header: str = "day;y", times: list[str] | None = None) -> str:
    """A file of one value a day."""
    rows = zip(times or DAYS, cells, strict=False)
    return "\n".join([header, *(f"{time};{cell}" for time, cell in rows), ""])


def numbers(*odd: str) -> str:
    """Plain numbers, the last of them odd."""
    return table([*(f"{row}.5" for row in range(20)), *odd])


CASES = {
    "a decimal comma": (table(["1,5", "22,75", "3"] * 9), "--decimal ','"),
    "groups of thousands": (numbers("1,234"), "--thousands ','"),
    "either": (table(["1,234", "2,345"] * 9), "--decimal ','|--thousands ','"),
    "a sign": (numbers("$5"), "--strip '$'"),
    "signs and a decimal comma": (table(["R$ 1.234,50", "R$ 0,5"] * 9), "--strip 'R$'"),
    "a word": (numbers("unavailable"), "--na unavailable"),
    "two words": (numbers("down", "#REF!"), "--na 'down,#REF!'"),
    "a mark": (numbers("-"), "--na -"),
    "a question mark": (numbers("?"), "--na '?'"),
    "another notation": (numbers("0x10"), "--na 0x10"),
    "years of two digits": (table(["1.5"] * 20, times=[f"{day}/1/24" for day in range(1, 21)]), "--date-format %d/%m/%y"),
    "years of two digits and clocks": (table(["1.5"] * 20, times=[f"1/{day}/24 10:00 PM" for day in range(1, 21)]), "--date-format '%m/%d/%y %I:%M %p'"),
    "months by name, years of two digits": (table(["1.5"] * 20, times=[f"{day}-Jan-24" for day in range(1, 21)]), "--date-format %d-%b-%y"),
    "years": (table(["1.5"] * 20, header="time;y", times=[str(2000 + row) for row in range(20)]), "--date-format %Y"),
    "another table above": (table(["1;2"] * 5, header="day;a;b") + numbers(), "--skip 6"),
    "lines below": (numbers() + "made by a tool\n", "--skip-end 1"),
    "a total below": (numbers() + "Total;99\n", "--skip-end 1"),
    "names that come twice": (numbers().replace("day;y", "y;y"), "--skip 1 --no-header"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_hint_says_works(tmp_path: Path, case: str) -> None:
    """Each option that the message names reads the file, by the command itself."""
    text, options = CASES[case]
    (tmp_path / "x.csv").write_text(text)
    column = ("y",) if case.startswith(SIGNED) else None
    with pytest.raises(DataError) as caught:
        load(tmp_path / "x.csv", ReadConfig(target=column))
    for option in options.split("|"):
        assert option in caught.value.hint
        named = ["--target", "y"] if column else []
        said = forecast("inspect", "x.csv", *named, *shlex.split(option), cwd=tmp_path)
        assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    "cells",
    [["12,34", "0.5"], ["1.5M", "2.5K"], ["1,5", "1.5"], ["red", "blue"], ["1-2", "3-4"]],
)
def test_what_no_option_reads(tmp_path: Path, cells: list[str]) -> None:
    """Where no option makes all cells numbers, none is named but to choose another column."""
    (tmp_path / "x.csv").write_text(table(cells * 9).replace(";", "\t"))
    with pytest.raises(DataError) as caught:
        load(tmp_path / "x.csv", ReadConfig(target=("y",)))
    assert caught.value.hint == "Repair it; or choose another column: --target."


def test_a_column_of_numbers_with_signs_is_named(tmp_path: Path) -> None:
    """Where no column is of plain numbers, one with signs beside them is, so that the next message helps."""
    (tmp_path / "x.csv").write_text(table(["20.5 pH"] * 20))
    with pytest.raises(DataError, match="no column of numbers") as caught:
        load(tmp_path / "x.csv")
    assert caught.value.hint == "If 'y' holds numbers with signs beside them: --target y"


def test_different_units_are_named(tmp_path: Path) -> None:
    """Numbers in two units are not one column, whatever is removed."""
    (tmp_path / "x.csv").write_text(table(["2.5 kW", "850 W"] * 9))
    with pytest.raises(DataError) as caught:
        load(tmp_path / "x.csv")
    assert "different units (kW, W)" in caught.value.hint
