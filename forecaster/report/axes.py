"""A scene on matplotlib axes: lines, intervals, findings, labels beside the lines, readable dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from forecaster.arrays import Floats
from forecaster.report.canvas import GREY, GRID, INK
from forecaster.report.scenes import WORDS, Scene, Shift
from forecaster.report.text import inert
from forecaster.report.ticks import round_numbers, round_times, shared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Label = tuple[float, str, str]  # height in data units, text, colour

PAST, AHEAD, FAINT = "#52606d", "#0b69c7", "#5b8fc4"
SHADES = (0.30, 0.16, 0.09)  # narrowest interval first
GAP, MOVED, BASE = "#f0b429", "#8a4baf", "#7b8794"
MARKS = {"V005": ("#c81e1e", "D"), "V007": ("#c81e1e", "v"), "V008": ("#c81e1e", "o"),
         "V009": ("#b4540a", "s"), "V010": ("#b4540a", "^")}  # fmt: skip
"""Code of a finding -> colour and shape of its marks."""
LINE = 0.2  # inches between two labels
DENSE = 600
"""Points of a line, over the width of a page, from which on it is drawn thin."""
TITLE = 62
"""Characters of a title over the width of a page at most."""


def draw_scene(axes: Axes, scene: Scene, *, wide: bool = True, key: int = 0) -> None:
    """Draw one series; on half a page where not `wide`. `key`: lines that the key of findings takes."""
    if scene.missing:
        spans = [(_days(start), _days(stop) - _days(start)) for start, stop in scene.missing]
        across = axes.get_xaxis_transform()
        axes.broken_barh(spans, (0, 1), transform=across, color=GAP, alpha=0.25, linewidth=0.4, zorder=0)
    _draw_bands(axes, scene)
    for line in scene.lines:
        is_past = line.kind == "observed"
        if line.kind == "base":
            axes.plot(line.time, line.values, color=BASE, linewidth=1.6, linestyle=(0, (3, 2)), zorder=3)
            continue
        dense = len(line.time) > (DENSE if wide else DENSE // 2)
        color, width = (PAST, 0.7 if dense else 1.2) if is_past else (AHEAD, 2.2)
        order = 5 if is_past else 4
        axes.plot(line.time, line.values, color=color, linewidth=width, solid_capstyle="round", zorder=order)
        alone = _alone(line.values)
        axes.plot(line.time[alone], line.values[alone], ".", color=color, markersize=4, zorder=order)
    for origin in scene.origins:
        axes.axvline(_days(origin), color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    _tidy(axes)
    _set_limits(axes, scene)
    _set_ticks(axes, scene, most=8 if wide else 5)
    _draw_marks(axes, scene)
    for shift in scene.shifts:
        _draw_shift(axes, shift)
    write_titles(axes, scene, wide=wide, key=key)
    _label_ends(axes, _end_labels(scene))


def _draw_bands(axes: Axes, scene: Scene) -> None:
    levels = sorted({band.level for band in scene.bands})
    for band in scene.bands:
        shade = SHADES[min(levels.index(band.level), len(SHADES) - 1)]
        axes.fill_between(band.time, band.lower, band.upper, color=AHEAD, alpha=shade, linewidth=0, zorder=2)


def _draw_marks(axes: Axes, scene: Scene) -> None:
    """Marks of suspicious values; those far away stand at the edge, with an arrow and their value."""
    low, high = axes.get_ylim()
    for mark in scene.marks:
        color, shape = MARKS[mark.code]
        inside = (mark.values >= low) & (mark.values <= high)
        axes.plot(
            mark.time[inside], mark.values[inside], shape, color=color, markersize=4.5, alpha=0.85, zorder=6
        )
        for below in (True, False):
            out = mark.values < low if below else mark.values > high
            if not out.any():  # an empty line that is not clipped would widen the margins
                continue
            edge = np.full(int(out.sum()), low if below else high)
            shape = "v" if below else "^"
            axes.plot(mark.time[out], edge, shape, color=color, markersize=6, zorder=6, clip_on=False)
            row = np.flatnonzero(out)[-1]
            _write_value(axes, mark.time[row], float(mark.values[row]), color, below=below)
    handles = [
        axes.plot([], [], MARKS[mark.code][1], color=MARKS[mark.code][0], markersize=5,
                  label=f"{mark.code} {WORDS[mark.code]} ({mark.total:,})")[0]
        for mark in scene.marks
    ]  # fmt: skip
    if scene.shifts:
        label = f"V011 {WORDS['V011']} ({len(scene.shifts):,})"
        handles += axes.plot([], [], "--", color=MOVED, linewidth=1.2, label=label)
    if scene.missing:
        label = f"not observed ({scene.missing_rows:,})"
        handles += axes.plot([], [], "s", color=GAP, alpha=0.5, markersize=7, label=label)
    if handles:
        key: Any = axes.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False,
            borderaxespad=0, handlelength=1.2, handletextpad=0.5, columnspacing=1.5, fontsize=9,
        )  # fmt: skip
        for text in key.get_texts():
            text.set_color(GREY)


def _write_value(axes: Axes, time: np.datetime64, value: float, color: str, *, below: bool) -> None:
    axes.annotate(
        f"{value:.5g}", (_days(time), axes.get_ylim()[0 if below else 1]), xytext=(6, 5 if below else -5),
        textcoords="offset points", va="bottom" if below else "top", color=color, fontsize=9,
    )  # fmt: skip


def _draw_shift(axes: Axes, shift: Shift) -> None:
    axes.axvline(_days(shift.time), color=MOVED, linewidth=1.1, linestyle=(0, (4, 2)), zorder=5)
    axes.annotate(
        f"{shift.before:.4g} → {shift.after:.4g}", (_days(shift.time), 1), xycoords=("data", "axes fraction"),
        xytext=(4, -2), textcoords="offset points", va="top", color=MOVED, fontsize=9,
    )  # fmt: skip


def key_lines(scene: Scene) -> int:
    """Lines of the key of findings, which has two columns."""
    return -(-(len(scene.marks) + bool(scene.shifts) + bool(scene.missing)) // 2)


def write_titles(axes: Axes, scene: Scene, *, wide: bool, key: int) -> None:
    """Title, and the facts below it, aligned with the left edge of the numbers."""
    second = "  ·  ".join(inert(part) for part in scene.notes if part)
    most = TITLE if wide else TITLE // 2
    room = 15 * key  # points
    size = 14 if wide else 12
    axes.set_title(
        shortened(inert(scene.title), most), loc="left", fontsize=size, fontweight="bold",
        pad=(26 if second else 12) + room,
    )  # fmt: skip
    if second:
        axes.annotate(
            shortened(second, 2 * most), (0, 1), xycoords="axes fraction", xytext=(0, 9 + room),
            textcoords="offset points", color=GREY,
        )  # fmt: skip


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; its middle is left out, as names often differ at their end."""
    return text if len(text) <= most else f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"


