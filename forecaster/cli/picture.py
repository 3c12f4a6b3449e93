"""Pictures of series for --plot, in a file or as text on stdout: which series, and checks before the work."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from forecaster.cli.account import account
from forecaster.cli.log import inert, stderr
from forecaster.errors import UsageError, brief

if TYPE_CHECKING:
    from forecaster.data.load import Loaded, Reader
    from forecaster.data.panel import Panel
    from forecaster.evaluation.error_report import Report
    from forecaster.report.scenes import Scene

Plot = Annotated[
    str | None,
    typer.Option(
        "--plot", metavar="FILE", help="Draw a picture to a .png, .svg or .pdf file; - draws on the terminal."
    ),
]
PlotSeries = Annotated[
    list[str] | None,
    typer.Option("--plot-series", metavar="ID,...", help="Series to draw. Default: up to 6."),
]
SCREEN = "-"
SHOWN = 6
"""Series that are drawn without --plot-series."""
MOST = 40
"""Series that one picture has room for."""


def check_plot(
    path: str | None, series: Sequence[str] | None, *, data_on_stdout: str = "", text_on_stdout: bool = False
) -> None:
    """Raise UsageError or StorageError before any work is done where no picture could be made or written.

    `data_on_stdout`: the option by which data goes to stdout, if any; nothing else may go there.
    `text_on_stdout`: tables for people do, beside which a plot as text may stand, but no PNG.
    """
    if path is None:
        if series:
            raise UsageError("--plot-series needs --plot", hint="Add --plot FILE.png.")
        return
    from forecaster.data.writing.destination import is_stdout

    other = data_on_stdout or ("the tables" if text_on_stdout and path != SCREEN else "")
    if other and (path == SCREEN or is_stdout(path)):
        raise UsageError(
            f"--plot {path} and {other} both write to standard output", hint="Send the picture to a file."
        )
    if path == SCREEN:
        return
    from forecaster.data.storage.place import place
    from forecaster.data.writing.atomic import check_folder
    from forecaster.data.writing.destination import is_stream
    from forecaster.report.canvas import FORMATS, require

    if place(path).suffix.lower() not in FORMATS and not is_stream(path):
        raise UsageError(f"the picture {path!r} must end in .png, .svg or .pdf")
    check_folder(path)
    require()


def before_work(asked: Sequence[str] | None) -> Reader:
    """What a command does with the data when it is read: note it, and look for the series to be drawn."""

    def on_read(loaded: Loaded) -> None:
        account.read(loaded)
        if asked:
            chosen(labels(loaded.panel), asked)

    return on_read


def chosen(
    ids: Sequence[str], asked: Sequence[str] | None, preferred: Sequence[int] | None = None
) -> list[int]:
    """The numbers of the series to draw: those `asked` for, each a list as a line of CSV; else the first few.

    `preferred`: numbers of series in the order in which they are worth a look, where none is asked for.
    Raises UsageError for a series that is not there, or where there are too many.
    """
    if not asked:
        return sorted(list(range(len(ids)) if preferred is None else preferred)[:SHOWN])
    place = {name: number for number, name in enumerate(ids)}
    names = [name for text in asked for name in _names(text, place)]
    for name in names:
        if name not in place:
            raise UsageError(f"there is no series {brief(name)}", hint=_near(name, ids))
    if not 0 < len(set(names)) <= MOST:
        raise UsageError(f"a picture cannot show {len(set(names))} series", hint=f"Name 1 to {MOST}.")
    return [place[name] for name in dict.fromkeys(names)]


def _names(text: str, place: dict[str, int]) -> list[str]:
    """The names in one value of --plot-series; a name with a comma is one if it is a series."""
    try:
        parts = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error:  # quotes or line breaks, which belong to a name
        return [text]
    if text not in place or len(parts) <= 1:
        return [text] if text in place else parts
    if all(part in place for part in parts):
        raise UsageError(
            f"--plot-series {brief(text)} is the name of one series and of {len(parts)}",
            hint="Name several with one --plot-series for each; quote the one twice: '\"A,B\"'.",
        )
    return [text]


def _near(name: str, ids: Sequence[str]) -> str:
    """A hint at the series that might be meant."""
    import difflib

    near = difflib.get_close_matches(name, ids[:5000], 3)
    if near:
        return "Did you mean " + " or ".join(map(inert, near)) + "?"
    return "Series: " + ", ".join(map(inert, ids[:5])) + (" ..." if len(ids) > 5 else "")


def from_best_to_worst(report: Report) -> list[int]:
    """Numbers of the series, of which the first few span those with a small and those with a large error."""
    import numpy as np

    errors = report.per_series[0, report.metrics.index(report.decided_on)]
    order = np.argsort(errors, kind="stable")
    order = order[np.isfinite(errors[order])] if np.isfinite(errors).any() else order
    return order[np.unique(np.linspace(0, len(order) - 1, SHOWN).round().astype(int))].tolist()


def with_findings_first(loaded: Loaded) -> list[int]:
    """Numbers of the series: those with suspicious values or changes of level, then those with most gaps."""
    import numpy as np

    panel, odd = loaded.panel, loaded.odd
    named = np.bincount(odd.suspicious.series, minlength=len(panel)) > 0
    named |= np.bincount(odd.shifts.series, minlength=len(panel)) > 0
    missing = np.add.reduceat(~panel.target_observed, panel.offsets[:-1], dtype=np.int64)
    return np.lexsort((-missing, ~named)).tolist()


def draw(
    path: str, panel: Panel, shown: Sequence[int], scene: Callable[[int], Scene], *,
    how: str = "", report: Report | None = None,
) -> None:  # fmt: skip
    """Draw the series `shown`, each by its `scene`, and below them the errors of a `report`.

    `how` some of the series were chosen, for the message. Raises StorageError.
    """
    scenes = [scene(number) for number in shown]
    some = f"{len(shown):,} of {len(panel):,} series"
    which = some + how if len(shown) < len(panel) else ""
    if path == SCREEN:
        from forecaster.cli.streams import console
        from forecaster.report.text_plot import print_scenes

        print_scenes(console(), scenes)
        if which:
            stderr.info(f"drew {which}", plot=path, series=len(shown))
        return
    from forecaster.report.canvas import save_figure
    from forecaster.report.plots import scenes_figure

    save_figure(scenes_figure(scenes, report=report), path)
    account.wrote(path)
    stderr.info(f"drew {path}" + (f": {which}" if which else ""), plot=path, series=len(shown))


def by_default(asked: Sequence[str] | None, order: str = "") -> str:
    """How the series were chosen, where none was asked for."""
    return "" if asked else f"{order}; --plot-series names others"


def labels(panel: Panel) -> list[str]:
    """The names of the series for --plot-series; of a table without ids, the target."""
    return [name or panel.names.target for name in panel.ids]
