"""A preview of a forecast that went to a file, on the terminal, for `predict -o`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from forecaster.cli.log import stderr
from forecaster.cli.streams import console

if TYPE_CHECKING:
    from forecaster.forecasting.forecast import Forecast


def preview(forecast: Forecast, shown: int = 3) -> None:
    """Print the first series of a forecast where stderr is a terminal."""
    if stderr.quiet or stderr.as_json or not sys.stderr.isatty():
        return
    from forecaster.report.terminal import print_preview

    panel = forecast.panel
    times = forecast.to_frame()[panel.names.time].astype(str)
    steps = forecast.point.shape[1]
    for number, name in enumerate(panel.ids[:shown]):
        bounds = zip(forecast.levels, forecast.lower[:, number], forecast.upper[:, number], strict=True)
        print_preview(
            console(to_stderr=True),
            name or panel.names.target,
            list(times[number * steps : (number + 1) * steps]),
            forecast.point[number],
            {level: (lower, upper) for level, lower, upper in bounds},
            history=panel.target[panel.offsets[number] : panel.offsets[number + 1]],
            base=None if forecast.base is None else forecast.base.point[number],
            difference=() if forecast.difference is None else forecast.difference[number],
        )
