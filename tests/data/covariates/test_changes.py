"""Changes of known covariates: what a text such as price=9.5 means, and what it does to the rows ahead."""

import dataclasses

import numpy as np
import pytest
from panels import panel_of

from forecaster.data.covariates.changes import changes_of, with_ahead, with_changes
from forecaster.data.panel import Panel
from forecaster.data.rows.known import Known
from forecaster.errors import UsageError

WORDS = ("Rain", "fog", "sun@2024")
NAMES = ("price", "other", "sky", "open", "holiday DE-BY", "a", "a=b")
HORIZON = 4
NAN = np.nan


@pytest.fixture
def panel() -> Panel:
    """Two daily series of 1970 with 3 and 5 rows; the first has 4 rows of the future, the second only 1."""
    made = panel_of([1.0, 2, 3], [1.0, 2, 3, 4, 5])
    rows = 7 + 6
    values = np.tile([10.0, 1, 0, 1, 0, 5, 5], (rows, 1))
    values[:, 0] += np.arange(rows)
    values[2, 3] = 0
    words = (None, None, WORDS, None, None, None, None)
    return dataclasses.replace(
        made,
        known=Known(NAMES, words, values, np.array([0, 7, 13])),
        names=dataclasses.replace(
            made.names, known=NAMES, covariates=("humidity",), static=("size",), id="shop"
        ),
    )


def ahead(panel: Panel, *texts: str, name: str = "price") -> list[list[float]]:
    """The values of a column in the rows of the forecast after the changes."""
    changed, _ = with_changes(panel, changes_of(panel, texts), HORIZON)
    return column(changed, name)


def column(panel: Panel, name: str) -> list[list[float]]:
    assert panel.known is not None
    values = panel.known.of(np.arange(len(panel)), panel.lengths, HORIZON)
    return values[:, :, NAMES.index(name)].tolist()


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("price=9.5", [9.5] * 4, [9.5] * 4),
        (" price = -9.5e0 ", [-9.5] * 4, [-9.5] * 4),
        ("price+=2", [15, 16, 17, 18], [24, NAN, NAN, NAN]),
        ("price-=2", [11, 12, 13, 14], [20, NAN, NAN, NAN]),
        ("price*=0.5", [6.5, 7, 7.5, 8], [11, NAN, NAN, NAN]),
        ("price=0@1970-01-05", [13, 0, 15, 16], [22, NAN, NAN, NAN]),
        ("price=0@1970-01-05..1970-01-06", [13, 0, 0, 16], [0, NAN, NAN, NAN]),
        ("price=0@..1970-01-05", [0, 0, 15, 16], [22, NAN, NAN, NAN]),
        ("price=0@1970-01-07..", [13, 14, 15, 0], [22, 0, 0, 0]),
        ("price=0@1970-01", [0] * 4, [0] * 4),
        ("price=0@1970", [0] * 4, [0] * 4),
        ("price=0@1970-01-05 00:00", [13, 0, 15, 16], [22, NAN, NAN, NAN]),
        ("price=0 @ 1970-01-05T00", [13, 0, 15, 16], [22, NAN, NAN, NAN]),
    ],
)
def test_what_a_text_does(panel: Panel, text: str, first: list[float], second: list[float]) -> None:
    """Each sign, for all rows and for those of a span, ends included; what is missing is only ever set."""
    np.testing.assert_array_equal(ahead(panel, text), [first, second])


def test_days_are_those_of_the_clock_of_the_data(panel: Panel) -> None:
    """With a time zone, a day begins at its own midnight: in Tokyo nine hours before that of UTC."""
    names = dataclasses.replace(panel.names, tz="Asia/Tokyo")
    shifted = dataclasses.replace(panel, names=names, time=panel.time - 9 * 3600 * 10**9)
    assert ahead(shifted, "price=0@1970-01-05")[0] == [13, 0, 15, 16]
    assert ahead(shifted, "price=0@1970-01-05 00:00")[0] == [13, 0, 15, 16]


def test_changes_are_made_one_after_another(panel: Panel) -> None:
    """Of the same column, too; others stay as they are."""
    assert ahead(panel, "price=10", "price*=0.5@1970-01-04")[0] == [5, 10, 10, 10]
    assert ahead(panel, "price=10", name="open")[0] == [1, 1, 1, 1]


