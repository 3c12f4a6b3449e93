"""forecast explain: what moved the forecast of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.forecasts import LIMITS, LOGGED, NewestData, check_limits
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import AHEAD, COLUMNS, COMPUTING, GENERAL, MODEL, READING
from forecaster.cli.options import PageFile, Settings, accepts

if TYPE_CHECKING:
    from forecaster.data.load import Loaded
    from forecaster.forecasting.explanation import Explanation

Series = Annotated[
    str | None, typer.Option("--series", metavar="ID", help="Series to explain. Default: the first.")
]
Step = Annotated[
    str,
    typer.Option("--step", metavar="N|A-B", help="Step of the forecast, or a range: then the mean of it."),
]


@accepts(LIMITS, COLUMNS, AHEAD, READING, MODEL, COMPUTING, GENERAL)
def explain(
    settings: Settings,
    data: NewestData = None,
    series: Series = None,
    step: Step = "1",
    report: PageFile = None,
) -> None:
    """\b
    $ forecast explain --series buoy_b01_sea --step 6

    Show what moved a forecast: which past rows, seasons and covariates raised or lowered it. The baseline is
    the forecast of a past that is level at the mean of its newest season; with it, the contributions sum to
    the forecast, in the unit of the target. DATA and --model are those of `forecast predict`; --report writes
    a page with the forecast and a picture of what moved it.
    """
    from forecaster.cli.page import check_report
    from forecaster.cli.streams import console, write_json
    from forecaster.report.explanation_table import to_json
    from forecaster.report.terminal import print_explanation

    check_report(report, errors=False)
    read: list[Loaded] = []
    explanation = _explanation(data, settings, series, step, report, read)
    account.found(read[0].findings)
    for finding in read[0].findings:
        if finding.severity == "repair" or finding.code in LOGGED:
            stderr.finding(finding)
    panel = read[0].panel
    if report is not None:
        _write_page(explanation, settings, read[0], report)
    if series is None and len(panel) > 1:
        stderr.info(f"explains {explanation.series!r}, the first of {len(panel):,} series: see --series")
    if panel.levels:
        stderr.info("explains the forecast as it is before the levels of the hierarchy are made to add up")
    if settings.general.json:
        write_json("explain-1", to_json(explanation, panel.names))
    else:
        print_explanation(console(), explanation, panel.names)


def _explanation(
    data: str | None,
    settings: Settings,
    series: str | None,
    step: str,
    report: str | None,
    read: list[Loaded],
) -> Explanation:
    """The explanation; what was read is appended to `read`."""
    from forecaster.model.model import Model
    from forecaster.pipeline.explain import explain as explain_by
    from forecaster.pipeline.explain import explain_pretrained
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.pipeline.remembered import named

    def on_read(loaded: Loaded) -> None:
        account.read(loaded)
        read.append(loaded)

    if settings.general.model == PRETRAINED:
        account.uses(PRETRAINED)
        return explain_pretrained(
            data,
            settings.options,
            settings.read,
            series=series,
            step=step,
            future=settings.general.future,
            on_read=on_read,
        )
    model = Model.load(settings.model)
    account.uses(settings.model)
    if data is None and (line := named(model)):
        stderr.info(line, source=model.facts.source)
    written = {"summary": settings.general.summary, "log_file": settings.general.log_file, "report": report}
    written["events"] = model.facts.read.events
    check_apart(written, model_is_written=False, source=model.facts.source if data is None else "")
    check_limits(settings, model)
    future, read_as = settings.general.future, settings.read
    return explain_by(model, data, series=series, step=step, read=read_as, future=future, on_read=on_read)


def _write_page(explanation: Explanation, settings: Settings, loaded: Loaded, report: str) -> None:
    """The page of the forecast, with what moved it."""
    from dataclasses import replace

    from forecaster.cli.page import write_page
    from forecaster.config import limits_of
    from forecaster.evaluation.backtest import usual_horizon
    from forecaster.forecasting.forecast import forecast
    from forecaster.forecasting.pretrained import forecast_pretrained
    from forecaster.model.model import Model
    from forecaster.pipeline.predict import PRETRAINED
    from forecaster.report.page.explained import explained_section

    panel = loaded.panel
    section = explained_section(explanation, panel.names)
    named = [explanation.series] if explanation.series in panel.ids else []
    options = settings.options
    if settings.general.model == PRETRAINED:
        horizon = options.horizon or max(usual_horizon(panel), explanation.last_step)
        made = forecast_pretrained(panel, horizon, levels=options.levels, limits=limits_of(options))
        made = replace(made, findings=loaded.findings)
        write_page(made, report, named, loaded=loaded, options=options, sections=[section])
        return
    model = Model.load(settings.model)
    made = replace(forecast(model, panel), findings=loaded.findings)
    write_page(made, report, named, model=model, loaded=loaded, sections=[section])
