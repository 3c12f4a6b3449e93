"""Real series, mixed into the synthetic ones: a network for one's own kind of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecaster.arrays import Array, Floats
from forecaster.data.calendar.frequency import Frequency
from forecaster.data.load import load
from forecaster.errors import DataError
from forecaster.features.scale_choice import LOGARITHMS, powers, to_scale
from forecaster.pretraining.views import View, view_of
from forecaster.pretraining.zero_shot import unit_of

SHARE = 0.5
"""Share of the training series that are real."""

ROWS = {
    "season_1": "yearly",
    "season_4": "quarterly",
    "season_7": "daily",
    "season_12": "monthly",
    "hours": "hourly",
}
"""What series each network reads row by row; prices may have any frequency."""

Draw = Callable[[np.random.Generator, int, int], Array]
"""draw(rng, count, length) -> pieces (count, length) of series as the network sees them; NaN: unknown."""


@dataclass(frozen=True)
class RealSeries:
    """Series in the scale in which a network sees them."""

    series: tuple[Floats, ...]

    def __call__(self, rng: np.random.Generator, count: int, length: int) -> Array:
        """Random pieces; where a series is shorter, NaN before its first row."""
        result = np.full((count, length), np.nan, np.float32)
        for row, number in enumerate(rng.integers(0, len(self.series), count)):
            values = self.series[number]
            end = int(rng.integers(min(length, len(values)), len(values) + 1))
            piece = values[max(0, end - length) : end]
            result[row, length - len(piece) :] = piece
        return result


def read_series(source: str, kind: str) -> RealSeries:
    """The series of a file, a folder or a glob, for the network of a kind.

    Raises DataError where their frequency belongs to another network, and the errors of `load`.
    """
    panel = load(source).panel
    _check_frequency(source, panel.frequency, kind)
    everything = panel.lengths
    power = np.full(len(panel), LOGARITHMS) if kind == "prices" else powers(panel, everything, "relative")
    flat = np.where(panel.target_observed, panel.target, np.nan)
    series = []
    for number in range(len(panel)):
        y = flat[panel.offsets[number] : panel.offsets[number + 1]]
        x = y if kind == "hours" else to_scale(y, np.full(len(y), power[number]))
        if np.isfinite(x).sum() < 2:
            continue
        if kind == "prices":
            x = np.diff(x[np.isfinite(x)])
        elif kind != "hours":
            x = x / unit_of(x[None], power[number : number + 1])
        series.append(x)
    if not series:
        raise DataError(f"{source!r} has no series of two known rows")
    return RealSeries(tuple(series))


def _check_frequency(source: str, frequency: Frequency, kind: str) -> None:
    """Raise DataError unless a network of the kind reads series of this frequency row by row."""
    view = view_of(frequency)
    by_row = view == View(view.kind)
    if kind == "prices" or (by_row and view.kind == kind):
        return
    other = f" These are for {view.kind!r}." if by_row else ""
    raise DataError(
        f"{source!r} has frequency {frequency.alias}, but {kind!r} is trained on {ROWS[kind]} series",
        hint=f"Give it {ROWS[kind]} series.{other}",
    )
