"""One forecast on matplotlib axes: history, forecast, intervals, labels beside the lines, readable dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecaster.arrays import Floats
from forecaster.report.text import inert

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Times = NDArray[np.datetime64]
Point = tuple[np.datetime64, float]
Label = tuple[float, str, str]  # height in data units, text, colour

INK, GREY, GRID = "#1f2933", "#7b8794", "#e4e7eb"
PAST, AHEAD, TRUE, FAINT = "#52606d", "#0b69c7", "#d9822b", "#7fa8d4"
SHADES = (0.30, 0.16, 0.09)  # narrowest interval first
LINE = 0.2  # inches between two labels


def draw_forecast(
    axes: Axes,
    history_time: ArrayLike,
    history: ArrayLike,
    time: ArrayLike,
    point: ArrayLike,
    intervals: Mapping[int, tuple[ArrayLike, ArrayLike]],
    *,
    actual: ArrayLike | None = None,
) -> None:
    """Draw one series on `axes`. The arguments are those of `plots.forecast_figure`."""
    past, ahead = _times(history_time), _times(time)
    known, mean = np.asarray(history, dtype=float), np.asarray(point, dtype=float)
    start = _last_observation(past, known)
    labels = _draw_intervals(axes, start, ahead, intervals)
    axes.plot(past, known, color=PAST, linewidth=1.3, solid_capstyle="round", zorder=3)
    axes.plot(
        *_from(start, ahead, mean),
        color=AHEAD,
        linewidth=2.2,
        solid_capstyle="round",
        zorder=4,
        clip_on=False,
    )
    labels.append((_end(mean), "forecast", AHEAD))
    if actual is not None:
        axes.plot(ahead, np.asarray(actual, dtype=float), color=TRUE, linewidth=1.5, zorder=5)
        labels.append((_end(actual), "actual", TRUE))
    _tidy(axes, past, ahead)
    _label_ends(axes, labels)


def write_titles(axes: Axes, title: str, subtitle: str, unit: str) -> None:
    """Title and subtitle, aligned with the left edge of the numbers."""
    second = "  ·  ".join(inert(part) for part in (subtitle, unit) if part)
    if title:
        axes.set_title(inert(title), loc="left", fontsize=14, fontweight="bold", pad=26 if second else 12)
    if second:
        axes.annotate(
            second, (0, 1), xycoords="axes fraction", xytext=(0, 10), textcoords="offset points", color=GREY
        )


def _draw_intervals(
    axes: Axes, start: Point | None, ahead: Times, intervals: Mapping[int, tuple[ArrayLike, ArrayLike]]
) -> list[Label]:
    """Shade the intervals, widest first, starting at the last observation. Returns their labels."""
    labels = []
    for place, level in reversed(list(enumerate(sorted(intervals)))):
        lower, upper = (np.asarray(bound, dtype=float) for bound in intervals[level])
        time, low = _from(start, ahead, lower)
        high = _from(start, ahead, upper)[1]
        shade = SHADES[min(place, len(SHADES) - 1)]
        axes.fill_between(time, low, high, color=AHEAD, alpha=shade, linewidth=0, zorder=2)
        labels.append((_end(upper), f"{level} %", FAINT))
    return labels


def _tidy(axes: Axes, past: Times, ahead: Times) -> None:
    """A light grid, readable dates, and a line where the forecast begins."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=6)
    axes.tick_params(axis="x", length=3)
    _date_axis(axes)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    both = np.concatenate([past, ahead])
    if both.min() < both.max():
        axes.set_xlim(both.min(), both.max())
    if len(past) and len(ahead):
        axes.axvline(past.max(), color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)


def _date_axis(axes: Axes) -> None:
    from matplotlib import dates

    tools: Any = dates  # has no type hints
    locator = tools.AutoDateLocator(minticks=4, maxticks=9)
    # At each level (years, months, days, hours, minutes, seconds): any tick, the first tick, the corner.
    formatter = tools.ConciseDateFormatter(
        locator,
        formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
        zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
        offset_formats=["", "%Y", "%Y", "%Y", "%d %b %Y", "%d %b %Y %H:%M"],
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def _label_ends(axes: Axes, labels: Sequence[Label]) -> None:
    """Label each line and band at its right end. Labels that would overlap are moved apart."""
    low, high = axes.get_ylim()
    placed = sorted((label for label in labels if np.isfinite(label[0])), key=lambda label: label[0])
    heights = [(value - low) / (high - low) for value, _, _ in placed]
    figure: Any = axes.figure
    distance = LINE / axes.get_window_extent().height * figure.dpi
    for height, (_, text, color) in zip(_apart(heights, distance), placed, strict=True):
        axes.annotate(
            text, (1, height), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
            va="center", color=color, fontweight="bold" if text == "forecast" else "normal",
        )  # fmt: skip


def _apart(heights: Sequence[float], distance: float) -> list[float]:
    """Rising heights, moved as little as possible to be `distance` apart (isotonic regression)."""
    groups: list[tuple[float, int]] = []  # mean of height - place * distance, members
    for place, height in enumerate(heights):
        mean, count = height - place * distance, 1
        while groups and groups[-1][0] > mean:
            before, many = groups.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        groups.append((mean, count))
    means = [mean for mean, count in groups for _ in range(count)]
    return [mean + place * distance for place, mean in enumerate(means)]


def _times(values: ArrayLike) -> Times:
    """Times as datetime64; integers are nanoseconds since 1970."""
    return np.asarray(values).astype("datetime64[ns]")


def _last_observation(time: Times, values: Floats) -> Point | None:
    """Time and value of the last observation."""
    rows = np.flatnonzero(np.isfinite(values))
    return (time[rows[-1]], float(values[rows[-1]])) if rows.size else None


def _from(start: Point | None, time: Times, values: Floats) -> tuple[Times, Floats]:
    """Times and values of a line that begins at `start`, the last observation."""
    if start is None:
        return time, values
    return np.concatenate([[start[0]], time]), np.concatenate([[start[1]], values])


def _end(values: ArrayLike) -> float:
    """The last value that is not NaN."""
    column = np.asarray(values, dtype=float)
    finite = column[np.isfinite(column)]
    return float(finite[-1]) if finite.size else float("nan")