def test_the_past_stays(panel: Panel) -> None:
    """No byte of it changes, and the panel that was given has not changed at all."""
    assert panel.known is not None
    before = panel.known.values.copy()
    changed, touched = with_changes(panel, changes_of(panel, ["price=0", "sky=fog"]), HORIZON)
    np.testing.assert_array_equal(panel.known.values, before)
    assert changed.known is not None
    past = changed.known.values[changed.known.in_past(panel.lengths)]
    np.testing.assert_array_equal(past, before[panel.known.in_past(panel.lengths)])
    assert touched.sum(axis=(0, 1)).tolist() == [8, 0, 8, 0, 0, 0, 0]
    assert changed.known.offsets.tolist() == [0, 7, 16]
    again = with_ahead(panel, panel.known.of(np.arange(2), panel.lengths, 1))
    assert again.known is not None
    np.testing.assert_array_equal(again.known.values, before)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("sky=fog", "sky", 1.0),
        ("sky = sun@2024", "sky", 2.0),  # a word, no year
        ("sky=sun@2024@1970", "sky", 2.0),
        ("sky=fog@1970-01-04", "sky", 1.0),
        ("open=no", "open", 0.0),
        ("open=TRUE", "open", 1.0),
        ("open=0", "open", 0.0),
        ("holiday DE-BY=1", "holiday DE-BY", 1.0),
        ("price+=7", "price", 20.0),
    ],
)
def test_words_states_and_names(panel: Panel, text: str, name: str, value: float) -> None:
    """Words of a category, also with a sign of a span in them; states of a column of 0 and 1."""
    assert ahead(panel, text, name=name)[0][0] == value


def test_python_values(panel: Panel) -> None:
    """A mapping has values, texts with a sign, or several of them."""
    asked = {"price": np.float64(9.5), "open": False, "sky": "fog", "a": ["=4", "*=0.5@1970-01-04"]}
    changed, _ = with_changes(panel, changes_of(panel, asked), HORIZON)
    found = [column(changed, name)[0][:2] for name in asked]
    assert found == [[9.5, 9.5], [0, 0], [1, 1], [2, 4]]
    assert [change.text for change in changes_of(panel, {"price": 9, "a": "+= 2"})] == ["price=9", "a+=2"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("prise=9", "no covariate known of the future is called 'prise'", "Did you mean 'price'?"),
        ("humidity=9", "'humidity' is a covariate of the past only", "Train with --known humidity"),
        ("size=9", "'size' is a fact of each series", "Columns to set: 'price'"),
        ("y=9", "'y' is the target", "Columns to set"),
        ("ds=9", "'ds' is the column of times", "Columns to set"),
        ("shop=9", "'shop' is the column of ids", "Columns to set"),
        ("price", "'price' sets nothing", "price=9.5"),
        ("", "'' sets nothing", "price=9.5"),
        ("price=", "'' is no number", "--set price=9.5"),
        ("price=cheap", "'cheap' is no number, and 'price' holds numbers", "--set price=9.5"),
        ("price=yes", "'yes' is no number", "--set price=9.5"),
        ("price=9,5", "'9,5' is no number", "--set price=9.5"),
        ("price=1_000", "'1_000' is no number", ""),
        ("price=nan", "'nan' is no number", ""),
        ("price=1e400", "larger than any number", ""),
        ("price*=1e308", "larger than any number", ""),
        ("open=maybe", "'maybe' is no number", "--set open=yes"),
        ("holiday DE-BY+=x", "'x' is no number", "--set 'holiday DE-BY+=9.5'"),
        ("sky=rain", "'sky' never was 'rain'", "Did you mean 'Rain'?"),
        ("sky=hail", "'sky' never was 'hail'", "'Rain', 'fog', 'sun@2024'"),
        ("sky+=fog", "'sky' holds words", "--set sky=Rain"),
        ("price=9@monday", "'monday' is neither a day", "@2024-12-24"),
        ("price=9@..", "'..' is neither a day", "@2024-12-24"),
        ("price=9@1970-13-01", "there is no time '1970-13-01'", ""),
        ("price=9@9999", "there is no time '9999'", ""),
        ("price=9@1971", "no row of the forecast lies there", "Its rows are 1970-01-04"),
        ("a=b=2", "may mean 'a' = 'b=2' or 'a=b' = '2'", "Rename"),
        ("price+=2", "may mean 'price' += '2' or 'price+' = '2'", "Rename"),
    ],
)
def test_what_cannot_be_set(panel: Panel, text: str, message: str, hint: str) -> None:
    """The error says why, and what to type."""
    assert panel.known is not None
    known = panel.known
    if text == "price*=1e308":
        known = dataclasses.replace(known, values=known.values * 1e3)
    if text == "price+=2":
        known = dataclasses.replace(known, names=("price", "price+", *NAMES[2:]))
    panel = dataclasses.replace(panel, known=known)
    with pytest.raises(UsageError) as caught:
        with_changes(panel, changes_of(panel, [text]), HORIZON)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_change_that_would_have_no_effect(panel: Panel) -> None:
    """A column set after it was changed, or nothing to set at all."""
    with pytest.raises(UsageError, match="'price=8' takes the place of 'price=9'"):
        changes_of(panel, ["price=9", "a=1", "price=8"])
    with pytest.raises(UsageError, match="nothing is set"):
        changes_of(panel, {})
    with pytest.raises(UsageError, match="there are none"):
        changes_of(dataclasses.replace(panel, known=None), {"price": 9})
    with pytest.raises(UsageError, match="no covariate known of the future is called 'prise'"):
        changes_of(panel, {"prise": 9})
