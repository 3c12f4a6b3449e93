"""forecast explain: what moved the forecast of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.log import stderr
from forecaster.cli.option_texts import COLUMNS, GENERAL, MODEL, READING
from forecaster.cli.options import Settings, accepts
from forecaster.cli.predict import LIMITS, LOGGED, NewestData, check_limits

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


@accepts(LIMITS, COLUMNS, READING, MODEL, GENERAL)
def explain(settings: Settings, data: NewestData = None, series: Series = None, step: Step = "1") -> None:
    """\b
    $ forecast explain --series buoy_b01_sea --step 6

    Show what moved a forecast: which past rows, seasons and covariates raised or lowered it. The baseline is
    the forecast of a past that is level at the mean of its newest season; with it, the contributions sum to
    the forecast, in the unit of the target. DATA and --model are those of `forecast predict`.
    """
    from forecaster.cli.streams import console, write_json
    from forecaster.report.explanation_table import to_json
    from forecaster.report.terminal import print_explanation

    read: list[Loaded] = []
    explanation = _explanation(data, settings, series, step, read)
    account.found(read[0].findings)
    for finding in read[0].findings:
        if finding.severity == "repair" or finding.code in LOGGED:
            stderr.finding(finding)
    panel = read[0].panel
    if series is None and len(panel) > 1:
        stderr.info(f"explains {explanation.series!r}, the first of {len(panel):,} series: see --series")
    if settings.general.json:
        write_json("explain-1", to_json(explanation, panel.names))
    else:
        print_explanation(console(), explanation, panel.names)


def _explanation(
    data: str | None, settings: Settings, series: str | None, step: str, read: list[Loaded]
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
            data, settings.options, settings.read, series=series, step=step, on_read=on_read
        )
    model = Model.load(settings.model)
    account.uses(settings.model)
    if data is None and (line := named(model)):
        stderr.info(line, source=model.facts.source)
        written = {"summary": settings.general.summary, "log_file": settings.general.log_file}
        check_apart(written, model_is_written=False, source=model.facts.source)
    check_limits(settings, model)
    return explain_by(model, data, series=series, step=step, read=settings.read, on_read=on_read)
