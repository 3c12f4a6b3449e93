"""Plots as text: exact for small inputs, in braille and in ASCII; inert, and as wide as asked for."""

import io
from itertools import pairwise

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from forecaster.report.scenes import Band, Line, Marks, Scene, Shift
from forecaster.report.text_plot import Look, print_scenes, scene_text

DAY = np.datetime64("2024-03-01", "ns")


BRAILLE = [
    "sensor  celsius",
    "                       ⢀⣀⡠⠤⠤⠒*******⠄⡂⠄⡂",
    "5               ⢀⣀⡠⠤⠒⠒⠉⠁     ╎    ⠁⠂****",
    "        ⢀⣀⠤⠔⠒⠒⠉⠉⠁            ╎      ⠁ ⠁⠂",
    "0 ⠤⠤⠒⠒⠊⠉⠁                    ╎",
    "  ──────────┬───────────────────────┬───",
    "         04 Mar                  11 Mar",
    "⠒⠒ observed  ** forecast  ⡂⠅ 80 %",
]
ASCII = [
    "sensor  celsius",
    "                       .....'*******----",
    "5               ....''''     |  ----****",
    "        ...:'''''            |      ----",
    "0 ..'''''                    |",
    "  ----------+-----------------------+---",
    "         04 Mar                  11 Mar",
    "'' observed  ** forecast  -- 80 %",
]


def days(*numbers):
    """Times, days after DAY."""
    return DAY + np.array(numbers) * np.timedelta64(1, "D")


def scene(**parts):
    """A rising line of nine days, then a forecast of three with an interval."""
    past = Line("observed", days(*range(9)), np.arange(9.0))
    ahead = Line("forecast", days(8, 9, 10, 11), np.array([8.0, 7, 6, 5]))
    band = Band(80, days(8, 9, 10, 11), np.array([8.0, 6, 4, 2]), np.array([8.0, 8, 8, 8]))
    known = {"lines": (past, ahead), "bands": (band,), "origins": tuple(days(8))}
    return Scene("sensor", ("celsius",), **known | parts)


def plain(*arguments, **options):
    """The lines of a plot without their styles."""
    return [line.plain.rstrip() for line in scene_text(*arguments, **options)]


def test_a_small_plot_in_braille():
    """Title, values, history as a line, forecast as stars, interval as sparse dots, times, key."""
    assert plain(scene(), 40, 4) == BRAILLE


def test_a_small_plot_in_ascii():
    """The same with characters of ASCII; of the interval only the bounds."""
    shown = plain(scene(), 40, 4, Look(ascii_only=True))
    assert shown == ASCII
    assert all(line.isascii() for line in shown)


def test_findings_in_text():
    """A value far away stands at the edge, a change of level is a rule, and the key counts and names them."""
    line = Line("observed", days(*range(8)), np.array([1.0, 2, 1, 900, 1, 6, 5, 6]))
    marks = Marks("V008", days(3), np.array([900.0]), 1)
    shown = plain(
        Scene("a", (), (line,), marks=(marks,), shifts=(Shift(days(5)[0], 1.0, 6.0),), missing_rows=12), 61, 4
    )
    assert "^" in shown[1]
    assert sum("┊" in row for row in shown[1:5]) >= 2
    assert shown[-2:] == [
        "x V008 dropout or spike (1)",
        "┊ V011 change of level (1), last 1 to 6  12 rows not observed",
    ]


@pytest.mark.parametrize("width", [24, 40, 80, 120])
@pytest.mark.parametrize("look", [Look(), Look(color=True), Look(ascii_only=True)])
def test_a_plot_is_as_wide_as_asked_for(width, look):
    """No line is wider than the terminal, and the plot takes all of it; labels of time do not touch."""
    lines = scene_text(scene(), width, 6, look)
    widths = [cell_len(line.plain) for line in lines]
    assert max(widths) == width
    labels = lines[8].plain.split("  ")
    assert all(label.strip() for label, _ in pairwise(labels) if label.strip())


def test_gaps_and_single_values():
    """Missing values leave columns empty; a value on its own is one dot; nothing is an empty plot."""
    gap = Line("observed", days(0, 1, 2, 3, 4), np.array([1.0, np.nan, np.nan, np.nan, 1.0]))
    rows = plain(Scene("gap", (), (gap,)), 30, 4)
    assert sum(not (c.isspace() or c.isalnum() or c in "-.─┬") for row in rows[1:5] for c in row) == 2
    empty = Scene("none", (), (Line("observed", days(0, 1), np.full(2, np.nan)),))
    assert len(plain(empty, 30, 4)) >= 6
    one = Scene("one", (), (Line("observed", days(0), np.array([3.0])),))
    assert "2024-03-01" in plain(one, 40, 4)[0]


def printed(scenes, encoding="utf-8", **options):
    """What a console writes to a stream with this encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace")
    print_scenes(Console(file=stream, **options), scenes)
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_names_are_inert_and_streams_of_ascii_stay_so():
    """Control characters and markup of names are text, on any stream."""
    hostile = Scene("[red]x[/red]\x1b]0;t\x07 東京", (), scene().lines)
    shown = printed([hostile], width=80)
    assert "[red]x[/red]\\x1b]0;t\\x07 東京" in shown
    assert "\x1b" not in shown
    shown = printed([hostile], encoding="ascii", width=80)
    assert "\\u6771" in shown
    assert shown.isascii()


def test_colour_only_where_the_console_has_it():
    """Codes of colour stand in the text of a terminal alone; without them, a forecast has stars."""
    assert "\x1b[1;36m" in printed([scene()], width=80, force_terminal=True, color_system="standard")
    without = printed([scene()], width=80, force_terminal=True, color_system="standard", no_color=True)
    assert "*" in without
    assert "36m" not in without
    assert "\x1b" not in printed([scene()], width=80)


def test_two_plots_beside_each_other(monkeypatch):
    """From 100 columns on; below, one after the other. The console of Linux has no braille."""
    beside = printed([scene(), scene()], width=101).splitlines()
    assert beside[0].count("sensor") == 2
    assert beside[0].rindex("sensor") == 52
    assert printed([scene(), scene()], width=99).splitlines()[0].count("sensor") == 1
    monkeypatch.setenv("TERM", "linux")
    assert printed([scene()], width=80).isascii()
