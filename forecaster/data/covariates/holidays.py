"""Holidays: the public holidays of countries and their parts, from the library `holidays`, as known columns.

Columns of a country, for rows of a day or less:

    holiday DE-BY              1 on public holidays that are no weekend: there a holiday changes little
    day before holiday DE-BY   1 on the day before such a holiday
    day after holiday DE-BY    1 on the day after
    bridge day DE-BY           1 on single working days between a holiday and another day off
    name of holiday DE-BY      a category, weekends included: Christmas may differ from Labour Day

For longer rows: how many public holidays outside weekends they hold; for those of days or weeks, a name, too.
A holiday is learned from few days a year: so there are few columns, most of them for all holidays together.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

import numpy as np

from forecaster.arrays import Bools, Ints
from forecaster.data.calendar.clock import weekday_of
from forecaster.data.covariates.day_rows import Columns, Rows, Spans
from forecaster.data.findings import Finding, info, warn
from forecaster.data.labels import listed, shown
from forecaster.errors import UsageError

NONE = "none"
"""The word for days without a holiday, or with one that the past does not show."""
AROUND = 8
"""Days before the first row and after the last one that are looked at."""
REMARK = re.compile(r"\s*[(（][^()（）]*[)）]$")
"""What the library adds to a name: observed, estimated, substituted for another day."""


@dataclass(frozen=True, eq=False)
class Country:
    """The holidays of a country or of a part of it."""

    days: Ints  # (H,) since 1970, ascending
    names: tuple[str, ...]  # (H,)
    weekend: tuple[int, ...]  # 0 for Monday
    working: Ints  # days of weekends that are working days
    years: tuple[int, int]
    """The first and last year that the library knows."""
    warnings: tuple[str, ...]
    """What the library says of years of which it knows less."""

    def weekends(self, days: Ints) -> Bools:
        """Which days are of a weekend."""
        return np.isin(weekday_of(days), self.weekend) & ~np.isin(days, self.working)


def holiday_columns(code: str, rows: Rows) -> tuple[Columns, list[Finding]]:
    """The columns of a country such as DE, or a part of it such as DE-BY. UsageError if it is unknown."""
    first = min(int(spans.first.min()) for spans in rows.spans) - AROUND
    last = max(int(spans.last.max()) for spans in rows.spans) + AROUND
    code = known_code(code)
    country = _country(code, _year(first), _year(last))
    single = rows.spans[0].single
    if single:
        parts = [_near(code, country, rows, first, last)]
    else:
        counts = _closed(country, np.arange(first, last + 1)).astype(np.float64)[:, None]
        parts = [
            Columns((f"holidays {code}{spans.suffix}",), (None,), spans.totals(counts, first))
            for spans in rows.spans
        ]
    unseen: list[set[str]] = []
    if single or len(rows.spans) > 1:  # not of months: each holds about the same holidays every year
        for spans in rows.spans:
            names, new = _named(f"name of holiday {code}{spans.suffix}", country, spans, rows.past)
            parts.append(names)
            unseen.append(new)
    return Columns.joined(parts), _findings(
        code, country, rows, set.intersection(*unseen) if unseen else set()
    )


def _closed(country: Country, days: Ints) -> Bools:
    """Which days are holidays outside weekends."""
    return np.isin(days, country.days) & ~country.weekends(days)


def _near(code: str, country: Country, rows: Rows, first: int, last: int) -> Columns:
    """Holidays and the days beside them. Among business days the day before a Monday is Friday."""
    days = np.arange(first, last + 1)
    holiday, weekend = np.isin(days, country.days), country.weekends(days)
    closed, off = holiday & ~weekend, holiday | weekend
    before, after = days + 1, days - 1
    if rows.frequency.is_trading:
        mask = [day not in country.weekend for day in range(7)]
        dates = days.astype("datetime64[D]")
        before = np.busday_offset(dates, 1, roll="backward", weekmask=mask).astype(np.int64)
        after = np.busday_offset(dates, -1, roll="forward", weekmask=mask).astype(np.int64)
    bridge = np.zeros(len(days), np.bool_)
    bridge[1:-1] = ~off[1:-1] & off[:-2] & off[2:] & (holiday[:-2] | holiday[2:])
    daily = np.column_stack(
        [closed, _closed(country, before) & ~holiday, _closed(country, after) & ~holiday, bridge]
    ).astype(np.float64)
    names = tuple(
        f"{word} {code}" for word in ("holiday", "day before holiday", "day after holiday", "bridge day")
    )
    return Columns(names, (None,) * len(names), rows.spans[0].totals(daily, first))


def _named(name: str, country: Country, spans: Spans, past: Bools) -> tuple[Columns, set[str]]:
    """The holiday of each row as a category, and the names that only future rows have."""
    inside = _first_inside(country.days, spans)
    working = np.flatnonzero(~country.weekends(country.days))
    of_work = _first_inside(country.days[working], spans)
    at = np.where(of_work >= 0, working[of_work] if len(working) else inside, inside)  # (R,), −1 for none
    kinds, kind = np.unique(np.array([*country.names, NONE], object).astype(str), return_inverse=True)
    kind_of_row = kind[at]  # the last one is NONE
    seen = np.unique(kind_of_row[past])
    words = (NONE, *(str(kinds[k]) for k in seen if kinds[k] != NONE))
    code = np.array([words.index(each) if each in words else 0 for each in kinds.tolist()], np.float64)
    unseen = {str(kinds[k]) for k in np.setdiff1d(kind_of_row[~past], seen)} - {NONE}
    return Columns((name,), (words,), code[kind_of_row][:, None]), unseen


def _first_inside(days: Ints, spans: Spans) -> Ints:
    """The place of the first of the ascending `days` in each span; −1 where there is none."""
    at = np.searchsorted(days, spans.first)
    there = days[np.minimum(at, len(days) - 1)] if len(days) else np.zeros(len(at), np.int64)
    return np.where((at < len(days)) & (there <= spans.last), at, -1)


def _findings(code: str, country: Country, rows: Rows, unseen: set[str]) -> list[Finding]:
    past, ahead = (_count(country, rows, which) for which in (rows.past, ~rows.past))
    clock = rows.zone or ""
    action = "known columns of past and future"
    if rows.bar and (clock == "UTC" or clock[:1] in ("+", "-")):
        action += f"; days are those of {clock}: --tz names the local clock, as in --tz Europe/Berlin"
    message = f"public holidays of {code}: {past} in the data" + (f", {ahead} ahead" if ahead else "")
    findings = [info("H001", message, count=past + ahead, action=action)]
    if unseen:
        names = listed(sorted(unseen))
        action = "the effect of all holidays is forecast there"
        findings.append(
            info(
                "H002",
                f"holidays of {code} ahead that the data has not seen: {names}",
                count=len(unseen),
                action=action,
            )
        )
    year = rows.local.view("datetime64[ns]").astype("datetime64[Y]").astype(np.int64) + 1970
    outside = int(np.count_nonzero((year < country.years[0]) | (year > country.years[1])))
    if outside:
        message = (
            f"rows outside {country.years[0]} to {country.years[1]}: no other holidays of {code} are known"
        )
        findings.append(warn("H003", message, count=outside, action="read as days without holidays"))
    for text in country.warnings:
        message = f"some years of {code} lack holidays, says the library holidays: {shown(text, 120)}"
        findings.append(warn("H003", message, action="read as days without holidays"))
    return findings


def _count(country: Country, rows: Rows, which: Bools) -> int:
    """Holidays from the first to the last day of the rows `which`."""
    if not which.any():
        return 0
    spans = rows.spans[0]
    first, last = spans.first[which].min(), spans.last[which].max()
    return int(np.count_nonzero((country.days >= first) & (country.days <= last)))


def known_code(code: str) -> str:
    """A code as the library writes it: DE-BY for de-by. UsageError, with codes like it, if it is unknown."""
    regions = _regions()
    country, dash, part = code.strip().partition("-")
    country = country.upper()
    parts = {each.casefold(): each for each in regions.get(country, ())}
    if country in regions and not dash:
        return country
    if part.casefold() in parts:
        return f"{country}-{parts[part.casefold()]}"
    raise UsageError(f"unknown country or region {shown(code)}", hint=_nearest(code, country, dash + part))


def _nearest(code: str, country: str, part: str) -> str:
    regions = _regions()
    if country in regions and part:
        known = regions[country]
        if not known:
            return f"The library holidays knows no regions of it: --holidays {country}"
        near = difflib.get_close_matches(part[1:].upper(), known, 3, 0.3) or list(known[:12])
        return f"Regions of {country} are, among others, {', '.join(f'{country}-{each}' for each in near)}."
    if code.strip().upper() in _library().list_supported_financial():
        return f"An exchange is a calendar: --calendar {code.strip().upper()}"
    named = {name.replace("_", " "): each for name, each in _country_names().items()}
    close = difflib.get_close_matches(code.strip().casefold(), named, 3)
    near = [f"{named[name]} ({name.title()})" for name in close]
    near = near or difflib.get_close_matches(
        code.strip().upper(), [each for each in regions if len(each) == 2], 3, 0.4
    )
    words = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{words}Give codes of ISO 3166, with a region after a hyphen: --holidays DE-BY,FR"


def _library() -> ModuleType:
    try:
        import holidays
    except ImportError as error:
        raise UsageError(
            "public holidays need the library holidays",
            hint="Install it: pip install 'forecaster[holidays]', or leave --holidays out.",
        ) from error
    return holidays


@lru_cache
def _regions() -> dict[str, tuple[str, ...]]:
    """Country code, of two or three letters -> the codes and names of its parts."""
    known = _library().list_supported_countries(include_aliases=True)
    return {country: tuple(parts) for country, parts in known.items()}


@lru_cache
def _country_names() -> dict[str, str]:
    """Name of a country, with underscores -> its code."""
    from holidays.registry import COUNTRIES

    return {name: codes[1] for name, codes in COUNTRIES.items()}


@lru_cache
def _country(code: str, first: int, last: int) -> Country:
    """The holidays of the years first … last. Names are English where the library has them in English.

    The language is set here: by itself the library takes that of the machine.
    """
    library = _library()
    country, _, part = code.partition("-")
    plain = library.country_holidays(country, subdiv=part or None)
    spoken = plain.supported_languages
    language = "en_US" if "en_US" in spoken else plain.default_language
    years = range(max(first, plain.start_year), min(last, plain.end_year) + 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        known = library.country_holidays(country, subdiv=part or None, years=years, language=language)
    dates = sorted(known)
    each = [known.get_list(date) for date in dates]
    often = Counter(REMARK.sub("", name) for names in each for name in names)
    chosen = tuple(_usual([REMARK.sub("", name) for name in names], often) for names in each)
    days = np.array([np.datetime64(date, "D").astype(int) for date in dates], np.int64)
    working = np.array([np.datetime64(date, "D").astype(int) for date in known.weekend_workdays], np.int64)
    said = tuple(dict.fromkeys(str(each.message) for each in caught))
    reach = plain.start_year, plain.end_year
    return Country(days, chosen, tuple(sorted(known.weekend)), working, reach, said)


def _usual(names: list[str], often: Counter[str]) -> str:
    """Of several holidays on one day, the one that comes most often."""
    return min(names, key=lambda name: (-often[name], name))


def _year(day: int) -> int:
    return int(np.datetime64(day, "D").astype("datetime64[Y]").astype(int)) + 1970
