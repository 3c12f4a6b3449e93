"""What a sample costs in accuracy: errors on series that no network has seen, and what more of them gain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecaster.arrays import Floats
from forecaster.config import Options
from forecaster.data.panel import Panel
from forecaster.evaluation.backtest import Backtest, held_out
from forecaster.evaluation.error_report import MODEL
from forecaster.evaluation.json_numbers import plain
from forecaster.evaluation.scores import Report, mase_scales, paired_test, score
from forecaster.methods.baselines import first_origins
from forecaster.model.model import Model
from forecaster.pipeline.learn import Learned, learn_before
from forecaster.pipeline.sampling.draw import LEAST, chosen
from forecaster.pipeline.sampling.source import Sample
from forecaster.pipeline.trials import ByModel, backtest_trial
from forecaster.training.plan import reported_origins

LITTLE = 0.01
"""A gain that is surely less than this part of the error is hardly one."""


@dataclass(frozen=True)
class Gain:
    """The error of a model of half of the sample, beside that of all of it."""

    series: int
    """Of the half."""
    difference: float
    """Error of the half / error of the whole - 1, on the series held out."""
    half_width: float
    """Half the width of the 95 % interval of `difference`; NaN where it cannot be told."""


@dataclass(frozen=True, eq=False)
class SampleReport:
    """The errors on held-out rows of the sample, weighted to the whole data set, and of series held out."""

    sample: Sample
    weighted: dict[str, dict[str, float]]
    """Method -> metric -> error on the sampled series, each of which counts for those it stands for."""
    held: Report | None
    """The errors on series that were held out; None where there are none, or all are too short."""
    gain: Gain | None = None

    def to_json(self, *, series: bool = True) -> dict[str, Any]:
        """All of it as JSON values; `series=False` leaves out the errors of each series."""
        gain = self.gain
        return self.sample.to_json() | {
            "weighted": {
                method: {name: plain(np.float64(value)) for name, value in errors.items()}
                for method, errors in self.weighted.items()
            },
            "held_out_series": None if self.held is None else self.held.to_json(series=series),
            "gain": None
            if gain is None
            else {
                "series": gain.series,
                "difference": plain(np.float64(gain.difference)),
                "half_width": plain(np.float64(gain.half_width)),
            },
            "notes": list(self.notes),
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sample is and what it costs, in plain words."""
        sample, held = self.sample, self.held
        count = len(sample.drawn.sampled)
        if count == sample.series:
            return (
                f"The data has {sample.series:,} series: all are in the sample of {sample.asked:,}, and none "
                "is held out.",
            )
        notes = [
            f"Trained on a sample: {count:,} of {sample.series:,} series. The errors in the report are those "
            "of sampled series."
        ]
        if held is None:
            return (*notes, "No series that is held out is long enough to measure errors by.")
        return (*notes, self._on_held(held), *([] if self.gain is None else [self._on_gain(held, self.gain)]))

    def _on_held(self, held: Report) -> str:
        """The errors on series that were held out, beside those of the sampled ones."""
        metric, best = held.decided_on, held.best_baseline
        model, other = held.value(MODEL, metric), held.value(best, metric)
        text = (
            f"On {held.scored:,} series held out from training, {metric.upper()} is {model:.4g} "
            f"({best}: {other:.4g})"
        )
        own = self.weighted.get(MODEL, {}).get(metric, float("nan"))
        baseline = self.weighted.get(best, {}).get(metric, float("nan"))
        if np.isfinite(own):
            text += f"; on sampled ones, weighted as in the whole data, {own:.4g} ({best}: {baseline:.4g})"
        return f"{text}."

    def _on_gain(self, held: Report, gain: Gain) -> str:
        """What more series would gain, as far as half of the sample shows."""
        low, high = (100 * (gain.difference + side * gain.half_width) for side in (-1, 1))
        between = f" (95 % interval {low:.1f} to {high:.1f} %)" if np.isfinite(gain.half_width) else ""
        whole = len(self.sample.drawn.sampled)
        text = (
            f"On those held out, {held.decided_on.upper()} of a model of {gain.series:,} of the {whole:,} "
            f"series is {abs(100 * gain.difference):.1f} % "
            f"{'higher' if gain.difference >= 0 else 'lower'}{between}"
        )
        if high < 100 * LITTLE:  # also where it is surely more than none
            return f"{text}: more series would hardly help."
        return f"{text}: more series help, such as --sample-series {2 * whole}." if low > 0 else f"{text}."


def report_on(sample: Sample, learned: Learned, report: Report | None, options: Options) -> SampleReport:
    """The report on a sample that a model was learned from."""
    weighted = {} if report is None else weighted_errors(report, sample.weights)
    tested, held = learned.tested, sample.held
    if tested is None or held is None:
        return SampleReport(sample, weighted, None)
    backtest = _backtest(tested, held, options)
    if backtest is None:
        return SampleReport(sample, weighted, None)
    on_held = score(backtest)
    gain = None if learned.fit.interrupted else _gain(sample, backtest, on_held, tested, options)
    return SampleReport(sample, weighted, on_held, gain)


def weighted_errors(report: Report, weights: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Method -> metric -> the mean over series, each of which counts for weights[id] of them."""
    weight = np.array([weights[name] for name in report.ids])
    return {
        method: {
            metric: _mean(report.per_series[m, k], weight)
            for k, metric in enumerate(report.metrics)
            if metric != "skill"
        }
        for m, method in enumerate(report.methods)
    }


def _mean(errors: Floats, weight: Floats) -> float:
    there = np.isfinite(errors)
    return float(np.average(errors[there], weights=weight[there])) if there.any() else float("nan")


def _backtest(model: Model, panel: Panel, options: Options) -> Backtest | None:
    """The newest rows of series that the model does not know, by a model that has not seen such rows."""
    origins = reported_origins(panel, model.horizon)[-1:]
    if not np.isfinite(held_out(panel, origins, model.horizon)).any():
        return None
    return backtest_trial(panel, origins, ByModel(model, options), model.horizon)


def _gain(sample: Sample, backtest: Backtest, report: Report, tested: Model, options: Options) -> Gain | None:
    """What the second half of a sample has gained on the series held out; None for a sample too small."""
    panel, size = sample.loaded.panel, len(sample.drawn.sampled) // 2
    if size < LEAST:
        return None
    ids = {lot.id for lot in chosen(sample.drawn.sampled, size)}
    part = panel.only(np.repeat([name in ids for name in panel.ids], panel.lengths))
    half = learn_before(part, tested.horizon, options)
    if half is None:
        return None
    other = backtest_trial(backtest.panel, backtest.origins, ByModel(half, options), tested.horizon)
    scale = mase_scales(backtest.panel, first_origins(backtest.origins), report.season)
    test = paired_test(backtest.actual, other.point[MODEL], backtest.point[MODEL], scale, report.decided_on)
    error = report.value(MODEL, report.decided_on)
    if not error:
        return None
    return Gain(size, test.mean / error, test.half_width / error)
