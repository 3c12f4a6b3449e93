"""Pictures: what is drawn on the axes, how they are saved, and what happens without matplotlib."""

import builtins
import os
import sys

import numpy as np
import pytest
from evaluation_panel import panel_of, score

from forecaster.errors import StorageError, UsageError
from forecaster.report import axes as drawing
from forecaster.report import canvas, plots
from forecaster.report.scenes import Band, Line, Marks, Scene, Shift

matplotlib = pytest.importorskip("matplotlib")

HOUR = np.timedelta64(1, "h")
START = np.datetime64("2024-01-01T00", "ns")


def hours(*numbers):
    return START + np.array(numbers, dtype=int) * HOUR


def scene(history=(1.0, 2.0, np.nan, 4.0), point=(4.0, 5.0, 6.0), title="Sensor", **parts):
    """A small scene of hourly values: history, and a forecast with intervals of 80 and 95 %."""
    count = len(history)
    ahead = hours(*range(count - 1, count - 1 + len(point))) if count else hours(*range(len(point)))
    bands = tuple(
        Band(level, ahead, np.subtract(point, side), np.add(point, side))
        for level, side in ((95, 2), (80, 1))
    )
    lines = (
        Line("observed", hours(*range(count)), np.array(history)),
        Line("forecast", ahead, np.array(point)),
    )
    known = {"lines": lines, "bands": bands, "origins": tuple(ahead[:1])}
    return Scene(title, ("°C",), **known | parts)


def figure_of(*scenes, **options):
    return plots.scenes_figure(scenes or (scene(),), **options)


def texts(axes):
    """Labels and titles of axes."""
    return [text.get_text() for text in axes.texts] + [axes.get_title(loc="left")]


def test_lines_and_intervals_are_those_of_the_scene():
    """History keeps its gap; each level is one shaded band, fainter where wider; all have labels."""
    (axes,) = figure_of().axes
    drawn = [line.get_ydata() for line in axes.lines]
    np.testing.assert_array_equal(drawn[0], [1, 2, np.nan, 4])
    assert any(np.array_equal(values, [4, 5, 6]) for values in drawn)
    wide, narrow = axes.collections
    assert wide.get_alpha() < narrow.get_alpha()
    assert wide.get_datalim(axes.transData).y1 == 8 > narrow.get_datalim(axes.transData).y1
    assert {"forecast", "80 %", "95 %", "Sensor", "°C"} <= set(texts(axes))


def test_a_base_is_dashed_and_named():
    """The forecast beside it is then named the what-if."""
    past, ahead = scene().lines
    (axes,) = figure_of(scene(lines=(past, Line("base", ahead.time, ahead.values - 2), ahead))).axes
    (base,) = [line for line in axes.lines if np.array_equal(line.get_ydata(), [2, 3, 4])]
    assert base.is_dashed()
    assert {"base", "what-if"} <= set(texts(axes))
    assert "forecast" not in texts(axes)


def test_a_value_on_its_own_is_a_point():
    """A line through one value shows nothing; a point does."""
    (axes,) = figure_of(scene(history=(np.nan, 3.0, np.nan, 4.0))).axes
    points = [line for line in axes.lines if line.get_marker() == "."]
    assert points[0].get_ydata().tolist() == [3, 4]


def test_labels_keep_apart_and_close_to_where_they_belong():
    """Labels that would overlap are moved apart around their mean; the others stay."""
    assert drawing._apart([0.1, 0.5], 0.05) == [0.1, 0.5]
    np.testing.assert_allclose(drawing._apart([0.5, 0.5, 0.5], 0.1), [0.4, 0.5, 0.6])
    np.testing.assert_allclose(drawing._apart([0.1, 0.5, 0.52], 0.1), [0.1, 0.46, 0.56])


def test_findings_are_marked_and_named():
    """Marks within the values stand at them, one far away at the edge with its value; all are in the key."""
    marks = (Marks("V008", hours(1, 2), np.array([2.0, -9999.0]), 2),)
    parts = {"marks": marks, "shifts": (Shift(hours(3)[0], 1.0, 4.0),), "missing": (tuple(hours(1, 2)),)}
    (axes,) = figure_of(scene(missing_rows=7, **parts)).axes
    low = axes.get_ylim()[0]
    assert low > -10
    assert [low] in [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "v"]
    assert {"-9999", "1 → 4"} <= set(texts(axes))
    key = [text.get_text() for text in axes.get_legend().get_texts()]
    assert key == ["V008 dropout or spike (2)", "V011 change of level (1)", "not observed (7)"]


def test_several_series_are_small_multiples():
    """Two columns of axes, one for each series; a long name is cut in its middle."""
    figure = figure_of(*(scene(title=f"{number}" + "x" * 99) for number in range(5)))
    assert len(figure.axes) == 5
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title[0] for title in titles] == list("01234")
    assert all(len(title) <= 31 and "…" in title for title in titles)


