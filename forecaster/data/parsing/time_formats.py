"""Time formats: patterns that split dates and times in text into parts, from which `times` chooses.

A pattern is applied to a whole column and every part is checked: two-digit years, leap seconds and days that
do not exist are refused, and so is 24:00 (but see `midnight`). A month, a quarter or a week is its first day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import DAY, MONTHS, SECOND
from forecaster.data.parsing.time_zones import utc_offsets

NAMED = (
    "(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
YEAR, DATE, NAME = "(?P<year>[0-9]{4})", "(?P<day>[0-9]{1,2})", rf"(?P<name>{NAMED})\.?"
MONTH = "(?P<month>[0-9]{1,2})"
QUARTER, SHORT = "(?P<quarter>[1-4])", "(?P<short>[0-9]{2})"
WEEKDAY = "(?:(?i:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?i:day)?[.]?,? )?"
CLOCK = (
    r"(?:[T ,]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])[Mm]?)?(?: ?(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?$"
)
POINTS = r"[T ,]+(?P<hour>[0-9]{1,2})[.](?P<minute>[0-9]{2})"  # as in 9.30, beside a date with points
SECONDS = POINTS + r"[.](?P<second>[0-9]{2})$"
DIGITS = (
    "^(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})[T :]"
    "(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?$"
)
FORMS = {
    "ymd": (
        *(f"^{YEAR}{mark}{MONTH}{mark}{DATE}{CLOCK}" for mark in ("-", "/", "[.]")),
        f"^{YEAR}[.] ?{MONTH}[.] ?{DATE}[.]{CLOCK}",
        f"^{YEAR}-{MONTH}-{DATE}{SECONDS}",
        DIGITS,
    ),
    "dmy": (
        *(f"^{DATE}{mark}{MONTH}{mark}{YEAR}{CLOCK}" for mark in ("/", "-", "[.] ?")),
        *(f"^{DATE}{mark}{MONTH}{mark}{YEAR}{SECONDS}" for mark in ("/", "-", "[.] ?")),
        f"^{DATE}[.] ?{MONTH}[.] ?{YEAR}{POINTS}$",
    ),
    "mdy": tuple(  # 31.12.2024 is always day first
        f"^{MONTH}{mark}{DATE}{mark}{YEAR}{clock}" for mark in ("/", "-") for clock in (CLOCK, SECONDS)
    ),
    "named": (
        f"^{WEEKDAY}{DATE}[- ]?{NAME}[- ,]*{YEAR}{CLOCK}",
        f"^{WEEKDAY}{NAME}[- ]{DATE}(?:,? |-){YEAR}{CLOCK}",
        f"^{YEAR}[- ]{NAME}[- ]{DATE}{CLOCK}",
    ),
    "period": (
        f"^{NAME}[- ]{YEAR}$",
        f"^{YEAR}[- ]{NAME}$",
        f"^{MONTH}/{YEAR}$",
        f"^{YEAR}[-/]{MONTH}$",
        f"^{YEAR}-?M{MONTH}$",
        f"^(?:FY ?)?{YEAR}[-: /]?Q{QUARTER}$",
        f"^Q{QUARTER}[- /]?(?:FY ?)?{YEAR}$",
        f"^{QUARTER}Q[- /]?{YEAR}$",
        f"^{QUARTER}Q[- /']?{SHORT}$",
        f"^Q{QUARTER}[- /']?{SHORT}$",
        f"^{YEAR}[- ]?W(?P<week>[0-9]{{2}})$",
        f"^FY ?{YEAR}$",
    ),
}
PERIOD_LIKE = (  # further forms of `period`; FY2024 Q1 is named by its year and quarter, whenever it began
    r"^(FY ?)?[0-9]{4}[-: /]?Q[1-4]$|^Q[1-4][- /]?(FY ?)?[0-9]{4}$|^[1-4]Q[- /']?([0-9]{2}){1,2}$"
    r"|^Q[1-4][- /']?[0-9]{2}$|^[0-9]{4} W[0-9]{2}$|^[0-9]{4}-?M[0-9]{1,2}$|^FY ?[0-9]{4}$"
)
YEAR_NAMES = ("year", "yr", "jahr", "année", "annee", "año", "anno", "jaar", "rok", "år", "fiscal year",
              "calendar year", "date", "ds", "period", "time period")  # fmt: skip
"""Names of columns in which whole numbers such as 1960 are years."""
PIVOT = 69  # two digits from here on are of the last century, as for strptime


@dataclass(frozen=True)
class PatternMatch:
    """A column as one pattern parses it."""

    form: str
    sound: Bools  # (N,)
    ns: Ints  # (N,) since 1970; UTC if there are zones
    dates: bool = True
    """No cell has a time of day."""
    zones: pa.ChunkedArray | None = None


def match_pattern(cells: pa.ChunkedArray, form: str, pattern: str) -> PatternMatch:
    """`cells` (text) parsed by `pattern`.

    Piece by piece: all parts of all cells at once would take ten times the memory of the text.
    """
    pieces = [_match(pa.chunked_array([chunk]), form, pattern) for chunk in cells.chunks if len(chunk)]
    whole = PatternMatch(
        form,
        np.concatenate([*(piece.sound for piece in pieces), np.empty(0, np.bool_)]),
        np.concatenate([*(piece.ns for piece in pieces), np.empty(0, np.int64)]),
        all(piece.dates for piece in pieces),
        pa.chunked_array(
            [chunk for piece in pieces for chunk in (piece.zones.chunks if piece.zones else [])], pa.string()
        ),
    )
    return _in_one_clock(whole)


def _in_one_clock(match: PatternMatch) -> PatternMatch:
    """The times in UTC if most have a zone: those without are refused; else those with one are."""
    assert match.zones is not None
    aware = ~_equals(match.zones, "")
    if 2 * np.count_nonzero(aware) < np.count_nonzero(match.sound):
        return replace(match, sound=match.sound & ~aware, zones=None)
    if not aware.any():
        return replace(match, zones=None)
    offsets = utc_offsets(match.zones)
    sound = match.sound & aware & (np.abs(offsets) < DAY)
    return replace(match, sound=sound, ns=match.ns - offsets, dates=False)


def _match(cells: pa.ChunkedArray, form: str, pattern: str) -> PatternMatch:
    extracted = pc.extract_regex(cells, pattern)
    if extracted.null_count == len(extracted):
        none = pa.chunked_array([pa.repeat("", len(extracted))])
        return PatternMatch(
            form, np.zeros(len(extracted), bool), np.zeros(len(extracted), np.int64), zones=none
        )
    parts = _Parts(extracted)
    days, fits = parts.days()
    hour, minute, second = parts.number("hour"), parts.number("minute"), parts.number("second")
    half = parts.text("half")
    late, halved = _equals(half, "p", "P"), ~_equals(half, "")
    sound = parts.matched & fits & (minute < 60) & (second < 60)
    sound &= np.where(halved, (hour >= 1) & (hour <= 12), hour < 24)
    hour = np.where(halved, hour % 12 + 12 * late, hour)
    ns = days * DAY + ((hour * 60 + minute) * 60 + second) * SECOND + parts.fraction()
    dates = bool(_equals(parts.text("hour"), "").all())
    return PatternMatch(form, sound, ns, dates=dates, zones=parts.text("zone"))


class _Parts:
    """The named groups of a pattern, for a column; an absent group is empty or 0."""

    def __init__(self, extracted: pa.ChunkedArray) -> None:
        self.extracted = extracted
        self.groups = {field.name for field in extracted.type}
        self.matched = np.asarray(extracted.is_valid().to_numpy())

    def text(self, group: str) -> pa.ChunkedArray:
        if group not in self.groups:
            return pa.chunked_array([pa.repeat("", len(self.extracted))])
        return pc.struct_field(self.extracted, group).fill_null("")

    def days(self) -> tuple[Ints, Bools]:
        """Days since 1970, and which dates exist."""
        year = self.number("short" if "short" in self.groups else "year")
        if "short" in self.groups:
            year = year + np.where(year < PIVOT, 2000, 1900)
        if "week" in self.groups:
            return week_starts(year, self.number("week"))
        if "quarter" in self.groups:
            return _days(year, 3 * self.number("quarter") - 2, np.ones_like(year))
        month = self.named_month() if "name" in self.groups else self.number("month")
        if "month" not in self.groups and "name" not in self.groups:
            month = np.ones_like(year)
        return _days(year, month, self.number("day") if "day" in self.groups else np.ones_like(year))

    def number(self, group: str) -> Ints:
        text = self.text(group)
        filled = pc.if_else(pc.equal(text, ""), pa.scalar("0", text.type), text)
        return np.asarray(filled.cast(pa.int64()).to_numpy())

    def fraction(self) -> Ints:
        """The digits after the decimal point of the second, as nanoseconds."""
        return np.asarray(pc.utf8_rpad(self.text("part"), 9, "0").cast(pa.int64()).to_numpy())

    def named_month(self) -> Ints:
        short = pc.utf8_slice_codeunits(pc.utf8_lower(self.text("name")), 0, 3)
        months = pa.array([month.lower() for month in MONTHS], short.type)
        place = pc.index_in(short, value_set=months).fill_null(-1)
        return np.asarray(place.to_numpy(), dtype=np.int64) + 1


def _equals(text: pa.ChunkedArray, *words: str) -> Bools:
    return np.asarray(pc.is_in(text, value_set=pa.array(words, text.type)).to_numpy())


def _days(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Bools]:
    """Days since 1970, and which dates exist and fit into 64-bit nanoseconds."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - first
    fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= length) & (year >= 1678) & (year <= 2261)
    return np.where(fits, first + day - 1, 0), fits


