"""How old the newest row and the model are."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from forecaster.data.calendar.frequency import Frequency
from forecaster.data.findings import SHOWN, Finding, warn
from forecaster.data.labels import Names, listed, times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.storage.files import size_and_time
from forecaster.data.storage.place import Named, Place
from forecaster.errors import StaleError, StorageError, UsageError
from forecaster.model.model import Model

ANY = "any"
SECOND = 10**9  # ns
UNITS = {"s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND, "w": 604_800 * SECOND}
AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(s|min|h|d|w)", re.IGNORECASE)
OFFSET = re.compile(r"[+-]\d\d:?\d\d$")
"""The end of a time that is written with its distance from UTC."""
USUAL_STEPS = 3
"""Steps after which a source that grows step by step should have new rows."""


@dataclass(frozen=True)
class Newest:
    """The newest observed row of a table, and how old it is."""

    row: int  # ns, as in the panel
    age: int  # ns; negative for a row in the future
    label: str  # as the user writes times
    overdue: bool
    """Whether USUAL_STEPS further rows should have come by now."""


def newest_row(panel: Panel, now: int | None = None) -> Newest:
    """The newest observed row that is not in the future; `now` (ns since 1970 UTC) is that of the machine."""
    seen = panel.time[panel.target_observed]
    seen = seen if seen.size else panel.time
    past = seen[seen <= _clock(bool(panel.names.tz), now)]
    return newest(int((past if past.size else seen).max()), panel.frequency, panel.names, now)


def newest(row: int, frequency: Frequency, names: Names, now: int | None = None) -> Newest:
    """The row at the time `row` as the newest one, with its age.

    Times without a zone are taken as local times of the machine.
    """
    clock = _clock(bool(names.tz), now)
    due = int(frequency.future_times(row, USUAL_STEPS, names.tz)[-1])
    return Newest(row, clock - row, times_as_strings(np.array([row]), names)[0], due < clock)


def check_rows(panel: Panel, max_age: str | None) -> list[Finding]:
    """A finding where rows are overdue, of the table or, with `max_age`, of some series.

    Raises StaleError where the newest row is older than `max_age`.
    """
    found = newest_row(panel)
    return [*check_newest(found, max_age), *older_series(panel, found, max_age)]


def check_newest(found: Newest, max_age: str | None) -> list[Finding]:
    """A finding where the newest row of a table is overdue.

    Raises StaleError where it is older than `max_age`.
    """
    _refuse_older(found.age, found.label, max_age)
    if max_age is not None or not found.overdue:
        return []
    message = f"the newest row, {found.label}, is more than {USUAL_STEPS} steps old"
    action = "forecast from there; --max-age sets how old it may be (any: however old)"
    return [warn("T010", message, action=action)]


def check_noted(row: int, label: str, max_age: str | None) -> None:
    """Raise StaleError where the newest row (ns), noted with its label by an earlier run, is too old now."""
    zoned = label.endswith("Z") or OFFSET.search(label) is not None
    _refuse_older(_clock(zoned, None) - row, label, max_age)


def _refuse_older(age: int, label: str, max_age: str | None) -> None:
    limit = parsed_age("max_age", max_age)
    if limit is not None and age > limit:
        raise StaleError(
            f"the newest row, {label}, is {in_words(age)} old, and --max-age is {max_age}",
            hint="See whether the source still gets new rows.",
        )


def older_series(panel: Panel, found: Newest, max_age: str | None) -> list[Finding]:
    """A finding where series end before the age that the newest row of all keeps to."""
    limit = parsed_age("max_age", max_age)
    if limit is None:
        return []
    ages = found.row + found.age - panel.time[panel.offsets[1:] - 1]
    old = np.flatnonzero(ages > limit)
    if not old.size:
        return []
    names = listed([panel.ids[series] for series in old], SHOWN)
    message = f"series without a row within --max-age {max_age}: {names}"
    return [warn("T010", message, count=len(old), action="forecast from their own last row")]


def check_model(path: Place, max_age: str | None) -> None:
    """Raise StaleError where the model file was written longer than `max_age` ago."""
    limit = parsed_age("max_model_age", max_age)
    if limit is None:
        return
    age = time.time_ns() - _written(path)
    if age > limit:
        raise StaleError(
            f"the model {str(path)!r} was written {in_words(age)} ago, and --max-model-age is {max_age}",
            hint="Train it again with `forecast train DATA`, or see why that does not happen.",
        )


def _written(path: Named) -> int:
    """When a model file was written, ns since 1970. StorageError where its server does not say."""
    written = size_and_time(path)[1]
    if not written:
        hint = "Leave out --max-model-age, or fetch the file first."
        raise StorageError(f"the server does not say when {str(path)!r} was written", hint=hint)
    return written


def ages(path: Named, model: Model) -> dict[str, str]:
    """How old the model file and the newest row that it was trained on are, in words."""
    written, facts = _written(path), model.facts
    trained_on = newest(facts.last, facts.frequency, facts.names)
    return {
        "model written": datetime.fromtimestamp(written // SECOND, UTC).isoformat(sep=" "),
        "model": in_words(time.time_ns() - written),
        "newest row": trained_on.label,
        "data": in_words(trained_on.age),
    }


def parsed_age(setting: str, text: str | None) -> int | None:
    """An age such as 2d in ns; None: no limit. Raises UsageError."""
    if text is None or text.strip().lower() == ANY:
        return None
    match = AGE.fullmatch(text.strip())
    if not match:
        raise UsageError(
            f"{setting} cannot be {text!r}", hint=f"Give an age such as 90min, 36h, 2d or 4w, or {ANY}."
        )
    return int(float(match[1]) * UNITS[match[2].lower()])


def in_words(age: int) -> str:
    """An age (ns) in its largest unit that it has two of: 47 hours, 3 days."""
    for unit, size in (("days", "d"), ("hours", "h"), ("minutes", "min")):
        count = age / UNITS[size]
        if abs(count) >= 2:
            return f"{int(count):,} {unit}" if abs(count) >= 10 else f"{count:.2g} {unit}"
    return f"{age // SECOND} second" + "s" * (age // SECOND != 1)


def _clock(zoned: bool, now: int | None) -> int:
    """Now, as the panel counts time; without a zone, on the clock of the machine."""
    now = time.time_ns() if now is None else now
    if zoned:
        return now
    offset = datetime.now().astimezone().utcoffset()
    return now + (0 if offset is None else int(offset.total_seconds()) * SECOND)
