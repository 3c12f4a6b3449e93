"""Changes: what a user sets known covariates to in the rows of a forecast, for a what-if.

A change is a column, a sign, a value and, where not all rows are meant, days or times:

    price=9.5    temperature+=2    price*=0.8@2024-12-24    open=no@2024-12-24..2024-12-26
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.arrays import Bools, Floats, Ints
from forecaster.data.calendar.clock import to_local
from forecaster.data.labels import listed, shown, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.parsing.looks import SWITCHES
from forecaster.data.parsing.number_formats import NUMBER
from forecaster.data.rows.known import Known
from forecaster.data.writing.forecast_table import times_ahead
from forecaster.errors import UsageError

Asked = Mapping[str, Any] | Sequence[str]
"""Column -> value, or text such as "+=2", or a list of these; or texts such as "price=9.5"."""
SIGNS = ("+=", "-=", "*=", "=")
_TIME = r"\d{4}(?:-\d\d(?:-\d\d(?:[ T]\d\d(?::\d\d(?::\d\d)?)?)?)?)?"
SPAN = re.compile(rf"({_TIME})|({_TIME})?\.\.({_TIME})?")
"""A year, month, day or time, or the span between two of them, of which one may be missing."""
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Whole years that times in ns can name."""
EXAMPLES = "such as price=9.5, price*=0.8, temperature+=2 or sky=rain"


@dataclass(frozen=True)
class Change:
    """One column, set or changed in all rows of the horizon, or in those of a span."""

    text: str
    """As it was asked for."""
    column: int
    """Its place among the known covariates."""
    sign: str
    value: float
    """A number, or the code of a word."""
    first: np.datetime64 | None = None
    stop: np.datetime64 | None = None
    """The span on the clock of the data, from the first moment to before the last; None: no such end."""

    def rows(self, local: Ints) -> Bools:
        """Which rows with these local times in ns it changes."""
        time = local.view("M8[ns]")
        inside = np.ones(time.shape, np.bool_)
        if self.first is not None:
            inside &= time >= self.first
        if self.stop is not None:
            inside &= time < self.stop
        return inside

    def of(self, values: Floats) -> Floats:
        """The values after the change; a missing one stays missing unless it is set."""
        if self.sign == "=":
            return np.full_like(values, self.value)
        with np.errstate(over="ignore"):
            return (
                values * self.value if self.sign == "*=" else values + float(f"{self.sign[0]}1") * self.value
            )


def changes_of(panel: Panel, asked: Asked) -> tuple[Change, ...]:
    """What is asked for, in this order. Raises UsageError for what no known covariate can be set to."""
    if panel.known is None or not panel.known.names:
        raise UsageError(
            "--set needs covariates whose future is known, and there are none",
            hint="Train with --known NAME; rows after the last target value hold the future.",
        )
    changes = tuple(_change(panel, panel.known, *part) for part in _parts(panel, panel.known, asked))
    if not changes:
        raise UsageError("nothing is set", hint=f"Say what to set, {EXAMPLES}.")
    for number, change in enumerate(changes):
        everywhere = change.sign == "=" and change.first is None and change.stop is None
        before = [each for each in changes[:number] if each.column == change.column]
        if everywhere and before:
            raise UsageError(f"--set {shown(change.text)} takes the place of {shown(before[0].text)}")
    return changes


def with_changes(panel: Panel, changes: Sequence[Change], horizon: int) -> tuple[Panel, Bools]:
    """The panel after the changes of the `horizon` rows after the end of each series, made one after another;
    and which values changed hands (S, H, K). The rows of the past stay as they are.

    Raises UsageError for a span without any row, and where a value becomes larger than any number.
    """
    known, series = panel.known, np.arange(len(panel))
    assert known is not None
    ahead = known.of(series, panel.lengths, horizon)
    times = times_ahead(panel, panel.lengths, horizon)
    local = to_local(times.ravel(), panel.names.tz).reshape(times.shape)
    touched = np.zeros(ahead.shape, np.bool_)
    for change in changes:
        rows = change.rows(local)
        if not rows.any():
            ends = times_as_strings(np.array([times.min(), times.max()]), panel.names)
            raise UsageError(
                f"--set {shown(change.text)}: no row of the forecast lies there",
                hint=f"Its rows are {ends[0]} to {ends[1]}.",
            )
        column = ahead[:, :, change.column]
        column[rows] = change.of(column[rows])
        touched[:, :, change.column] |= rows
        if np.isinf(column).any():
            raise UsageError(f"--set {shown(change.text)}: the value is larger than any number")
    return with_ahead(panel, ahead), touched


def with_ahead(panel: Panel, ahead: Floats) -> Panel:
    """The panel with known covariates `ahead` (S, H, K) in the rows after the end of each series."""
    known = panel.known
    assert known is not None
    rows = np.diff(known.offsets)
    longer = np.maximum(rows, panel.lengths + ahead.shape[1])
    offsets = np.concatenate([[0], np.cumsum(longer)])
    values = np.full((offsets[-1], len(known.names)), np.nan)
    values[np.arange(len(known.values)) + np.repeat(offsets[:-1] - known.offsets[:-1], rows)] = known.values
    values[(offsets[:-1] + panel.lengths)[:, None] + np.arange(ahead.shape[1])] = ahead
    return dataclasses.replace(panel, known=dataclasses.replace(known, values=values, offsets=offsets))


def _parts(panel: Panel, known: Known, asked: Asked) -> Iterator[tuple[str, str, str]]:
    """The column, the sign and the value with its span, of each change."""
    if isinstance(asked, Mapping):
        for name, values in asked.items():
            if name not in known.names:
                raise _no_such(panel, known, str(name))
            for value in values if isinstance(values, list | tuple) else [values]:
                yield name, *_signed(value)
        return
    for text in [asked] if isinstance(asked, str) else asked:
        yield _split(panel, known, text)


