"""Columns that go on after the target ends: taken as known, or named with the reason why not."""

import numpy as np
import pandas as pd
import pytest

from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError

RNG = np.random.default_rng(1)
DAYS = pd.date_range("2024-01-01", periods=60)
SALES = ReadConfig(target=("sales",))
NAN = np.nan


def shop(ahead: int = 10, name: str | None = None) -> pd.DataFrame:
    """Sales that end, beside columns of all kinds that go on."""
    sales = RNG.random(60)
    sales[60 - ahead :] = NAN
    columns = {"day": DAYS, "sales": sales, "heat": RNG.random(60), "sky": RNG.choice(["fog", "sun"], 60)}
    return pd.DataFrame(columns if name is None else {"shop": name} | columns)


def found(loaded: Loaded, code: str) -> list[Finding]:
    """The findings of a code."""
    return [finding for finding in loaded.findings if finding.code == code]


def test_columns_that_go_on_are_known() -> None:
    """They are said, with the option that leaves them out; no other finding calls them unused."""
    loaded = load(shop(), SALES)
    assert loaded.read.known == loaded.panel.names.known == ("heat", "sky")
    (said,) = found(loaded, "K001")
    assert ("'heat', 'sky'" in said.message, "--known ''" in said.action) == (True, True)
    assert not found(loaded, "C001") + found(loaded, "C002")
    assert loaded.uses["heat"] == loaded.uses["sky"] == "known"


def test_read_again_as_it_was_read() -> None:
    """The configuration that reading returns says which columns are known: nothing is inferred again."""
    table = shop()
    resolved = load(table, SALES).read
    again = load(table.assign(more=RNG.random(60)), resolved)
    assert again.panel.names.known == ("heat", "sky")
    assert not found(again, "K001")


@pytest.mark.parametrize("asked", [(), ("heat",)])
def test_what_is_asked_counts(asked: tuple[str, ...]) -> None:
    """With --known nothing else is taken, and with an empty one nothing at all."""
    loaded = load(shop(), ReadConfig(target=("sales",), known=asked))
    assert loaded.panel.names.known == asked
    assert not found(loaded, "K001")
    assert loaded.panel.lengths.tolist() == [50]


def test_covariates_stay_past_only() -> None:
    """A covariate whose future is there is said to be one that could be known."""
    loaded = load(shop(), ReadConfig(target=("sales",), covariates=("heat",), known=()))
    (said,) = found(loaded, "K003")
    assert "--known heat" in said.action
    assert loaded.panel.values.shape[1] == 2
    assert loaded.uses["heat"] == "covariate (past only)"


def test_nothing_after_the_end() -> None:
    """Rows at the end without any other value, and tables whose target goes on, are read as ever."""
    table = shop()
    table.loc[50:, ["heat", "sky"]] = None
    for each in (table, shop(0)):
        loaded = load(each, SALES)
        assert loaded.panel.names.known == ()
        assert not [finding for finding in loaded.findings if finding.code.startswith("K")]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (DAYS.month.to_numpy(), "a part of the time"),
        (np.arange(60), "numbers the rows"),
        (DAYS + pd.Timedelta(days=1), "another time"),
        (np.where(np.arange(60) < 50, NAN, 1.5 + np.arange(60)), "mostly empty before"),
        ([f"note {row}" for row in range(60)], "too many words"),
        (["warm", "3"] * 30, "words, and some numbers"),
        (["x"] * 60, "the same in all rows"),
    ],
)
def test_columns_that_are_not_taken(cells: np.ndarray, why: str) -> None:
    """Each is named with the reason; --known takes it."""
    loaded = load(shop().assign(month=cells, heat=NAN, sky=None), SALES)
    assert loaded.panel.names.known == ()
    (said,) = found(loaded, "K003")
    assert f"'month' ({why})" in said.message


def test_most_series_must_have_it() -> None:
    """One broken sensor among many is not a future."""
    table = pd.concat([shop(10 if name == "a" else 0, name) for name in "abc"])
    loaded = load(table, ReadConfig(id="shop", target=("sales",)))
    assert loaded.panel.names.known == ()
    (said,) = found(loaded, "K003")
    assert "'heat' (in 1 of 3 series)" in said.message
    table = pd.concat([shop(0 if name == "a" else 10, name) for name in "abc"])
    assert load(table, ReadConfig(id="shop", target=("sales",))).panel.names.known == ("heat", "sky")


def test_a_fact_of_a_series_is_not_known() -> None:
    """Words that never change within a series are no covariate; --static is named."""
    table = pd.concat([shop(10, name).assign(kind=kind) for name, kind in (("a", "big"), ("b", "small"))])
    loaded = load(table, ReadConfig(id="shop", target=("sales",)))
    assert loaded.panel.names.known == ("heat", "sky")
    assert "see --static" in found(loaded, "K003")[0].message


def test_a_wide_table_of_which_one_column_ends() -> None:
    """Each is a series, as ever; the options that read the others as known are named, and work."""
    table = shop().drop(columns="sky").assign(wind=RNG.random(60))
    loaded = load(table)
    assert loaded.panel.ids == ("heat", "sales", "wind")
    (said,) = found(loaded, "K003")
    assert "--target sales --known heat,wind" in said.action
    asked = load(table, ReadConfig(target=("sales",), known=("heat", "wind")))
    assert asked.panel.lengths.tolist() == [50]


def test_another_column_ends_before_the_target() -> None:
    """A value may be what is known, and the sales that end what is to be forecast: both options are named. A
    price is as often one as the other: refused, with what to type.
    """
    loaded = load(shop().rename(columns={"heat": "value"}))
    assert loaded.panel.names.target == "value"
    (said,) = found(loaded, "K003")
    assert "--target sales --known value" in said.action
    with pytest.raises(DataError, match="either could be the target") as error:
        load(shop().rename(columns={"heat": "price"}))
    assert "Choose: --target sales, with 'price' as known of the future; or --target price" in str(
        error.value
    )
    chosen = load(shop().rename(columns={"heat": "price"}), ReadConfig(target=("sales",)))
    assert "price" in chosen.panel.names.known


def test_files_end_on_their_own() -> None:
    """Counted rows have no end of their own: nothing is inferred."""
    loaded = load(shop(), ReadConfig(every="W", agg="count", target=("sales",)))
    assert loaded.panel.names.known == ()