def test_errors_by_step_stand_below():
    """The last axes have the errors of the report, the model first, each with its name; from 0 on."""
    values = np.sin(np.arange(60.0)) + 5
    rows = np.array([[50], [55]])
    actual = np.stack([values[50:55], values[55:60]])[:, None]
    report = score(
        panel_of(values), rows, {"model": actual + 0.1, "naive": actual + 0.4, "drift": actual + 9}, 5
    )
    figure = figure_of(report=report)
    axes = figure.axes[-1]
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] < report.per_step[2].max()  # drift, far worse, does not flatten the others
    assert {"model", "naive", "drift"} <= {text.get_text() for text in axes.texts}
    drawn = [line.get_ydata() for line in axes.lines]
    errors, best, title = plots.errors_by_step(report)
    assert best == "naive"
    assert title.endswith("by step, mean over 2 windows")
    assert any(np.array_equal(errors["model"], each) for each in drawn)


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf", ".PNG"])
def test_the_same_scene_has_the_same_bytes(tmp_path, ending):
    """A picture drawn twice is the same file, in the format of its ending; no temporary file remains."""
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    canvas.save_figure(figure_of(), first)
    canvas.save_figure(figure_of(), second)
    assert first.read_bytes() == second.read_bytes()
    begin = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[ending.lower()]
    assert first.read_bytes().startswith(begin)
    assert sorted(tmp_path.iterdir()) == [first, second]


@pytest.mark.parametrize("name", ["a.jpg", "a", "png"])
def test_another_ending_is_a_usage_error_and_writes_nothing(tmp_path, name):
    """Only .png, .svg and .pdf are allowed."""
    with pytest.raises(UsageError, match="cannot draw") as caught:
        canvas.save_figure(figure_of(), tmp_path / name)
    assert ".png, .svg or .pdf" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_a_storage_error(tmp_path):
    """Writing into a missing folder fails like any other output."""
    with pytest.raises(StorageError):
        canvas.save_figure(figure_of(), tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize(
    "case",
    [
        {"history": ()},
        {"history": (3.0,), "point": (3.0,)},
        {"history": (np.nan, np.nan)},
        {"history": (1.0, 1.0), "bands": ()},
        {"point": (np.nan, np.nan), "bands": ()},
        {"history": (1e12, -1e12), "title": "$x_2$ 東京 \x1b[31m"},
        {"history": (7.0,) * 50, "point": (7.0,) * 9},
        {"history": (-1e-300, 0.0), "point": (0.0,)},
        {"history": (1e45, 3e45), "point": (1e44, 1e48)},
    ],
)
def test_odd_series_are_drawn_without_a_warning(case, tmp_path):
    """No history, one point, only gaps, constants, huge values, other scripts: each gives a picture."""
    canvas.save_figure(figure_of(scene(**case)), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_titles_are_text():
    """A dollar sign does not start a formula, and control characters are escaped."""
    title = figure_of(scene(title="$a_b$\x1b")).axes[0]._left_title
    assert title.get_text() == r"$a_b$\x1b"
    assert not title.get_parse_math()


def test_markup_in_names_is_text_in_svg():
    """Names with tags and entities are escaped: the picture has no element but those of a drawing."""
    import xml.etree.ElementTree as xml

    name = "<script>alert(1)</script> --> &amp; \" ' <!--"
    tree = xml.fromstring(canvas.render(figure_of(scene(title=name)), ".svg"))
    names = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert names <= {"svg", "metadata", "RDF", "Work", "type", "format", "creator", "Agent", "title", "defs",
                     "style", "g", "path", "clipPath", "rect", "text", "tspan", "use"}  # fmt: skip
    assert name in [element.text for element in tree.iter() if element.tag.endswith("}text")]


def test_characters_without_a_glyph_are_written_as_escapes(monkeypatch):
    """Where no font has them, names stay apart: PNG shows escapes; SVG, whose viewer has fonts, the text."""
    monkeypatch.setattr(canvas, "OTHER_FONTS", ("no such font",))
    figure = figure_of(scene(title="東京 1"))
    assert "東京 1" in canvas.render(figure, ".svg").decode()
    canvas.render(figure, ".png")
    assert figure.axes[0].get_title(loc="left") == r"\u6771\u4eac 1"


def test_a_font_of_the_system_is_used_where_it_has_the_characters(monkeypatch):
    """Of the fonts there, the first that has a character is taken; nothing is escaped then."""
    monkeypatch.setattr(canvas, "FONT", "STIXSizeOneSym")
    monkeypatch.setattr(canvas, "OTHER_FONTS", ("DejaVu Sans",))
    assert canvas._fonts_with({"€", "Ж"}) == (["DejaVu Sans"], set())


def test_the_style_of_others_is_left_alone():
    """Drawing does not change the settings of matplotlib, nor do the settings of a user change a picture."""
    expected = canvas.render(figure_of(), ".png")
    with matplotlib.rc_context({"axes.grid": True, "font.size": 30, "savefig.dpi": 30, "text.usetex": True}):
        before = dict(matplotlib.rcParams)
        assert canvas.render(figure_of(), ".png") == expected
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("fault", "words"), [(ImportError("x"), "not installed"), (OSError("x"), "fails to load (OSError)")]
)
def test_without_matplotlib_the_way_to_get_it_is_said(monkeypatch, fault, words):
    """Without matplotlib, or with one that fails, a figure is a UsageError that says what to install."""
    load = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise fault
        return load(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setenv("MPLBACKEND", "of the user")
    with pytest.raises(UsageError, match="matplotlib") as caught:
        figure_of()
    assert words in caught.value.message
    assert caught.value.hint == "pip install 'forecaster[plot]'"
    assert os.environ["MPLBACKEND"] == "of the user"


def test_which_folders_can_be_used(monkeypatch, tmp_path):
    """A home that can be written to is used; one that is not there, or that nothing names, is not."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    assert canvas._has_home()
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert not canvas._has_home()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert not canvas._has_home()
    assert "matplotlib" in sys.modules
    canvas._give_a_home()  # too late: nothing is set
    assert "MPLCONFIGDIR" not in os.environ