def _signed(value: object) -> tuple[str, str]:
    """The sign and the value of what Python code gives."""
    value = value.item() if hasattr(value, "item") else value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    sign = next((sign for sign in SIGNS if text.startswith(sign)), "")
    return sign or "=", text[len(sign) :].strip()


def _split(panel: Panel, known: Known, text: str) -> tuple[str, str, str]:
    """The column, the sign and the value of a text; names and values may hold signs themselves."""
    places = [match.span() for match in re.finditer(r"[+\-*]?=", text)]
    places += [(stop - 1, stop) for start, stop in places if stop - start > 1]
    parts = [(text[:start].strip(), text[start:stop], text[stop:].strip()) for start, stop in sorted(places)]
    fitting = [part for part in parts if part[0] in known.names]
    if len(fitting) > 1:
        ways = " or ".join(f"{name!r} {sign} {value!r}" for name, sign, value in fitting)
        raise UsageError(f"--set {shown(text)} may mean {ways}", hint="Rename a column.")
    if fitting:
        return fitting[0]
    if not parts:
        raise UsageError(f"--set {shown(text)} sets nothing", hint=f"Say what to set, {EXAMPLES}.")
    raise _no_such(panel, known, parts[0][0])


def _no_such(panel: Panel, known: Known, name: str) -> UsageError:
    """The error for a column that cannot be set."""
    names = panel.names
    others = {
        "a covariate of the past only: the model knows nothing of its future": names.covariates,
        "a fact of each series, the same in all rows": names.static,
        "the target, which is forecast": (names.target,),
        "the column of times": (names.time,),
        "the column of ids": (names.id,),
    }
    why = next((why for why, columns in others.items() if name in columns), "")
    near = difflib.get_close_matches(name, known.names, 1, 0.5)
    hint = f"Columns to set: {listed(known.names)}"
    if why and name in names.covariates:
        hint = f"Train with --known {name}, and give its future"
    elif near and not why:
        hint = f"Did you mean {shown(near[0])}?"
    message = (
        f"{shown(name)} is {why}" if why else f"no covariate known of the future is called {shown(name)}"
    )
    return UsageError(f"--set: {message}", hint=hint)


def _change(panel: Panel, known: Known, name: str, sign: str, text: str) -> Change:
    """The change of a column; `text` is the value, and may name a span."""
    column, whole = known.names.index(name), f"{name}{sign}{text}"
    words = known.words[column]
    value, _, span = text.rpartition("@")
    ends: tuple[np.datetime64 | None, np.datetime64 | None] = (None, None)
    if value and (words is None or (text not in words and SPAN.fullmatch(span.strip()))):
        text, ends = value.strip(), _span(whole, span.strip())
    if words is not None:
        return Change(whole, column, sign, _word(whole, name, sign, text, words), *ends)
    seen = known.values[known.in_past(panel.lengths), column]
    switch = bool(np.isin(seen[~np.isnan(seen)], (0, 1)).all()) and sign == "="
    return Change(whole, column, sign, _number(whole, name, sign, text, switch=switch), *ends)


def _number(whole: str, name: str, sign: str, text: str, *, switch: bool) -> float:
    """The number; of a column of 0 and 1 also a word such as yes."""
    if switch and text.lower() in SWITCHES:
        return float(SWITCHES[text.lower()])
    if re.fullmatch(NUMBER, text) and np.isfinite(float(text)):
        return float(text)
    if re.fullmatch(NUMBER, text):
        raise UsageError(f"--set {shown(whole)}: the value is larger than any number")
    pointed = text.replace(",", ".")
    example = pointed if re.fullmatch(NUMBER, pointed) else "yes" if switch else "9.5"
    raise UsageError(
        f"--set {shown(whole)}: {shown(text)} is no number, and {shown(name)} holds numbers",
        hint=f"Write it as in --set {shlex.quote(f'{name}{sign}{example}')}",
    )


def _word(whole: str, name: str, sign: str, text: str, words: tuple[str, ...]) -> float:
    """The code of a word that the model knows."""
    if sign != "=":
        raise UsageError(
            f"--set {shown(whole)}: {shown(name)} holds words, to which nothing can be added",
            hint=f"Set one: --set {shlex.quote(f'{name}={words[0]}')}",
        )
    if text in words:
        return float(words.index(text))
    lower = {word.lower(): word for word in reversed(words)}
    near = difflib.get_close_matches(text.lower(), lower, 1)
    hint = f"Did you mean {shown(lower[near[0]])}?" if near else f"Its words: {listed(words)}"
    raise UsageError(f"--set {shown(whole)}: {shown(name)} never was {shown(text)}", hint=hint)


def _span(whole: str, text: str) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    """The first moment of a span, and the moment after its last."""
    parts = SPAN.fullmatch(text)
    if parts is None or not any(parts.groups()):
        raise UsageError(
            f"--set {shown(whole)}: {shown(text)} is neither a day nor a time nor a span of them",
            hint="Write it as in @2024-12-24, @2024-12, @2024-12-24 18:00 or @2024-12-24..2024-12-26.",
        )
    one, first, last = parts.groups()
    try:
        if any(not FIRST_YEAR <= int(each[:4]) <= LAST_YEAR for each in parts.groups() if each):
            raise ValueError(text)
        start, end = (None if each is None else np.datetime64(each) for each in (one or first, one or last))
        start = None if start is None else start.astype("M8[ns]")
        return start, None if end is None else (end + 1).astype("M8[ns]")
    except ValueError as error:
        raise UsageError(f"--set {shown(whole)}: there is no time {shown(text)}") from error
