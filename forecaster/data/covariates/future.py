"""Future: rows after the end of a series that hold covariates whose future values are known.

They are no rows of the panel: they lie in `Known`, at the places of the timestamps that a forecast has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.config import KnownFill
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import listed, shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.parsing.words import recoded, used_words
from forecaster.data.rows.known import Known, Words
from forecaster.data.series.observations import Observations
from forecaster.errors import DataError

SPARSE = 20
"""Steps for each row of the future; with more, a timestamp must be wrong."""
Where = Callable[[int], str]
"""The place of a row of some observations, for messages."""


def split_future(rows: Observations) -> tuple[Observations, Observations | None]:
    """The rows up to the last target value of each series, and those after it with known covariates.

    Rows must be sorted. Rows at the end without any known value stay among the first.
    """
    if not rows.words or not np.isnan(rows.values[rows.offsets()[1:] - 1, 0]).any():
        return rows, None
    after = rows.after_end(~np.isnan(rows.values[:, 0]))
    if not after.any():
        return rows, None
    future = rows.take(after)
    return rows.take(~after), dataclasses.replace(future, values=future.values[:, -len(rows.words) :])


def split_known(
    panel: Panel, words: tuple[Words, ...], wanted: Mapping[str, Words]
) -> tuple[Panel, list[Finding]]:
    """The panel with its last channels as `Known`, of which `words` are the words.

    `wanted`: the words that a model knows, by column; without one, those of the panel. The findings count
    missing values and words that the model does not know.
    """
    names = panel.names.known
    if not names:
        return panel, []
    channels = panel.values.shape[1] - len(names)
    past, columns, kept = panel.values[:, channels:], [], []
    findings: list[Finding] = []
    for name, own, values in zip(names, words, past.T, strict=True):
        kept.append(wanted.get(name, used_words(own, values)))
        codes, found = recoded(values, own, kept[-1], name)
        columns.append(codes)
        findings += found
        missing = int(np.isnan(values).sum())
        if missing == len(values) and name not in wanted:
            raise DataError(
                f"column {shown(name)}: no value at all in the rows that have a target",
                hint="Leave it out of --known.",
            )
        if missing:
            message = f"missing values of {shown(name)}"
            findings.append(info("K004", message, count=missing, action="marked as not observed"))
    known = Known(names, tuple(kept), np.column_stack(columns), panel.offsets)
    values, observed = panel.values[:, :channels].copy(), panel.observed[:, :channels].copy()
    return dataclasses.replace(panel, values=values, observed=observed, known=known), findings


def with_future(panel: Panel, rows: Observations | None, where: Where) -> tuple[Panel, list[Finding]]:
    """The panel with `rows` (n, K) of known covariates after the end of its series.

    Where a value is known already, the one in `rows` takes its place. Rows up to the end change nothing;
    those that say something else are counted. Raises DataError for a row that does not lie on the grid of its
    series.
    """
    if rows is None or panel.known is None or not len(rows.time):
        return panel, []
    values, findings = _as_known(panel.known, rows)
    number = {name: place for place, name in enumerate(panel.ids)}
    series = np.array([number.get(name, -1) for name in rows.ids])[rows.series]
    last = panel.time[panel.offsets[1:] - 1][series]
    findings += _unknown(rows, np.flatnonzero(series < 0), where)
    findings += _contradictions(panel, series, rows.time, values)
    after = np.flatnonzero((series >= 0) & (rows.time > last))
    place, fits = panel.frequency.ahead(rows.time[after], last[after], panel.names.tz)
    if not fits.all() and not panel.frequency.is_trading:
        raise _off_grid(panel, rows, int(after[~fits][0]), where)
    findings += _closed(rows, after[~fits], where)
    after, place = after[fits], place[fits]
    if len(after):
        _refuse_far(panel, rows, after, place, where)
        known, changed = _extended(panel, series[after], place, values[after])
        findings += changed + _read(panel, rows, after, len(np.unique(series[after])))
        panel = dataclasses.replace(panel, known=known)
    return panel, findings


def without_made(panel: Panel) -> Panel:
    """The panel with the known covariates that were read, without those made of calendars and events."""
    known = panel.known
    if known is None or not known.made:
        return panel
    own = [place for place, name in enumerate(known.names) if name not in known.made]
    words = tuple(known.words[place] for place in own)
    read = Known(tuple(known.names[place] for place in own), words, known.values[:, own], known.offsets)
    return dataclasses.replace(panel, known=read)


def _as_known(known: Known, rows: Observations) -> tuple[Floats, list[Finding]]:
    """The values of rows, with codes of the words of `known`."""
    columns, findings = [], []
    for name, own, wanted, values in zip(known.names, rows.words, known.words, rows.values.T, strict=True):
        codes, found = recoded(values, own, wanted, name)
        columns.append(codes)
        findings += found
    return np.column_stack(columns), findings


def _extended(panel: Panel, series: Ints, place: Ints, values: Floats) -> tuple[Known, list[Finding]]:
    """The known covariates with `values` (n, K) in the rows `place` (n,) after the end of `series` (n,)."""
    known = panel.known
    assert known is not None
    row = panel.lengths[series] + place - 1
    lengths = np.diff(known.offsets)
    longer = lengths.copy()
    np.maximum.at(longer, series, row + 1)
    offsets = np.concatenate([[0], np.cumsum(longer)])
    grown = np.full((offsets[-1], len(known.names)), np.nan)
    grown[np.arange(len(known.values)) + np.repeat(offsets[:-1] - known.offsets[:-1], lengths)] = known.values
    at = offsets[series] + row
    before = grown[at]
    differs = (~np.isnan(before) & ~np.isnan(values) & (before != values)).any(axis=1)
    grown[at] = np.where(np.isnan(values), before, values)
    findings = []
    if differs.any():
        message = "values of the future that differ from those before"
        findings.append(info("K008", message, count=int(differs.sum()), action="the newest are used"))
    return dataclasses.replace(known, values=grown, offsets=offsets), findings


def _read(panel: Panel, rows: Observations, after: Ints, series: int) -> list[Finding]:
    """The finding that names the rows of the future."""
    until = times_as_strings(rows.time[after].max(keepdims=True), panel.names)[0]
    several = f" of {series:,} series" if len(panel) > 1 else ""
    message = f"rows of the future{several}, with known covariates, up to {until}"
    return [info("K002", message, count=len(after))]


def _unknown(rows: Observations, at: Ints, where: Where) -> list[Finding]:
    if not len(at):
        return []
    names = listed([rows.ids[series] for series in np.unique(rows.series[at])], SHOWN)
    places = [where(int(row)) for row in at[:SHOWN]]
    message = f"rows of the future of series that the data does not have: {names}"
    return [repair("K006", message, count=len(at), places=places, action="left out")]


def _contradictions(panel: Panel, series: Ints, time: Ints, values: Floats) -> list[Finding]:
    """The finding that counts rows (n,) up to the end of a series whose values (n, K) are not those there."""
    assert panel.known is not None
    stamps = np.unique(panel.time)
    rank, inside = np.searchsorted(stamps, time), np.isin(time, stamps) & (series >= 0)
    owner = np.repeat(np.arange(len(panel)), panel.lengths)
    keys = owner * (len(stamps) + 1) + np.searchsorted(stamps, panel.time)  # ascending
    key = series * (len(stamps) + 1) + rank
    row = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    inside &= keys[row] == key
    here = panel.known.values[panel.known.offsets[owner[row]] + row - panel.offsets[owner[row]]]
    differs = inside & (~np.isnan(here) & ~np.isnan(values) & (here != values)).any(axis=1)
    if not differs.any():
        return []
    message = "rows of the future up to the end of the data, with other values than the data has"
    return [info("K008", message, count=int(differs.sum()), action="those of the data are used")]


def _closed(rows: Observations, at: Ints, where: Where) -> list[Finding]:
    if not len(at):
        return []
    places = [where(int(row)) for row in at[:SHOWN]]
    message = "rows of the future on closed days or at closed hours"
    return [repair("K006", message, count=len(at), places=places, action="left out, as forecasts leave them")]


def _off_grid(panel: Panel, rows: Observations, at: int, where: Where) -> DataError:
    (stamp,) = times_as_strings(rows.time[[at]], panel.names)
    alias = panel.frequency.alias
    return DataError(
        f"{where(at)}: {stamp} of series {shown(rows.ids[rows.series[at]])} lies after its end, and not on "
        f"its grid of {alias}",
        hint=f"Put readings on a grid with --every {alias.split('@')[0]}, or repair the row.",
    )


def _refuse_far(panel: Panel, rows: Observations, after: Ints, place: Ints, where: Where) -> None:
    """Raise DataError where rows of the future would need many more rows than there are."""
    if place.max() <= SPARSE * len(after) + 1000:
        return
    at = int(after[place.argmax()])
    (stamp,) = times_as_strings(rows.time[[at]], panel.names)
    raise DataError(
        f"{where(at)}: {stamp} of series {shown(rows.ids[rows.series[at]])} lies {int(place.max()):,} steps "
        f"after its end",
        hint="Repair that timestamp.",
    )


def require_known(
    panel: Panel,
    horizon: int,
    fill: KnownFill | None = None,
    *,
    source: str = "the data",
    may_leave_out: bool = False,
) -> tuple[Panel, list[Finding]]:
    """The panel with every known covariate in the `horizon` rows after the end of each series.

    `fill`: what stands for those that are missing, counted by a finding; None: they are a DataError that
    names them. Only columns that were read are asked for; those of calendars know every time.
    `may_leave_out`: no model needs the columns.
    """
    if panel.known is None or not panel.names.known:
        return panel, []
    ahead = panel.known.of(np.arange(len(panel)), panel.lengths, horizon)  # (S, H, K)
    read = np.isin(panel.known.names, panel.names.known)
    missing = np.asarray(np.isnan(ahead) & read)
    if not missing.any():
        return panel, []
    filled = _filled(panel, ahead, fill or "last")
    left = np.asarray(np.isnan(filled) & read)
    if fill is None or left.any():
        hints = ["let the last value stand for each: --known-fill last"] * (not left.any())
        hints += ["leave the columns out: --known ''"] * may_leave_out
        raise _missing(panel, missing if fill is None else left, source, hints)
    place = np.tile(np.arange(1, horizon + 1), len(panel))
    series = np.repeat(np.arange(len(panel)), horizon)
    known, _ = _extended(panel, series, place, filled.reshape(len(series), -1))
    names = listed(_lacking(panel, missing))
    stand = {"last": "the last value before stands for each", "mean": "the mean of the past stands for each"}
    message = f"values of {names} that are missing after the end of the data"
    finding = repair("K005", message, count=int(missing.sum()), action=f"{stand[fill]}, as asked")
    return dataclasses.replace(panel, known=known), [finding]


def _lacking(panel: Panel, missing: Bools) -> list[str]:
    """The known covariates of which some values are `missing` (S, H, K)."""
    assert panel.known is not None
    return [name for place, name in enumerate(panel.known.names) if missing[:, :, place].any()]


def _filled(panel: Panel, ahead: Floats, fill: KnownFill) -> Floats:
    """The rows `ahead` (S, H, K) with `fill` for what is missing; NaN where a series has no value before."""
    known = panel.known
    assert known is not None
    past = np.where(known.in_past(panel.lengths)[:, None], known.values, np.nan)
    result = ahead.copy()
    if fill == "mean":
        for column, words in enumerate(known.words):
            usual = [_usual(part, words) for part in np.split(past[:, column], known.offsets[1:-1])]
            result[:, :, column] = np.where(
                np.isnan(ahead[:, :, column]), np.array(usual)[:, None], ahead[:, :, column]
            )
        return result
    row = np.where(np.isnan(past), -1, np.arange(len(past))[:, None])
    last = np.maximum.reduceat(row, known.offsets[:-1], axis=0)  # (S, K)
    before = np.where(last >= 0, np.take_along_axis(past, np.maximum(last, 0), axis=0), np.nan)
    for step in range(ahead.shape[1]):
        before = result[:, step] = np.where(np.isnan(ahead[:, step]), before, ahead[:, step])
    return result


def _usual(values: Floats, words: Words) -> float:
    """The mean of the known values; of codes of words the commonest."""
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan
    return float(values.mean() if words is None else np.bincount(values.astype(np.int64)).argmax())


def _missing(panel: Panel, missing: Bools, source: str, others: list[str]) -> DataError:
    """The error for known covariates that are `missing` (S, H, K) in the rows to be forecast.

    `others`: further hints.
    """
    rows = np.asarray(missing.any(axis=2), np.bool_)
    series = int(np.flatnonzero(rows.any(axis=1))[0])
    names = _lacking(panel, missing)
    last = int(panel.time[panel.offsets[series + 1] - 1])
    times = panel.frequency.future_times(last, rows.shape[1], panel.names.tz)[rows[series]]
    stamps = times_as_strings(times[:SHOWN], panel.names)
    more = ", ..." if len(times) > SHOWN else ""
    also = int(rows.any(axis=1).sum()) - 1
    hints = [f"Add such rows, with {listed(names)}, or name a file of them: --future FILE"]
    whole = int(np.where(rows.any(axis=1), rows.argmax(axis=1), rows.shape[1]).min())
    if whole:
        hints.append(f"forecast the rows for which all is known: --horizon {whole}")
    return DataError(
        f"{source}: {listed(names)} must be known in each row of the forecast, and "
        f"{int(rows.sum()):,} rows lack it: {', '.join(stamps)}{more} of series {shown(panel.ids[series])}"
        + (f", and rows of {also:,} other series" if also else ""),
        hint="; or ".join([*hints, *others]) + ".",
        code="E006",
        count=int(rows.sum()),
        places=tuple(stamps),
    )
