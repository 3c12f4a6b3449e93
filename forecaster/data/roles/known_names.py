"""Known names: column names that show what a column usually holds. Names of time columns: `parsing.looks`."""

from __future__ import annotations

from forecaster.data.parsing.looks import plain

ID_NAMES = ("unique id", "series id", "item id", "id", "symbol", "ticker", "series", "sensor", "sensor id",
            "device", "device id", "station", "station id", "name", "key", "item", "store", "machine", "code",
            "tag")  # fmt: skip
ADJUSTED_NAMES = ("adj close", "adjusted close", "adjclose", "close adj", "adj closing price")
TARGET_NAMES = ("y", "value", "target", "values", "reading", "price", *ADJUSTED_NAMES, "close",
                "close/last", "last", "zuletzt", "schlusskurs", "schluss", "dernier", "clôture", "último",
                "cierre", "ultimo", "chiusura", "fechamento", "laatst", "ostatnio", "цена")  # fmt: skip
COUNTER_NAMES = ("record", "rn", "entry id", "no", "#", "index", "row", "nr")
DATE_NAMES, CLOCK_NAMES = ("date", "day"), ("time", "hour", "clock", "time of day")
PART_NAMES = ("year", "month", "day", "hour", "minute", "second", *CLOCK_NAMES, "hr", "he", "hour ending",
              "hour of day", "interval", "period", "week", "weekday", "quarter", "day of week",
              "day of year", "dow", "doy", "yr")  # fmt: skip


def ranked(names: list[str], known: tuple[str, ...]) -> list[str]:
    """Those of `names` that are known, the best known first."""
    return sorted((name for name in names if plain(name) in known), key=lambda name: known.index(plain(name)))


def close_columns(names: list[str]) -> tuple[str | None, str | None]:
    """The column of the close as paid and that of the adjusted close; each None if missing."""
    paid = next((name for name in names if plain(name) == "close"), None)
    return paid, next(iter(ranked(names, ADJUSTED_NAMES)), None)
