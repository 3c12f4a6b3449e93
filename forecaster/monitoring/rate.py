"""What the user sets: how many false alarms are allowed, such as 1/w, and since when rows are judged."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np

from forecaster.data.calendar.clock import from_local
from forecaster.data.calendar.steps import Fixed
from forecaster.data.labels import Names
from forecaster.data.panel import Panel
from forecaster.errors import UsageError, brief

SECOND = 10**9  # ns
UNITS = {"min": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND, "w": 604_800 * SECOND}
USUAL = "1/w"
RATE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*/\s*(\d{1,9})?\s*(min|h|d|w)?", re.IGNORECASE)
LONGEST = 1 / 168
"""The usual rate at most: of slow data, one false alarm in as many steps as a week has hours."""
MOST = 0.05
"""The largest chance at each time step: beyond, alarms of several series overlap, and more are raised."""


def chance_of_step(text: str | None, panel: Panel) -> float:
    """The chance of a false alarm at a time step of a panel, in all of its series together.

    `text`: a number per time (2/d, 1/4w) or per so many steps (1/1000); None: USUAL, and LONGEST at most.
    Raises UsageError.
    """
    count, time, steps = parsed_rate(USUAL if text is None else text)
    chance = count / (steps or max(time / step_of(panel), 1e-12))
    if text is None:
        return min(chance, LONGEST)
    if not 0 < chance <= MOST:
        raise UsageError(
            f"false_alarms cannot be {text!r}: that is {chance:.2g} at each step of {panel.frequency.alias}",
            hint=f"Give at most one in {round(1 / MOST)} steps, such as 1/1000.",
        )
    return chance


def parsed_rate(text: str) -> tuple[float, int, int]:
    """A rate as a number per ns, or per steps; the other is 0. Raises UsageError."""
    match = RATE.fullmatch(text.strip())
    if not match or not (match[2] or match[3]) or not float(match[1]) or match[2] in ("0", "00"):
        raise UsageError(
            f"false_alarms cannot be {text!r}",
            hint="Give a number per time, such as 1/w, 2/d or 1/4w, or per time steps, such as 1/1000.",
        )
    each = int(match[2] or 1)
    if match[3]:
        return float(match[1]), each * UNITS[match[3].lower()], 0
    return float(match[1]), 0, each


def step_of(panel: Panel) -> float:
    """The time (ns) between two rows: the mean, where it differs."""
    step = panel.frequency.step
    if isinstance(step, Fixed):
        return float(step.size)
    longest = int(panel.lengths.argmax())
    time = panel.time[panel.offsets[longest] : panel.offsets[longest + 1]]
    return float(np.ptp(time)) / (len(time) - 1) if len(time) > 1 else float(UNITS["d"])


def time_of(text: str, names: Names) -> int:
    """A time that a user gives, ns UTC; without a zone, in that of the table. Raises UsageError."""
    try:
        time = datetime.fromisoformat(text.strip())
        if time.tzinfo is not None and names.tz is None:
            raise ValueError("the times of the table have no zone")
        zone = names.tz if time.tzinfo is None else None
        since = (time.replace(tzinfo=None) if time.tzinfo is None else time.astimezone(UTC)).replace(
            tzinfo=UTC
        )
        ns = int((since - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 10**6) * 1000
        return int(from_local(np.array([ns], np.int64), zone)[0])
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"since cannot be {brief(text)}: {error}",
            hint="Give a time such as 2024-05-01 or 2024-05-01T13:00.",
        ) from error
