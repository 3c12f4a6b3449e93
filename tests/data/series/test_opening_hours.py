"""Opening hours learned from the data: the grid of a panel, forecasts, and what is said."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import forecast

from forecaster.config import Options, ReadConfig, from_json, to_json
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.load import Loaded, load
from forecaster.errors import DataError, ModelError
from forecaster.pipeline.predict import predict
from forecaster.pipeline.train import train

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def bars(start: str, days: int, first: str, last: str, freq: str, weekdays: str = "Mon Tue Wed Thu Fri",
         closed: tuple[str, ...] = ()) -> pd.DatetimeIndex:  # fmt: skip
    """The bars of some days from `start` on."""
    found = [
        pd.date_range(f"{day:%Y-%m-%d} {first}", f"{day:%Y-%m-%d} {last}", freq=freq)
        for day in pd.date_range(start, periods=days)
        if WEEK[day.day_of_week] in weekdays.split() and f"{day:%Y-%m-%d}" not in closed
    ]
    return pd.DatetimeIndex(np.concatenate([day.to_numpy() for day in found]))


def table(times: pd.DatetimeIndex, **more: object) -> pd.DataFrame:
    """A random walk at these times."""
    walk = np.random.default_rng(3).normal(size=len(times)).cumsum()
    return pd.DataFrame({"time": times, "close": 100 + walk, **more})


def currency(start: str, end: str, freq: str = "h") -> pd.DatetimeIndex:
    """Bars from Sunday 17:00 until Friday 17:00, in New York."""
    hours = pd.date_range(start, end, freq=freq)
    day, hour = hours.day_of_week, hours.hour
    return hours[(day < 4) | ((day == 4) & (hour < 17)) | ((day == 6) & (hour >= 17))]


def coming(loaded: Loaded, count: int = 2) -> list[str]:
    """The times after the last one, on the clock of the data."""
    panel = loaded.panel
    ahead = panel.frequency.future_times(int(panel.time.max()), count, panel.names.tz)
    return pd.DatetimeIndex(ahead.view("M8[ns]")).strftime("%a %m-%d %H:%M").tolist()


def codes(loaded: Loaded) -> dict[str, int]:
    """Findings as code: count."""
    return {finding.code: finding.count for finding in loaded.findings}


EXCHANGE = bars("2024-01-01", 40, "09:05", "17:30", "5min")
US = bars("2024-01-01", 200, "09:30", "15:30", "h")
LEARNED = {
    "an exchange": (EXCHANGE, "5min@Mon-Fri/09:05-17:30", "Fri 02-09 17:30", "Mon 02-12 09:05"),
    "a week of it": (EXCHANGE[:510], "5min@Mon-Fri/09:05-17:30", "Fri 01-05 17:30", "Mon 01-08 09:05"),
    "three days": (EXCHANGE[:306], "5min@Mon-Fri/09:05-17:30", "Wed 01-03 17:30", "Thu 01-04 09:05"),
    "two days": (EXCHANGE[:204], "5min@Mon-Fri/09:05-17:30", "Tue 01-02 17:30", "Wed 01-03 09:05"),
    "and a morning": (EXCHANGE[:234], "5min@Mon-Fri/09:05-17:30", "Wed 01-03 11:30", "Wed 01-03 11:35"),
    "cut days": (EXCHANGE[50:450], "5min@Mon-Fri/09:05-17:30", "Fri 01-05 12:30", "Fri 01-05 12:35"),
    "hours": (US, "h@Mon-Fri/09:30-15:30", "Thu 07-18 15:30", "Fri 07-19 09:30"),
    "a break": (
        bars("2024-01-01", 40, "09:00", "11:00", "h").union(bars("2024-01-01", 40, "12:30", "14:30", "h")),
        "h@Mon-Fri/09:00-11:00+12:30-14:30", "Fri 02-09 14:30", "Mon 02-12 09:00"),
    "currency": (currency("2024-01-07 17:00", "2024-06-28 20:00"),
                 "h@Mon-Thu,Fri/00:00-16:00,Sun/17:00-23:00", "Fri 06-28 16:00", "Sun 06-30 17:00"),
    "two weeks of it": (currency("2024-01-09 19:00", "2024-01-22 22:00"),
                        "h@Mon-Thu,Fri/00:00-16:00,Sun/17:00-23:00", "Mon 01-22 22:00", "Mon 01-22 23:00"),
    "one weekend of it": (currency("2024-01-09 19:00", "2024-01-19 16:00"),
                          "h@Mon-Thu,Fri/00:00-16:00,Sun/17:00-23:00", "Fri 01-19 16:00", "Sun 01-21 17:00"),
    "one weekend of weekdays": (bars("2024-01-03", 9, "00:00", "23:00", "h"), "h@Mon-Fri",
                                "Thu 01-11 23:00", "Fri 01-12 00:00"),
    "around the clock on weekdays": (bars("2024-01-01", 26, "00:00", "23:00", "h"), "h@Mon-Fri",
                                     "Fri 01-26 23:00", "Mon 01-29 00:00"),
    "a shop": (bars("2024-01-01", 27, "08:00", "20:00", "30min", "Mon Tue Wed Thu Fri Sat"),
               "30min@Mon-Sat/08:00-20:00", "Sat 01-27 20:00", "Mon 01-29 08:00"),
    "an office": (
        bars("2024-01-01", 39, "08:00", "17:00", "h", "Mon Tue Wed Thu")
        .union(bars("2024-01-01", 39, "08:00", "12:00", "h", "Fri")),
        "h@Mon-Thu/08:00-17:00,Fri/08:00-12:00", "Thu 02-08 17:00", "Fri 02-09 08:00"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEARNED)
def test_sessions_are_learned(name: str) -> None:
    """Closed hours are no rows and no gaps, forecasts fall on the next open bar, and that is said."""
    times, alias, last, following = LEARNED[name]
    loaded = load(table(times))
    panel = loaded.panel
    assert panel.frequency.alias == alias
    assert len(panel.time) == len(times)
    assert codes(loaded) == {"D008": 1}
    assert times[-1].strftime("%a %m-%d %H:%M") == last
    assert coming(loaded)[0] == following
    again = load(table(times), from_json(ReadConfig, to_json(loaded.read)))
    assert again.panel.frequency == panel.frequency
    assert from_json(Frequency, to_json(panel.frequency)) == panel.frequency


HOURS = pd.date_range("2024-01-01", periods=24 * 60, freq="h")
RANDOM = np.random.default_rng(7).random(len(HOURS))
DAYLIGHT = HOURS[np.abs(HOURS.hour - 12) < 4 + 3 * np.sin(np.arange(len(HOURS)) / 200)]
NO_SESSIONS = {
    "around the clock": HOURS,
    "missing at random": HOURS[RANDOM < 0.6],
    "three days, missing at random": HOURS[:72][RANDOM[:72] < 0.6],
    "two days, one cut": EXCHANGE[1:204],
    "two days with a short night": bars("2024-01-01", 2, "00:00", "20:00", "h"),
    "an outage over a weekend": HOURS[(HOURS < "2024-01-06 03:00") | (HOURS > "2024-01-08 08:00")],
    "one outage": HOURS[(HOURS < "2024-01-20") | (HOURS > "2024-01-25")],
    "a pause of one hour": HOURS[HOURS.hour != 3],
    "nights of three lengths": pd.date_range("2024-01-01", periods=864, freq="5min")[
        np.r_[0:100, 170:400, 500:670, 820:864]
    ],
}


@pytest.mark.parametrize("name", NO_SESSIONS)
def test_no_sessions_are_learned(name: str) -> None:
    """Gaps that chance or an outage may have made stay gaps."""
    times = NO_SESSIONS[name]
    panel = load(table(times)).panel
    assert "@" not in panel.frequency.alias
    assert len(panel.time) == len(pd.date_range(times[0], times[-1], freq=panel.frequency.alias))


def test_a_step_that_is_named_means_all_hours() -> None:
    """--freq h includes closed hours, and so does the hint of the finding."""
    loaded = load(table(US))
    (finding,) = loaded.findings
    assert finding.message == "all rows lie on Mon-Fri 09:30-15:30"
    assert finding.action.endswith("--freq h includes them")
    assert load(table(US), ReadConfig(freq="h")).panel.frequency.alias == "h"
    times = LEARNED["a break"][0]
    (finding,) = load(table(times)).findings
    assert finding.action.endswith("--freq 30min includes them")
    assert load(table(times), ReadConfig(freq="30min")).panel.frequency.alias == "30min"
    assert load(table(US[:14]), ReadConfig(freq="h@Mon-Fri/09:30-15:30")).panel.lengths.tolist() == [14]


def test_missing_bars_are_gaps_and_missing_days_are_none() -> None:
    """A missing bar is not observed; a closed day is no row; a long run of closed days is a gap."""
    closed = ("2024-01-15", "2024-02-01", "2024-02-02")
    times = bars("2024-01-01", 60, "09:30", "15:30", "h", closed=closed)
    loaded = load(table(times.delete([10, 40, 41])))
    assert codes(loaded) == {"D008": 1, "D002": 3}
    assert len(loaded.panel.time) == len(times)
    assert (~loaded.panel.target_observed).nonzero()[0].tolist() == [10, 40, 41]
    fortnight = times[(times < "2024-02-05") | (times > "2024-02-17")]
    loaded = load(table(fortnight), ReadConfig(max_gap=40))
    assert codes(loaded) == {"D008": 1, "D002": 84, "V006": 1}
    assert len(loaded.panel.spans.start) == 2


def test_thin_trading() -> None:
    """Where two bars in five are missing at random, the hours are still those of the exchange."""
    times = EXCHANGE[np.random.default_rng(5).random(len(EXCHANGE)) < 0.6]
    panel = load(table(times)).panel
    assert panel.frequency.alias == "5min@Mon-Fri/09:05-17:30"
    assert panel.target_observed.sum() == len(times)
    assert set(panel.time.tolist()) <= set(EXCHANGE.as_unit("ns").asi8.tolist())


def test_thin_trading_before_the_usual_hours() -> None:
    """Where few of the bars before the opening have a trade, the hours begin with them."""
    early = bars("2024-01-01", 60, "04:00", "09:29", "min")
    early = early[np.random.default_rng(6).random(len(early)) < 0.05]
    times = bars("2024-01-01", 60, "09:30", "15:59", "min").union(early)
    panel = load(table(times)).panel
    assert panel.frequency.alias == "min@Mon-Fri/04:00-15:59"
    assert panel.target_observed.sum() == len(times)


def test_currency_with_missing_bars() -> None:
    """Minutes that are missing at random hide neither the only weekend nor the hours of Friday and Sunday."""
    hours = "Mon-Thu,Fri/00:00-16:{0},Sun/17:00-23:{0}"
    for freq, start, end, last in (
        ("min", "2024-01-03", "2024-01-11", 59),
        ("15min", "2024-01-01", "2024-01-14 23:59", 45),
        ("15min", "2024-01-01", "2024-02-20", 45),
    ):
        times = currency(start, end, freq)
        times = times[np.random.default_rng(8).random(len(times)) > 0.02]
        assert load(table(times)).panel.frequency.alias == f"{freq}@{hours.format(last)}"


def test_rows_at_closed_hours() -> None:
    """A special session now and then is kept and named, and not taken for opening hours."""
    extra = pd.DatetimeIndex(["2024-01-06 10:30", "2024-01-10 16:00"])
    loaded = load(table(US.union(extra)))
    assert loaded.panel.frequency.alias == "h@Mon-Fri/09:30-15:30"
    finding = next(f for f in loaded.findings if f.code == "D009")
    assert (finding.count, finding.places) == (2, ("2024-01-06 10:30:00", "2024-01-10 16:00:00"))
    assert loaded.panel.target_observed.all()
    assert len(loaded.panel.time) == len(US) + 2
    with pytest.raises(DataError, match="does not lie on its grid of h@Mon-Fri/09:30-12:30"):
        load(table(US), ReadConfig(freq="h@Mon-Fri/09:30-12:30"))


def test_series_of_one_table_share_their_hours() -> None:
    """All series count the same bars, also one that ends early, starts late or trades thinly."""
    whole, part = table(EXCHANGE, id="a"), table(EXCHANGE[700:2000], id="b")
    part = part[np.random.default_rng(2).random(len(part)) < 0.8]
    panel = load(pd.concat([whole, part])).panel
    assert panel.lengths[0] == len(EXCHANGE)
    times = panel.time[panel.offsets[1] :]
    where = np.searchsorted(EXCHANGE.as_unit("ns").asi8, times)
    assert (np.diff(where) == 1).all()
    assert panel.target_observed[panel.offsets[1] :].sum() == len(part)


@pytest.mark.parametrize("kind", ["offsets", "utc", "naive"])
def test_hours_that_change_with_the_clocks_of_a_place(kind: str) -> None:
    """In UTC, an exchange opens an hour earlier in summer; its hours are learned on the clock of its zone."""
    local = bars("2024-01-01", 390, "09:30", "15:30", "h").tz_localize("America/New_York")
    utc = local.tz_convert("UTC")
    times = {"offsets": local.map(str), "utc": utc, "naive": utc.tz_localize(None)}[kind]
    loaded = load(table(times))
    assert loaded.panel.frequency.alias == "h@Mon-Fri/09:30-15:30@America/New_York"
    assert len(loaded.panel.time) == len(local)
    assert "D002" not in codes(loaded)
    first = pd.Timestamp(loaded.panel.frequency.future_times(int(utc[300].as_unit("ns").value), 1)[0])
    assert first == utc[301].tz_localize(None)
    zoned = load(table(utc), ReadConfig(tz="America/New_York")).panel
    assert zoned.frequency.alias == "h@Mon-Fri/09:30-15:30"
    assert zoned.time.tolist() == loaded.panel.time.tolist()
    again = load(table(times), from_json(ReadConfig, to_json(loaded.read)))
    assert again.panel.time.tolist() == loaded.panel.time.tolist()


def test_ticks_on_a_grid_keep_to_the_sessions() -> None:
    """Trades put on a grid of five minutes have the hours of the exchange; --freq 5min has all hours."""
    seconds = bars("2024-01-01", 10, "09:30:00", "15:59:59", "s")
    ticks = table(seconds[np.random.default_rng(4).random(len(seconds)) < 0.05])
    loaded = load(ticks, ReadConfig(every="5min"))
    assert loaded.panel.frequency.alias == "5min@Mon-Fri/09:30-15:55"
    again = load(ticks, from_json(ReadConfig, to_json(loaded.read)))
    assert again.panel.time.tolist() == loaded.panel.time.tolist()
    assert load(ticks, ReadConfig(every="5min", freq="5min")).panel.frequency.alias == "5min"
    named = load(ticks, ReadConfig(freq="5min@Mon-Fri/09:30-15:55", agg="mean"))
    assert named.panel.time.tolist() == loaded.panel.time.tolist()


def test_holidays_of_sessions() -> None:
    """Days closed every year are learned, and left out of forecasts."""
    closed = tuple(f"{year}-{day}" for year in range(2021, 2026) for day in ("07-04", "12-25"))
    loaded = load(table(bars("2021-01-04", 1600, "09:30", "15:30", "h", closed=closed)))
    assert codes(loaded) == {"D008": 1, "D007": 1}
    assert [str(rule) for rule in loaded.panel.frequency.holidays] == ["4 Jul", "25 Dec"]
    last = pd.Timestamp("2025-07-03 15:30").as_unit("ns").value
    (ahead,) = loaded.panel.frequency.future_times(last, 1)
    assert pd.Timestamp(ahead) == pd.Timestamp("2025-07-07 09:30")


def test_a_forecast_from_other_files() -> None:
    """A model forecasts open bars from a file too short to show the hours, and refuses rows of all hours."""
    hourly = bars("2024-01-01", 60, "09:30", "15:30", "h")
    model = train(table(hourly), options=Options(horizon=8, effort="quick", steps=20)).model
    with_hours = load(table(hourly[:45]), usual="h").panel  # of a model of all hours
    assert with_hours.frequency.alias == "h"
    ahead = predict(model, table(hourly[:45])).to_frame()["time"]
    assert ahead.tolist() == hourly[45:53].tolist()
    ahead = predict(model, table(hourly[30:32])).to_frame()["time"]
    assert ahead.tolist() == hourly[32:40].tolist()
    with pytest.raises(ModelError, match="of frequency h@Mon-Fri/09:30-15:30"):
        predict(model, table(pd.date_range("2024-03-01 00:30", periods=80, freq="h")))


def test_the_command_line_tells_of_sessions(tmp_path: Path) -> None:
    """inspect and the model card name the hours, and a forecast over a weekend falls on open bars."""
    table(bars("2024-01-01", 33, "09:30", "15:30", "h")).to_csv(tmp_path / "x.csv", index=False)
    shown = json.loads(forecast("inspect", "x.csv", "--json", cwd=tmp_path).stdout)
    assert shown["frequency"] == "h@Mon-Fri/09:30-15:30"
    assert shown["season"] == 7
    assert shown["trading days"].startswith("Mon-Fri 09:30-15:30;")
    forecast("train", "x.csv", "--horizon", "8", "--effort", "quick", cwd=tmp_path)
    card = json.loads(forecast("show", "--json", cwd=tmp_path).stdout)
    assert card["data"]["frequency"] == "h@Mon-Fri/09:30-15:30"
    rows = forecast("predict", cwd=tmp_path).stdout.splitlines()[1:]
    assert [row[:16] for row in rows] == [f"2024-02-05 {at:02}:30" for at in range(9, 16)] + [
        "2024-02-06 09:30"
    ]
