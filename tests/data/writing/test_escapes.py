"""JSON and CSV that neither a terminal nor a spreadsheet obeys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.writing.escapes import csv_cell, json_text


@given(st.recursive(st.text() | st.integers() | st.booleans(), lambda each: st.dictionaries(st.text(), each)))
@pytest.mark.parametrize("options", [{}, {"ensure_ascii": False, "indent": 2}])
def test_json_is_the_same_and_can_be_printed(options: dict[str, object], value: object) -> None:
    """Whatever the text, the document reads back, and holds nothing that is not printed but line breaks."""
    text = json_text(value, **options)
    assert json.loads(text) == value
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "mark", ["\x7f", "\x80", "\x9b", "\u200e", "\u202e", "\u2066", "\ufeff", "\U000e0001"]
)
def test_marks_that_steer_a_terminal_are_escaped(mark: str) -> None:
    """DEL, C1, direction marks, and those beyond 16 bits; letters of any script stay."""
    assert json_text(f"ä{mark}日", ensure_ascii=False) == json.dumps(f"ä{mark}日").replace(
        "\\u00e4", "ä"
    ).replace("\\u65e5", "日").replace("\x7f", "\\u007f")


def test_numbers_that_are_none() -> None:
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))


@pytest.mark.parametrize("text", ["-12", "+1", "-1.5", "-1,5", "+2e10", "12", "a=1", "", "=", "＝"])
def test_signed_numbers_are_no_formulas(text: str) -> None:
    """Ids such as -12 stay as they are; a sign alone does not."""
    assert csv_cell(text) == (text if text not in ("=", "＝") else f"'{text}")


@pytest.mark.parametrize(
    "text", ["=1", "-1+1", "+A1", "@x", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x", "-12\n=1"]
)
def test_formulas_get_an_apostrophe(text: str) -> None:
    """What a spreadsheet would compute, in ASCII or in full width."""
    assert csv_cell(text) == f"'{text}"
