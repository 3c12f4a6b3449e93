"""forecast compare: contestants on the same origins, as a leaderboard; or a search for better settings."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

import forecaster
from forecaster.cli.account import account
from forecaster.cli.collisions import check_apart
from forecaster.cli.evaluate import Refit, Step
from forecaster.cli.log import at_home, stderr
from forecaster.cli.option_texts import (
    COLUMNS,
    COMPUTING,
    CONFIG_FILE,
    ENGINE,
    FORECASTING,
    GENERAL,
    NETWORK,
    READING,
    TRAINING,
)
from forecaster.cli.options import Data, ReportFile, Settings, accepts, read_settings, settings_of
from forecaster.config import Cell, Effort
from forecaster.errors import UsageError

if TYPE_CHECKING:
    from forecaster.cli.progress import Progress
    from forecaster.config import ReadConfig
    from forecaster.data.load import Loaded
    from forecaster.pipeline.compare import Comparisons
    from forecaster.pipeline.contestants import Contestant
    from forecaster.pipeline.pieces import Counter

PANEL = "Contestants"
Cells = Annotated[
    list[str] | None,
    typer.Option(
        "--cells",
        metavar="|".join(get_args(Cell)) + ",...",
        help="Recurrent cells to compare.",
        rich_help_panel=PANEL,
    ),
]
Efforts = Annotated[
    list[str] | None,
    typer.Option(
        "--efforts",
        metavar="|".join(get_args(Effort)) + ",...",
        help="Efforts to compare.",
        rich_help_panel=PANEL,
    ),
]
Configs = Annotated[
    list[str] | None,
    typer.Option(
        "--configs", metavar="FILE,...", help="Files of settings, each in place of forecast.toml.",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--models", metavar="FILE,...", help="Model files; pretrained: the networks of the package.",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
Tune = Annotated[
    int | None,
    typer.Option(
        "--tune", metavar="N", min=1, max=10_000, rich_help_panel=PANEL,
        help="Search among N settings, on origins before those of the test; the best joins the contestants.",
    ),
]  # fmt: skip
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", rich_help_panel=PANEL,
        help=f"Where --tune writes better settings. Default {CONFIG_FILE}. An existing file is not replaced.",
    ),
]  # fmt: skip
UpToOrigins = Annotated[
    int | None,
    typer.Option(
        "--origins", metavar="N", min=1,
        help="Number of forecast origins. Default: up to 10, within a quarter of the rows.",
    ),
]  # fmt: skip


@accepts(FORECASTING, COLUMNS, READING, NETWORK, TRAINING, COMPUTING, ENGINE, GENERAL)
def compare(
    data: Data,
    settings: Settings,
    cells: Cells = None,
    efforts: Efforts = None,
    configs: Configs = None,
    models: Models = None,
    tune: Tune = None,
    output: Output = None,
    origins: UpToOrigins = None,
    step: Step = None,
    again: Refit = "never",
    report: ReportFile = None,
) -> None:
    """\b
    $ forecast compare sample_data/sensors.parquet --cells gru,lstm

    Rank contestants and baselines by their errors from the same origins, as `evaluate` measures them, and say
    which differ by more than chance. Each list adds contestants; without any: efforts quick and normal, and
    pretrained. --tune 20 searches for better settings, those that you give left as they are, and writes them
    for `forecast train DATA --config FILE`.
    """
    from forecaster.cli.data_summary import log_data
    from forecaster.pipeline.compare import compare as compare_on
    from forecaster.pipeline.evaluate import refit_of

    refit, listed = refit_of(again), {"configs": _files(configs), "models": _files(models)}
    output = _check_files(data, report, output, tune, listed)
    contestants, read = _contestants(settings, cells, efforts, **listed, tune=tune)

    def on_read(loaded: Loaded) -> None:
        account.read(loaded)
        log_data(loaded)

    result = compare_on(
        data,
        contestants,
        settings.options,
        read,
        origins=origins,
        step=step,
        refit=refit,
        tuned=tune or 0,
        fixed=settings.explicit,
        watch=partial(_watch, lines=not tune),
        on_read=on_read,
        engine=settings.engine,
    )
    for note in result.notes:
        stderr.info(note)
    written = _write(result, settings, data, output, report)
    _show(result, written, as_json=settings.general.json)
    if result.stopped is not None:
        raise result.stopped


def _check_files(
    data: str, report: str | None, output: str | None, tune: int | None, listed: dict[str, list[str]]
) -> str:
    """Where settings go. Raises UsageError or StorageError before any work where a file cannot be written."""
    from forecaster.cli.page import check_report
    from forecaster.report.settings_file import check_settings_file

    check_report(report)
    if tune == 0:
        raise UsageError("tune cannot be 0", hint="Give 1 or more, such as 20.")
    if output is not None and not tune:
        raise UsageError("--output is for the settings that --tune finds", hint="Add --tune 20.")
    output = output or CONFIG_FILE
    if tune:
        check_settings_file(output)
    check_apart({"data": data, "output": output, "report": report, **listed}, model_is_written=False)
    return output


def _contestants(
    settings: Settings,
    cells: list[str] | None,
    efforts: list[str] | None,
    *,
    configs: list[str],
    models: list[str],
    tune: int | None,
) -> tuple[tuple[Contestant, ...], ReadConfig]:
    """The contestants, and how to read the data for all of them. With --tune there may be none.

    Raises UsageError, and ModelError for a file that is no model.
    """
    from forecaster.model.model import Model
    from forecaster.pipeline.contestants import contestants_of, one_reading
    from forecaster.pipeline.predict import PRETRAINED

    named = {name: settings_of(read_settings(path), settings.flags) for name, path in _named(configs).items()}
    of: dict[str, Model | Literal["pretrained"]] = {
        name: "pretrained" if path == PRETRAINED else Model.load(path)
        for name, path in _named(models).items()
    }
    if len(of) == 1 and not named:
        account.uses(models[0])
    chosen = {"cells": _split(cells), "efforts": _split(efforts)}
    ways = {name: each.read for name, each in named.items()}
    if not named or tune or of or any(chosen.values()):
        ways["the command line"] = settings.read
    options = {name: each.options for name, each in named.items()}
    contestants = contestants_of(settings.options, configs=options, models=of, **chosen)
    return contestants, one_reading(ways) or settings.read


def _files(values: list[str] | None) -> list[str]:
    """The files of a list, each once."""
    files = _split(values)
    if any("\0" in name or not name for name in files):
        raise UsageError("a name in a list of files is empty", hint="Give names, such as a.toml,b.toml.")
    return list(dict.fromkeys(map(at_home, files)))


def _split(values: list[str] | None) -> list[str]:
    """All items; commas part them, but not between quotes."""
    lines = [value.replace("\n", " ").replace("\r", " ") for value in values or ()]
    return [item.strip() for row in csv.reader(lines, skipinitialspace=True) for item in row]


def _named(files: list[str]) -> dict[str, str]:
    """Name -> file: the last part of its path, or the whole where two are the same."""
    from forecaster.data.storage.place import place

    last = [place(file).name for file in files]
    return {name if last.count(name) == 1 else file: file for name, file in zip(last, files, strict=True)}


@contextmanager
def _watch(name: str, number: int, count: int, *, lines: bool) -> Iterator[tuple[Progress, Counter]]:
    """Say what is tried, and show the progress of its training; as lines only where there are few."""
    from forecaster.cli.progress import progress

    stderr.info(f"{number} of {count}: {name}")
    with progress(stderr, lines=lines) as listener:
        yield listener, listener.origin


def _write(result: Comparisons, settings: Settings, data: str, output: str, report: str | None) -> str | None:
    """Write the report, and the settings where they are better; the file of settings, if it was written."""
    import dataclasses

    from forecaster.cli.page import write_page
    from forecaster.report.files import is_page, write_report
    from forecaster.report.settings_file import check_settings_file, write_settings

    if report and is_page(report) and result.leaderboard is not None:
        write_page(result, report, None, options=settings.options)
    elif report and result.leaderboard is not None:
        write_report(result.leaderboard, report)
        account.wrote(report)
    changes = result.better_settings
    if not changes:
        return None
    command = f"forecast train {shlex.quote(data)} --config {shlex.quote(output)}"
    found_by = f"Found by `forecast compare --tune`, forecaster {forecaster.__version__}."
    comments = [found_by, *result.tuning_verdict.split(". "), f"Use: {command}"]
    check_settings_file(output)
    write_settings(output, dataclasses.replace(settings.options, **changes), settings.read, comments)
    account.wrote(output)
    return output


def _show(result: Comparisons, written: str | None, *, as_json: bool) -> None:
    """The board and what the search found, on stdout; what was written, on stderr."""
    from forecaster.cli.data_summary import findings
    from forecaster.cli.streams import console, write_json
    from forecaster.report.terminal import print_leaderboard

    if result.tuning is not None:
        stderr.info(result.tuning_verdict)
        use = f"`forecast train DATA --config {shlex.quote(written)}`" if written else ""
        stderr.info(f"wrote {written}: {use} trains with it" if written else "no settings were written")
    if result.leaderboard is None:
        return
    if not as_json:
        print_leaderboard(console(), result.leaderboard)
        return
    for failure in result.leaderboard.failures:
        stderr.warn(f"{failure.name}: {failure.reason}")
    tuning = None
    if result.tuning is not None:
        facts = {"verdict": result.tuning_verdict, "file": written, "better": bool(result.better_settings)}
        tuning = facts | result.tuning.to_json()
    board = result.leaderboard.to_json() | {"tuning": tuning, "notes": list(result.notes)}
    write_json("compare-1", board | {"findings": findings(result.loaded)})
