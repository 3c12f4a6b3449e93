"""Time parts: a date in one column and the time of day in another, or a number for each part of the time.

So loggers, exchanges and grid operators write their times. Columns are joined without being asked where their
names and all their cells allow one meaning: no other column holds full timestamps, and dates repeat.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Ints
from forecaster.config import Hours, ReadConfig
from forecaster.data.findings import Finding, info
from forecaster.data.labels import shown
from forecaster.data.parsing.intervals import HOURS, starts_of_hours
from forecaster.data.parsing.looks import DATE_ONLY, all_match, plain
from forecaster.data.parsing.numbers import is_text
from forecaster.data.parsing.time_formats import NAMED
from forecaster.data.parsing.times import parse_times
from forecaster.data.roles.kinds import distinct, kind_of, whole_numbers
from forecaster.data.roles.known_names import (
    CLOCK_NAMES,
    DATE_NAMES,
    FIRST_WORDS,
    LAST_HOURS,
    PARTS,
    RANGES,
    UTC_WORDS,
    parts_named,
    ranked,
)
from forecaster.data.roles.part_columns import is_clock, parts_held
from forecaster.data.roles.repeats import ZONES
from forecaster.data.roles.time_text import (
    EIGHT_DIGITS,
    MINUTE,
    are_date_numbers,
    dated,
    digital_clock,
    digits,
    from_day_of_year,
    last_letter,
    parts_of,
    stamps,
    text_of,
)
from forecaster.data.table import OnDemand, Table, makers_of
from forecaster.errors import DataError, ForecasterError

KNOWN_HOURS = (*PARTS["hour"], *PARTS["period"])
SOME_HOURS = 6
"""Different hours from which a column of another name, such as OPR_HR, holds hours."""
LONG_DAYS = {25: 24, 50: 48, 100: 96}
"""Parts of a day of 25 hours, and of other days."""
SAMPLE = 1000
"""Rows on which a way to join columns is tried first."""
_HOURS: dict[bool, tuple[str, Hours]] = {
    True: ("; hours 1 to 24, the first at 00:00", "1-24"),
    False: ("", "0-23"),
}


@dataclass(frozen=True)
class _Joined:
    """Columns that hold the time together."""

    names: tuple[str, ...]
    cells: Callable[[], pa.ChunkedArray]
    note: str = ""
    """What a reader should know about it."""
    hours: Hours | None = None
    """How hours are numbered, where they are."""


def join_time_columns(table: Table, config: ReadConfig) -> tuple[tuple[Table, ReadConfig], list[Finding]]:
    """The table with a column 'date+time' in place of the two, and the configuration that names it as time.

    `--time date+time` names two columns or more. Without `--time`, columns are joined if that makes sense in
    one way only. Any other table stays as it is. DataError for a column of hours that may begin at 0 or at 1.
    """
    unchanged = (table, config), list[Finding]()
    if config.time in table.columns:
        return unchanged
    if config.time is None:
        joined = _found(table, config)
    else:
        names = tuple(config.time.split("+"))
        if len(names) < 2 or not all(name in table.columns for name in names):
            return unchanged
        joined = _asked(table, names, config)
    if joined is None:
        return unchanged
    name = "+".join(joined.names)
    makers = {name: joined.cells} | makers_of(table.columns)
    columns = OnDemand({other: make for other, make in makers.items() if other not in joined.names})
    parsed = {other: column for other, column in table.parsed.items() if other not in joined.names}
    table = dataclasses.replace(table, columns=columns, parsed=parsed)
    message = f"times are made of {len(joined.names)} columns: {shown(name)}{joined.note}"
    config = dataclasses.replace(config, time=name, hours=joined.hours or config.hours)
    return (table, config), [info("C003", message, count=len(joined.names))]


def to_join(table: Table, time: str, config: ReadConfig) -> str:
    """The options that join column `time` with others that hold the time of day; empty without any."""
    if time not in table.columns:
        return ""
    config = dataclasses.replace(config, time=None)
    joined = _found(table, config)
    if joined is not None and time in joined.names:
        return f"--time {shlex.quote('+'.join(joined.names))}"
    for name in table.columns:
        if name != time and (is_clock(table, name) or parts_named(name)[:1] == ("hour",)):
            asked = dataclasses.replace(config, time=f"{time}+{name}", date_format=None)
            if _parses(table, asked):
                return f"--time {shlex.quote(f'{time}+{name}')}"
    return ""


def _parses(table: Table, config: ReadConfig) -> bool:
    """Whether the columns that `config` names are times; most are refused after a few rows."""
    columns = {name: table.columns[name] for name in (config.time or "").split("+")}
    for rows in (SAMPLE, table.rows):
        part = dataclasses.replace(table.parts[0], rows=min(rows, table.rows))
        head = Table({name: column.slice(0, rows) for name, column in columns.items()}, (part,))
        try:
            (joined, asked), _ = join_time_columns(head, config)
            times = parse_times(joined, asked.time or "", config.date_format, config.tz)
        except (ForecasterError, pa.ArrowException):
            return False
        if len(np.unique(times.ns)) == distinct(head, next(iter(columns))) and rows >= table.rows:
            return False  # nothing is gained
    return True


def _asked(table: Table, names: tuple[str, ...], config: ReadConfig) -> _Joined:
    """The columns that --time names: by their parts; as they are written, if a pattern is set for that.

    `hours` is set where columns were joined by their parts before.
    """
    pattern = "%" in (config.date_format or "") and config.hours is None
    joined = None if pattern else _by_parts(table, names, config) or _date_and_clock(table, names, config)
    return joined or _Joined(names, lambda: text_of([table.columns[name] for name in names], " "))


def _found(table: Table, config: ReadConfig) -> _Joined | None:
    """The columns that make the time where no single column holds it; None if there are none."""
    used = {config.id, *(config.target or ()), *config.input_columns}
    names = [name for name in table.columns if name not in used]
    timed = [name for name in names if kind_of(table, name, config.na) == "time"]
    if len(timed) > 1:  # 12.30.00 may be a date, too
        timed = [name for name in timed if plain(name) not in CLOCK_NAMES or not is_clock(table, name)]
    dates = [name for name in names if _are_dates(table, name, timed)]
    if any(name not in dates for name in timed):
        return None  # full timestamps
    if not dates:
        return _parts_found(table, names, config)
    date = _first_of(dates, ("date", "dates", *DATE_NAMES))
    others = [name for name in names if name not in dates]
    clock = _clock_beside(table, date, others) if date else None
    if not date or not clock:
        return None
    minutes = [name for name in others if name != clock and _are_minutes(table, name)]
    several = minutes[:1] if parts_held(table, clock)[:1] == ("hour",) and len(minutes) == 1 else []
    return _date_and_clock(table, (date, clock, *several), config)


def _are_minutes(table: Table, name: str) -> bool:
    """Whether a column holds minutes, or numbers the parts of an hour, as Delivery Interval 1 to 4 does."""
    if plain(name).split(" ")[-1] != "interval":
        return "minute" in parts_held(table, name)
    numbers = whole_numbers(table, name)
    return numbers is not None and numbers.min() == 1 and int(numbers.max()) in (2, 4, 6, 12)


def _are_dates(table: Table, name: str, timed: list[str]) -> bool:
    """Whether all cells of a column are dates without a time of day."""
    if name in table.parsed:
        column = table.parsed[name]
        if pa.types.is_date(column.type):
            return True
        return plain(name) in DATE_NAMES and are_date_numbers(table, name)
    column = table.columns[name]
    if pa.types.is_date(column.type):
        return True
    if pa.types.is_timestamp(column.type) and not column.null_count:
        day = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
        return bool((column.cast(pa.int64()).to_numpy() % day == 0).all())
    if not is_text(column.type):
        return plain(name) in DATE_NAMES and are_date_numbers(table, name)
    return (name in timed and all_match(column, DATE_ONLY)) or (
        plain(name) in DATE_NAMES and all_match(column, EIGHT_DIGITS)
    )


def _first_of(names: list[str], known: tuple[str, ...]) -> str | None:
    """The one name; of several, the one called date or time, that of the start, or that in UTC."""
    best = ranked(names, known)
    if len(names) == 1 or (best and plain(best[0]) in ("date", "time", "day")):
        return (best or names)[0]
    for words in (FIRST_WORDS, UTC_WORDS):
        some = [name for name in names if not set(plain(name).split(" ")).isdisjoint(words)]
        if len(some) == 1:
            return some[0]
    return next(iter(best), None)


def _clock_beside(table: Table, date: str, names: list[str]) -> str | None:
    """The column with the time of day of `date`; None without one, or where several may be it."""
    clocks = [name for name in names if is_clock(table, name)]
    clock = _first_of(clocks, CLOCK_NAMES) if clocks else None
    known = plain(date) in DATE_NAMES and clock is not None and plain(clock) in CLOCK_NAMES
    if clocks:
        return clock if known or (clock and _distinguishes(table, date, clock)) else None
    hours = [name for name in names if set(parts_held(table, name)) & {"hour", "period"}]
    hours = [name for name in hours if plain(name) in KNOWN_HOURS or distinct(table, name) >= SOME_HOURS]
    hours = hours or [name for name in names if plain(name) in CLOCK_NAMES and digital_clock(table, name)]
    hours = [name for name in hours if _distinguishes(table, date, name)]
    return hours[0] if len(hours) == 1 else None


def _distinguishes(table: Table, date: str, clock: str) -> bool:
    """Whether dates repeat, and most of their rows differ in the time of day."""
    dates = distinct(table, date)
    if 2 * dates > table.rows and dates > 1:
        return False
    return distinct(table, clock) > 1


def _date_and_clock(table: Table, names: tuple[str, ...], config: ReadConfig) -> _Joined | None:
    """A date and a time of day, which may be a number: 5, 0530 or 53000; None for other columns."""
    date, clock, *rest = names
    if is_clock(table, clock) and not rest:
        return _with_clock(table, date, clock, config)
    numbers = whole_numbers(table, clock)
    if numbers is None or not (is_text(table.columns[date].type) or _are_dates(table, date, [date])):
        return None
    if rest:
        minutes = whole_numbers(table, rest[0])
        if len(rest) > 1 or minutes is None or minutes.min() < 0 or minutes.max() > 59 or numbers.max() > 24:
            return None
        if plain(rest[0]).endswith("interval"):
            minutes = (minutes - 1) * (60 // parts_of(60, int(minutes.max()), config))
        ends = _are_last_hours(table, clock, numbers, config)
        return _Joined(names, lambda: dated(table, date, (numbers - ends) * 60 + minutes), *_HOURS[ends])
    held = parts_held(table, clock)
    if held and int(numbers.max()) in LONG_DAYS and numbers.min() == 1:
        return _on_long_days(table, names, numbers, config)
    if "period" in held and "hour" not in held:
        count = parts_of(1440, int(numbers.max()), config)
        if count not in (24, 48, 96) or numbers.min() < 1:
            return None
        if config.tz:  # a day of 23 hours has fewer
            return _on_long_days(table, names, numbers, config)
        note = f"; {count} parts of a day, the first at 00:00"
        return _Joined(names, lambda: dated(table, date, (numbers - 1) * (1440 // count)), note, "0-23")
    clocks = digital_clock(table, clock)
    if clocks is not None:
        return _Joined(names, lambda: dated(table, date, *clocks), "", "0-23")
    if numbers.min() < 0 or numbers.max() > 24:
        return None
    ends = _are_last_hours(table, clock, numbers, config)
    return _Joined(names, lambda: dated(table, date, (numbers - ends) * 60), *_HOURS[ends])


def _on_long_days(table: Table, names: tuple[str, ...], numbers: Ints, config: ReadConfig) -> _Joined:
    """A date and the number of a part of the day, counted from midnight on the clock of zone --tz.

    DataError without a zone: a day on which clocks go back has an hour more, which no clock time names.
    """
    count = parts_of(1440, int(numbers.max()), config)
    if config.tz is None:
        raise DataError(
            f"{table.name}: column {shown(names[1])} counts up to {count}, as on a day of 25 hours",
            hint=f"Set the zone whose clocks went back: {' or '.join(f'--tz {zone}' for zone in ZONES[:4])}",
        )
    minutes = 1440 // LONG_DAYS.get(count, count)
    days = Table({names[0]: text_of([table.columns[names[0]]], " ")}, table.parts)
    times = parse_times(days, names[0], config.date_format, config.tz)
    note = f"; parts of {minutes} minutes of each day, the first at 00:00 in {config.tz}"
    return _Joined(names, lambda: stamps(times.ns + (numbers - 1) * minutes * MINUTE), note, "1-24")


def _are_last_hours(table: Table, name: str, numbers: Ints, config: ReadConfig) -> bool:
    """Whether hours are 1 to 24; DataError where both 0 and 24 occur."""
    if config.hours is not None:
        return config.hours == "1-24"
    low, high = int(numbers.min()), int(numbers.max())
    if low == 0 and high == 24:
        raise DataError(
            f"{table.name}: column {shown(name)} holds hours from 0 to 24",
            hint="Say which begin the day: --hours 0-23 or --hours 1-24; and repair the others.",
        )
    return high == 24 or (low > 0 and plain(name) in LAST_HOURS)


def _with_clock(table: Table, date: str, clock: str, config: ReadConfig) -> _Joined:
    """A date, and a time of day as text; times from 01:00 to 24:00 name the end of each hour."""
    cells = pc.utf8_trim_whitespace(table.columns[clock])
    cells = starts_of_hours(cells) if all_match(cells, HOURS) else cells
    ends = config.hours == "1-24"
    if config.hours is None and pc.any(pc.match_substring_regex(cells, "^24:00")).as_py():
        ends = bool(pc.all(pc.match_substring_regex(cells, "^[0-9]{1,2}:00(:00)?$")).as_py())
        ends = ends and not pc.any(pc.match_substring_regex(cells, "^0?0:")).as_py()
    if not ends:
        return _Joined((date, clock), lambda: text_of([table.columns[date], cells], " "))
    hours = pc.struct_field(pc.extract_regex(cells, "^(?P<hour>[0-9]{1,2})"), "hour").cast(pa.int64())
    numbers = np.asarray(hours.to_numpy(), dtype=np.int64)
    return _Joined((date, clock), lambda: dated(table, date, (numbers - 1) * 60), *_HOURS[True])


def _parts_found(table: Table, names: list[str], config: ReadConfig) -> _Joined | None:
    """The columns of year, month, day and so on, from the year down to the last one; None without them."""
    held: dict[str, list[str]] = {}
    for name in names:
        for part in _parts_in(table, name):
            held.setdefault(part, []).append(name)
    if any(len(held.get(part, ())) != 1 for part in ("year",)):
        return None
    for below in (("month", "day"), ("day of year",), ("month",), ("week",), ("quarter",)):
        if all(len(held.get(part, ())) == 1 for part in below):
            break
    else:
        return None
    order = ["year", *below]
    if below[-1] in ("day", "day of year"):
        for part in ("hour", "minute", "second"):
            if len(held.get(part, ())) != 1 or held[part][0] in [held[each][0] for each in order]:
                break
            order.append(part)
    return _by_parts(table, tuple(held[part][0] for part in order), config)


def _parts_in(table: Table, name: str) -> tuple[str, ...]:
    """The parts that a column may hold; months may be names, quarters Q1 to Q4."""
    named = parts_named(name)
    column = table.columns[name] if named else None
    if column is not None and is_text(column.type):
        if "month" in named and all_match(column, rf"^ *{NAMED} *$"):
            return ("month",)
        if "quarter" in named and all_match(column, "^ *[Qq][1-4] *$"):
            return ("quarter",)
    return parts_held(table, name) if named else ()


def _by_parts(table: Table, names: tuple[str, ...], config: ReadConfig) -> _Joined | None:
    """Columns of numbers, one for each part of the time; None if they are anything else."""
    parts = _assigned(table, names)
    if parts is None or "year" not in parts:
        return None
    year = digits(parts["year"], 4)
    numbers = {part: cells for part, cells in parts.items() if isinstance(cells, np.ndarray)}
    if "quarter" in parts and len(parts) == 2:
        quarter = parts["quarter"]
        ends = digits(quarter, 1) if isinstance(quarter, np.ndarray) else last_letter(quarter)
        return _Joined(names, lambda: text_of([year, ends], "-Q"))
    if "week" in parts and len(parts) == 2:
        return _Joined(
            names, lambda: text_of([year, digits(parts["week"], 2)], "-W"), "; weeks from Monday on"
        )
    if "month" in parts and len(parts) == 2:
        month = parts["month"]
        if not isinstance(month, np.ndarray):
            return _Joined(names, lambda: text_of([month, year], " "))
        return _Joined(names, lambda: text_of([year, digits(month, 2)], "-"))
    if "day of year" in parts:
        date = from_day_of_year(numbers["year"], numbers["day of year"])
    elif {"month", "day"} <= set(parts):
        month = parts["month"]
        words = digits(month, 2) if isinstance(month, np.ndarray) else month
        date = text_of([year, words, digits(parts["day"], 2)], "-")
    else:
        return None
    if "hour" not in parts:
        return _Joined(names, lambda: date)
    hours = numbers["hour"]
    ends = _are_last_hours(table, names[list(parts).index("hour")], hours, config)
    minutes: Ints = (hours - ends) * 60
    minutes = minutes + numbers["minute"] if "minute" in numbers else minutes
    days = Table({"date": date}, table.parts)
    return _Joined(names, lambda: dated(days, "date", minutes, numbers.get("second")), *_HOURS[ends])


def _assigned(table: Table, names: tuple[str, ...]) -> dict[str, Ints | pa.ChunkedArray] | None:
    """The part that each column holds, with its cells; None if a column holds none or one is there twice."""
    parts: dict[str, Ints | pa.ChunkedArray] = {}
    for name in names:
        part = next((part for part in _parts_in(table, name) if part not in parts), None)
        if part is None or part not in RANGES:
            return None
        numbers = whole_numbers(table, name)
        parts[part] = table.columns[name] if numbers is None else numbers
    return parts
