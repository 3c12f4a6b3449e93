"""Future: rows after the end of a series that hold covariates whose future values are known.

They are no rows of the panel: they lie in `Known`, at the places of the timestamps that a forecast has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from forecaster.arrays import Floats, Ints
from forecaster.data.findings import SHOWN, Finding, info, repair
from forecaster.data.labels import shown, times_as_strings
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

    Where a value is known already, the one in `rows` takes its place. Rows up to the end change nothing.
    Raises DataError for a row that does not lie on the grid of its series.
    """
    if rows is None or panel.known is None or not len(rows.time):
        return panel, []
    values, findings = _as_known(panel.known, rows)
    number = {name: place for place, name in enumerate(panel.ids)}
    series = np.array([number.get(name, -1) for name in rows.ids])[rows.series]
    last = panel.time[panel.offsets[1:] - 1][series]
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