def _tidy(axes: Axes) -> None:
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=6)
    axes.tick_params(axis="x", length=3)


def _number_axis(axes: Axes, most: int) -> None:
    numbers = round_numbers(*axes.get_ylim(), most)
    axes.set_yticks(list(numbers), list(numbers.values()))


def _set_ticks(axes: Axes, scene: Scene, most: int) -> None:
    """Round numbers, and readable times, years to nanoseconds; what these share stands once, at the right."""
    from matplotlib.ticker import FixedFormatter

    _number_axis(axes, 6)
    if scene.span is None:
        return
    ticks = round_times(*scene.span, most)
    axes.set_xticks([_days(time) for time, _ in ticks])
    labels = [text for _, text in ticks]
    formatter: Any = FixedFormatter(labels)  # has no type hints
    formatter.set_offset_string(shared(*scene.span, labels))
    axes.xaxis.set_major_formatter(formatter)


def _set_limits(axes: Axes, scene: Scene) -> None:
    """From the first time to the last; from the least usual value to the greatest, with some room."""
    if scene.span is not None:
        first, last = scene.span
        if first < last:
            axes.set_xlim(_days(first), _days(last))
        else:
            day = np.timedelta64(1, "D")
            axes.set_xlim(_days(first - day), _days(last + day))
    axes.set_ylim(*scene.limits())


