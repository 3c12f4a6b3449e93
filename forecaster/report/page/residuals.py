"""The section of residuals: is the forecast too high or too low, do errors follow errors, how large they get,
and when in the week or year they are large.

A residual is actual minus forecast: above zero the forecast was too low. With several series it is divided by
the scale of MASE, so that large series do not decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.arrays import Floats
from forecaster.report.page.calendar import calendar_chart
from forecaster.report.page.charts import bars, lines
from forecaster.report.page.errors import scales, unit_of
from forecaster.report.page.parts import Chart, Key, Section, Table, amount
from forecaster.report.text import numbers

if TYPE_CHECKING:
    from forecaster.evaluation.backtest import Backtest

BINS = 31
MOST_LAGS = 48
FEW = 20
"""Residuals below which their distribution says nothing."""


def residuals_section(backtest: Backtest, decided_on: str) -> Section | None:
    """Bias, autocorrelation, distribution and calendar; None where nothing was observed."""
    scale = scales(backtest, decided_on)
    errors = (backtest.actual - next(iter(backtest.point.values()))) / scale[:, None]  # (O, S, H)
    if not np.isfinite(errors).any():
        return None
    unit = unit_of(decided_on)
    made = (
        _bias(errors, unit),
        _autocorrelation(errors),
        _distribution(errors, unit),
        calendar_chart(backtest, np.abs(errors), unit),
    )
    text = "A residual is what was observed minus what was forecast: above zero, the forecast was too low."
    if decided_on == "mase":
        text += " It is counted in usual seasonal changes of its series (the scale of MASE)."
    return Section(
        "residuals", "What is left over", "Residuals", (text,), tuple(chart for chart in made if chart)
    )


def _bias(errors: Floats, unit: str) -> Chart:
    """Mean residual of each step with two standard errors."""
    count = np.isfinite(errors).sum(axis=(0, 1))
    mean = np.where(count > 0, np.nansum(errors, axis=(0, 1)) / np.maximum(count, 1), np.nan)
    spread = np.sqrt(np.nansum((errors - mean) ** 2, axis=(0, 1)) / np.maximum(count - 1, 1))
    error = np.where(count > 1, spread / np.sqrt(np.maximum(count, 1)), np.nan)
    low, high = mean - 2 * error, mean + 2 * error
    above, below = int(np.sum(low > 0)), int(np.sum(high < 0))
    title = "No lasting bias: forecasts are neither too high nor too low"
    if 2 * max(above, below) >= len(mean):
        title = f"Forecasts tend to be too {'low' if above > below else 'high'}"
    elif above or below:
        title = "Forecasts are hardly too high or too low: at a few steps only"
    text = (
        f"Mean residual of each step ahead, in the {unit}. Where the shade leaves zero, the bias is more "
        "than chance."
    )
    steps = np.arange(1, len(mean) + 1)
    spec = lines(
        steps, {"Mean residual": ("model", mean)}, x_title="Step ahead", y_title="Mean residual",
        band=(low, high), level=0.0, points=len(steps) < 3,
    )  # fmt: skip
    columns = [numbers(values, like=error) for values in (mean, low, high)]
    table = Table(("Step", "Mean", "From", "To"), tuple(zip(map(str, steps), *columns, strict=True)))
    keys = (Key("model", "mean residual"), Key("band", "± 2 standard errors"))
    return Chart("bias", title, text, spec, table, keys)


def autocorrelations(errors: Floats, lags: int) -> Floats:
    """Correlation of residuals `lag` steps apart within one forecast (lags,), over all origins and series.

    r_k = mean(e_h e_{h+k}) / mean(e²), after the mean over everything is taken off; NaN without pairs.
    """
    centred = errors - np.nanmean(errors)
    size = np.nanmean(centred**2)
    result = np.full(lags, np.nan)
    for lag in range(1, lags + 1):
        products = centred[..., lag:] * centred[..., :-lag]
        if np.isfinite(products).any() and size > 0:
            result[lag - 1] = np.nanmean(products) / size
    return result


def _autocorrelation(errors: Floats) -> Chart | None:
    """How alike the residuals of neighbouring steps are; of neighbouring origins where there is one step."""
    windows = int(np.isfinite(errors).any(axis=2).sum())
    apart = "steps"
    if errors.shape[2] == 1:
        errors, apart = np.moveaxis(errors, 0, 2), "origins"
        windows = errors.shape[1] * errors.shape[2]
    lags = min(errors.shape[2] - 1, MOST_LAGS)
    if lags < 2:
        return None
    found = autocorrelations(errors, lags)
    if not np.isfinite(found[0]):
        return None
    title = (
        f"Errors come in runs: {apart} next to each other correlate by {found[0]:.2f}"
        if found[0] > 0.3
        else f"Errors of neighbouring {apart} are nearly independent (correlation {found[0]:.2f})"
        if found[0] > -0.3
        else f"Errors alternate: {apart} next to each other correlate by {found[0]:.2f}"
    )
    text = (
        f"Correlation of the residuals of one forecast, so many {apart} apart. That of neighbours is usually "
        "high when several steps are forecast at once; sums over the horizon are then less sure than if each "
        "step erred on its own. Peaks at a season would be a pattern that the model misses."
    )
    if apart == "origins":
        text = (
            "Correlation of the residuals, so many origins apart. Peaks are a pattern that the model misses."
        )
    edge = 2 / np.sqrt(max(windows, 1))
    at = np.arange(1, lags + 1)
    spec = bars(
        at.tolist(),
        found,
        x_title=f"{apart.capitalize()} apart",
        y_title="Correlation",
        limits=(-min(edge, 1.0), min(edge, 1.0)),
    )
    table = Table(
        ("Apart", "Correlation"), tuple((str(k), f"{r:.2f}") for k, r in zip(at, found, strict=True))
    )
    keys = (Key("bar", "correlation"), Key("band", f"could be chance in {amount(windows, 'window')}"))
    return Chart("autocorrelation", title, text, spec, table, keys)


def _distribution(errors: Floats, unit: str) -> Chart | None:
    """Histogram of the middle 99 % beside the normal curve of the same mean and spread."""
    values = errors[np.isfinite(errors)]
    low, high = np.quantile(values, [0.005, 0.995])
    if len(values) < FEW or not high > low:
        return None
    counts, edges = np.histogram(values, BINS, (low, high))
    share, width = counts / len(values), (high - low) / BINS
    centre = (edges[:-1] + edges[1:]) / 2
    mean, spread = float(values.mean()), float(values.std())
    normal = width * np.exp(-(((centre - mean) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    far = float(np.mean(np.abs(values - mean) > 3 * spread))
    middle = numbers(np.quantile(values, [0.25, 0.75]))
    title = f"Half of the residuals lie between {middle[0]} and {middle[1]}"
    text = (
        f"How often residuals of each size came, in the {unit}; the outermost 1 % is not drawn. "
        f"{100 * far:.1f} % lie more than three standard deviations out, 0.3 % would if they were normal: "
        + ("large errors come more often than the bell curve says." if far > 0.006 else "hardly different.")
    )
    spec = bars(
        centre.tolist(), share, x_title="Residual", y_title="Share", curve=normal, width=width, percent=True
    )
    pairs = zip(numbers(centre, like=[width]), share, strict=True)
    table = Table(("Around", "Share"), tuple((a, f"{100 * b:.1f} %") for a, b in pairs))
    keys = (Key("bar", "residuals"), Key("ideal", "normal, of the same spread"))
    return Chart("distribution", title, text, spec, table, keys)
