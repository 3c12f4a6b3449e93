"""What-ifs: the forecast after changes of known covariates, beside the one without."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecaster.config import Options, ReadConfig
from forecaster.data.findings import Finding
from forecaster.data.load import load
from forecaster.data.panel import Panel
from forecaster.data.writing.digits import rounded, rounded_like
from forecaster.errors import DataError, ModelError, UsageError
from forecaster.forecasting.forecast import Forecast
from forecaster.forecasting.pretrained import forecast_pretrained
from forecaster.pipeline.predict import predict_pretrained
from forecaster.pipeline.what_if import what_if

AHEAD = 14
READ = ReadConfig(id="shop", target=("y",), known=("price", "sky", "open"))


def demand(seed: int = 1, rows: int = 280, *, name: str = "a", acts: bool = True) -> pd.DataFrame:
    """Demand with a week's shape and AHEAD rows to come. A price of 8 in place of 10 adds half."""
    rng = np.random.default_rng(seed)
    day = np.arange(rows + AHEAD)
    low = rng.random(len(day)) < 0.15
    low[-AHEAD:] = False
    usual = 200 * (1 + 0.25 * np.sin(2 * np.pi * day / 7))
    y = usual * np.where(low & acts, 1.5, 1.0) * np.exp(0.02 * rng.standard_normal(len(day)))
    y[-AHEAD:] = np.nan
    sky = np.where(rng.random(len(day)) < 0.5, "sun", "rain")
    sky[3] = "fog"
    return pd.DataFrame(
        {
            "shop": name,
            "day": pd.date_range("2024-01-01", periods=len(day)),
            "y": y,
            "price": np.where(low, 8.0, 10.0),
            "sky": sky,
            "open": np.where(rng.random(len(day)) < 0.9, "yes", "no"),
        }
    )


def shops() -> pd.DataFrame:
    """Three series: a price moves two of them."""
    return pd.concat([demand(2, name="a"), demand(3, name="b", acts=False), demand(4, name="c")])


def ask(table: pd.DataFrame, asked: Any, read: ReadConfig = READ, **options: Any) -> Forecast:
    """The forecast of the pretrained networks."""
    return predict_pretrained(
        table, Options(**{"horizon": AHEAD} | options), read, max_age="any", what_if=asked
    )


def found(forecast: Forecast, code: str) -> list[Finding]:
    return [finding for finding in forecast.findings if finding.code == code]


def test_the_base_is_the_forecast_without() -> None:
    """Byte for byte, at any number of digits; and the difference is forecast less base, exactly."""
    table = shops()
    plain, moved = ask(table, None), ask(table, {"price": "8@2024-10-09..2024-10-10", "sky": "rain"})
    for digits in (17, 9, 4, None):
        usual, found = plain.to_frame(digits=digits), moved.to_frame(digits=digits)
        assert list(found) == [*usual, "base", "difference"]
        assert found["base"].to_numpy().tobytes() == usual["forecast"].to_numpy().tobytes()
        exact = found["forecast"] - found["base"]
        np.testing.assert_allclose(found["difference"], exact, rtol=0, atol=1e-11)
        if digits == 17:
            np.testing.assert_array_equal(found["difference"], exact)
        elif digits == 4:
            assert found["difference"].astype(str).str.fullmatch(r"-?\d+\.\d").all()
        assert not np.signbit(found["difference"][found["difference"] == 0]).any()
    assert moved.difference is not None
    np.testing.assert_array_equal(moved.difference[:, [0, 1, 4]], 0)


def test_a_known_effect() -> None:
    """A price 20 % lower on given days moves the forecast by half there, within 10 %, and nowhere else."""
    table = demand()
    result = ask(table, ["price*=0.8@2024-10-09", "price*=0.8@2024-10-14..2024-10-15"])
    assert result.difference is not None
    days = [2, 7, 8]
    assert result.base is not None
    share = result.difference[0] / result.base.point[0]
    np.testing.assert_allclose(share[days], 0.5, atol=0.05)
    np.testing.assert_array_equal(np.delete(share, days), 0)
    assert not found(result, "W002") + found(result, "W003") + found(result, "W004")
    (said,) = found(result, "W001")
    assert said.message.endswith("in 3 of 14 rows of the forecast")


