"""Covariates known of the future: rows after the last target value, beside a naive oracle."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_as import bare

import forecaster
from forecaster.config import ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.load import Loaded, load
from forecaster.data.panel import Panel
from forecaster.errors import DataError, UsageError

DAYS = pd.date_range("2024-01-01", periods=400)
PRICE = bare(time="day", target=("y",), known=("price",))
NAN = np.nan


def shop(rows: int, ahead: int, *, name: str = "a", times: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    """A series with `ahead` rows of the future: the target is empty there, the price goes on."""
    y = np.arange(rows + ahead) % 7 + 1.0
    y[rows:] = NAN
    return pd.DataFrame({"day": times[: len(y)], "shop": name, "y": y, "price": 100.0 + np.arange(len(y))})


def known(panel: Panel, column: int = 0) -> list[list[float]]:
    """The values of a known covariate in each series."""
    assert panel.known is not None
    return [part.tolist() for part in np.split(panel.known.values[:, column], panel.known.offsets[1:-1])]


def found(loaded: Loaded, code: str) -> list[Finding]:
    """The findings of a code."""
    return [finding for finding in loaded.findings if finding.code == code]


def test_rows_after_the_last_target_are_of_the_future() -> None:
    """They are no rows of the panel; the finding says how many there are."""
    loaded = load(shop(30, 4), PRICE)
    panel = loaded.panel
    assert (len(panel.time), panel.values.shape[1], panel.names.known) == (30, 1, ("price",))
    assert known(panel) == [list(np.arange(34) + 100.0)]
    (finding,) = found(loaded, "K002")
    assert (finding.count, "2024-02-03" in finding.message) == (4, True)
    assert not found(loaded, "V001") + found(loaded, "V002")
    assert loaded.uses == {"day": "time", "y": "target", "price": "known", "shop": loaded.uses["shop"]}


def test_series_end_at_different_times() -> None:
    """Each series has its own rows of the future, in whatever order the table holds them."""
    table = pd.concat([shop(30, 4, name="b"), shop(20, 0, name="a"), shop(25, 9, name="c")])
    panel = load(
        table.sample(frac=1, random_state=1),
        bare(id="shop", target=("y",), known=("price",)),
    )
    lengths = [len(values) for values in known(panel.panel)]
    assert (panel.panel.ids, lengths) == (("a", "b", "c"), [20, 34, 34])
    assert panel.panel.lengths.tolist() == [20, 30, 25]


@given(st.data())
def test_beside_a_naive_reading(data: st.DataObject) -> None:
    """Cells of target and covariate missing anywhere: known values lie in the rows of their timestamps."""
    parts, expected = [], {}
    for name in ("a", "b"):
        rows = data.draw(st.integers(8, 14))
        cell = st.one_of(st.none(), st.integers(0, 9))
        y = data.draw(st.lists(cell, min_size=rows, max_size=rows))
        y[:2] = 1, 2
        price = data.draw(st.lists(cell, min_size=rows, max_size=rows))
        price[0] = 5
        start = data.draw(st.integers(0, 3))
        table = pd.DataFrame({"day": DAYS[start : start + rows], "shop": name, "y": y, "price": price})
        parts.append(table)
        end = max(row for row in range(rows) if y[row] is not None)
        last = max((row for row in range(rows) if price[row] is not None and row > end), default=end)
        expected[name] = (end + 1, [NAN if each is None else float(each) for each in price[: last + 1]])
    table = pd.concat(parts).astype({"y": float, "price": float})
    table = table.sample(frac=1, random_state=data.draw(st.integers(0, 99)))
    config = bare(id="shop", time="day", target=("y",), known=("price",), freq="D")
    panel = load(table, config).panel
    assert panel.lengths.tolist() == [rows for rows, _ in expected.values()]
    for values, (_, wanted) in zip(known(panel), expected.values(), strict=True):
        np.testing.assert_array_equal(values, wanted)


def test_the_future_changes_nothing_before_it() -> None:
    """Frequency, holidays and values of the panel are those of the rows that have a target."""
    days = pd.bdate_range("2020-01-01", periods=700)
    open_days = days[~((days.month == 12) & (days.day == 25))]
    with_future = shop(600, 60, times=open_days)
    alone = load(with_future[:600].drop(columns="price"), ReadConfig(target=("y",))).panel
    panel = load(with_future, PRICE).panel
    assert panel.frequency == alone.frequency
    np.testing.assert_array_equal(panel.values, alone.values)
    np.testing.assert_array_equal(panel.time, alone.time)


def test_closed_days_are_left_out() -> None:
    """A row of the future on a learned holiday or a weekend is named; the others keep their place."""
    days = pd.bdate_range("2015-01-01", "2020-12-31")
    days = days[~((days.month == 12) & (days.day == 25))]
    table = shop(int((days < "2020-12-01").sum()), 0, times=days)
    ahead = pd.date_range("2020-12-01", "2020-12-30")
    table = pd.concat([table, pd.DataFrame({"day": ahead, "y": NAN, "price": ahead.day * 1.0})])
    loaded = load(table, PRICE)
    (finding,) = found(loaded, "K006")
    weekend = int((ahead.day_of_week >= 5).sum())
    assert finding.count == weekend + 1
    panel = loaded.panel
    times = panel.frequency.future_times(int(panel.time[-1]), 21)
    expected = pd.DatetimeIndex(times).day.astype(float).tolist()
    assert known(panel)[0][len(panel.time) :] == expected
    assert 25 not in expected


def test_opening_hours() -> None:
    """Bars of the future lie where forecasts have them: at open hours of open days."""
    hours = pd.date_range("2024-01-01", periods=24 * 60, freq="h")
    hours = hours[(hours.hour >= 9) & (hours.hour < 17) & (hours.day_of_week < 5)]
    table = shop(300, 20, times=hours)
    loaded = load(table, PRICE)
    assert "@" in loaded.panel.frequency.alias
    assert known(loaded.panel)[0][300:] == (100.0 + np.arange(300, 320)).tolist()


def test_a_gap_in_the_future_is_missing() -> None:
    """A timestamp without a row has no known value."""
    panel = load(shop(30, 6).drop(index=[32, 33]), PRICE).panel
    np.testing.assert_array_equal(known(panel)[0][30:], [130, 131, NAN, NAN, 134, 135])


def test_missing_in_the_past_is_counted() -> None:
    """Cells and timestamps without a value are marked; the finding counts them."""
    table = shop(30, 2)
    table.loc[[3, 4], "price"] = NAN
    (finding,) = found(load(table.drop(index=10), PRICE), "K004")
    assert (finding.count, "'price'" in finding.message) == (3, True)


def test_a_row_beside_the_grid() -> None:
    """The error names the place and the step."""
    table = shop(30, 4).astype({"day": "datetime64[ns]"})
    table.loc[31, "day"] += pd.Timedelta(hours=5)
    with pytest.raises(DataError, match="row 31: 2024-02-01 05:00:00 of series 'y' lies after its end"):
        load(table, PRICE)


def test_a_row_far_away() -> None:
    """A wrong year would need millions of rows: it is named instead."""
    table = shop(30, 4).astype({"day": "datetime64[ns]"})
    table.loc[33, "day"] = pd.Timestamp("2204-02-01")
    with pytest.raises(DataError, match="row 33: 2204-02-01 of series 'y' lies 65,745 steps after"):
        load(table, PRICE)


@pytest.mark.parametrize("how", ["mean", "last", "first"])
def test_duplicates(how: str) -> None:
    """Rows of one time are combined as asked; of words the mean is the last."""
    table = shop(30, 3).assign(sky=np.where(np.arange(33) % 2, "fog", "sun"))
    twice = table.iloc[[32]].assign(price=200.0, sky="fog")
    config = bare(time="day", target=("y",), known=("price", "sky"), duplicates=how)
    panel = load(pd.concat([table, twice]), config).panel
    expected = {"mean": (166.0, "fog"), "last": (200.0, "fog"), "first": (132.0, "sun")}[how]
    assert panel.known is not None
    words = panel.known.words[1] or ()
    assert (known(panel)[0][-1], words[int(known(panel, 1)[0][-1])]) == expected
    with pytest.raises(DataError, match="duplicate timestamp 2024-02-02"):
        load(pd.concat([table, twice]), PRICE)


@pytest.mark.parametrize("how", ["mean", "sum", "count"])
def test_resampled(how: str) -> None:
    """The target is combined as asked, known covariates by their mean, words by their last."""
    hours = pd.date_range("2024-01-01", periods=24 * 40, freq="h")
    table = shop(24 * 30, 24 * 3, times=hours)
    table["sky"] = np.where(np.arange(24 * 33) % 24 > 12, "sun", "fog")
    config = ReadConfig(
        positions=False, time="day", target=("y",), known=("price", "sky"), every="D", agg=how
    )
    panel = load(table, config).panel
    by_day = table.groupby(table["day"].dt.floor("D"))
    assert known(panel)[0] == by_day["price"].mean().tolist()
    assert known(panel, 1)[0] == [0.0] * 33
    assert panel.known is not None
    assert panel.known.words == (None, ("sun",))
    assert panel.target.tolist() == pytest.approx(by_day["y"].agg(how).tolist()[:30])


def test_wide_tables_share_them() -> None:
    """Each column of a wide table ends where it ends; the covariates are those of all."""
    table = shop(30, 4).rename(columns={"y": "b"}).assign(a=lambda rows: rows["b"])
    table.loc[28:, "a"] = NAN
    panel = load(table, bare(time="day", target=("a", "b"), known=("price",))).panel
    assert panel.lengths.tolist() == [28, 30]
    assert known(panel) == [(100.0 + np.arange(34)).tolist()] * 2


def test_each_file_has_its_own(tmp_path: Path) -> None:
    """Files of a folder are series, each with its own future."""
    for name, ahead in (("a", 3), ("b", 5)):
        shop(20, ahead).drop(columns="shop").to_csv(tmp_path / f"{name}.csv", index=False)
    panel = load(tmp_path, ReadConfig(target=("y",), layout="files")).panel
    assert (panel.ids, panel.names.known) == (("a", "b"), ("price",))
    assert [len(values) for values in known(panel)] == [23, 25]


def test_the_target_alone_is_differenced() -> None:
    """Known covariates stay as they are beside the rate of a counter, in the rows that are left."""
    panel = load(shop(30, 4), dataclasses.replace(PRICE, difference=True)).panel
    assert (panel.lengths.tolist(), known(panel)) == ([29], [(100.0 + np.arange(1, 34)).tolist()])


def test_splits_do_not_touch_them() -> None:
    """Prices before a split are divided, not what stands beside them."""
    table = shop(120, 5, times=pd.bdate_range("2024-01-01", periods=125))
    table["y"] = np.where(np.arange(125) < 60, 100.0, 50.0) + np.arange(125) % 3 / 10
    table.loc[120:, "y"] = NAN
    table["price"] = table["y"].ffill() * 2
    panel = load(table, dataclasses.replace(PRICE, adjust_splits=True)).panel
    assert panel.target[:60].max() < 51
    assert known(panel)[0][:60] == table["price"][:60].tolist()


def test_an_older_model_infers_nothing() -> None:
    """Models that were written before have no known covariates, and read tables as then."""
    written = Path(__file__).parents[1] / "written_before"
    facts = forecaster.load(written / "gru.model").facts
    assert (facts.read.known, facts.read.static, facts.words) == ((), (), {})


def test_words_have_the_codes_of_the_past() -> None:
    """Words are sorted; one that only the future has gets the code after the last, and is counted."""
    sky = ["sun", "fog", "fog", None] * 8 + ["ash", "sun"]
    loaded = load(shop(32, 2).assign(sky=sky), bare(time="day", target=("y",), known=("sky",)))
    panel = loaded.panel
    assert panel.known is not None
    assert panel.known.words == (("fog", "sun"),)
    np.testing.assert_array_equal(known(panel)[0], [1, 0, 0, NAN] * 8 + [2, 1])
    (finding,) = found(loaded, "K007")
    assert (finding.count, "'ash'" in finding.message) == (1, True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["yes", "no"], [1.0, 0.0]),
        (["TRUE", "false"], [1.0, 0.0]),
        ([True, False], [1.0, 0.0]),
        ([1, 0], [1.0, 0.0]),
    ],
)
def test_two_states_are_numbers(cells: list[object], expected: list[float]) -> None:
    """Words such as yes and no are 1 and 0."""
    table = shop(30, 2).assign(open=cells * 16)
    panel = load(table, bare(time="day", target=("y",), known=("open",))).panel
    assert panel.known is not None
    assert (panel.known.words, known(panel)[0]) == ((None,), expected * 16)


def test_columns_that_cannot_be_known() -> None:
    """Times, names of rows, and words among numbers are errors that name the column."""
    table = shop(30, 2).assign(
        seen=DAYS[:32], note=[f"note {row}" for row in range(32)], mixed=["a", "b", "b", "7"] * 8
    )
    for name, why in {
        "seen": "holds times, neither numbers nor words",
        "note": "has 32 different words in 32 rows",
        "mixed": "row 3, column 'mixed': '7' is a number, and 'a' is a word",
    }.items():
        with pytest.raises(DataError, match=why):
            load(table, bare(time="day", target=("y",), known=(name,)))
    with pytest.raises(DataError, match="'none': no value at all"):
        load(table.assign(none=NAN), bare(time="day", target=("y",), known=("none",)))


def test_names_of_columns() -> None:
    """A column that is not there is an error with a suggestion; so is one of two roles."""
    table = shop(30, 2)
    for config, why in [
        (bare(known=("prise",)), "no column 'prise'\nDid you mean 'price'"),
        (bare(target=("y",), known=("y",)), "'y' is named by --target and --known"),
        (
            bare(covariates=("price",), known=("price",)),
            "'price' is named by --covariates and --known",
        ),
        (
            bare(static=("price",), known=("price",)),
            "'price' is named by --static and --known",
        ),
        (bare(known=("price", "price")), "--known names 'price' twice"),
    ]:
        with pytest.raises(UsageError) as error:
            load(table, config)
        assert why in str(error.value)