def week_starts(year: Ints, week: Ints) -> tuple[Ints, Bools]:
    """The Mondays of ISO weeks in days since 1970, and which weeks exist."""
    fourth, fits = _days(year, np.ones_like(year), np.full_like(year, 4))  # lies in week 1 of its year
    following, _ = _days(year + 1, np.ones_like(year), np.full_like(year, 4))
    monday, last = (day - (day + 3) % 7 for day in (fourth, following))  # 1970 began on a Thursday
    days = monday + 7 * (week - 1)
    return days, fits & (week >= 1) & (days < last)


def date_pattern(numbers: Ints) -> str | None:
    """The pattern of whole numbers that are dates without marks, such as 20241231; None if they are not."""
    digits = len(str(int(numbers.max())))
    pattern = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    if digits not in pattern or numbers.min() < 10 ** (digits - 1):
        return None
    year, rest = np.divmod(numbers, 10 ** (digits - 4))
    month, rest = np.divmod(rest, 10 ** (digits - 6)) if digits > 4 else (np.ones_like(year), rest)
    day, rest = np.divmod(rest, 10 ** (digits - 8)) if digits > 6 else (np.ones_like(year), rest)
    _, fits = _days(year, month, day)
    fits &= (year >= 1800) & (year < 2100)
    for place, most in ((10, 24), (12, 60), (14, 60)):
        if digits >= place:
            part, rest = np.divmod(rest, 10 ** (digits - place))
            fits &= part < most
    return pattern[digits] if fits.all() else None
