"""Events of a file as known columns: beside a loop over rows and events, and what is refused or reported."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from read_as import bare

from forecaster.config import ReadConfig
from forecaster.data.calendar.frequency import frequency
from forecaster.data.covariates.day_rows import Rows
from forecaster.data.covariates.event_columns import FEW, event_columns
from forecaster.data.covariates.events import ALL, Events
from forecaster.data.load import load
from forecaster.errors import DataError, StorageError, UsageError

DAY = 86_400_000_000_000
HOUR = DAY // 24


def loaded_with(tmp_path, text, times, *, ahead=0, ids=None, name="events.csv", **settings):
    """The data with events of a CSV file."""
    (tmp_path / name).write_text(text)
    frame = pd.DataFrame({"when": times, "y": np.arange(len(times)) % 5 + 1.0})
    if ids:
        frame = pd.concat([frame.assign(shop=id) for id in ids])
    return load(frame, bare(events=str(tmp_path / name), **settings), ahead=ahead)


def column(panel, name):
    """A known column; of a category its words."""
    at = panel.known.names.index(name)
    values, words = panel.known.values[:, at], panel.known.words[at]
    return values if words is None else [words[int(code)] for code in values]


def daily(count, start="2024-01-01"):
    return pd.date_range(start, periods=count, freq="D")


def codes(loaded):
    return {finding.code: finding for finding in loaded.findings if finding.code[0] == "H"}


@st.composite
def tables(draw):
    """Rows of two series, and events for one of them or for both."""
    exact = draw(st.booleans())
    alias = "h" if exact else draw(st.sampled_from(["D", "W-MON", "MS"]))
    size = {"h": HOUR, "D": DAY, "W-MON": 7 * DAY}.get(alias)
    lengths = draw(st.lists(st.integers(1, 30), min_size=2, max_size=2))
    time = []
    for length in lengths:
        first = draw(st.integers(0, 20))
        if size:
            time.append(
                (first * (size // DAY or 1)) * (DAY if not exact else HOUR) + np.arange(length) * size
            )
        else:
            months = np.datetime64("1970-01", "M") + first + np.arange(length)
            time.append(months.astype("M8[ns]").astype(np.int64))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    past = np.concatenate([np.arange(n) < draw(st.integers(1, n)) for n in lengths])
    rows = Rows(np.concatenate(time), offsets, past, frequency(alias), None)
    unit = HOUR // 4 if exact else 1
    reach = 260 if exact or alias == "MS" else 400
    count = draw(st.integers(1, 8))
    numbers = st.lists(st.integers(-5, reach), min_size=count, max_size=count)
    start = np.array(draw(numbers), np.int64) * unit
    length = np.array(draw(st.lists(st.integers(1, 40), min_size=count, max_size=count)), np.int64) * unit
    sized = draw(st.booleans())
    value = np.array(draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count)), float)
    kinds = draw(st.sampled_from([1, 3, FEW + 2]))
    kind = np.array(draw(st.lists(st.integers(0, kinds - 1), min_size=count, max_size=count)), np.int64)
    owner = np.array(draw(st.lists(st.sampled_from([ALL, 0, 1]), min_size=count, max_size=count)), np.int64)
    names = tuple(f"k{number:02}" for number in range(kinds))
    value = value if sized else np.ones(count)
    return Events("events.csv", names, kind, start, start + length, owner, value, exact, sized), rows


def naive_parts(events, rows, row, suffix):
    """For each part of a row (its days, or itself): the events there, by a loop."""
    series = int(np.searchsorted(rows.offsets, row, "right")) - 1
    if events.exact:
        parts = [(rows.time[row], rows.time[row] + HOUR)]
    else:
        spans = next(spans for spans in rows.spans if spans.suffix == suffix)
        parts = [(day, day + 1) for day in range(spans.first[row], spans.last[row] + 1)]
    return [
        [
            event
            for event in range(len(events.kind))
            if events.owner[event] in (ALL, series) and events.start[event] < b and events.stop[event] > a
        ]
        for a, b in parts
    ]


def naive_total(events, parts):
    """Values add up over events and parts of a row; without values each part counts once."""
    if events.sized:
        return sum(events.value[event] for part in parts for event in part)
    return sum(bool(part) for part in parts)


@settings(deadline=None, max_examples=150)
@given(tables())
def test_columns_are_those_of_a_loop(table) -> None:
    """Hours with exact times, and days, weeks and months with whole days; few names and many."""
    events, rows = table
    columns, _ = event_columns(events, rows, ("a", "b"))
    suffixes = [""] if events.exact else [spans.suffix for spans in rows.spans]
    for suffix in suffixes:
        for row in range(len(rows.time)):
            parts = naive_parts(events, rows, row, suffix)
            if len(events.kinds) <= FEW:
                for k, kind in enumerate(events.kinds):
                    mine = [[event for event in part if events.kind[event] == k] for part in parts]
                    got = columns.values[row, columns.names.index(f"event {kind}{suffix}")]
                    assert got == naive_total(events, mine)
                continue
            got = columns.values[row, columns.names.index(f"events{suffix}")]
            assert got == naive_total(events, parts)
            at = columns.names.index(f"event{suffix}")
            newest = max(
                (event for part in parts for event in part), key=lambda e: (events.start[e], e), default=None
            )
            expected = "none" if newest is None else events.kinds[events.kind[newest]]
            word = columns.words[at][int(columns.values[row, at])]
            assert word == expected or (
                word == "none" and expected not in columns.words[at] and not rows.past[row]
            )


@settings(deadline=None, max_examples=60)
@given(tables())
def test_each_event_is_in_the_data_or_ahead_or_outside(table) -> None:
    """The finding counts each event once."""
    events, rows = table
    _, findings = event_columns(events, rows, ("a", "b"))
    message = findings[0].message
    suffixes = [""] if events.exact else [spans.suffix for spans in rows.spans]
    on = {True: set(), False: set()}
    for row in range(len(rows.time)):
        for suffix in suffixes:
            on[bool(rows.past[row])] |= {e for part in naive_parts(events, rows, row, suffix) for e in part}
    past, ahead = on[True], on[False] - on[True]
    assert f"{len(past)} in the data" in message
    assert (f", {len(ahead)} ahead" in message) == bool((~rows.past).any())
    outside = len(events.kind) - len(past | ahead)
    assert (f"{outside} on none of these rows" in message) == bool(outside)


def test_days_and_series(tmp_path: Path) -> None:
    """One day for all, ten days for one shop with a value; the last day is included."""
    text = "start,end,name,shop,value\n2024-01-05,,sale,,1\n2024-02-01,2024-02-10,sale,b,0.5\n"
    panel = loaded_with(tmp_path, text, daily(60), ids=["a", "b"], ahead=4).panel
    sale = column(panel, "event sale")
    a, b = np.zeros(64), np.zeros(64)
    a[4] = b[4] = 1
    b[31:41] = 0.5
    np.testing.assert_array_equal(sale, np.r_[a, b])


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York"])
def test_dates_and_times_on_the_clock_of_the_data(tmp_path: Path, zone: str | None) -> None:
    """A date is all hours of the local day, also where a day has 23 or 25; times are on the local clock."""
    times = pd.date_range("2024-03-25", "2024-04-10", freq="h", tz=zone)
    text = "date,name\n2024-03-31,longer night\n2024-04-02,fair\n"
    panel = loaded_with(tmp_path, text, times, ahead=5, **({"tz": zone} if zone else {})).panel
    day = np.r_[times.strftime("%m-%d"), [""] * 5]
    np.testing.assert_array_equal(column(panel, "event longer night"), day == "03-31")
    assert column(panel, "event longer night").sum() == (23 if zone == "Europe/Berlin" else 24)
    text = "start,end,name\n2024-04-02 10:30,2024-04-02 13:00,work\n2024-04-03 07:00,,check\n"
    panel = loaded_with(tmp_path, text, times, **({"tz": zone} if zone else {})).panel
    hour = times.strftime("%m-%d %H")
    np.testing.assert_array_equal(
        column(panel, "event work"), hour.isin(["04-02 10", "04-02 11", "04-02 12"])
    )
    np.testing.assert_array_equal(column(panel, "event check"), hour == "04-03 07")


def test_offsets_in_the_file(tmp_path: Path) -> None:
    """Times with an offset are that moment; against data without a zone they are refused."""
    text = "start,end,name\n2024-05-01T22:00:00Z,2024-05-02T01:00:00Z,work\n"
    times = pd.date_range("2024-05-01", periods=80, freq="h", tz="Europe/Berlin")
    work = column(loaded_with(tmp_path, text, times).panel, "event work")
    assert times[work > 0][0] == pd.Timestamp("2024-05-02 00:00", tz="Europe/Berlin") and work.sum() == 3
    days = pd.date_range("2024-05-01", periods=80, freq="D", tz="Europe/Berlin")
    assert np.flatnonzero(column(loaded_with(tmp_path, text, days).panel, "event work")).tolist() == [1]
    with pytest.raises(DataError, match="has UTC offsets, and the times of the data have none"):
        loaded_with(tmp_path, text, times.tz_localize(None))


def test_forms_of_the_file(tmp_path: Path) -> None:
    """Another delimiter, day-first dates, headers in capitals, Parquet, and a file without names."""
    text = "Date;Name\n25.12.2023;x\n14.1.2024;y\n"
    panel = loaded_with(tmp_path, text, daily(30)).panel
    assert np.flatnonzero(column(panel, "event y")).tolist() == [13]
    panel = loaded_with(tmp_path, "start,end\n2024-01-03,2024-01-03\n", daily(30), name="sale.csv").panel
    assert np.flatnonzero(column(panel, "event sale")).tolist() == [2]
    table = pd.DataFrame({"day": [datetime.date(2024, 1, 4)], "event": ["z"], "when changed": [3]})
    table.to_parquet(tmp_path / "events.parquet")
    frame = pd.DataFrame({"when": daily(30), "y": np.arange(30.0)})
    loaded = load(frame, bare(events=str(tmp_path / "events.parquet")))
    assert np.flatnonzero(column(loaded.panel, "event z")).tolist() == [3]
    (tmp_path / "wide.csv").write_bytes("date,name,value\n2024-01-05,ä,1e20\n".encode("utf-16"))
    found = load(frame, bare(events=str(tmp_path / "wide.csv"))).findings
    assert "R001" in [each.code for each in found]  # what was repaired in the file is said, too
    assert any(each.code == "C002" and "'when changed'" in each.message for each in loaded.findings)


def test_dates_with_two_readings_are_read_as_those_of_the_data(tmp_path: Path) -> None:
    """02/01/2024 is the second of January where the data is day first; without such a sign it is refused."""
    text = "date,name\n02/01/2024,x\n"
    with pytest.raises(DataError, match="day first or month first") as caught:
        loaded_with(tmp_path, text, daily(30))
    assert "dates such as 2024-12-31" in caught.value.hint
    panel = loaded_with(tmp_path, text, daily(30).strftime("%d/%m/%Y")).panel
    assert np.flatnonzero(column(panel, "event x")).tolist() == [1]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("date,name\n2024-01-02,a\n2024-01-40,b\n", "events.csv, line 3, column 'date'"),
        ("date,name\n2024-01-02,a\n,b\n", "events.csv, line 3, column 'date': timestamp missing"),
        ("date,name\n2024-01-02,a\n2024-01-03,\n", "events.csv, line 3, column 'name': no name"),
        ("start,end,name\n2024-01-05,2024-01-04,a\n", "events.csv, line 2: the event ends on '2024-01-04'"),
        ("start,end,name\n2024-01-05 10:00,2024-01-04,a\n", "before it starts"),
        ("date,name,value\n2024-01-02,a,1\n2024-01-03,a,\n", "line 3, column 'value': no value"),
        ("date,name,value\n2024-01-02,a,much\n", "events.csv, line 2, column 'value'"),
        ("what,name\n2024-01-02,a\n", "has no column of dates; its columns are 'what', 'name'"),
        ("date,start,name\n2024-01-02,2024-01-02,a\n", "both 'date' and 'start'"),
        ("date,day,name\n2024-01-02,2024-01-02,a\n", "'date', 'day' could be the same"),
        ("date,what\n2024-01-02,a\n", "no column of names"),
        ("date,name\n2024-01-02,a,b,c\n", "events.csv"),
        ("", "events.csv"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    """The error names file, line and column, and its hint is about the file of events, not about the data."""
    with pytest.raises(DataError) as caught:
        loaded_with(tmp_path, text, daily(30))
    assert fault in caught.value.message
    assert caught.value.hint and "--" not in caught.value.hint


def test_no_file(tmp_path: Path) -> None:
    """A missing file, a folder and standard input."""
    frame = pd.DataFrame({"when": daily(30), "y": np.arange(30.0)})
    with pytest.raises(StorageError, match="the events cannot be read: there is no file") as caught:
        load(frame, bare(events=str(tmp_path / "none.csv")))
    assert "--events FILE" in caught.value.hint
    for path in (str(tmp_path), "-"):
        with pytest.raises(UsageError, match="is not a file"):
            load(frame, bare(events=path))


def test_what_a_model_remembers_is_not_quoted(tmp_path: Path) -> None:
    """A model may name any file: its errors say nothing of the content."""
    secret = tmp_path / "secret.csv"
    secret.write_text("user,password\nme,hunter2\n")
    frame = pd.DataFrame({"when": daily(30), "y": np.arange(30.0)})
    with pytest.raises(DataError) as caught:
        load(frame, bare(events=str(secret)), remembered=True)
    assert "password" not in str(caught.value) and "hunter2" not in str(caught.value)
    assert f"forecast inspect DATA --events {secret}" in caught.value.hint


def test_a_part_of_an_id_names_no_series(tmp_path: Path) -> None:
    """Events of a store would hit every series of ids made of region and store: refused."""
    (tmp_path / "events.csv").write_text("date,name,store\n2024-01-05,sale,s1\n")
    frame = pd.DataFrame({"when": daily(30), "y": np.arange(30.0) % 4, "region": "N"})
    frame = pd.concat([frame.assign(store=store) for store in ("s1", "s2")])
    config = bare(id="region+store", target=("y",), events=str(tmp_path / "events.csv"))
    with pytest.raises(DataError, match="has the column 'store'") as error:
        load(frame, config)
    assert "'region+store'" in str(error.value)


def test_ids_that_are_in_no_series(tmp_path: Path) -> None:
    """They are left out, counted and named; their dates concern nobody."""
    text = "date,name,id\n2024-01-05,sale,a\n2024-01-06,sale,zz\n2024-01-07,sale,yy\n"
    loaded = loaded_with(tmp_path, text, daily(30), ids=["a", "b"])
    assert np.flatnonzero(column(loaded.panel, "event sale")).tolist() == [4]
    finding = codes(loaded)["H005"]
    assert (finding.count, finding.severity) == (2, "warning")
    assert finding.message.endswith("in no series: 'yy', 'zz'")
    with pytest.raises(DataError, match="H005"):
        loaded_with(tmp_path, text, daily(30), ids=["a", "b"], strict=True)


def test_events_given_twice(tmp_path: Path) -> None:
    """Equal rows are one event; those of other values add up."""
    text = "date,name,value\n2024-01-05,sale,2\n2024-01-05,sale,2\n2024-01-05,sale,0.5\n"
    loaded = loaded_with(tmp_path, text, daily(30))
    assert column(loaded.panel, "event sale")[4] == 2.5
    finding = codes(loaded)["H006"]
    assert (finding.count, finding.places) == (1, ("events.csv, line 3",))


def test_names_that_have_not_happened(tmp_path: Path) -> None:
    """An event ahead that a series never had is named, although another series had it."""
    text = "date,name,id\n2024-01-05,sale,a\n2024-02-01,sale,a\n2024-02-01,sale,b\n2024-02-01,fair,\n"
    loaded = loaded_with(tmp_path, text, daily(31), ids=["a", "b"], ahead=3)
    finding = codes(loaded)["H007"]
    assert (finding.count, finding.severity) == (3, "warning")
    assert finding.places == ("'fair' in 'a'", "'fair' in 'b'", "'sale' in 'b'")
    assert codes(loaded)["H004"].message == "events in events.csv: 4 of 2 names, 1 in the data, 3 ahead"
    assert "H007" not in codes(loaded_with(tmp_path, text, daily(31), ids=["a", "b"]))


def test_many_names_are_one_category(tmp_path: Path) -> None:
    """More than twenty names: the one that began last, and how many rows have any; new names are none."""
    lines = [f"2024-01-{day + 1:02},n{day:02}" for day in range(FEW + 3)]
    text = "\n".join(["date,name", *lines, "2024-02-02,later", "2024-02-03,n04"]) + "\n"
    loaded = loaded_with(tmp_path, text, daily(31), ahead=4)
    assert loaded.panel.known.names == ("event", "events")
    words = column(loaded.panel, "event")
    assert words == [f"n{day:02}" for day in range(FEW + 3)] + ["none"] * 10 + ["n04", "none"]
    assert column(loaded.panel, "events").sum() == FEW + 5
    assert "'later'" in codes(loaded)["H007"].message


def test_names_of_the_table_stay_its_own(tmp_path: Path) -> None:
    """An event whose column would have the name of a column of the table gets another."""
    (tmp_path / "events.csv").write_text("date,name\n2024-01-05,sale\n")
    frame = pd.DataFrame({"when": daily(30), "y": np.arange(30.0), "event sale": np.ones(30)})
    config = ReadConfig(
        positions=False, target=("y",), covariates=("event sale",), events=str(tmp_path / "events.csv")
    )
    panel = load(frame, config).panel
    assert panel.known.names == panel.known.made == ("event sale (calendar)",)


def test_a_relative_path_is_remembered_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a model finds it from any folder."""
    monkeypatch.chdir(tmp_path)
    Path("events.csv").write_text("date,name\n2024-01-05,sale\n")
    frame = pd.DataFrame({"when": daily(30), "y": np.arange(30.0)})
    loaded = load(frame, bare(events="events.csv"))
    assert loaded.read.events == str(tmp_path / "events.csv")
    again = load(frame, dataclasses.replace(loaded.read), ahead=5)
    assert len(again.panel.known.values) == 35
