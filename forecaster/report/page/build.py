"""From results to a page: which sections there are, the list of series, the words at the top."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forecaster.arrays import Floats
from forecaster.config import Options, ReadConfig
from forecaster.data.labels import times_as_strings
from forecaster.data.panel import Panel
from forecaster.data.storage.place import place
from forecaster.errors import UsageError
from forecaster.evaluation.error_report import Report
from forecaster.report.page.errors import errors_section, measure_name
from forecaster.report.page.intervals import intervals_section
from forecaster.report.page.making import Curve, making_section, reading_section
from forecaster.report.page.parts import MOST_LISTED, Page, Section, SeriesList, amount, clean
from forecaster.report.page.residuals import residuals_section
from forecaster.report.page.series import (
    ALL_ROWS,
    MOST_WINDOWS,
    RECENT,
    ahead,
    candidates,
    held_out_windows,
    history,
    with_charts,
)
from forecaster.report.page.text import expectation, of_data, remembered

if TYPE_CHECKING:
    from forecaster.data.load import Loaded
    from forecaster.evaluation.backtest import Backtest
    from forecaster.forecasting.forecast import Forecast
    from forecaster.methods.blend import Blend
    from forecaster.model.model import Model

WORDS = {
    "s": "every second", "min": "every minute", "h": "hourly", "D": "daily", "B": "business days",
    "W": "weekly", "MS": "monthly", "ME": "monthly", "BMS": "monthly", "BME": "monthly", "QS": "quarterly",
    "QE": "quarterly", "YS": "yearly", "YE": "yearly",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Results:
    """What a page is made from; None: the command has none."""

    kind: str
    """Data, Training, Update, Backtest, Comparison or Forecast."""
    panel: Panel
    options: Options
    read: ReadConfig
    versions: Mapping[str, str]
    loaded: Loaded | None = None
    report: Report | None = None
    backtest: Backtest | None = None
    forecast: Forecast | None = None
    model: Model | None = None
    blend: Blend | None = None
    curves: Sequence[Curve] = ()
    notes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    """Ids of series that must have a chart."""
    command: str = ""
    more: tuple[Section, ...] = ()
    """Further sections, after the errors; of a comparison, before them."""
    verdict: str = ""
    """The result in plain words; empty: that of the report."""


def page(results: Results) -> Page:
    """The page of these results. UsageError where a named series does not exist."""
    report, backtest = results.report, results.backtest
    compared = results.kind == "Comparison"
    sections: list[Section | None] = [*(results.more if compared else ())]
    if report is not None:
        sections.append(errors_section(report, _notes(results)))
    sections += () if compared else results.more
    if backtest is not None and report is not None:
        sections += [intervals_section(backtest), residuals_section(backtest, report.decided_on)]
    if results.kind != "Data":
        digest = results.loaded.digest if results.loaded else ""
        sections.append(
            making_section(
                results.blend, results.options, results.read, results.versions,
                model=results.model, curves=results.curves, digest=digest, command=results.command,
                pretrained=not compared,
            )
        )  # fmt: skip
    if results.loaded is not None:
        findings = results.forecast.findings if results.forecast else results.loaded.findings
        sections.append(reading_section(results.loaded, findings))
    groups = backtest.groups if backtest is not None else ()
    return Page(
        kind=results.kind,
        title=_title(results),
        summary=_summary(results),
        verdict=clean(results.verdict or ("" if report is None else report.verdict), 600),
        good=None if report is None or report.chance or results.verdict else report.beats,
        expect=of_data()
        if results.kind == "Data"
        else expectation(report, backtest, groups, tried=results.model is not None),
        series=_series(results),
        sections=tuple(each for each in sections if each is not None),
    )


def _title(results: Results) -> str:
    """The name of the source, or of the target where it has none."""
    source = results.loaded.source if results.loaded else ""
    name = place(source).name if source not in ("", "-") else ""
    return clean(name or results.panel.names.target, 80)


def _summary(results: Results) -> tuple[str, ...]:
    panel = results.panel
    first, last = times_as_strings(panel.time[[panel.time.argmin(), panel.time.argmax()]], panel.names)
    facts = [amount(len(panel), "series", "series"), amount(len(panel.time), "row")]
    facts += [
        _every(panel.frequency.alias),
        first[:10] if first[:10] == last[:10] else f"{first[:10]} to {last[:10]}",
    ]
    horizon = (
        results.forecast.point.shape[1] if results.forecast else results.report and results.report.horizon
    )
    if horizon:
        facts.append(f"{amount(horizon, 'step')} ahead")
    return tuple(clean(each) for each in facts)


def _every(alias: str) -> str:
    """A frequency as words, such as hourly; those without a word by their alias."""
    name = alias.split("@")[0].split("-")[0]
    if alias in WORDS or name in WORDS:
        return WORDS.get(alias, WORDS.get(name, ""))
    return f"every {alias}"


def _notes(results: Results) -> tuple[str, ...]:
    notes = tuple(clean(note, 600) for note in results.notes)
    of_model = remembered(results.model) if results.forecast is not None and results.model else ""
    return (*notes, of_model) if of_model else notes


def _series(results: Results) -> SeriesList:
    """The list of series and the charts there is room for."""
    panel, report = results.panel, results.report
    errors, rivals = _errors(panel, report)
    order = candidates(len(panel), errors, numbers_of(panel, results.named))
    charts = with_charts(order, _contents(results, order))
    levels = (
        results.forecast.levels if results.forecast else results.backtest.levels if results.backtest else ()
    )
    if results.backtest is not None and not results.backtest.quantiles:
        levels = ()
    return SeriesList(
        target=clean(panel.names.target),
        measure=measure_name(report) if report is not None and len(errors) else "",
        rival=clean(report.best_baseline) if report is not None and len(errors) else "",
        ids=tuple(clean(each) or clean(panel.names.target) for each in panel.ids),
        errors=errors,
        rivals=rivals,
        notes=_about(panel),
        charts=charts,
        levels=tuple(levels),
        text=_shown(results, charts, bool(len(errors))),
        ahead=results.forecast is not None,
    )


def _errors(panel: Panel, report: Report | None) -> tuple[Floats, Floats]:
    """Errors of the model and of the best baseline for each series of the panel (S,); empty without any."""
    nothing = np.empty(0)
    if report is None or not report.ids:
        return nothing, nothing
    place = {name: number for number, name in enumerate(report.ids)}
    metric = report.metrics.index(report.decided_on)
    known = np.array([place.get(name, -1) for name in panel.ids])
    rows = [0, report.methods.index(report.best_baseline)]
    tables = [np.where(known >= 0, report.per_series[row, metric][known], np.nan) for row in rows]
    return tables[0], tables[1]


def numbers_of(panel: Panel, named: Sequence[str]) -> list[int]:
    """The numbers of series by their ids. UsageError for one that does not exist."""
    place = {name: number for number, name in enumerate(panel.ids)}
    missing = [name for name in named if name not in place]
    if missing:
        some = ", ".join(clean(name, 60) for name in panel.ids[:5])
        raise UsageError(
            f"there is no series {clean(missing[0], 60)!r}",
            hint=f"Series: {some}" + (" ..." if len(panel) > 5 else ""),
        )
    return [place[name] for name in named]


def _contents(results: Results, order: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The data of the chart of each series, made as they are asked for."""
    panel, odd = results.panel, None
    if results.loaded and results.loaded.panel.time is panel.time:  # else some series were left out
        odd = results.loaded.odd.suspicious.left_out
    horizon = results.report.horizon if results.report else 0
    for s in order:
        content = history(panel, s, odd, horizon)
        fan = (
            ahead(results.forecast, s)
            if results.forecast is not None
            else held_out_windows(results.backtest, s)
            if results.backtest is not None
            else {}
        )
        yield content | ({"f": fan} if fan else {})