def test_intervals_and_quantiles_are_those_of_the_what_if() -> None:
    """They move with the forecast."""
    table = demand()
    plain, moved = ask(table, None, quantiles=(0.3,)), ask(table, {"price": 8}, quantiles=(0.3,))
    assert (moved.lower > plain.lower).all()
    assert (moved.quantiles[0.3] > plain.quantiles[0.3]).all()
    assert moved.samples(20).mean() > plain.samples(20).mean()


def test_columns_without_a_confirmed_effect() -> None:
    """A warning names the column and the series; the forecast does not move there."""
    result = ask(shops(), {"price": 8, "open": False})
    assert result.difference is not None
    price, opened = found(result, "W002")
    assert "no effect of 'price' was confirmed in the past of 1 of 3 series, 'b'" in price.message
    assert "'open' was confirmed in the past of 3 of 3 series" in opened.message
    assert price.action == "there its change does not move the forecast"
    np.testing.assert_array_equal(result.difference[1], 0)
    assert (result.difference[[0, 2]] > 50).all()
    assert price.severity == "warning"
    alone = ask(demand(acts=False), {"price": 8})
    (still,) = found(alone, "W002")
    assert still.message == "no effect of 'price' was confirmed in the past of the series"


def test_values_that_the_past_never_had() -> None:
    """A warning names the range of each series; the effect goes at most half its range beyond."""
    table = shops()
    low = ask(table, {"price": 5})
    (warning,) = found(low, "W003")
    assert warning.places == ("a: 5 is outside 8 to 10", "c: 5 is outside 8 to 10")
    assert "half its range" in warning.action
    seen, beyond = ask(table, {"price": 8}), ask(table, {"price": -1000})
    for each in (low, seen, beyond):
        assert each.base is not None
    shift = [np.log(each.point[0] / each.base.point[0]).max() for each in (seen, low, beyond)]  # type: ignore[union-attr] # each has a base
    assert shift[0] < shift[1] <= shift[2] <= 1.5 * shift[0] + 1e-9
    assert not found(ask(table, {"price": 9}), "W003")
    with pytest.raises(UsageError, match="never was 'hail'"):
        ask(table, {"sky": "hail"})


def test_words_that_the_past_hardly_had() -> None:
    """Of a word seen once nothing was learned."""
    table = demand()
    wet = table["sky"] == "rain"
    table["y"] *= np.where(wet, 1.3, 1.0)
    result = ask(table, {"sky": "fog"})
    (warning,) = found(result, "W003")
    assert (warning.message, warning.places) == (
        "words of 'sky' that the past of the series hardly had: 'fog'",
        ("fog: rows 1",),
    )
    rain, sun = (ask(table, {"sky": word}) for word in ("rain", "sun"))
    assert not found(rain, "W003")
    ratio = rain.point / sun.point
    np.testing.assert_allclose(ratio, 1.3, atol=0.05)


def test_the_future_may_come_from_what_is_set() -> None:
    """No row of the future is needed for a column that is set. A finding says that there is no base."""
    table, read = demand(), ReadConfig(target=("y",), known=("price",))
    short = table.iloc[:-AHEAD]
    result = ask(short, {"price": 8}, read)
    (said,) = found(result, "W004")
    assert said.message == "without --set, the future of the series is not known"
    frame = result.to_frame()
    assert frame[["base", "difference"]].isna().all(axis=None)
    full = ask(table, {"price": 8}, read)
    np.testing.assert_array_equal(result.point, full.point)
    with pytest.raises(DataError, match="14 rows lack it"):
        ask(short, {"price": "+=1"}, read)
    with pytest.raises(DataError, match="13 rows lack it"):
        ask(short, {"price": "8@2024-10-07"}, read)
    filled = ask(short, {"price": "-=2"}, ReadConfig(target=("y",), known=("price",), known_fill="mean"))
    assert filled.base is not None
    assert np.isfinite(filled.base.point).all()


def test_only_some_series_have_a_base() -> None:
    """Of a series whose own future is not whole, base and difference are empty; others have theirs."""
    table = pd.concat([demand(2, name="a"), demand(3, name="b").iloc[: -AHEAD + 5], demand(4, name="c")])
    read = ReadConfig(id="shop", target=("y",), known=("price",))
    result = ask(table, {"price": 8}, read)
    assert result.base is not None
    assert np.isnan(result.base.point).all(axis=1).tolist() == [False, True, False]
    (said,) = found(result, "W004")
    assert "1 of 3 series, 'b'" in said.message
    alone = ask(table[table["shop"] != "b"], None, read)
    np.testing.assert_allclose(result.base.point[[0, 2]], alone.point)


