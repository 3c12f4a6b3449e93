"""A picture of one series of a forecast, for `predict --plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forecaster.cli.log import stderr
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.forecasting.forecast import Forecast

HISTORY = 6
"""How much history is drawn before the forecast, in horizons."""


def check_plot(path: str | None, series: str | None) -> None:
    """Raise UsageError or StorageError before any work is done where the picture could not be written."""
    if path is None:
        if series is not None:
            raise UsageError("--plot-series needs --plot", hint="Add --plot FILE.png.")
        return
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.destination import is_stream
    from forecaster.report.plots import FORMATS

    if Path(path).suffix.lower() not in FORMATS and not is_stream(path):
        raise UsageError(f"the picture {path!r} must end in {' or '.join(FORMATS)}")
    check_folder(path)


def draw(forecast: Forecast, path: str, series: str | None) -> None:
    """Draw history, forecast and intervals of one series; without `series`, of the first."""
    from forecaster.data.labels import timestamps
    from forecaster.report.plots import forecast_figure, save_figure

    panel, steps = forecast.panel, forecast.point.shape[1]
    number = _number(forecast, series)
    stop = panel.offsets[number + 1]
    past = slice(max(panel.offsets[number], stop - HISTORY * steps), stop)
    ahead = forecast.to_frame()[panel.names.time].iloc[number * steps : (number + 1) * steps]
    bounds = zip(forecast.levels, forecast.lower[:, number], forecast.upper[:, number], strict=True)
    figure = forecast_figure(
        timestamps(panel.time[past], panel.names).tz_localize(None).to_numpy(),
        panel.target[past],
        ahead.dt.tz_localize(None).to_numpy(),
        forecast.point[number],
        {level: (lower, upper) for level, lower, upper in bounds},
        title=panel.ids[number] or panel.names.target,
        unit=panel.names.target,
    )
    save_figure(figure, path)
    which = f", series {panel.ids[number]!r} of {len(panel)}" if len(panel) > 1 else ""
    stderr.info(f"drew {path}{which}", plot=path)


def _number(forecast: Forecast, series: str | None) -> int:
    """Index of the series to draw. UsageError where there is none of that name."""
    ids = forecast.panel.ids
    if series is None:
        return 0
    if series not in ids:
        raise UsageError(
            f"there is no series {series!r}",
            hint="Series: " + ", ".join(ids[:5]) + (" ..." if len(ids) > 5 else ""),
        )
    return ids.index(series)