def _about(panel: Panel) -> list[str]:
    """A few words on each series."""
    seen = np.add.reduceat(panel.target_observed, panel.offsets[:-1], dtype=np.int64)
    missing = panel.lengths - seen
    return [
        amount(int(rows), "row") + (f", {int(gone):,} missing" if gone else "")
        for rows, gone in zip(panel.lengths, missing, strict=True)
    ]


def _found(count: int) -> str:
    """How many of the series are in the list, as words."""
    return (
        "all of them" if count <= MOST_LISTED else f"{MOST_LISTED:,}, those with a chart and the first ones"
    )


def _some_left_out(backtest: Backtest, charts: Mapping[int, Any]) -> bool:
    """Whether a chart draws fewer forecasts than there are."""
    made = (~np.isnan(backtest.actual)).any(axis=2).sum(axis=0)  # (S,)
    return any(len(each["f"]["n"]) < made[s] for s, each in charts.items() if "f" in each)


def _shown(results: Results, charts: Mapping[int, Any], scored: bool) -> tuple[str, ...]:
    """What the charts show, and what they leave out."""
    count, made = len(results.panel), len(charts)
    text = []
    if made < count:
        chosen = "the worst, the best and the first" if scored else "the first"
        text.append(
            f"{made:,} of {count:,} series have a chart: {chosen}, as many as keep this page small. The list "
            f"finds {_found(count)}; --report-series ID gives one a chart."
        )
    elif scored and count > 1:
        text.append("The series with the largest error comes first.")
    if any("part" in each for each in charts.values()):
        text.append(
            f"Of a series of more than {ALL_ROWS:,} rows, the newest ({RECENT:,} or more) are drawn one by "
            "one; of the rows before, the least and the greatest value of each part, so that no peak is lost."
        )
    if results.backtest is not None and _some_left_out(results.backtest, charts):
        text.append(
            f"Drawn are the newest forecasts of a series that do not overlap, {MOST_WINDOWS} at most; "
            "the errors are those of all."
        )
    return tuple(text)
