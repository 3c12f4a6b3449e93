"""The application: the list of commands, the texts of the main help, the exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import forecaster
from forecaster.cli.skip_pydantic import FastCommand, FastGroup

COMMANDS = {
    "inspect": "Show how the data is understood.",
    "train": "Train a model and report its errors on held-out data.",
    "predict": "Forecast from the newest row of each series.",
    "update": "Go on training a model on the rows that are new.",
    "rollback": "Bring back the model before.",
    "explain": "Show which past rows, seasons and covariates moved a forecast.",
    "evaluate": "Backtest the model and the baselines over rolling origins.",
    "compare": "Rank settings and models on the same origins, or search for better settings.",
    "monitor": "Compare new rows with forecasts of them, and raise alarms.",
    "show": "Show a model: its data, settings, training and errors.",
}
"""Command -> one line of help. The command `x` is the function `x` in the file `x.py` of this folder."""
EPILOG = (
    "Every setting is also an environment variable (--bad-rows: FORECAST_BAD_ROWS) and a key of "
    "forecast.toml (bad_rows); --origins, --step, --series, what `compare` tries and the files that a "
    "command writes are not. Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 a bug in "
    "forecast, 2 wrong usage, 3 unusable data, 4 unusable model, 5 reading or writing failed, 6 locked by "
    "another run, 7 training diverged, 8 monitor raised an alarm, 9 data or model too old, 10 more memory "
    "needed than allowed, 130 interrupted, 143 terminated."
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"forecast {forecaster.__version__}")
        raise typer.Exit


def forecast(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """\b
    $ forecast train sample_data/sensors.parquet
    $ forecast predict

    Forecast stock prices and sensor readings from a table of observations. --known names columns whose
    future is known, such as prices and opening hours; --static names facts of each series.
    """


def _one_line_paragraphs(docstring: str) -> str:
    """The docstring with each paragraph on one line, except the examples, for Typer to wrap."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(p if p.startswith("\b") else p.replace("\n", " ") for p in paragraphs)


def _function(command: str) -> Callable[..., Any]:
    """The function of a command. Only now is its file imported; ImportError where there is none."""
    return getattr(__import__(f"forecaster.cli.{command}", fromlist=[command]), command)


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The application with the command that `arguments` begin with; with all commands where they do not."""
    app = typer.Typer(
        cls=FastGroup,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=EPILOG)(forecast)
    for name in [name for name in COMMANDS if name in arguments[:1]] or COMMANDS:
        function = _function(name)
        text = _one_line_paragraphs(function.__doc__ or "")
        app.command(name, cls=FastCommand, help=text, short_help=COMMANDS[name])(function)
    return app
