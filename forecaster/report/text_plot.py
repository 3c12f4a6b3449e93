"""A scene as text: lines of braille dots, eight a character; plain characters where a stream has only ASCII.

Without colour, a forecast is drawn with stars, so that it can be told from what was observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from forecaster.arrays import Bools, Floats, Ints
from forecaster.report.scenes import WORDS, Line, Scene, Times
from forecaster.report.text import inert
from forecaster.report.thinning import kept_rows
from forecaster.report.ticks import round_numbers, round_times, time_text

if TYPE_CHECKING:
    from rich.console import Console

BIT = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of each dot of a character, 4 rows of 2."""
BRAILLE = 0x2800
TALL, LOW = 14, 8
"""Rows of one plot, and of one of several."""
LEAST_WIDTH = 24
BESIDE = 100
"""Columns of a terminal on which two plots stand beside each other."""
OBSERVED, AHEAD, FAN, RULE, WRONG = "", "bold cyan", "cyan", "dim", "bold red"


@dataclass(frozen=True)
class Look:
    """What a stream can show."""

    ascii_only: bool = False
    color: bool = False


def print_scenes(console: Console, scenes: Sequence[Scene]) -> None:
    """Print the plots of the scenes, two beside each other where there is room.

    They are as wide as the terminal, or as the variable COLUMNS says.
    """
    import os

    plain = console.options.ascii_only or os.environ.get("TERM") in ("linux", "dumb")  # no braille
    look = Look(plain, console.color_system is not None and not console.no_color)
    columns = 2 if len(scenes) > 1 and console.width >= BESIDE else 1
    width = (console.width - 3 * (columns - 1)) // columns
    rows = TALL if len(scenes) == 1 else LOW
    for number in range(0, len(scenes), columns):
        plots = [scene_text(scene, width, rows, look) for scene in scenes[number : number + columns]]
        height = max(map(len, plots))
        for row in range(height):
            line = Text()
            for place, plot in enumerate(plots):
                line.append(" " * ((width + 3) * place - line.cell_len))
                line.append_text(plot[row] if row < len(plot) else Text())
            line.rstrip()
            _print(console, line)
        _print(console, Text())


def _print(console: Console, line: Text) -> None:
    if console.options.ascii_only:
        encoding = console.encoding
        line = Text(line.plain.encode(encoding, "backslashreplace").decode(encoding))
    console.print(line, highlight=False, no_wrap=True, crop=not console.options.ascii_only, overflow="ignore")