def test_events_can_be_set(tmp_path: Path) -> None:
    """An event on a day on which none is planned moves the forecast as those of the past did."""
    table = demand()
    days = table["day"][table["price"] == 8].dt.strftime("%Y-%m-%d")
    events = tmp_path / "events.csv"
    events.write_text("date,name\n" + "".join(f"{day},sale\n" for day in days))
    read = ReadConfig(target=("y",), time="day", known=(), events=str(events))
    result = ask(table[["day", "y"]].iloc[:-AHEAD], {"event sale": "1@2024-10-09"}, read)
    assert result.difference is not None
    assert result.base is not None
    share = result.difference[0] / result.base.point[0]
    np.testing.assert_allclose(share, np.eye(AHEAD)[2] * 0.5, atol=0.05)


def test_names_of_the_table_do_not_collide() -> None:
    """An id column called base is an error before the work."""
    table = demand().rename(columns={"shop": "base"})
    with pytest.raises(UsageError, match="already has a column 'base'"):
        ask(table, {"price": 8}, ReadConfig(id="base", target=("y",), known=("price",)))


def test_sums_of_a_hierarchy_add_up(tmp_path: Path) -> None:
    """Of forecast, base and difference alike, as they are printed; an event is known of every level."""
    table = pd.concat([demand(2, name="north/a"), demand(3, name="north/b"), demand(4, name="south/c")])
    days = table["day"][(table["price"] == 8) & (table["shop"] == "north/a")].dt.strftime("%Y-%m-%d")
    events = tmp_path / "events.csv"
    events.write_text("date,name\n" + "".join(f"{day},sale\n" for day in days))
    table = table.dropna(subset="y")[["shop", "day", "y"]]
    read = ReadConfig(time="day", target=("y",), known=(), events=str(events), hierarchy=("shop",))
    asked = {"event sale": "1@2024-10-09"}
    frame = ask(table, asked, read).to_frame(digits=None)
    assert frame["base"].tolist() == ask(table, None, read).to_frame(digits=None)["forecast"].tolist()
    bottom = frame[frame["shop"].str.contains("/")].groupby("day")
    whole = frame[frame["level"] == "total"].set_index("day")
    for column in ("forecast", "base", "difference"):
        np.testing.assert_allclose(bottom[column].sum(), whole[column], rtol=0, atol=1e-8)
    assert whole["difference"].abs().max() > 20


def test_values_beyond_all_measure() -> None:
    """Where no finite forecast comes of a change, the change is what the error names."""
    table = demand()

    def broken(panel: Panel) -> Forecast:
        assert panel.known is not None
        if (panel.known.values > 1e9).any():
            raise ModelError("the forecast is not finite")
        return forecast_pretrained(panel, AHEAD)

    panel = load(table, READ).panel
    with pytest.raises(UsageError, match="'price=1e10': so far from what the past had"):
        what_if(panel, {"price": "1e10"}, AHEAD, broken)
    assert what_if(panel, {"price": 8}, AHEAD, broken).base is not None


@pytest.mark.parametrize("name", ["forecast", "lo_80"])
def test_no_column_of_the_user_is_replaced(name: str) -> None:
    """An id column called as one of the forecast is an error; it was replaced in silence once."""
    table = demand().rename(columns={"shop": name})
    plain = ask(table, None, ReadConfig(id=name, target=("y",), known=("price",)))
    with pytest.raises(UsageError, match=f"already has a column '{name}', which forecasts need"):
        plain.to_frame()


def test_directions_differ_by_the_short_way() -> None:
    """From 350 to 10 are 20 degrees."""
    result = ask(demand(), {"price": 8})
    assert result.possible is not None
    result.possible.limits.circle[:] = 360.0
    around = result._apart(np.array([[10.0, 350.0, 90.0]]), np.array([[350.0, 10.0, 30.0]]))
    np.testing.assert_allclose(around, [[20.0, -20.0, 60.0]])


def test_decimals_of_a_difference() -> None:
    """As many as the finer of the two tables has for the series."""
    one = {"forecast": np.array([[1234.5678], [0.00123456]])}
    other = {"forecast": np.array([[1234.5], [0.1]])}
    apart = rounded(one, 4)["forecast"] - rounded(other, 4)["forecast"]
    np.testing.assert_array_equal(rounded_like(apart, (one, other), 4), [[1.0], [-0.098765]])
