"""What a forecast needs of the future: errors that name it, and what fills it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_as import bare

from forecaster.config import ReadConfig
from forecaster.data.covariates.future import require_known
from forecaster.data.covariates.future_file import with_future_file
from forecaster.data.load import Loaded, load
from forecaster.data.panel import Panel
from forecaster.errors import DataError, UsageError

DAYS = pd.date_range("2024-01-01", periods=60)
CONFIG = bare(id="shop", time="day", target=("y",), known=("price", "sky"))
NAN = np.nan


def shop(name: str, rows: int, ahead: int) -> pd.DataFrame:
    """A shop with `ahead` rows of the future."""
    row = np.arange(rows + ahead)
    y = np.where(row < rows, row % 7 + 1.0, NAN)
    sky = np.where(row % 3 == 0, "sun", "fog")
    return pd.DataFrame({"day": DAYS[: len(row)], "shop": name, "y": y, "price": row + 0.5, "sky": sky})


def shops(ahead: int = 0, other: int = 0) -> Loaded:
    """Two shops that end at different times."""
    return load(pd.concat([shop("a", 20, ahead), shop("b", 30, other)]), CONFIG)


def ahead_of(panel: Panel, horizon: int) -> np.ndarray:
    """The known values (S, H, K) after the end of each series."""
    assert panel.known is not None
    return panel.known.of(np.arange(len(panel)), panel.lengths, horizon)


def test_all_is_there() -> None:
    """The panel stays as it is."""
    panel = shops(5, 5).panel
    assert require_known(panel, 5) == (panel, [])


def test_what_is_missing_is_named() -> None:
    """Source, columns, series, timestamps and how many; the horizon that is there is a hint."""
    with pytest.raises(DataError) as error:
        require_known(shops(5, 2).panel, 5, source="'x.csv'")
    assert error.value.message == (
        "'x.csv': 'price', 'sky' must be known in each row of the forecast, and 3 rows lack it: "
        "2024-02-02, 2024-02-03, 2024-02-04 of series 'b'"
    )
    assert "--horizon 2;" in error.value.hint
    assert "--known-fill last." in error.value.hint
    assert (error.value.code, error.value.count) == ("E006", 3)
    with pytest.raises(
        DataError, match=r"rows lack it: 2024-01-21, 2024-01-22, 2024-01-23, \.\.\. of series 'a', and"
    ):
        require_known(shops(0, 0).panel, 5)


@given(st.data())
def test_filled_beside_a_naive_filling(data: st.DataObject) -> None:
    """The last value before, or the mean of the past and its commonest word, in missing cells alone."""
    table = pd.concat([shop("a", 12, 6), shop("b", 9, 6)]).reset_index(drop=True)
    for column in ("price", "sky"):
        gone = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=25))
        table.loc[[row for row in gone if row not in (0, 18)], column] = None
    how = data.draw(st.sampled_from(["last", "mean"]))
    panel = load(table, CONFIG).panel
    filled, findings = require_known(panel, 6, how)
    before, after = ahead_of(panel, 6), ahead_of(filled, 6)
    assert panel.known is not None
    count = int(np.isnan(before).sum())
    assert [finding.count for finding in findings] == ([count] if count else [])
    for series in range(2):
        start = panel.known.offsets[series]
        past = panel.known.values[start : start + panel.lengths[series]]
        for column in range(2):
            known = past[:, column][~np.isnan(past[:, column])]
            last = known[-1]
            usual = known.mean() if column == 0 else float(np.bincount(known.astype(int)).argmax())
            for step in range(6):
                cell = before[series, step, column]
                wanted = cell if not np.isnan(cell) else last if how == "last" else usual
                assert after[series, step, column] == pytest.approx(wanted)
                last = last if np.isnan(cell) else cell


def test_nothing_to_fill_from() -> None:
    """A series without any value of a column has none that could stand for it."""
    table = pd.concat([shop("a", 20, 0), shop("b", 30, 0).assign(price=NAN)])
    with pytest.raises(DataError, match="'price' must be known") as error:
        require_known(load(table, CONFIG).panel, 3, "last")
    assert "--known-fill" not in error.value.hint


def future(**changes: object) -> pd.DataFrame:
    """The rows of the future of both shops in a table of their own."""
    table = pd.concat([shop("a", 20, 4)[20:], shop("b", 30, 4)[30:]]).drop(columns="y")
    return table.assign(**changes)  # type: ignore[arg-type] # names are text


def test_a_table_of_the_future() -> None:
    """It gives what rows below the data would."""
    loaded = shops()
    panel, findings = with_future_file(loaded.panel, future(), loaded.read)
    np.testing.assert_array_equal(ahead_of(panel, 4), ahead_of(shops(4, 4).panel, 4))
    assert [finding.code for finding in findings] == ["K002"]
    assert require_known(panel, 4) == (panel, [])


def test_a_table_without_ids_holds_for_all_series() -> None:
    """A weather forecast is that of every shop."""
    loaded = shops()
    table = pd.DataFrame({"day": DAYS[20:36], "price": np.arange(16.0), "sky": "fog"})
    panel, _ = with_future_file(loaded.panel, table, loaded.read)
    assert ahead_of(panel, 6)[:, :, 0].tolist() == [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]


def test_rows_before_the_end() -> None:
    """Equal ones are fine; others are counted, and change nothing."""
    loaded = shops()
    whole = pd.concat([shop("a", 20, 4), shop("b", 30, 4)]).drop(columns="y")
    panel, findings = with_future_file(loaded.panel, whole, loaded.read)
    assert [finding.code for finding in findings] == ["K002"]
    changed, findings = with_future_file(loaded.panel, whole.assign(price=whole["price"] + 1), loaded.read)
    assert [(finding.code, finding.count) for finding in findings] == [("K008", 50), ("K002", 8)]
    assert panel.known is not None
    assert changed.known is not None
    np.testing.assert_array_equal(panel.known.values[:20], changed.known.values[:20])
    assert (ahead_of(changed, 4)[:, :, 0] == ahead_of(panel, 4)[:, :, 0] + 1).all()


def test_the_newest_statement_wins() -> None:
    """Where rows below the data say something else of the future, the table of the future is used."""
    loaded = shops(2, 2)
    panel, findings = with_future_file(loaded.panel, future(price=9.0), loaded.read)
    assert ahead_of(panel, 4)[:, :, 0].tolist() == [[9.0] * 4] * 2
    assert [(finding.code, finding.count) for finding in findings] == [("K008", 4), ("K002", 8)]


def test_series_that_are_not_there_are_counted() -> None:
    """They are left out."""
    loaded = shops()
    panel, findings = with_future_file(loaded.panel, pd.concat([future(), future(shop="z")[:4]]), loaded.read)
    assert [(finding.code, finding.count) for finding in findings] == [("K006", 4), ("K002", 8)]
    assert require_known(panel, 4) == (panel, [])


def test_values_of_the_target_are_not_used() -> None:
    """They are counted; an empty column of the target is fine."""
    loaded = shops()
    _, findings = with_future_file(loaded.panel, future(y=1.0), loaded.read)
    assert [(finding.code, finding.count) for finding in findings] == [("K003", 8), ("K002", 8)]
    _, findings = with_future_file(loaded.panel, future(y=NAN), loaded.read)
    assert [finding.code for finding in findings] == ["K002"]


def test_words_never_seen() -> None:
    """They get the code after the last, and are counted."""
    loaded = shops()
    panel, findings = with_future_file(loaded.panel, future(sky="hail"), loaded.read)
    assert ahead_of(panel, 4)[:, :, 1].tolist() == [[2.0] * 4] * 2
    assert "K007" in [finding.code for finding in findings]


def test_a_table_that_cannot_be_the_future() -> None:
    """Columns that are absent, times of another kind, contradicting rows, no known covariate."""
    loaded = shops()
    zoned = future()
    zoned["day"] = zoned["day"].dt.tz_localize("Europe/Berlin")
    twice = pd.concat([future(), future(price=7.0)])
    for table, kind, why in [
        (
            future().rename(columns={"price": "Price"}),
            UsageError,
            "no column 'price', which the forecast needs",
        ),
        (future().drop(columns="day"), UsageError, "no column 'day'"),
        (zoned, DataError, "have a time zone, those of the data none"),
        (twice, DataError, "duplicate timestamp 2024-01-21 00:00:00 with different values"),
    ]:
        with pytest.raises(kind, match=why):
            with_future_file(loaded.panel, table, loaded.read)
    plain = load(shop("a", 20, 0).drop(columns=["price", "sky"]), ReadConfig(target=("y",)))
    with pytest.raises(UsageError, match="no covariate is known of the future"):
        with_future_file(plain.panel, future(), plain.read)