def scene_text(scene: Scene, width: int, rows: int, look: Look = Look()) -> list[Text]:
    """The lines of a plot, at most `width` columns wide; the plot itself is `rows` high."""
    width = max(width, LEAST_WIDTH)
    low, high = scene.limits()
    numbers = round_numbers(low, high, max(rows // 3, 2))
    margin = max(map(len, numbers.values()), default=0) + 1
    grid = _Grid(scene, width - margin, rows, look)
    labels = {grid.cell_row(value): text for value, text in numbers.items()}
    lines = [_title(scene, width)]
    for row, cells in enumerate(grid.cells()):
        line = Text().append(labels.get(row, "").rjust(margin - 1) + " ", RULE)
        for style, run in groupby(cells, key=itemgetter(1)):
            line.append("".join(character for character, _ in run), style)
        lines.append(line)
    lines += [Text(" " * margin + line, RULE) for line in grid.time_axis()]
    lines += _key(scene, width, look)
    return lines


def _title(scene: Scene, width: int) -> Text:
    """The name, and the facts beside it as far as there is room."""
    title = Text().append(inert(scene.title), "bold")
    title.truncate(width, overflow="ellipsis")
    facts = [*scene.notes, *([time_text(*scene.span)] if scene.span else [])]
    for fact in facts:
        if title.cell_len + len(fact) + 2 <= width:
            title.append(f"  {inert(fact)}", RULE)
    return title


def _key(scene: Scene, width: int, look: Look) -> list[Text]:
    """What each sign means, on as many lines as it takes."""
    plain = look.ascii_only
    entries: list[tuple[str, str, str]] = []
    if scene.origins:
        line = "''" if plain else "⠒⠒"
        entries = [
            (line, OBSERVED, "observed"),
            (line if look.color and not plain else "**", AHEAD, "forecast"),
        ]
        if any(line.kind == "base" for line in scene.lines):
            entries[1:] = [("oo", OBSERVED, "base"), (*entries[1][:2], "what-if")]
        levels = sorted({band.level for band in scene.bands})
        narrow, wide = ([], levels[-1:]) if plain else (levels[:-1][:1], levels[len(levels[:-1][:1]) :])
        for sign, some in (("⣗⢕", narrow), ("--" if plain else "⡂⠅", wide)):
            entries += [(sign, FAN, ", ".join(f"{level} %" for level in some))] if some else []
    entries += [("x", WRONG, f"{mark.code} {WORDS[mark.code]} ({mark.total:,})") for mark in scene.marks]
    if scene.shifts:
        last = scene.shifts[-1]
        words = f"V011 {WORDS['V011']} ({len(scene.shifts):,}), last {last.before:.4g} to {last.after:.4g}"
        entries.append(("|" if look.ascii_only else "┊", WRONG, words))
    if scene.missing_rows:
        entries.append(("", "", f"{scene.missing_rows:,} rows not observed"))
    lines, now = [], Text()
    for sign, style, words in entries:
        entry = Text().append(sign, style).append(f"{' ' if sign else ''}{words}", RULE)
        if now.cell_len and now.cell_len + entry.cell_len + 2 > width:
            lines.append(now)
            now = Text()
        now = now.append("  " if now.cell_len else "").append_text(entry)
    return [*lines, now] if now.cell_len else lines


class _Grid:
    """The characters of a plot, `width` columns and `height` rows of them."""

    def __init__(self, scene: Scene, width: int, height: int, look: Look) -> None:
        self.scene, self.look = scene, look
        self.width, self.height = width, height
        self.low, self.high = scene.limits()
        self.first, self.last = scene.span or (np.datetime64(0, "ns"), np.datetime64(1, "ns"))
        if self.first == self.last:
            self.first, self.last = self.first - np.timedelta64(1, "D"), self.last + np.timedelta64(1, "D")

    def cell_row(self, value: float) -> int:
        """The row of characters of a value; the first is at the top."""
        return int(self._dot_rows(np.array([value]))[0]) // 4

    def cells(self) -> Iterator[list[tuple[str, str]]]:
        """The rows: characters and their styles, where the latter of two that meet is in front."""
        signs = np.full((self.height, self.width), " ", dtype=object)
        styles = np.full((self.height, self.width), "", dtype=object)

        def put(where: Bools, characters: np.ndarray | str, style: str) -> None:
            signs[where] = characters[where] if isinstance(characters, np.ndarray) else characters
            styles[where] = style

        for layer in (self._rules, self._fans, self._lines, self._marks):
            layer(put)
        return ([*zip(row, style, strict=True)] for row, style in zip(signs, styles, strict=True))

    def time_axis(self) -> list[str]:
        """The axis with its ticks, and below it the times."""
        ruler = ["-" if self.look.ascii_only else "─"] * self.width
        below = [" "] * self.width
        free = 0
        for time, text in round_times(self.first, self.last, max(self.width // 10, 2)):
            column = int(self._dot_columns(np.array([time]))[0]) // 2
            ruler[column] = "+" if self.look.ascii_only else "┬"
            start = min(max(column - len(text) // 2, 0), self.width - len(text))
            if start >= free:
                below[start : start + len(text)] = text
                free = start + len(text) + 2
        return ["".join(ruler), "".join(below).rstrip()]

    def _rules(self, put: Callable[..., None]) -> None:
        """Origins and changes of level, from top to bottom."""
        rules = [(origin, "╎", RULE) for origin in self.scene.origins]
        rules += [(shift.time, "┊", WRONG) for shift in self.scene.shifts]
        for time, sign, style in rules:
            where = np.zeros((self.height, self.width), bool)
            where[:, self._dot_columns(np.array([time])) // 2] = True
            put(where, "|" if self.look.ascii_only else sign, style)

    def _fans(self, put: Callable[..., None]) -> None:
        """Intervals: sparse dots, denser within the narrower; of ASCII only the bounds of the widest."""
        dots = np.zeros((4 * self.height, 2 * self.width), bool)
        edges = np.zeros((self.height, self.width), bool)
        levels = sorted({band.level for band in self.scene.bands})
        y, x = np.ogrid[: 4 * self.height, : 2 * self.width]
        for band in self.scene.bands:
            columns, low, high = self._between(band.time, band.lower, band.upper)
            inside = np.zeros_like(dots)
            inside[:, columns] = (y >= high) & (y <= low)
            narrow = band.level == levels[0] and len(levels) > 1
            dots |= inside & ((x + y) % 2 == 0 if narrow else (x + 2 * (y % 2)) % 4 == 0)
            if band.level == levels[-1]:
                for side in (low, high):
                    edges[side // 4, columns // 2] = True
        if self.look.ascii_only:
            put(edges, "-", FAN)
        else:
            put(_any(dots), _braille(dots), FAN)

    def _lines(self, put: Callable[..., None]) -> None:
        """What was observed, then forecasts."""
        dots = np.zeros((4 * self.height, 2 * self.width), bool)
        ahead, stars = dots.copy(), np.zeros((self.height, self.width), bool)
        circles = stars.copy()
        for line in self.scene.lines:
            if line.kind == "observed":
                self._trace(dots, line)
                continue
            columns, rows = self._between(line.time, line.values)
            (circles if line.kind == "base" else stars)[rows // 4, columns // 2] = True
            if line.kind == "forecast":
                self._trace(ahead, line)
        put(circles, "o", OBSERVED)
        put(_any(dots), _halves(dots) if self.look.ascii_only else _braille(dots), OBSERVED)
        if self.look.color and not self.look.ascii_only:
            put(_any(ahead), _braille(dots | ahead), AHEAD)
        else:
            put(stars, "*", AHEAD)

    def _marks(self, put: Callable[..., None]) -> None:
        """Suspicious values; those far away stand at the edge."""
        for mark in self.scene.marks:
            rows, columns = self._dot_rows(mark.values) // 4, self._dot_columns(mark.time) // 2
            for sign, chosen in (
                ("x", (mark.values >= self.low) & (mark.values <= self.high)),
                ("^", mark.values > self.high),
                ("v", mark.values < self.low),
            ):
                where = np.zeros((self.height, self.width), bool)
                where[rows[chosen], columns[chosen]] = True
                put(where, sign, WRONG)

    def _trace(self, dots: Bools, line: Line) -> None:
        """Set the dots of a line; a gap stays empty, and a value on its own is one dot."""
        kept = kept_rows(line.values, 2 * self.width)
        seen = np.isfinite(line.values[kept])
        x, y = self._dot_columns(line.time[kept]), self._dot_rows(np.where(seen, line.values[kept], self.low))
        dots[y[seen], x[seen]] = True
        for at in np.flatnonzero(seen[:-1] & seen[1:]):
            count = max(abs(x[at + 1] - x[at]), abs(y[at + 1] - y[at])) + 1
            across, down = (np.linspace(c[at], c[at + 1], count).round().astype(int) for c in (x, y))
            dots[down, across] = True

    def _between(self, time: Times, *values: Floats) -> tuple[Ints, ...]:
        """The columns of dots from the first time to the last, and there the rows of each of the values."""
        seen = np.all(np.isfinite(values), axis=0)
        if not seen.any():
            return tuple(np.empty(0, np.int64) for _ in (time, *values))
        places = self._dot_columns(time[seen])
        columns = np.arange(places[0], places[-1] + 1)
        return columns, *(
            np.interp(columns, places, self._dot_rows(each[seen])).astype(int) for each in values
        )

    def _dot_columns(self, time: Times) -> Ints:
        share = (time - self.first) / (self.last - self.first)
        return np.clip((share * (2 * self.width - 1)).round(), 0, 2 * self.width - 1).astype(np.int64)

    def _dot_rows(self, values: Floats) -> Ints:
        share = (self.high - values) / (self.high - self.low)
        return np.clip((share * (4 * self.height - 1)).round(), 0, 4 * self.height - 1).astype(np.int64)


def _blocks(dots: Bools) -> Bools:
    """The dots (4 R, 2 C) of each character (R, C, 4, 2)."""
    rows, columns = dots.shape
    return dots.reshape(rows // 4, 4, columns // 2, 2).swapaxes(1, 2)


def _any(dots: Bools) -> Bools:
    return np.asarray(_blocks(dots).any(axis=(2, 3)))


def _braille(dots: Bools) -> np.ndarray:
    codes = (_blocks(dots) * BIT).sum(axis=(2, 3)) + BRAILLE
    return np.vectorize(chr, otypes=[object])(codes)


def _halves(dots: Bools) -> np.ndarray:
    """' where dots are in the upper half of a character, . in the lower half, : in both."""
    each: Bools = np.asarray(_blocks(dots).any(axis=3))
    upper, lower = each[:, :, :2].any(axis=2), each[:, :, 2:].any(axis=2)
    return np.array([" ", "'", ".", ":"], dtype=object)[upper + 2 * lower]
