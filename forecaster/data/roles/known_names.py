"""Known names: column names that show what a column usually holds. Names of time columns: `parsing.looks`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from forecaster.data.parsing.looks import plain

ID_NAMES = ("unique id", "series id", "item id", "id", "symbol", "ticker", "series", "sensor", "sensor id",
            "device", "device id", "station", "station id", "name", "key", "item", "store", "machine", "code",
            "tag")  # fmt: skip
SEVERAL_NAMES = ("entity id", "entity", "meter id", "node id", "site id")
"""Names of ids where there are several: a table of one entity is one series."""
ID_WORDS = ("id", "ids", "code", "name", "symbol", "ticker", "sensor", "device", "station", "store", "item",
            "machine", "meter", "node", "site", "entity", "shop", "sku", "household", "turbine")  # fmt: skip
"""Last words of names of ids, such as node_name; in tables of one series such names mean no id."""
ID_NUMBERS = ("id", "ids", "code", "sku", "nbr", "no", "num", "number", "index")
"""Those that name ids also where these are numbers: a column of numbers called meter may hold readings."""
NOTE_WORDS = ("quality", "status", "flag", "flags", "qc", "qualifier", "qualifiers", "unit", "units",
              "remark", "remarks", "note", "notes", "comment", "comments", "source",
              "description")  # fmt: skip
ROW_WORDS = ("no", "num", "number", "index")
"""Words that name an id only behind another word, as in store_nbr; alone they may name anything."""
ADJUSTED_NAMES = ("adj close", "adjusted close", "adjclose", "close adj", "adj closing price")
TARGET_NAMES = ("y", "value", "target", "values", "reading", "price", *ADJUSTED_NAMES, "close",
                "close/last", "last", "zuletzt", "schlusskurs", "schluss", "dernier", "clôture", "último",
                "cierre", "ultimo", "chiusura", "fechamento", "laatst", "ostatnio", "цена")  # fmt: skip
COUNTER_NAMES = ("record", "rn", "entry id", "#", "row", "nr", "row id", "row number", "rownum",
                 "record number", "record id", "s no", "sno", "sl no")  # fmt: skip
RISING_NAMES = ("no", "index", "seq", "sequence", "instant", "rec", "line", "unnamed: 0")
"""Names of counters, if their numbers rise or fall from row to row."""
FLAG_WORDS = ("holiday", "workingday", "weekend", "flag", "is", "has", "promo", "promotion", "open", "event",
              "schoolholiday", "stateholiday")  # fmt: skip
LABEL_WORDS = ("type", "flag", "flags", "quality", "status", "qc", "zip", "zipcode", "postcode", "phone",
               "version", "batch", "source", "qualifier", "validity", "verification")  # fmt: skip
"""Words in names of columns of whole numbers that stand for kinds or things, and measure nothing."""
LETTERS = {"o": "open", "h": "high", "l": "low", "c": "close"}
TIME_WORDS = ("time", "timestamp", "epoch", "unix", "date", "ts")
"""Words in names of columns of numbers that may be a second time of a row."""
PLACE_NAMES = ("latitude", "longitude", "lat", "lon", "lng", "long", "altitude", "elevation")
TRIP_WORDS = ("start", "end", "pickup", "dropoff", "from", "to", "origin", "destination")
DATE_NAMES, CLOCK_NAMES = ("date", "day", "yyyymmdd"), ("time", "hour", "clock", "time of day")
PARTS = {
    "year": ("year", "yr", "yyyy", "yy", "#yy", "years", "jahr", "año", "annee", "année"),
    "month": ("month", "mo", "mon", "mnth", "month number", "month of year", "monat", "mes", "mois"),
    "day": ("day", "dy", "dd", "dom", "day of month", "mday", "tag", "dia", "jour"),
    "hour": ("hour", "hr", "he", "hour ending", "hour end", "hr end", "hour of day", "hour beginning",
             "hour starting", "stunde", "hora", "heure", "hh", "time"),
    "minute": ("minute", "minutes", "mn", "mins"),
    "second": ("second", "seconds", "sec"),
    "quarter": ("quarter", "qtr", "quarter of year"),
    "week": ("week", "week number", "week of year", "iso week", "isoweek", "weekofyear", "wk", "week no"),
    "weekday": ("weekday", "day of week", "dow", "dayofweek", "wday"),
    "day of year": ("day of year", "doy", "dayofyear", "yday", "julian day"),
    "period": ("interval", "period", "settlement period", "half hour"),
    "season": ("season",),
}  # fmt: skip
"""Parts of the time, and names of columns that hold one."""
RANGES = {"year": (1600, 2200), "month": (1, 12), "day": (1, 31), "hour": (0, 25), "minute": (0, 59),
          "second": (0, 59), "quarter": (1, 4), "week": (0, 53), "weekday": (0, 7), "day of year": (1, 366),
          "period": (1, 100), "season": (1, 4)}  # fmt: skip
"""The least and the largest number of each part."""
LAST_HOURS = ("he", "hour ending", "hour end", "hr end")
"""Names of hours 1 to 24, each named by its end."""
UTC_WORDS = ("utc", "gmt")
FIRST_WORDS = ("start", "begin", "beginning", "from", "open", "von", "starting", "started", "pickup")
CHANGED_WORDS = ("changed",)
"""Of the times at which a state was changed and updated, the first counts."""


def ranked(names: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """Those of `names` that are known, the best known first."""
    known_names = [name for name in names if plain(name) in known]
    return sorted(known_names, key=lambda name: known.index(plain(name)))


def parts_named(name: str) -> tuple[str, ...]:
    """The parts of the time that a column of this name may hold."""
    words = plain(name)
    if words == "mm":  # NOAA writes YY MM DD hh mm
        return ("month",) if name.strip() == "MM" else ("month", "minute")
    if words.split(" ")[-1] in ("hour", "hr", "he") and words not in PARTS["hour"]:
        return ("hour",)  # as in OPR_HR
    return tuple(part for part, names in PARTS.items() if words in names)


def is_id_name(name: str, *, numbers: bool) -> bool:
    """Whether a column of this name, of `numbers` or of words, usually names the things that are measured."""
    words = plain(name).split(" ")
    return plain(name) in ID_NAMES or (
        words[-1] in (ID_NUMBERS if numbers else ID_WORDS) and (len(words) > 1 or words[0] not in ROW_WORDS)
    )


def close_columns(names: list[str]) -> tuple[str | None, str | None]:
    """The column of the close as paid and that of the adjusted close; each None if missing."""
    paid = next((name for name in names if plain(name) == "close"), None)
    return paid, next(iter(ranked(names, ADJUSTED_NAMES)), None)


def price_tables(names: list[str]) -> dict[str, dict[str, str]]:
    """Tables of prices within a table: symbol -> price -> column, as in AAPL.Open ... AAPL.Close, close_BTC.

    Each holds open, high, low and close. Without a symbol in the names, the symbol is empty.
    """
    tables: dict[str, dict[str, str]] = {}
    for name in names:
        for symbol, price in _symbol_and_price(plain(name)):
            tables.setdefault(symbol, {}).setdefault(price, name)
    whole = {symbol: each for symbol, each in tables.items() if {"open", "high", "low", "close"} <= set(each)}
    letters = {plain(name): name for name in names if plain(name) in LETTERS}
    if not whole and len(letters) == len(LETTERS):  # o, h, l and c, as exchanges send them
        return {"": {LETTERS[letter]: name for letter, name in letters.items()}}
    return whole


def _symbol_and_price(words: str) -> list[tuple[str, str]]:
    prices = "open|high|low|close|adj close|adjusted close|adjusted|adjclose"
    found = re.fullmatch(rf"(?:(.+) )?({prices})", words) or re.fullmatch(rf"()({prices}) .+", words)
    if found is None:
        return []
    symbol = found[1] or words[len(found[2]) :].strip()
    if found[1] and (adjusted := re.fullmatch(r"(?:(.+) )?(adj|adjusted)", found[1])):
        return [(adjusted[1] or "", "adjusted")]
    return [(symbol, "adjusted" if found[2].startswith("adj") else found[2])]