def _end_labels(scene: Scene) -> list[Label]:
    """The newest end of each band and line of a forecast, to be labelled."""
    if not scene.origins:
        return []
    newest = max(band.time[-1] for band in scene.bands) if scene.bands else None
    labels = [(_end(b.upper), f"{b.level} %", FAINT) for b in scene.bands if b.time[-1] == newest]
    ahead = [line for line in scene.lines if line.kind == "forecast"]
    bases = [line for line in scene.lines if line.kind == "base"]
    labels += [(_end(line.values), "base", BASE) for line in bases]
    labels.append((_end(ahead[-1].values), "what-if" if bases else "forecast", AHEAD))
    past = scene.lines[0]
    if len(past.time) and past.time[-1] > scene.origins[-1]:
        labels.append((_end(past.values), "actual", PAST))
    return labels


def _label_ends(axes: Axes, labels: Sequence[Label]) -> None:
    """Label each line and band at its right end. Labels that would overlap are moved apart."""
    low, high = axes.get_ylim()
    placed = sorted((label for label in labels if np.isfinite(label[0])), key=lambda label: label[0])
    heights = [min(max((value - low) / (high - low), 0.0), 1.0) for value, _, _ in placed]
    figure: Any = axes.figure
    distance = LINE / axes.get_window_extent().height * figure.dpi
    for height, (_, text, color) in zip(_apart(heights, distance), placed, strict=True):
        axes.annotate(
            text, (1, height), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
            va="center", color=color, fontweight="bold" if color == AHEAD else "normal",
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


def draw_errors(axes: Axes, errors: dict[str, Floats], best: str, title: str) -> None:
    """Errors by step {method: (H,)}, the first of which is the model; `best` is the baseline to beat.

    A baseline far worse than both does not flatten the others: its line leaves the picture.
    """
    from matplotlib.ticker import MaxNLocator

    names = list(errors)
    model, steps = names[0], np.arange(1, len(errors[names[0]]) + 1)
    shape = "o" if len(steps) == 1 else "-"
    labels: list[Label] = []
    for name, values in reversed(errors.items()):
        color = AHEAD if name == model else INK if name == best else "#a3adb8"
        width = 2.2 if name == model else 1.4 if name == best else 1.1
        axes.plot(steps, values, shape, color=color, linewidth=width, zorder=3 + (name in (model, best)))
        labels.append((_end(values), name, color if color != "#a3adb8" else GREY))
    compared = np.concatenate([errors[model], errors[best]])
    top = 2.5 * float(np.nanmax(compared, initial=0.0))
    everything = float(np.nanmax(np.concatenate(list(errors.values())), initial=0.0))
    _tidy(axes)
    axes.set_ylim(0, 1.06 * (min(everything, top) or 1.0))
    _number_axis(axes, most=5)
    axes.set_xlim(1 if len(steps) > 1 else 0.5, len(steps) if len(steps) > 1 else 1.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 3, 4, 6, 10], min_n_ticks=1))
    axes.set_xlabel("steps ahead")
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=12)
    _label_ends(axes, labels)


def _days(time: np.datetime64) -> float:
    """A time as matplotlib counts it."""
    from matplotlib import dates

    tools: Any = dates  # has no type hints
    return float(tools.date2num(time))


def _alone(values: Floats) -> np.ndarray:
    """Rows (n,) whose neighbours are missing: a line does not show them."""
    seen = np.concatenate([[False], np.isfinite(values), [False]])
    return seen[1:-1] & ~seen[:-2] & ~seen[2:]


def _end(values: ArrayLike) -> float:
    """The last value that is not NaN."""
    column = np.asarray(values, dtype=float)
    finite = column[np.isfinite(column)]
    return float(finite[-1]) if finite.size else float("nan")
