"""A picture of a forecast: history, forecast and intervals. PNG or SVG.

matplotlib is optional and is imported only inside the functions. pyplot is not used, so figures share no
state and open no window.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from numpy.typing import ArrayLike

from forecaster.data.calendar.clock import to_local
from forecaster.data.writing.atomic import atomic_write
from forecaster.data.writing.destination import is_stream
from forecaster.errors import UsageError
from forecaster.report.axes import GREY, INK, draw_forecast, write_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from forecaster.forecasting.forecast import Forecast

FORMATS = (".png", ".svg")
DPI = 160
HISTORY = 4  # how much history is shown, in horizons
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a plain character
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.15,  # inches around the picture
    "figure.constrained_layout.h_pad": 0.15,
    "svg.hashsalt": "forecaster",  # the same picture gets the same bytes
    "svg.fonttype": "path",
}


def forecast_figure(
    history_time: ArrayLike,
    history: ArrayLike,
    time: ArrayLike,
    point: ArrayLike,
    intervals: Mapping[int, tuple[ArrayLike, ArrayLike]],
    *,
    title: str = "",
    subtitle: str = "",
    unit: str = "",
    actual: ArrayLike | None = None,
    width: float = 9.6,
    height: float = 4.4,
) -> Figure:
    """One series: `history` (n,) then the forecast `point` (H,) with its intervals {percent: (lower, upper)}.

    Times are datetime64 or convertible to it. NaN leaves a gap in a line. `actual` (H,), if known, is drawn
    over the forecast. `unit` labels the values. Raises UsageError without matplotlib.
    """
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), dpi=DPI)
        draw_forecast(figure.add_subplot(), history_time, history, time, point, intervals, actual=actual)
        write_titles(figure.axes[0], title, subtitle, unit)
    return figure


def forecasts_figure(forecast: Forecast, *, shown: int = 6) -> Figure:
    """The first `shown` series of a forecast in one figure, each after four horizons of history.

    Raises UsageError without matplotlib.
    """
    count = min(len(forecast.panel), shown)
    columns = 1 if count == 1 else 2
    rows = -(-count // columns)
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.6 if columns == 1 else 13.0, 4.4 if columns == 1 else 3.4 * rows), dpi=DPI)
        for s in range(count):
            axes = figure.add_subplot(rows, columns, s + 1)
            _draw_series(axes, forecast, s)
            several = len(forecast.panel) > 1
            name, target = forecast.panel.ids[s], forecast.panel.names.target
            write_titles(axes, name if several else name or target, target if several else "", "")
    return figure


def _draw_series(axes: Axes, forecast: Forecast, s: int) -> None:
    """Draw series s of a forecast, in its local time."""
    panel, horizon = forecast.panel, forecast.point.shape[1]
    stop = panel.offsets[s] + forecast.origins[s]
    start = max(panel.offsets[s], stop - HISTORY * horizon)
    ahead = panel.frequency.future_times(int(panel.time[stop - 1]), horizon, panel.names.tz)
    draw_forecast(
        axes,
        to_local(panel.time[start:stop], panel.names.tz),
        panel.target[start:stop],
        to_local(ahead, panel.names.tz),
        forecast.point[s],
        forecast.bands(s),
    )


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure atomically as PNG or SVG, by the ending of `path`. The same figure gives the same bytes.

    A stream such as /dev/stdout gets a PNG. Raises UsageError for another ending and StorageError where
    writing fails.
    """
    suffix = Path(path).suffix
    content = render(figure, ".png" if not suffix and is_stream(path) else suffix)

    def write(file: BinaryIO) -> None:
        file.write(content)

    atomic_write(Path(path), write)


def render(figure: Figure, suffix: str) -> bytes:
    """The bytes of a figure as `suffix` (.png or .svg)."""
    if suffix.lower() not in FORMATS:
        raise UsageError(f"cannot draw a picture that ends in {suffix!r}", hint="Use .png or .svg.")
    content = BytesIO()
    kind = suffix.lower()[1:]
    with _style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a title in a script that the font lacks
        figure.savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return content.getvalue()


def _style() -> AbstractContextManager[Any]:
    """A context in which figures get our style. UsageError where matplotlib is not installed."""
    _give_a_home()
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError(
            "pictures need matplotlib, which is not installed", hint='pip install "forecaster[plot]"'
        ) from error
    return matplotlib.rc_context(STYLE)


def _give_a_home() -> None:
    """Where the user has no folder to write to, give matplotlib one for its cache, until the process ends."""
    name = "MPLCONFIGDIR"
    if name in os.environ or "matplotlib" in sys.modules or _has_home():
        return
    import atexit
    import logging
    import shutil
    import tempfile

    os.environ[name] = tempfile.mkdtemp(prefix="forecast-matplotlib-")
    atexit.register(shutil.rmtree, os.environ[name], ignore_errors=True)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # that it builds its cache


def _has_home() -> bool:
    """Whether the folders for settings and caches of the user can be written to."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - of Path, it fails for users without a home
    for variable, usual in (("XDG_CONFIG_HOME", ".config"), ("XDG_CACHE_HOME", ".cache")):
        base = Path(os.environ.get(variable) or home)
        folder = base / "matplotlib" if variable in os.environ else base / usual / "matplotlib"
        known = next((each for each in (folder, *folder.parents) if each.exists()), home)
        if not (base.is_absolute() and base.is_dir() and os.access(known, os.W_OK)):
            return False
    return True
